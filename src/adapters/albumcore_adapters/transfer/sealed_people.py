"""The people of a sealed copy: the pseudonyms they get, and the directory that alone knows them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from attrs import define, frozen

from albumcore.ids import UserId
from albumcore_adapters.base.random_ids import random_id
from albumcore_adapters.directory.pseudonyms import new_pseudonym, new_salt
from albumcore_adapters.transfer.endpoint import Endpoint
from albumcore_adapters.transfer.tables import RowValues, Table, batches, differences, rows

PEOPLE_TABLE = "directory_person"
"""The table of people."""

_DESCRIPTION = ("email", "name")
"""The columns of a person beside ``sub``, pseudonym and salt."""


@frozen
class SealedPerson:
    """What the directory of the target has of a person beside their ``sub``."""

    pid: UserId
    salt: str


@define
class SealedPeople:
    """The people of the target. A pseudonym is stored before anything that has it, so that no call makes another."""

    _target: Endpoint
    by_sub: dict[str, SealedPerson]

    @classmethod
    def of(cls, target: Endpoint) -> SealedPeople:
        """Return the people that an earlier call has stored."""
        with target.database.transaction(commit=False) as cursor:
            cursor.execute(f"SELECT sub, pid, salt FROM {PEOPLE_TABLE}")  # noqa: S608
            found = {row["sub"]: SealedPerson(row["pid"], row["salt"]) for row in cursor.fetchall()}
        return cls(target, found)

    def name_of(self, user: UserId) -> UserId:
        """Return the pseudonym of a person, who need not be in the directory of the source."""
        known = self.by_sub.get(user)
        if known is None:
            known = SealedPerson(new_pseudonym(random_id), new_salt())
            with self._target.database.transaction(commit=True) as cursor:
                cursor.execute(
                    f"INSERT INTO {PEOPLE_TABLE} (sub, pid, salt) VALUES (?, ?, ?)",  # noqa: S608
                    (user, known.pid, known.salt),
                )
            self.by_sub[user] = known
        return known.pid

    def rows(self, source: Endpoint, table: Table) -> Iterator[RowValues]:
        """Yield the rows of all people, with what the source has of each."""
        others = set(self.by_sub)
        for row in rows(source, table):
            values = dict(zip(table.columns, row, strict=True))
            self.name_of(values["sub"])
            others.discard(values["sub"])
            yield self._row(table, values)
        for sub in others:
            yield self._row(table, {"sub": sub})

    def describe(
        self,
        table: Table,
        wanted: Callable[[], Iterable[RowValues]],
        watched: Callable[[Iterable[RowValues]], Iterable[RowValues]],
    ) -> None:
        """Make the rows in the target say what they are to say. None is deleted meanwhile: it has the pseudonym."""
        # Addresses are unique, and may have been exchanged.
        for values in (dict.fromkeys(_DESCRIPTION), None):
            found = differences(watched(wanted()), rows(self._target, table), table)
            for batch in batches(row for row, _ in found if row is not None):
                self._update(table, batch, values)

    def _update(
        self, table: Table, batch: Iterable[RowValues], values: Mapping[str, None] | None
    ) -> None:
        assigned = ", ".join(f"{column} = ?" for column in _DESCRIPTION)
        with self._target.database.transaction(commit=True) as cursor:
            for row in batch:
                whole = dict(zip(table.columns, row, strict=True))
                said = [(values or whole)[column] for column in _DESCRIPTION]
                cursor.execute(
                    f"UPDATE {PEOPLE_TABLE} SET {assigned} WHERE sub = ?",  # noqa: S608
                    (*said, whole["sub"]),
                )

    def _row(self, table: Table, values: Mapping[str, Any]) -> RowValues:
        known = self.by_sub[values["sub"]]
        whole = {**values, "pid": known.pid, "salt": known.salt}
        return tuple(whole.get(column) for column in table.columns)
