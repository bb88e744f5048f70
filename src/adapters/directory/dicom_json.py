"""Reading values out of attributes in the DICOM JSON Model (DICOM PS3.18 Annex F)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from adapters.directory._database import MAX_INTEGER

Attributes: TypeAlias = Mapping[str, Any]
"""By tag, in eight hexadecimal digits: ``{"00081030": {"vr": "LO", "Value": ["Thorax"]}}``."""


def text(attributes: Attributes, tag: str) -> str | None:
    """Return the text of an attribute, of a name its alphabetic or else its first group.

    Several values are joined by a backslash, as DICOM PS3.5 section 6.4 writes them.
    """
    return "\\".join(filter(None, map(_text, _values(attributes, tag)))) or None


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
