"""Cursors of PostgreSQL that run what is written for SQLite, and raise what every store raises."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import psycopg
from eventsourcing.persistence import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    PersistenceError,
    ProgrammingError,
)
from psycopg.abc import Buffer, Params
from psycopg.adapt import Dumper, Loader
from psycopg.rows import DictRow, dict_row

from albumcore_adapters.sql.dialect import for_postgres, made_by, makes_tables
from albumcore_adapters.sql.faults import fault_of_postgres

_ERRORS: tuple[tuple[type[psycopg.Error], type[PersistenceError]], ...] = (
    (psycopg.InterfaceError, InterfaceError),
    (psycopg.OperationalError, OperationalError),
    (psycopg.DataError, DataError),
    (psycopg.IntegrityError, IntegrityError),
    (psycopg.InternalError, InternalError),
    (psycopg.ProgrammingError, ProgrammingError),
    (psycopg.NotSupportedError, NotSupportedError),
    (psycopg.DatabaseError, DatabaseError),
    (psycopg.Error, PersistenceError),
)


UNHURRIED = "SET LOCAL statement_timeout = 0"
"""Has the rest of a transaction take as long as it takes."""

# Told where another server has just taken over, and where a transaction was idle, or took, too long.
_PASSING = frozenset({"25006", "25P03", "25P04"})


class _Truth(Dumper):
    """Truth values are the numbers 0 and 1, as in SQLite."""

    oid = 20  # bigint

    def dump(self, obj: bool) -> Buffer:
        """The number."""
        return b"1" if obj else b"0"


class _Number(Loader):
    """Sums of whole numbers are whole numbers, as in SQLite."""

    def load(self, data: Buffer) -> int | float:
        """The number, with a fraction only where it has one."""
        text = bytes(data).decode()
        return float(text) if "." in text or text == "NaN" else int(text)


class PortableCursor(psycopg.Cursor[DictRow]):
    """Runs statements that are written for SQLite as well, and raises the errors that a store raises."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        super().__init__(connection, row_factory=dict_row)
        self.adapters.register_dumper(bool, _Truth)
        self.adapters.register_loader("numeric", _Number)

    def execute(
        self,
        query: Any,
        params: Params | None = None,
        *,
        prepare: bool | None = None,
        binary: bool | None = None,
    ) -> Self:
        """Run one statement.

        What makes a table or lookup where it is not there yet is left alone where it is: users who may not make
        tables would be refused although there is nothing to make. A transaction that makes some, to change the form
        of a store or to compare its rows, may take its time.

        Raises:
            PersistenceError: one of its kinds. The transaction can only be undone then.
        """
        with known_errors(self.connection):
            if isinstance(query, str):
                if (made := made_by(query)) and self._is_there(made):
                    return self
                if makes_tables(query):
                    super().execute(UNHURRIED)
                query, params = for_postgres(query), params or ()
            if self.connection.info.pipeline_status:
                # A pipeline that fails may not get to prepare what the driver from then on takes for prepared.
                prepare = False
            return super().execute(query, params, prepare=prepare, binary=binary)

    def executemany(
        self, query: Any, params_seq: Iterable[Params], *, returning: bool = False
    ) -> None:
        """Run one statement once for each row of parameters.

        Raises:
            PersistenceError: one of its kinds. The transaction can only be undone then.
        """
        with known_errors(self.connection):
            if isinstance(query, str):
                query = for_postgres(query)
            super().executemany(query, params_seq, returning=returning)

    def _is_there(self, name: str) -> bool:
        super().execute("SELECT to_regclass(%s) IS NOT NULL AS there", [name])
        [row] = self.fetchall()
        return bool(row["there"])


@contextmanager
def known_errors(connection: psycopg.Connection[Any] | None = None) -> Iterator[None]:
    """Raise the driver's errors as those that every store raises; what passes by itself as ``OperationalError``.

    Only the server's first line is kept of a message: the others may quote what is in a row. A connection whose
    prepared statements are of tables that were made anew since is closed.
    """
    try:
        yield
    except psycopg.Error as error:
        known = fault_of_postgres(error.sqlstate) or next(
            known for kind, known in _ERRORS if isinstance(error, kind)
        )
        if error.sqlstate in _PASSING:
            known = OperationalError
        # "cached plan must not change result type", which servers say in many languages
        elif error.diag.source_function == "RevalidateCachedQuery":
            known = OperationalError
            if connection is not None:
                connection.close()
        raise known(error.diag.message_primary or str(error)) from error
