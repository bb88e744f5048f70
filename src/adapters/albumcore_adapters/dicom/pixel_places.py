"""Where the frames and the bulk data of an instance are in its file, so that they are sent without decoding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import orjson
from attrs import field, frozen

from albumcore_adapters.base.byte_source import ByteSource

ByteRange: TypeAlias = tuple[int, int]
"""The bytes of a file from the first number to before the second."""

MAX_FRAMES = 100_000
"""Of an instance with more frames, the places of frames are not listed."""


@frozen
class NativeFrames:
    """Frames that are not encapsulated (DICOM PS3.5 section 8.1.1): all of one length, one after the other.

    Attributes:
        start: Where the first one begins, in bytes from the start of the file.
        bits: The length of one frame, in bits; a frame of single bits may begin within a byte.
        number: The number of frames.
    """

    start: int
    bits: int
    number: int

    def ranges(self, index: int) -> tuple[ByteRange, ...]:
        """The bytes with the frame at an index, from 0."""
        first, stop = index * self.bits, (index + 1) * self.bits
        return ((self.start + first // 8, self.start + (stop + 7) // 8),)

    def shift(self, index: int) -> int:
        """The number of bits of the first byte that belong to the frame before."""
        return index * self.bits % 8


@frozen
class EncapsulatedFrames:
    """Encapsulated frames (DICOM PS3.5 section A.4).

    Attributes:
        places: For each frame the ranges of its fragments, which follow each other in the stream of the frame.
    """

    places: tuple[tuple[ByteRange, ...], ...] = field(repr=False)

    @property
    def number(self) -> int:
        """The number of frames."""
        return len(self.places)

    def ranges(self, index: int) -> tuple[ByteRange, ...]:
        """The bytes of the frame at an index, from 0."""
        return self.places[index]

    def shift(self, index: int) -> int:
        """A frame begins with a byte."""
        return 0


@frozen
class PixelPlaces:
    """The places of the frames and of the bulk data in a file.

    Attributes:
        frames: The frames as stored; None if there are none, or if their places are not known.
        bulk: The ranges of bulk data by path: a tag of eight hexadecimal digits, within sequences preceded by the tag
            and the number (from 1) of each item, as in ``54000100/1/54001010``.
    """

    frames: NativeFrames | EncapsulatedFrames | None
    bulk: Mapping[str, ByteRange] = field(factory=dict)

    def ranges(self, number: int) -> tuple[ByteRange, ...]:
        """The bytes of a frame as stored.

        Args:
            number: Its number, from 1.

        Raises:
            IndexError: there is no such frame, or its place is not known.
        """
        return self._frames(number).ranges(number - 1)

    def frame(self, source: ByteSource, number: int) -> bytes:
        """Return a frame as stored; one of single bits begins at the lowest bit of its first byte.

        Args:
            source: The file.
            number: The number of the frame, from 1.

        Raises:
            IndexError: there is no such frame, or its place is not known.
        """
        frames = self._frames(number)
        content = b"".join(source.read(start, stop) for start, stop in frames.ranges(number - 1))
        shift = frames.shift(number - 1)
        if isinstance(frames, EncapsulatedFrames) or not (shift or frames.bits % 8):
            return content
        bits = int.from_bytes(content, "little") >> shift & ((1 << frames.bits) - 1)
        return bits.to_bytes((frames.bits + 7) // 8, "little")

    def _frames(self, number: int) -> NativeFrames | EncapsulatedFrames:
        if self.frames is None or not 1 <= number <= self.frames.number:
            raise IndexError(f"no frame {number}")
        return self.frames

    def to_json(self) -> bytes:
        """Return the places as JSON, which `from_json` reads."""
        body: dict[str, Any] = {}
        if isinstance(self.frames, NativeFrames):
            body["native"] = [self.frames.start, self.frames.bits, self.frames.number]
        elif self.frames is not None:
            body["encapsulated"] = self.frames.places
        if self.bulk:
            body["bulk"] = dict(self.bulk)
        return orjson.dumps(body)

    @classmethod
    def from_json(cls, content: bytes | str) -> PixelPlaces:
        """Read what `to_json` wrote."""
        body = orjson.loads(content)
        frames: NativeFrames | EncapsulatedFrames | None = None
        if "native" in body:
            frames = NativeFrames(*body["native"])
        elif "encapsulated" in body:
            frames = EncapsulatedFrames(
                tuple(
                    tuple((start, stop) for start, stop in frame) for frame in body["encapsulated"]
                )
            )
        bulk = {path: (start, stop) for path, (start, stop) in body.get("bulk", {}).items()}
        return cls(frames, bulk)
