"""Conditions of a search for patients, as SQL: substrings, whole texts, values, and images of a clinic.

``lower`` and ``LIKE`` of SQLite ignore case in ASCII only. Columns that are searched as text are therefore stored
case-folded as well (`folded`), and compared with case-folded values.

Values and whole texts use an index. A substring is found by a table scan: SQLite and PostgreSQL share no index for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from albumcore.index import ImageRow
from albumcore_adapters.sql.database import MAX_INTEGER, MAX_KEY, Parameter
from albumcore_adapters.store.rows import TABLES

Condition: TypeAlias = tuple[str, tuple[Parameter, ...]]
"""A condition on rows of ``directory_patient``: SQL, and its parameters."""

TEXT_COLUMNS = ("paternal_last", "maternal_last", "first", "middle", "curp")
"""The columns that are searched as text."""

_WILDCARDS = str.maketrans({"!": "!!", "%": "!%", "_": "!_"})
_OF_CLINIC = (
    f"id IN (SELECT patient FROM {TABLES[ImageRow]} WHERE clinic = ?"  # noqa: S608
    " AND is_removed = 0 AND is_closed = 0)"
)


def folded(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the case-folded columns for those values that are searched as text."""
    return {f"folded_{name}": values[name].casefold() for name in TEXT_COLUMNS if name in values}


def start_of(name: str) -> str:
    """Return the indexed expression of a case-folded column: its start, because index entries have a limited length."""
    return f"substr(folded_{name}, 1, {MAX_KEY})"


def contains(*names: str) -> Callable[[str], Condition]:
    """Return the condition that one of the columns contains a text without regard to case. There are no wild cards."""
    condition = " OR ".join(f"folded_{name} LIKE ? ESCAPE '!'" for name in names)

    def containing(text: str) -> Condition:
        pattern = f"%{text.casefold().translate(_WILDCARDS)}%"
        return f"({condition})", (pattern,) * len(names)

    return containing


def is_whole(name: str) -> Callable[[str], Condition]:
    """Return the condition that a column is equal to a text without regard to case."""
    # The concatenation keeps SQLite from substituting the column's value into the expression, which bypasses the index.
    condition = f"({start_of(name)} = ? AND folded_{name} || '' = ?)"

    def being(text: str) -> Condition:
        wanted = text.casefold()
        return condition, (wanted[:MAX_KEY], wanted)

    return being


def equals(name: str) -> Callable[[Any], Condition]:
    """Return the condition that a column is equal to a value; no column is equal to a number of more than 64 bits."""

    def having(value: Any) -> Condition:
        if isinstance(value, int):
            return (f"{name} = ?", (value,)) if abs(value) <= MAX_INTEGER else ("1 = 0", ())
        return f"{name} = ?", (str(value),)

    return having


def has_image_of_clinic(clinic_id: int) -> Condition:
    """Return the condition that the patient has an image of a clinic that is not removed."""
    return _OF_CLINIC, (clinic_id,)
