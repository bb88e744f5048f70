"""DICOM files to be sent: CT images of random pixels, in messages whose UIDs a number tells apart."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from itertools import count, product

import numpy as np
import pydicom
from attrs import frozen
from pydicom.data import get_testdata_file
from pydicom.uid import UID

BOUNDARY = "1b0e9b3c-part"
HEADERS = {
    "Content-Type": f'multipart/related; type="application/dicom"; boundary={BOUNDARY}',
    "Accept": "application/dicom+json",
}
"""What a message of instances is sent with."""

_ROOT = "1.2.826.0.1.3680043.10.1579"
_NUMBER = 90_000_000  # eight digits, which another number takes the place of
_COPY = 70_000_000  # eight digits as well
_numbers = count(_NUMBER + 1)
_END = f"--{BOUNDARY}--".encode()


def new_number() -> int:
    """A number of a series that was not used before; all have eight digits."""
    return next(_numbers)


def study_uid(number: int) -> str:
    """StudyInstanceUID of a study."""
    return f"{_ROOT}.{number}"


def series_uid(number: int) -> str:
    """SeriesInstanceUID of the series of a study."""
    return f"{study_uid(number)}.1"


def instance_uid(number: int, place: int) -> str:
    """SOPInstanceUID of an instance of a series, by its place from 1; of the first copy."""
    return f"{series_uid(number)}.{_COPY}.{place}"


@frozen
class CtImages:
    """The instances of one series, each a part of a message; of any series, by its number.

    Attributes:
        parts: The parts.
        copies: How many times a message has them, with UIDs of their own each time.
    """

    parts: tuple[bytes, ...]
    copies: int = 1

    @classmethod
    def of(cls, instances: int, side: int = 512, frames: int = 1, copies: int = 1) -> CtImages:
        """Make instances of so many frames of ``side`` by ``side`` pixels of 16 bits."""
        parts = (_part(place, side, frames) for place in range(1, instances + 1))
        return cls(tuple(parts), copies)

    @property
    def length(self) -> int:
        """The length of a message."""
        return self.copies * sum(map(len, self.parts)) + len(_END)

    def pieces(self, number: int) -> Iterator[bytes]:
        """The message with a series, part by part."""
        for copy, part in product(range(self.copies), self.parts):
            of_series = part.replace(b"%d" % _NUMBER, b"%d" % number)
            yield of_series.replace(b"%d" % _COPY, b"%d" % (_COPY + copy))
        yield _END

    def message(self) -> tuple[int, bytes]:
        """A number that was not used before, and the message with its series."""
        number = new_number()
        return number, b"".join(self.pieces(number))


def _part(place: int, side: int, frames: int) -> bytes:
    path = get_testdata_file("CT_small.dcm")
    assert path is not None
    dataset = pydicom.dcmread(str(path))
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study_uid(_NUMBER), series_uid(_NUMBER)
    dataset.SOPInstanceUID = UID(instance_uid(_NUMBER, place))
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.InstanceNumber = place
    dataset.Rows = dataset.Columns = side
    if frames > 1:
        dataset.NumberOfFrames = frames
    slope = np.add.outer(np.arange(side), np.arange(side)) % 1000
    noise = np.random.default_rng(place).integers(0, 200, (frames, side, side))
    dataset.PixelData = (slope + noise).astype("<i2").tobytes()
    file = BytesIO()
    dataset.save_as(file)
    head = f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n"
    return head.encode() + file.getvalue() + b"\r\n"
