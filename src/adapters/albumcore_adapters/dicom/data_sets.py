"""Parsing the data set of a DICOM file (DICOM PS3.10) up to its pixel data, in bounded memory."""

from __future__ import annotations

import logging
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock
from typing import BinaryIO

from attrs import define, field, frozen
from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset, FileDataset
from pydicom.filereader import read_dataset, read_partial
from pydicom.tag import BaseTag
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
)

from albumcore.ids import is_uid
from albumcore_adapters.dicom.deflated import BoundedReader, InflatedTooLong
from albumcore_adapters.dicom.errors import CannotDecode, NotAnInstance

PIXEL_DATA_TAGS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
"""Float, Double Float and Pixel Data: the last element that is not padding or a signature."""

UNDEFINED_LENGTH = 0xFFFFFFFF
MAX_ELEMENTS = 100_000
"""A data set with more elements, those in sequences apart, is refused."""

MAX_FRAGMENTS = 1_000_000
"""Pixel data in more fragments is refused."""

DEFERRED = 64 * 1024
"""The value of an element of more bytes is not read until it is needed."""

_PREAMBLE = 128  # bytes before the prefix DICM (DICOM PS3.10 section 7.1)
LEAD = _PREAMBLE + 4
"""Bytes of a file that tell whether it is a DICOM file."""

NOT_DICOM = "not a DICOM file"
"""Why a file that is none is refused."""

# The start of a file without preamble and prefix: group 0002 or 0008 with an explicit VR, or with an implicit one and
# then a length below 64 KiB.
_BARE = re.compile(
    rb"(?:[\x02\x08]\x00..|\x00[\x02\x08]..)[A-Z]{2}|\x08\x00....\x00\x00", re.DOTALL
)
_HEADER = 8  # bytes of the tag and length of an item or delimiter (DICOM PS3.5 section 7.5)
_ITEM = b"\xfe\xff\x00\xe0"
_SEQUENCE_ENDS = {b"\xfe\xff\xdd\xe0" + bytes(4), b"\xff\xfe\xe0\xdd" + bytes(4)}


_quiet = RLock()


@contextmanager
def quiet_pydicom() -> Iterator[None]:
    """Suppress the warnings and the log of pydicom. For one thread at a time: both are of the whole process."""
    logger = logging.getLogger("pydicom")
    with _quiet, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        was_disabled, logger.disabled = logger.disabled, True
        try:
            yield
        finally:
            logger.disabled = was_disabled


@contextmanager
def damage_refused() -> Iterator[None]:
    """Raise `NotAnInstance` for whatever pydicom raises on damaged files.

    Raises:
        OSError: a file of the system cannot be read.
        MemoryError: there is not enough memory.
    """
    try:
        with quiet_pydicom():
            yield
    except (NotAnInstance, CannotDecode, MemoryError):
        raise
    except InflatedTooLong as error:
        raise NotAnInstance(str(error)) from None
    except Exception as error:
        # Their types are of every kind, OSError included. Their text may quote the file, so the reason names the type.
        if isinstance(error, OSError) and error.strerror:
            raise
        raise NotAnInstance(f"damaged header ({type(error).__name__})") from None


@define
class Extent:
    """Stops pydicom at the pixel data, and records where the elements read so far end.

    pydicom calls it before it reads each value.

    Attributes:
        file: The file that is read.
        longest: The longest value, in bytes, of the attributes that the catalogue stores, by tag.
        end: The offset of the last element's end, or of its value if its length is undefined.
        value: The offset of the last element's value.
        length: Its length, or `UNDEFINED_LENGTH`.
        vr: Its VR; None if it is implicit.
        pixel_tag: The tag of the pixel data, if it was reached.
        elements: The number of elements.
        fragments: The ranges of the fragments of encapsulated pixel data, the first of which is the basic offset table.
    """

    file: BinaryIO
    longest: dict[int, int]
    end: int = 0
    value: int = 0
    length: int = 0
    vr: str | None = None
    pixel_tag: int | None = None
    elements: int = 0
    fragments: list[tuple[int, int]] = field(factory=list)

    def __call__(self, tag: BaseTag, vr: str | None, length: int) -> bool:
        """Note an element; return whether the data set ends before it."""
        self.elements += 1
        if self.elements > MAX_ELEMENTS:
            raise NotAnInstance(f"more than {MAX_ELEMENTS} attributes")
        if tag in self.longest and self.longest[tag] < length < UNDEFINED_LENGTH:
            raise NotAnInstance(f"{keyword_for_tag(tag)} is longer than {self.longest[tag]} bytes")
        self.value, self.length, self.vr = self.file.tell(), length, vr
        self.end = self.value + (0 if self.is_open else length)
        self.pixel_tag = int(tag) if tag in PIXEL_DATA_TAGS else None
        return self.pixel_tag is not None

    @property
    def is_open(self) -> bool:
        """Whether the length of the last element is undefined."""
        return self.length == UNDEFINED_LENGTH

    def is_whole(self) -> bool:
        """Whether the file is as long as its last element requires; finds the fragments of encapsulated pixel data."""
        size = self.file.seek(0, os.SEEK_END)
        if self.is_open:
            return self._ends_with_delimiter(self.end if self.pixel_tag else size - _HEADER)
        return self.end <= size if self.pixel_tag else self.end == size

    def _ends_with_delimiter(self, position: int) -> bool:
        self.file.seek(position)
        while len(header := self.file.read(_HEADER)) == _HEADER and header.startswith(_ITEM):
            if len(self.fragments) == MAX_FRAGMENTS:
                raise NotAnInstance(f"more than {MAX_FRAGMENTS} fragments of pixel data")
            start = position + _HEADER
            position = start + int.from_bytes(header[4:], "little")
            self.fragments.append((start, position))
            self.file.seek(position)
        return header in _SEQUENCE_ENDS


@frozen
class ParsedFile:
    """The data set of a file, without its pixel data.

    Attributes:
        dataset: The data set; values of more than `DEFERRED` bytes are not in it.
        transfer_syntax: TransferSyntaxUID, (0002,0010), or that of the encoding that was found.
        data: The file that the offsets of values refer to: the file itself, or its inflated data set.
        extent: Where the data set ends, and its pixel data begins.
        is_deflated: Whether ``data`` is inflated, so that an offset in it says nothing about the file.
    """

    dataset: FileDataset
    transfer_syntax: str
    data: BinaryIO
    extent: Extent
    is_deflated: bool

    @property
    def is_big_endian(self) -> bool:
        """Whether the data set is big endian."""
        return self.dataset.original_encoding[1] is False


def begins_as_dicom(start: bytes) -> bool:
    """Whether the first `LEAD` bytes of a file are those of a DICOM file, with or without preamble and prefix."""
    return start[_PREAMBLE:] == b"DICM" or _BARE.match(start) is not None


def parse(
    file: BoundedReader, longest: dict[int, int], defer_size: int | None = DEFERRED
) -> ParsedFile:
    """Parse a file up to its pixel data.

    Args:
        file: The file, at its start.
        longest: The longest value, in bytes, that is accepted of some tags; at most `DEFERRED`.
        defer_size: The value of an element of more bytes is not read; None to read all.

    Raises:
        NotAnInstance: it is not a DICOM file, or truncated, or a media directory, or has too many elements, or names a
            transfer syntax that is no UID.
        Exception: of any type, raised by pydicom on damaged files.
    """
    start = file.read(LEAD)
    file.seek(0)
    if not begins_as_dicom(start):
        raise NotAnInstance(NOT_DICOM)
    extent = Extent(file, longest)
    dataset = read_partial(file, extent, defer_size=defer_size, force=True)
    if dataset.file_meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage:
        raise NotAnInstance("a media directory (DICOMDIR), not an instance")
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    if syntax and not is_uid(syntax):  # it is in the headers of responses
        raise NotAnInstance("TransferSyntaxUID is not a UID")
    if syntax == DeflatedExplicitVRLittleEndian:
        data = file.inflated()
        extent = Extent(data, longest)
        body = read_dataset(data, False, True, stop_when=extent, defer_size=defer_size)
        dataset = FileDataset(data, body, None, dataset.file_meta, False, True)
        return ParsedFile(dataset, str(syntax), data, extent, is_deflated=True)
    if not extent.is_whole():
        raise NotAnInstance("truncated")
    return ParsedFile(dataset, str(syntax or _found_syntax(dataset)), file, extent, False)


def _found_syntax(dataset: Dataset) -> str:
    """The transfer syntax of a file that does not name it."""
    is_implicit, is_little = dataset.original_encoding
    if is_implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRLittleEndian if is_little else ExplicitVRBigEndian
