"""Attributes in the DICOM JSON Model (DICOM PS3.18 Annex F): making, ordering and reading them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

Attributes: TypeAlias = Mapping[str, Any]
"""Attributes by tag, in eight hexadecimal digits: ``{"00081030": {"vr": "LO", "Value": ["Thorax"]}}``."""

_MAX_INTEGER = 2**63 - 1


def element(vr: str, *values: Any) -> dict[str, Any]:
    """Return an attribute with these values; without values, an empty one."""
    return {"vr": vr, "Value": list(values)} if values else {"vr": vr}


def sorted_by_tag(attributes: Attributes) -> dict[str, Any]:
    """Return the attributes in ascending order of tags, which DICOM PS3.18 section F.2.2 requires."""
    return dict(sorted(attributes.items()))


def text_value(attributes: Attributes, tag: str) -> str | None:
    """Return the value of an attribute as text, or None if it has none.

    Several values are joined by a backslash (DICOM PS3.5 section 6.4). Of a person name it is the alphabetic
    component group, or else the first group that is there.
    """
    return "\\".join(filter(None, map(_text, _values(attributes, tag)))) or None


def text_values(attributes: Attributes, tag: str) -> Iterator[str]:
    """Yield every value of an attribute as text; of a person name, every component group."""
    for value in _values(attributes, tag):
        if isinstance(value, Mapping):
            yield from value.values()
        elif value is not None:
            yield str(value)


def integer_value(attributes: Attributes, tag: str) -> int | None:
    """Return the first value of an attribute, if it is an integer that a column of a database can hold (64 bits)."""
    for value in _values(attributes, tag):
        return value if isinstance(value, int) and abs(value) <= _MAX_INTEGER else None
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
