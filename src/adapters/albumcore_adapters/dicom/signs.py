"""Signs: plain thumbnails of instances that no picture is made of. They need no package that decodes frames."""

from __future__ import annotations

import struct
import zlib
from functools import cache
from typing import Literal

from albumcore_adapters.dicom.pictures import Picture

Sign = Literal["document", "video", "no picture"]
"""What an instance is, as far as a sign says it."""

_SCALE = 8  # pixels on each side of a dot
_BACKGROUND, _INK = b"\x20", b"\xb0"  # of gray
_DOTS: dict[Sign, tuple[str, ...]] = {
    "document": (
        "................",
        "...########.....",
        "...#......##....",
        "...#......#.#...",
        "...#......####..",
        "...#.........#..",
        "...#.#######.#..",
        "...#.........#..",
        "...#.#######.#..",
        "...#.........#..",
        "...#.#######.#..",
        "...#.........#..",
        "...#.####....#..",
        "...#.........#..",
        "...###########..",
        "................",
    ),
    "video": (
        "................",
        "................",
        "....##..........",
        "....####........",
        "....######......",
        "....########....",
        "....##########..",
        "....############",
        "....############",
        "....##########..",
        "....########....",
        "....######......",
        "....####........",
        "....##..........",
        "................",
        "................",
    ),
    "no picture": (
        "................",
        "................",
        ".##############.",
        ".#...........##.",
        ".#..........##..",
        ".#.........##.#.",
        ".#..##....##..#.",
        ".#.####..##...#.",
        ".#.#####.#....#.",
        ".#...##.##....#.",
        ".#..##....###.#.",
        ".#.##...#####.#.",
        ".###..........#.",
        ".##############.",
        "................",
        "................",
    ),
}
_VIDEO = "1.2.840.10008.1.2.4.10"  # begins the transfer syntaxes of MPEG2, MPEG-4 and HEVC
_DOCUMENTS = (
    "1.2.840.10008.5.1.4.1.1.88.",  # begins the SOP classes of structured reports
    "1.2.840.10008.5.1.4.1.1.104.",  # begins those of encapsulated documents
)


def sign_of(sop_class_uid: str, transfer_syntax: str) -> Sign:
    """Return the sign of an instance.

    Args:
        sop_class_uid: SOPClassUID, (0008,0016).
        transfer_syntax: TransferSyntaxUID, (0002,0010).
    """
    if transfer_syntax.startswith(_VIDEO):
        return "video"
    return "document" if sop_class_uid.startswith(_DOCUMENTS) else "no picture"


@cache
def drawn(sign: Sign) -> Picture:
    """Return a sign as a PNG of 128 pixels on each side."""
    dots = _DOTS[sign]
    rows = b""
    for line in dots:
        row = b"".join((_INK if dot == "#" else _BACKGROUND) * _SCALE for dot in line)
        rows += (b"\0" + row) * _SCALE  # each row begins with its filter, which is none
    side = len(dots) * _SCALE
    header = struct.pack(">LLBBBBB", side, side, 8, 0, 0, 0, 0)  # 8 bits of gray
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")
    return Picture("image/png", b"\x89PNG\r\n\x1a\n" + chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">L", len(content)) + kind + content + struct.pack(">L", checksum)
