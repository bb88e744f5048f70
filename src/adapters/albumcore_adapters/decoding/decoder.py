"""The decoder, as the other rooms use it: jobs for a few decoding processes."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import attrs
import orjson

from albumcore.ids import SeriesUID, StudyUID
from albumcore_adapters.base.byte_source import ByteSource, BytesSource
from albumcore_adapters.base.concurrency import ConcurrencyLimit
from albumcore_adapters.base.dicom_json import Attributes
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.decoding.process import (
    DEFAULT_LIMITS,
    DecoderFailed,
    DecoderLimits,
    DecoderUnavailable,
    DecodingProcess,
)
from albumcore_adapters.decoding.wire import WireMessage
from albumcore_adapters.dicom.bulk_data import META_GROUP, PIXEL_DATA_TAG, BulkData
from albumcore_adapters.dicom.deflated import MAX_INFLATED
from albumcore_adapters.dicom.errors import CannotCompose, CannotDecode, NotAnInstance
from albumcore_adapters.dicom.explicit_file import ExplicitFile
from albumcore_adapters.dicom.header import Header
from albumcore_adapters.dicom.pictures import Picture, Rendering
from albumcore_adapters.dicom.pixel_places import PixelPlaces
from albumcore_adapters.directory.instances import InstanceRecord

DECODING_ERRORS = (CannotDecode, DecoderFailed, NotAnInstance)
"""What the jobs of a decoder raise, beside the errors of a source: the file is at fault, not the service."""

PATIENCE = 15.0
"""Seconds that every process must have been occupied before a job for a reader is refused: a few files that take long
to decode do not keep all threads of a service waiting."""

LITTLE_PATIENCE = 1.0
"""The same for a job that a page can do without."""

_BUSY = "pictures are being decoded that take long; try again"
_RETRY_SECONDS = 5
_PIECE = 256 * 1024  # bytes


class Decoder:
    """Reads headers and frames, and makes files of JSON, in processes of their own. Thread-safe.

    A process is started when it is first needed, and again after it died. It opens no file: it asks for the ranges of
    bytes that it needs. A thread waits until a process is free.

    Every job raises `DecoderUnavailable` if no process can be started. One that is not for storing an instance raises
    `LimitReached` where all processes have been occupied for `PATIENCE`.

    Args:
        number: The number of processes, at most.
        limits: What each process may use.
        max_inflated: How much longer than its file a deflated data set may be, in bytes.
    """

    def __init__(
        self,
        number: int = 1,
        limits: DecoderLimits = DEFAULT_LIMITS,
        max_inflated: int = MAX_INFLATED,
    ) -> None:
        self._limits = limits
        self._max_inflated = max_inflated
        self._free = ConcurrencyLimit(number, _BUSY, _RETRY_SECONDS, threading.TIMEOUT_MAX)
        self._idle: deque[DecodingProcess] = deque()

    @classmethod
    def of(cls, settings: Settings) -> Decoder:
        """Return the decoder that the settings describe."""
        limits = DecoderLimits(settings.decoder_memory, settings.decoder_seconds)
        return cls(settings.decoders, limits, settings.max_inflated)

    def start(self) -> None:
        """Start a process now, so that the first job does not wait for it; do not wait until it is ready.

        If that fails, the first job tries it again.
        """
        with suppress(DecoderUnavailable):
            if not self._idle:
                self._idle.append(DecodingProcess.start(self._limits))

    def header(self, source: ByteSource) -> Header:
        """Read the header of the instance in a file.

        Args:
            source: The file.

        Raises:
            NotAnInstance: it is not a DICOM file, or has no usable instance.
            DecoderFailed: it cannot be read within the limits.
            Exception: what the source raises.
        """
        answer = self._run(source, {"job": "header"})
        record, length = answer.says["record"], answer.says["json"]
        json, pixels = answer.content[:length], answer.content[length:]
        return Header(
            record=InstanceRecord(
                study_uid=StudyUID(record["study_uid"]),
                series_uid=SeriesUID(record["series_uid"]),
                sop_instance_uid=record["sop_instance_uid"],
                study=record["study"],
                series=record["series"],
                instance=record["instance"],
            ),
            json=json,
            transfer_syntax=answer.says["transfer_syntax"],
            pixels=PixelPlaces.from_json(pixels) if pixels else None,
        )

    def render(self, source: ByteSource, frame: int, rendering: Rendering) -> Picture:
        """Render a frame.

        Args:
            source: The file.
            frame: The number of the frame, from 1.
            rendering: How.

        Raises:
            NotAnInstance: it is not a DICOM file.
            CannotDecode: it has no such frame, or its frames cannot be decoded here.
            DecoderFailed: it cannot be decoded within the limits.
            Exception: what the source raises.
        """
        job = {"job": "render", "frame": frame, "rendering": attrs.asdict(rendering)}
        answer = self._run(source, job, PATIENCE)
        return Picture(answer.says["media_type"], answer.content)

    def photograph(self, source: ByteSource, side: int) -> Picture | None:
        """Render a photograph small: a file in JPEG, PNG, GIF, WebP or BMP, upright, on white.

        Args:
            source: The file.
            side: The longest side of the picture, in pixels.

        Returns:
            The picture, a JPEG; None where the extra ``pixels`` is not installed.

        Raises:
            CannotDecode: it is no such file, is damaged, or claims too many pixels.
            DecoderFailed: it cannot be decoded within the limits.
            Exception: what the source raises.
        """
        answer = self._run(source, {"job": "photograph", "side": side}, PATIENCE)
        return Picture("image/jpeg", answer.content) if answer.content else None

    def photograph_size(self, source: ByteSource) -> tuple[int, int] | None:
        """Return the width and the height of a photograph that is shown upright, in pixels, from its header.

        It waits for `LITTLE_PATIENCE` alone.

        Args:
            source: The file.

        Returns:
            The size; None where the extra ``pixels`` is not installed.

        Raises:
            CannotDecode: it is no file in JPEG, PNG, GIF, WebP or BMP, or its header is damaged.
            DecoderFailed: it cannot be read within the limits.
            Exception: what the source raises.
        """
        answer = self._run(source, {"job": "photograph_size"}, LITTLE_PATIENCE)
        match answer.says["size"]:
            case [int(width), int(height)]:
                return width, height
        return None

    def frames(self, source: ByteSource, numbers: Sequence[int]) -> list[bytes]:
        """Decode frames to little endian, as Explicit VR Little Endian has them (DICOM PS3.5 section 8.1.1).

        A native frame is as the data set describes it. Of an encapsulated one the samples of a pixel follow each
        other, and colors that were transformed for compression are RGB.

        Args:
            source: The file.
            numbers: The numbers of the frames, from 1.

        Raises:
            NotAnInstance: it is not a DICOM file.
            CannotDecode: it has no such frame, or its frames cannot be decoded here.
            DecoderFailed: they cannot be decoded within the limits.
            Exception: what the source raises.
        """
        return _several(self._run(source, {"job": "frames", "numbers": list(numbers)}, PATIENCE))

    def bulk(self, source: ByteSource, path: str) -> bytes:
        """Return bulk data, little endian: that of a deflated or big endian file has no place of its own.

        Args:
            source: The file.
            path: Its path, as in `PixelPlaces.bulk`.

        Raises:
            NotAnInstance: it is not a DICOM file.
            CannotDecode: it has no such bulk data.
            DecoderFailed: it cannot be read within the limits.
            Exception: what the source raises.
        """
        return self._run(source, {"job": "bulk", "path": path}, PATIENCE).content

    def explicit(self, source: ByteSource) -> ExplicitFile:
        """Find how a file is in Explicit VR Little Endian. Of its frames the first is decoded, to see that it can be.

        Args:
            source: The file.

        Raises:
            NotAnInstance: it is not a DICOM file.
            CannotDecode: its frames cannot be decoded here.
            DecoderFailed: it cannot be read within the limits.
            Exception: what the source raises.
        """
        answer = self._run(source, {"job": "explicit"}, PATIENCE)
        start, stop = answer.says["stored"]
        return ExplicitFile(
            answer.content, (start, stop), answer.says["frames"], answer.says["is_padded"]
        )

    def decodable(self, syntaxes: Iterable[str]) -> frozenset[str]:
        """Those of some transfer syntaxes for whose frames a decoder is installed.

        Raises:
            DecoderFailed: it does not say so within the limits.
        """
        answer = self._run(BytesSource(), {"job": "decodable", "syntaxes": sorted(syntaxes)})
        return frozenset(answer.says["decodable"])

    def compose(self, attributes: Attributes, bulk: Mapping[str, BulkData]) -> Iterator[bytes]:
        """Make a file of a data set and its bulk data, as `albumcore_adapters.dicom.part10.compose` says.

        Args:
            attributes: The data set in the DICOM JSON Model.
            bulk: The bulk data by tag, of attributes of the data set itself.

        Returns:
            The file in pieces. The bulk data are read meanwhile, and what they raise is raised.

        Raises:
            CannotCompose: the data set is not valid, or its bulk data are of a kind that no transfer syntax here has.
            DecoderFailed: the file cannot be made within the limits.
            Exception: what the source of the pixel data raises.
        """
        try:
            text = orjson.Fragment(orjson.dumps(attributes))
        except orjson.JSONEncodeError:
            raise CannotCompose("the data set is nested too deeply") from None
        values = {tag: bulk[tag] for tag in sorted(bulk) if not tag.startswith(META_GROUP)}
        pixels = values.get(PIXEL_DATA_TAG)
        job = {
            "job": "compose",
            "attributes": text,
            "lengths": {tag: one.content.length for tag, one in values.items()},
            "media_type": pixels.media_type if pixels else "",
            "transfer_syntax": pixels.transfer_syntax if pixels else None,
        }
        around = _several(self._run(pixels.content if pixels else BytesSource(), job))
        return _alternating(around, [one.content for one in values.values()])

    def close(self) -> None:
        """End the processes that have no job."""
        while (process := self._popped()) is not None:
            process.close()

    def _run(
        self, source: ByteSource, job: dict[str, Any], patience: float | None = None
    ) -> WireMessage:
        with self._process(patience) as process:
            answer = process.run(source, {**job, "max_inflated": self._max_inflated})
        match answer.says:
            case {"not_an_instance": str(reason)}:
                raise NotAnInstance(reason)
            case {"cannot_decode": str(reason)}:
                raise CannotDecode(reason)
            case {"cannot_compose": str(reason)}:
                raise CannotCompose(reason)
        return answer

    @contextmanager
    def _process(self, patience: float | None) -> Iterator[DecodingProcess]:
        """Lend a process to this thread."""
        with self._free.slot(patience=patience):
            process = self._usable()
            try:
                yield process
            finally:
                if process.is_usable:
                    self._idle.append(process)

    def _usable(self) -> DecodingProcess:
        while (process := self._popped()) is not None:
            if process.is_usable:
                return process
            process.end()
        return DecodingProcess.start(self._limits)

    def _popped(self) -> DecodingProcess | None:
        try:
            return self._idle.pop()
        except IndexError:  # which another thread may cause between a check and this
            return None


def _several(answer: WireMessage) -> list[bytes]:
    pieces, start = [], 0
    for length in answer.says["lengths"]:
        pieces.append(answer.content[start : start + length])
        start += length
    return pieces


def _alternating(around: Sequence[bytes], sources: Sequence[ByteSource]) -> Iterator[bytes]:
    """Yield what is before the first source, that source in pieces, what is before the second, and so on."""
    yield around[0]
    for source, after in zip(sources, around[1:], strict=True):
        for start in range(0, source.length, _PIECE):
            yield source.read(start, min(start + _PIECE, source.length))
        yield after
