"""Conditions for a search of patients: parts of texts in any case, whole texts, values, and images of a clinic.

``lower`` and ``LIKE`` of SQLite know the case of ASCII letters alone. So what is searched by text is stored a second
time, case-folded in Python (`folded`), and a value is folded before it is compared.

Values and whole texts are found by an index. Part of a text is found by a scan of the table: no index that SQLite and
PostgreSQL share serves it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from albumcore.index import ImageRow
from albumcore_adapters.sql.database import MAX_INTEGER, MAX_KEY, Parameter
from albumcore_adapters.store.rows import table_of

Condition: TypeAlias = tuple[str, tuple[Parameter, ...]]
"""What is asked of a row of ``directory_patient``, in SQL, and its parameters."""

SEARCHED = ("paternal_last", "maternal_last", "first", "middle", "curp")
"""The columns that are searched by text."""

_WILDCARDS = str.maketrans({"!": "!!", "%": "!%", "_": "!_"})
_OF_CLINIC = f"id IN (SELECT patient FROM {table_of(ImageRow)} WHERE clinic = ?)"  # noqa: S608


def folded(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the columns with the case-folded form of those ``values`` that are searched by text."""
    return {f"folded_{name}": values[name].casefold() for name in SEARCHED if name in values}


def start_of(name: str) -> str:
    """Return the indexed expression of a folded column: PostgreSQL has no index entries as long as texts may be."""
    return f"substr(folded_{name}, 1, {MAX_KEY})"


def contains(*names: str) -> Callable[[str], Condition]:
    """Any of the columns contains the text, in any case; no character of it is a wildcard."""
    condition = " OR ".join(f"folded_{name} LIKE ? ESCAPE '!'" for name in names)

    def containing(text: str) -> Condition:
        pattern = f"%{text.casefold().translate(_WILDCARDS)}%"
        return f"({condition})", (pattern,) * len(names)

    return containing


def is_whole(name: str) -> Callable[[str], Condition]:
    """The column is the text, in any case."""
    # SQLite would put the value of a plain column into the expression before it, and then use no index.
    condition = f"({start_of(name)} = ? AND folded_{name} || '' = ?)"

    def being(text: str) -> Condition:
        wanted = text.casefold()
        return condition, (wanted[:MAX_KEY], wanted)

    return being


def equals(name: str) -> Callable[[Any], Condition]:
    """The column has the value; a number of more than 64 bits is the value of none."""

    def having(value: Any) -> Condition:
        if isinstance(value, int):
            return (f"{name} = ?", (value,)) if abs(value) <= MAX_INTEGER else ("1 = 0", ())
        return f"{name} = ?", (str(value),)

    return having


def has_image_of_clinic(clinic_id: int) -> Condition:
    """There is an image of the patient taken at the clinic, and it is not removed."""
    return _OF_CLINIC, (clinic_id,)
