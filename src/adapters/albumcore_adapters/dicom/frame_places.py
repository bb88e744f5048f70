"""Finding the frames in the pixel data of a parsed file (DICOM PS3.5 section 8 and annex A.4)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from pydicom.dataset import Dataset

from albumcore_adapters.dicom.data_sets import ParsedFile
from albumcore_adapters.dicom.pixel_places import (
    MAX_FRAMES,
    ByteRange,
    EncapsulatedFrames,
    NativeFrames,
)

_EXTENDED_OFFSETS = 0x7FE00001
_BITS = {0x7FE00008: 32, 0x7FE00009: 64}  # of Float and Double Float Pixel Data
_VIDEO = (
    "1.2.840.10008.1.2.4.10"  # begins the UIDs of MPEG2, MPEG-4 and HEVC: all frames are one stream
)
_END_OF_IMAGE = b"\xff\xd9"  # ends a JPEG, JPEG-LS or JPEG 2000 stream


def frames_of(parsed: ParsedFile) -> NativeFrames | EncapsulatedFrames | None:
    """Return where the frames are in the data of a parsed file; None if it has none, or they are not found."""
    extent = parsed.extent
    if extent.pixel_tag is None:
        return None
    try:
        number = int(parsed.dataset.get("NumberOfFrames") or 1)
        if extent.is_open:
            return _encapsulated(parsed, number)
        bits = frame_bits(parsed.dataset, extent.pixel_tag)
    except (TypeError, ValueError, AttributeError, struct.error):
        return None
    if number < 1 or bits < 1 or extent.value + (bits * number + 7) // 8 > extent.end:
        return None
    return NativeFrames(extent.value, bits, number)


def sent_as_stored(parsed: ParsedFile) -> NativeFrames | EncapsulatedFrames | None:
    """Return where the frames are; None for big endian ones too, whose bytes have to be put in order."""
    frames = frames_of(parsed)
    return None if parsed.is_big_endian and isinstance(frames, NativeFrames) else frames


def frame_bits(dataset: Dataset, pixel_tag: int) -> int:
    """Return the length of a native frame, in bits.

    Raises:
        AttributeError, TypeError, ValueError: the data set does not say it.
    """
    samples = int(dataset.get("SamplesPerPixel") or 1)
    if samples == 3 and dataset.get("PhotometricInterpretation") == "YBR_FULL_422":
        samples = 2  # two pixels share their chrominance
    bits = _BITS.get(pixel_tag) or int(dataset.BitsAllocated)
    return int(dataset.Rows) * int(dataset.Columns) * samples * bits


def _encapsulated(parsed: ParsedFile, number: int) -> EncapsulatedFrames | None:
    first, *fragments = parsed.extent.fragments
    if not fragments or number > MAX_FRAMES:
        return None
    if parsed.transfer_syntax.startswith(_VIDEO):
        return EncapsulatedFrames((tuple(fragments),))
    for offsets in (_extended_offsets(parsed.dataset), _basic_offsets(parsed, first)):
        if len(offsets) == number and (found := _split(fragments, offsets)):
            return EncapsulatedFrames(found)
    if number == 1:
        return EncapsulatedFrames((tuple(fragments),))
    if len(fragments) == number:
        return EncapsulatedFrames(tuple((fragment,) for fragment in fragments))
    by_end = _split_by_end(parsed, fragments)
    return EncapsulatedFrames(by_end) if len(by_end) == number else None


def _extended_offsets(dataset: Dataset) -> Sequence[int]:
    value: Any = dataset.get_item(_EXTENDED_OFFSETS, keep_deferred=True)
    content = value.value if value is not None else None
    return struct.unpack(f"<{len(content) // 8}Q", content) if content else ()


def _basic_offsets(parsed: ParsedFile, first: ByteRange) -> Sequence[int]:
    start, stop = first
    parsed.data.seek(start)
    content = parsed.data.read(min(stop - start, 4 * MAX_FRAMES))
    return struct.unpack(f"<{len(content) // 4}L", content)


def _split(
    fragments: Sequence[ByteRange], offsets: Sequence[int]
) -> tuple[tuple[ByteRange, ...], ...] | None:
    """Split the fragments at the offsets of frames, counted from the first item; None if one is not an item."""
    origin = fragments[0][0]
    index = {start - origin: position for position, (start, _) in enumerate(fragments)}
    try:
        starts = [index[offset] for offset in offsets]
    except KeyError:
        return None
    if starts[0] != 0 or any(one >= other for one, other in pairwise(starts)):
        return None
    return tuple(tuple(fragments[a:b]) for a, b in pairwise([*starts, len(fragments)]))


def _split_by_end(
    parsed: ParsedFile, fragments: Sequence[ByteRange]
) -> tuple[tuple[ByteRange, ...], ...]:
    """Split the fragments behind each that ends an image."""
    frames: list[tuple[ByteRange, ...]] = []
    waiting: list[ByteRange] = []
    for start, stop in fragments:
        waiting.append((start, stop))
        parsed.data.seek(max(start, stop - 4))
        if _END_OF_IMAGE in parsed.data.read(stop - max(start, stop - 4)):
            frames.append(tuple(waiting))
            waiting = []
    return tuple(frames)
