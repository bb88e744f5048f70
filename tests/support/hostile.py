"""DICOM files that are made to exhaust what reads them."""

from __future__ import annotations

import zlib

_HEAD = bytes(128) + b"DICM"


def _meta(syntax: bytes) -> bytes:
    value = syntax + b"\0" * (len(syntax) % 2)
    element = b"\x02\0\x10\0UI" + len(value).to_bytes(2, "little") + value
    group = b"\x02\0\0\0UL\x04\0" + len(element).to_bytes(4, "little")
    return _HEAD + group + element


def nested(depth: int) -> bytes:
    """Sequences within each other, of undefined length."""
    level = b"\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    return _meta(b"1.2.840.10008.1.2.1") + level * depth


def many_elements(number: int) -> bytes:
    """Private elements, each short."""
    elements = b"".join(
        b"\x09\0" + (0x1000 + place % 0xE000).to_bytes(2, "little") + b"LO\x02\0ab"
        for place in range(number)
    )
    return _meta(b"1.2.840.10008.1.2.1") + elements


def deflated(mebibytes: int) -> bytes:
    """A deflated data set that is this long when it is inflated."""
    deflater = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    length = (mebibytes << 20).to_bytes(4, "little")
    pieces = [deflater.compress(b"\x08\0\x01\0UT\0\0" + length)]
    pieces += [deflater.compress(bytes(1 << 20)) for _ in range(mebibytes)]
    return _meta(b"1.2.840.10008.1.2.1.99") + b"".join(pieces) + deflater.flush()
