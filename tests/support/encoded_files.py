"""DICOM files for tests: those of pydicom's wheel, files made of a few elements, and byte sources over either."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import pydicom.data
from attrs import frozen
from pydicom.uid import ExplicitVRLittleEndian

from albumcore_adapters.base.byte_source import SourceFile
from albumcore_adapters.dicom.deflated import MAX_INFLATED, BoundedReader

BUNDLE = Path(pydicom.data.__file__).parent
FILES = BUNDLE / "test_files"
ALL_FILES = tuple(
    path for path in sorted(BUNDLE.rglob("*")) if path.is_file() and "__pycache__" not in path.parts
)
"""The files of pydicom's wheel, of which most are DICOM files."""

LONG = {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}
"""VRs whose elements have a length of 32 bits."""

STUDY, SERIES, SOP = 0x0020000D, 0x0020000E, 0x00080018
UIDS: Mapping[int, tuple[str, bytes]] = {
    SOP: ("UI", b"1.2.3.4\0"),
    STUDY: ("UI", b"1.2\0"),
    SERIES: ("UI", b"1.2.3\0"),
}
"""The elements that make a file an instance."""

UNDEFINED = b"\xff\xff\xff\xff"


@frozen
class Content:
    """A byte source in memory."""

    content: bytes

    @property
    def length(self) -> int:
        """The length, in bytes."""
        return len(self.content)

    def read(self, start: int, stop: int) -> bytes:
        """Return a range, which must be within the content."""
        assert 0 <= start <= stop <= self.length
        return self.content[start:stop]


def reader(content: bytes, max_inflated: int = MAX_INFLATED) -> BoundedReader:
    """Return a file in memory as it is read."""
    return BoundedReader(SourceFile(Content(content)), max_inflated)


def tag_bytes(tag: int, order: str = "little") -> bytes:
    """Return a tag as it is encoded."""
    first, second = tag >> 16, tag & 0xFFFF
    if order == "big":
        return first.to_bytes(2, "big") + second.to_bytes(2, "big")
    return first.to_bytes(2, "little") + second.to_bytes(2, "little")


def encoded(tag: int, vr: str, value: bytes, length: bytes | None = None) -> bytes:
    """Return an element in Explicit VR Little Endian; ``length`` may be wrong, or undefined."""
    size = 4 if vr in LONG else 2
    head = tag_bytes(tag) + vr.encode() + (bytes(2) if vr in LONG else b"")
    return head + (length or len(value).to_bytes(size, "little")) + value


def item(*elements: bytes) -> bytes:
    """Return an item of a sequence, or a fragment."""
    content = b"".join(elements)
    return b"\xfe\xff\x00\xe0" + len(content).to_bytes(4, "little") + content


SEQUENCE_END = b"\xfe\xff\xdd\xe0" + bytes(4)


def instance_file(
    elements: Mapping[int, tuple[str, bytes]],
    rest: bytes = b"",
    transfer_syntax: str = ExplicitVRLittleEndian,
) -> bytes:
    """Return a file with the UIDs of an instance and these elements, and then some bytes."""
    syntax = transfer_syntax.encode()
    meta = encoded(0x00020010, "UI", syntax + bytes(len(syntax) % 2))
    size = encoded(0x00020000, "UL", len(meta).to_bytes(4, "little"))
    body = b"".join(
        encoded(tag, vr, value) for tag, (vr, value) in sorted({**UIDS, **elements}.items())
    )
    return bytes(128) + b"DICM" + size + meta + body + rest


def image_elements(
    rows: int, columns: int, frames: int = 1, bits: int = 8, photometric: bytes = b"MONOCHROME2 "
) -> dict[int, tuple[str, bytes]]:
    """Return the elements that describe the pixels of an image."""
    samples = 3 if photometric[:3] in (b"RGB", b"YBR") else 1
    numbers = {
        0x00280002: samples,
        0x00280010: rows,
        0x00280011: columns,
        0x00280100: bits,
        0x00280101: bits,
        0x00280102: bits - 1,
        0x00280103: 0,
        **({0x00280006: 0} if samples > 1 else {}),
    }
    count = str(frames).encode()
    return {
        0x00280004: ("CS", photometric),
        0x00280008: ("IS", count + b" " * (len(count) % 2)),
        **{tag: ("US", number.to_bytes(2, "little")) for tag, number in numbers.items()},
    }


def encapsulated(*fragments: bytes, offsets: bytes = b"") -> bytes:
    """Return encapsulated pixel data, with a basic offset table."""
    pieces = [item(offsets), *map(item, fragments), SEQUENCE_END]
    return encoded(0x7FE00010, "OB", b"".join(pieces), UNDEFINED)


def deflated(content: bytes) -> bytes:
    """Return a data set deflated."""
    import zlib

    packer = zlib.compressobj(wbits=-15)
    return packer.compress(content) + packer.flush()


def in_memory(path: Path) -> io.BytesIO:
    """Return a file of the disk as a file in memory."""
    return io.BytesIO(path.read_bytes())
