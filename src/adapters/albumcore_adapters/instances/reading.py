"""Reading stored instances: their files, headers, frames and bulk data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import orjson
from attrs import frozen

from albumcore.errors import NotFound
from albumcore.ids import SeriesUID, StudyUID
from albumcore_adapters.base.byte_source import ByteSource
from albumcore_adapters.base.dicom_json import Attributes
from albumcore_adapters.blobs.sealed import CHUNK
from albumcore_adapters.decoding import Decoder, DecoderFailed, NotAnInstance, PixelPlaces
from albumcore_adapters.dicom.links import with_root
from albumcore_adapters.dicom.pixel_places import ByteRange
from albumcore_adapters.directory.stored_instances import StoredInstance, StoredInstances
from albumcore_adapters.instances.archive import Archive, BytesGone

PIECE = 16 * CHUNK
"""Bytes that are read at a time."""


class InstanceNotFound(NotFound):
    """The series has no such instance, or its bytes are not stored here."""

    code = "instance_not_found"


def pieces_of(source: ByteSource, ranges: Iterable[ByteRange]) -> Iterator[bytes]:
    """Read ranges of bytes one after the other, in pieces; none spans two chunks more than it has to."""
    for start, stop in ranges:
        while start < stop:
            end = min(stop, (start // PIECE + 1) * PIECE)
            yield source.read(start, end)
            start = end


def part_of(ranges: Iterable[ByteRange], start: int, stop: int) -> Iterator[ByteRange]:
    """The ranges that hold the bytes from ``start`` to before ``stop`` of what some ranges hold together."""
    for first, after in ranges:
        length = after - first
        if start < length and stop > 0:
            yield first + max(start, 0), first + min(stop, length)
        start, stop = start - length, stop - length


def length_of(ranges: Iterable[ByteRange]) -> int:
    """The number of bytes that some ranges hold together."""
    return sum(stop - start for start, stop in ranges)


@frozen
class InstanceReader:
    """What instances are read with.

    Attributes:
        instances: The tables of stored instances.
        archive: Where their bytes are.
        decoder: Reads headers and frames that are not read as stored.
    """

    instances: StoredInstances
    archive: Archive
    decoder: Decoder

    def of_series(self, study: StudyUID, series: Iterable[SeriesUID]) -> list[StoredInstance]:
        """The instances of some series that have bytes: by series as given, InstanceNumber, then UID.

        Raises:
            InstanceNotFound: there are none.
        """
        found = [
            one
            for uid in series
            for one in self.instances.of_series(study, uid)
            if one.digest is not None
        ]
        if not found:
            raise InstanceNotFound("the bytes of these instances are not stored here")
        return found

    def one(self, study: StudyUID, series: SeriesUID, sop_instance_uid: str) -> StoredInstance:
        """An instance that has bytes.

        Raises:
            InstanceNotFound: there is none.
        """
        found = self.instances.one(study, series, sop_instance_uid)
        if found is None:
            raise InstanceNotFound("no such instance in this series")
        if found.digest is None:
            raise InstanceNotFound("the bytes of this instance are not stored here")
        return found

    def open(self, instance: StoredInstance) -> ByteSource:
        """Open the file of an instance, for one thread.

        Raises:
            InstanceNotFound: it was erased, or the archive does not have it any more.
        """
        try:
            return self.archive.open(instance)
        except BytesGone as error:
            raise InstanceNotFound(error.reason) from None

    def read(
        self, instance: StoredInstance, ranges: Sequence[ByteRange]
    ) -> Callable[[int, int], Iterator[bytes]]:
        """What reads some ranges of a file as one: from a byte of them to before another, in pieces."""

        def read(start: int, stop: int) -> Iterator[bytes]:
            source = self.open(instance)
            return pieces_of(source, part_of(ranges, start, stop))

        return read

    def explicit(self, instance: StoredInstance) -> Iterator[bytes]:
        """The file of an instance in Explicit VR Little Endian, in pieces; a frame is decoded when it is its turn.

        Raises:
            InstanceNotFound: it was erased.
            NotAnInstance, CannotDecode, DecoderFailed: it cannot be decoded; raised at once, unless it is a later
                frame.
        """
        source = self.open(instance)
        found = self.decoder.explicit(source)

        def pieces() -> Iterator[bytes]:
            yield found.start
            yield from pieces_of(source, [found.stored])
            for number in range(1, found.frames + 1):
                yield from self.decoder.frames(source, [number])
            if found.is_padded:
                yield b"\0"

        return pieces()

    def completed(
        self, found: Mapping[str, bytes | None], instances: Mapping[str, StoredInstance]
    ) -> dict[str, bytes | None]:
        """Make the headers that are missing, and store them, so that they are made once.

        Args:
            found: The headers that are stored, by SOPInstanceUID; None where one is missing.
            instances: Those instances that have bytes, by SOPInstanceUID.

        Returns:
            The headers in the same order; None for one that cannot be made.
        """
        return {
            uid: header
            if header is not None or uid not in instances
            else self._made(instances[uid])
            for uid, header in found.items()
        }

    def attributes(self, instance: StoredInstance) -> Attributes:
        """The attributes in the header of an instance; none if it cannot be read. It is not stored if it is missing."""
        stored = self.instances.headers([instance.series_uid], instance.sop_instance_uid)
        header = stored.get(instance.sop_instance_uid) or self._header(instance)
        found: Attributes = {} if header is None else orjson.loads(with_root(header, ""))
        return found

    def _made(self, instance: StoredInstance) -> bytes | None:
        header = self._header(instance)
        if header is not None:
            self.instances.put_header(instance.series_uid, instance.sop_instance_uid, header)
        return header

    def _header(self, instance: StoredInstance) -> bytes | None:
        try:
            return self.decoder.header(self.open(instance)).json
        except (NotAnInstance, DecoderFailed, InstanceNotFound):
            return None


def places_of(instance: StoredInstance) -> PixelPlaces | None:
    """Where the frames and the bulk data of an instance are in its file; None if they have to be decoded."""
    return None if instance.pixels is None else PixelPlaces.from_json(instance.pixels)
