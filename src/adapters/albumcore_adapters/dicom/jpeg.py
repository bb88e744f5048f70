"""What the header of a JPEG image says about its pixels (ITU-T T.81 annex B)."""

from __future__ import annotations

from typing import BinaryIO

from attrs import frozen

_BASELINE = "1.2.840.10008.1.2.4.50"
_EXTENDED = "1.2.840.10008.1.2.4.51"
_LOSSLESS = "1.2.840.10008.1.2.4.57"
_FRAMES = {0xC0: _BASELINE, 0xC1: _EXTENDED, 0xC3: _LOSSLESS}  # start of frame, by process
_APP14 = 0xEE
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a segment
_SCAN = 0xDA
_MOST_SEGMENTS = 1000
_SIZES = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}
"""Markers of the segments that have the size of a frame, those of JPEG-LS included."""

_CODESTREAM = b"\xff\x4f\xff\x51"  # begins one of JPEG 2000, after boxes if there are any
_MOST_BOXES = 4096  # bytes


@frozen
class JpegHeader:
    """The header of a JPEG image.

    Attributes:
        rows: Its height.
        columns: Its width.
        samples: Its components: 1 or 3.
        bits: Bits of each sample.
        is_rgb: Whether its components are red, green and blue, by the segment of Adobe.
        transfer_syntax: The transfer syntax of an instance that contains it.
    """

    rows: int
    columns: int
    samples: int
    bits: int
    is_rgb: bool
    transfer_syntax: str

    @property
    def photometric_interpretation(self) -> str:
        """PhotometricInterpretation, (0028,0004)."""
        if self.samples == 1:
            return "MONOCHROME2"
        is_lossy = self.transfer_syntax != _LOSSLESS
        return "YBR_FULL_422" if is_lossy and not self.is_rgb else "RGB"


def jpeg_header(file: BinaryIO) -> JpegHeader | None:
    """Read the header of a JPEG image; None if it is none, or of a process that DICOM does not have."""
    place, is_rgb = 2, False
    if _read(file, 0, 2) != b"\xff\xd8":
        return None
    for _ in range(_MOST_SEGMENTS):
        head = _read(file, place, 4)
        if len(head) < 4 or head[0] != 0xFF:
            return None
        marker = head[1]
        if marker == 0xFF or marker in _ALONE:  # a fill byte, or a marker alone
            place += 1 if marker == 0xFF else 2
            continue
        segment = _read(file, place + 4, 16)
        if marker in _FRAMES:
            return _frame(segment, _FRAMES[marker], is_rgb=is_rgb)
        if marker == _SCAN:
            return None
        is_rgb |= marker == _APP14 and segment[:5] == b"Adobe" and segment[11:12] == b"\0"
        place += 2 + int.from_bytes(head[2:], "big")
    return None


def coded_size(frame: bytes) -> tuple[int, int] | None:
    """The rows and columns that a JPEG, JPEG-LS or JPEG 2000 frame says it has; None if it does not say it.

    Args:
        frame: The frame as it is stored (ITU-T T.81, T.87 and T.800 annex A).
    """
    start = frame.find(_CODESTREAM, 0, _MOST_BOXES)
    if start >= 0:
        sizes = frame[start + 8 : start + 24]
        columns, rows, left, top = (
            int.from_bytes(sizes[at : at + 4], "big") for at in range(0, 16, 4)
        )
        return max(0, rows - top), max(0, columns - left)
    if frame[:2] != b"\xff\xd8":
        return None
    place = 2
    for _ in range(_MOST_SEGMENTS):
        head = frame[place : place + 9]
        if len(head) < 9 or head[0] != 0xFF or head[1] == _SCAN:
            return None
        if head[1] in _SIZES:
            return int.from_bytes(head[5:7], "big"), int.from_bytes(head[7:9], "big")
        if head[1] == 0xFF:  # a fill byte
            place += 1
        else:
            place += 2 if head[1] in _ALONE else 2 + int.from_bytes(head[2:4], "big")
    return None


def _frame(segment: bytes, transfer_syntax: str, *, is_rgb: bool) -> JpegHeader | None:
    rows, columns = (int.from_bytes(segment[at : at + 2], "big") for at in (1, 3))
    samples = segment[5] if len(segment) > 5 else 0
    if samples not in (1, 3) or not rows or not columns:
        return None
    return JpegHeader(rows, columns, samples, segment[0], is_rgb, transfer_syntax)


def _read(file: BinaryIO, start: int, size: int) -> bytes:
    file.seek(start)
    return file.read(size)
