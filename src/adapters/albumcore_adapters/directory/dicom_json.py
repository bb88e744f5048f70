"""Reading values out of attributes in the DICOM JSON Model (DICOM PS3.18 Annex F)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from albumcore_adapters.sql.database import MAX_INTEGER

Attributes: TypeAlias = Mapping[str, Any]
"""By tag, in eight hexadecimal digits: ``{"00081030": {"vr": "LO", "Value": ["Thorax"]}}``."""


def element(vr: str, *values: Any) -> dict[str, Any]:
    """Make the value of one attribute; without values, one that is there but empty."""
    return {"vr": vr, "Value": list(values)} if values else {"vr": vr}


def ordered(attributes: Attributes) -> dict[str, Any]:
    """Return the attributes by tag, the order that DICOM PS3.18 section F.2.2 demands."""
    return dict(sorted(attributes.items()))


def text(attributes: Attributes, tag: str) -> str | None:
    """Return the text of an attribute, of a name its alphabetic or else its first group.

    Several values are joined by a backslash, as DICOM PS3.5 section 6.4 writes them.
    """
    return "\\".join(filter(None, map(_text, _values(attributes, tag)))) or None


def texts(attributes: Attributes, tag: str) -> Iterator[str]:
    """Yield all that can be searched for in an attribute: each value, of a name each group."""
    for value in _values(attributes, tag):
        if isinstance(value, Mapping):
            yield from value.values()
        elif value is not None:
            yield str(value)


def integer(attributes: Attributes, tag: str) -> int | None:
    """Return the first value of an attribute if it is an integer that the database can hold."""
    for value in _values(attributes, tag):
        return value if isinstance(value, int) and abs(value) <= MAX_INTEGER else None
    return None


def _values(attributes: Attributes, tag: str) -> list[Any]:
    values: list[Any] = attributes.get(tag, {}).get("Value", [])
    return values


def _text(value: Any) -> str | None:
    match value:
        case str():
            return value
        case {"Alphabetic": str(name)} | {"Ideographic": str(name)} | {"Phonetic": str(name)}:
            return name
        case _:
            return None
