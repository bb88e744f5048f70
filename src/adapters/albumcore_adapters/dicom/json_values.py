"""Values of data elements as the DICOM JSON Model has them (DICOM PS3.18 section F.2), by VR.

A function of the tables raises an exception for a value that it does not know how to read.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Values: TypeAlias = list[Any]
"""The values of an attribute; None is an empty one."""

BINARY_VRS = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
"""VRs whose value is bytes."""

WORD_LENGTHS: Mapping[str, int] = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}
"""The length of the words of a binary VR, in bytes, if it has any: their bytes are swapped in a big endian file."""

UNAMBIGUOUS: Mapping[str, str] = {
    "OB or OW": "OW",
    "US or OW": "OW",
    "US or SS": "US",
    "US or SS or OW": "OW",
}
"""The VR where the dictionary names several and the data set does not decide."""

_MAX_INTEGER = 2**64 - 1
_MIN_INTEGER = -(2**63)
_ESCAPE = b"\x1b"  # begins a change of the character set, DICOM PS3.5 section 6.1.2.5


def finite(value: Any) -> Any:
    """Return a value, or None for a number that JSON cannot have, or an empty text."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int):
        return value if _MIN_INTEGER <= value <= _MAX_INTEGER else None
    return None if value == "" else value


def swapped(value: bytes, vr: str) -> bytes:
    """Return the words of a binary value with their bytes in the other order."""
    return swapped_words(value, WORD_LENGTHS.get(vr, 1))


def swapped_words(value: bytes, size: int) -> bytes:
    """Return the words of so many bytes with their bytes in the other order, without bytes that are no whole word."""
    value = value[: len(value) - len(value) % size]
    result = bytearray(value)
    for offset in range(size):
        result[offset::size] = value[size - 1 - offset :: size]
    return bytes(result)


def person_name(text: str) -> dict[str, str] | None:
    """Return the component groups of a person name that are not empty."""
    groups = zip(("Alphabetic", "Ideographic", "Phonetic"), text.split("="), strict=False)
    return {name: group for name, part in groups if (group := part.rstrip(" \0"))} or None


def _codes(value: bytes) -> Values:
    return [part.strip(" \0") or None for part in value.decode("latin-1").split("\\")]


def _uri(value: bytes) -> Values:
    return [value.decode("latin-1").rstrip(" \0") or None]


def _integers(value: bytes) -> Values:
    return [finite(int(part)) if part.strip(b" \0") else None for part in _parts(value)]


def _decimals(value: bytes) -> Values:
    return [finite(float(part)) if part.strip(b" \0") else None for part in _parts(value)]


def _parts(value: bytes) -> list[bytes]:
    return value.rstrip(b" \0").split(b"\\")


def _texts(text: str) -> Values:
    return [part.rstrip(" \0") or None for part in text.split("\\")]


def _text(text: str) -> Values:
    return [text.rstrip(" \0") or None]


def _names(text: str) -> Values:
    return [person_name(part) for part in text.split("\\")]


def numbers(form: str) -> Callable[[bytes, bool], Values]:
    """Return the function that reads binary numbers of a format of `struct`."""
    size = struct.calcsize(f"={form}")
    single = {True: struct.Struct(f"<{form}"), False: struct.Struct(f">{form}")}

    def read(value: bytes, is_little: bool) -> Values:
        if len(value) == size:
            return [finite(*single[is_little].unpack(value))]
        count, rest = divmod(len(value), size)
        if rest:
            raise ValueError("the length of the value does not fit its VR")
        return list(map(finite, struct.unpack(f"{'<' if is_little else '>'}{count}{form}", value)))

    return read


def _tags(value: bytes, is_little: bool) -> Values:
    halves = struct.unpack(f"{'<' if is_little else '>'}{len(value) // 2}H", value)
    return [
        f"{group:04X}{element:04X}"
        for group, element in zip(halves[::2], halves[1::2], strict=True)
    ]


DEFAULT_REPERTOIRE: Mapping[str, Callable[[bytes], Values]] = {
    **dict.fromkeys(("AE", "AS", "CS", "DA", "DT", "TM", "UI"), _codes),
    "UR": _uri,
    "IS": _integers,
    "DS": _decimals,
}
"""VRs of text that SpecificCharacterSet does not concern."""

EXTENDED: Mapping[str, Callable[[str], Values]] = {
    **dict.fromkeys(("LO", "SH", "UC"), _texts),
    **dict.fromkeys(("LT", "ST", "UT"), _text),
    "PN": _names,
}
"""VRs of text in the character sets of the data set."""

NUMBERS: Mapping[str, Callable[[bytes, bool], Values]] = {
    "AT": _tags,
    **{
        vr: numbers(form)
        for vr, form in {
            "US": "H",
            "SS": "h",
            "UL": "L",
            "SL": "l",
            "UV": "Q",
            "SV": "q",
            "FL": "f",
            "FD": "d",
        }.items()
    },
}
"""VRs of binary numbers."""


def values(vr: str, value: bytes, is_little: bool, encoding: str) -> Values:
    """Return the values of an element.

    Args:
        vr: Its VR, one of the tables.
        value: Its encoded value.
        is_little: Whether the data set is little endian.
        encoding: The Python name of the first character set of the data set.

    Raises:
        Exception: of any type: the VR or the form of the value is not a plain one.
    """
    if (plain := DEFAULT_REPERTOIRE.get(vr)) is not None:
        return plain(value)
    if (text := EXTENDED.get(vr)) is not None:
        if _ESCAPE in value:
            raise ValueError("the character set changes within the value")
        return text(value.decode(encoding))
    return NUMBERS[vr](value, is_little)
