"""Cursors of PostgreSQL that run statements in the common dialect, and raise the event library's errors."""

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

from albumcore_adapters.sql.dialect import changes_schema, created_by, for_postgres
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


NO_STATEMENT_TIMEOUT = "SET LOCAL statement_timeout = 0"
"""The statement that lifts the statement timeout for the rest of a transaction."""

# Another server has just taken over; or a transaction was idle, or took, too long.
_TRANSIENT = frozenset({"25006", "25P03", "25P04"})


class _BoolDumper(Dumper):
    """A bool is sent as the integer 0 or 1, as in SQLite."""

    oid = 20  # bigint

    def dump(self, obj: bool) -> Buffer:
        """The integer as text."""
        return b"1" if obj else b"0"


class _NumericLoader(Loader):
    """A sum of integers is an int, as in SQLite."""

    def load(self, data: Buffer) -> int | float:
        """An int, or a float where there is a fraction."""
        text = bytes(data).decode()
        return float(text) if "." in text or text == "NaN" else int(text)


class PortableCursor(psycopg.Cursor[DictRow]):
    """Runs statements in the common dialect (`sql.dialect`), and raises the event library's errors."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        super().__init__(connection, row_factory=dict_row)
        self.adapters.register_dumper(bool, _BoolDumper)
        self.adapters.register_loader("numeric", _NumericLoader)

    def execute(
        self,
        query: Any,
        params: Params | None = None,
        *,
        prepare: bool | None = None,
        binary: bool | None = None,
    ) -> Self:
        """Run one statement.

        ``CREATE ... IF NOT EXISTS`` is skipped where the table or index exists: a user without the privilege to
        create would be refused although there is nothing to create. The statement timeout is lifted in a transaction
        that changes tables, since a migration, a rebuild or a comparison takes as long as the store is large.

        Raises:
            PersistenceError: a subclass of it. The transaction can then only be rolled back.
        """
        with translated_errors(self.connection):
            if isinstance(query, str):
                if (created := created_by(query)) and self._exists(created):
                    return self
                if changes_schema(query):
                    super().execute(NO_STATEMENT_TIMEOUT)
                query, params = for_postgres(query), params or ()
            if self.connection.info.pipeline_status:
                # A pipeline that fails may leave unprepared what the driver from then on takes for prepared.
                prepare = False
            return super().execute(query, params, prepare=prepare, binary=binary)

    def executemany(
        self, query: Any, params_seq: Iterable[Params], *, returning: bool = False
    ) -> None:
        """Run one statement once for each row of parameters.

        Raises:
            PersistenceError: a subclass of it. The transaction can then only be rolled back.
        """
        with translated_errors(self.connection):
            if isinstance(query, str):
                query = for_postgres(query)
            super().executemany(query, params_seq, returning=returning)

    def _exists(self, name: str) -> bool:
        super().execute("SELECT to_regclass(%s) IS NOT NULL AS is_there", [name])
        [row] = self.fetchall()
        return bool(row["is_there"])


@contextmanager
def translated_errors(connection: psycopg.Connection[Any] | None = None) -> Iterator[None]:
    """Translate the driver's errors to the event library's; a transient one is an ``OperationalError``.

    A message is cut to the server's first line: the others may quote the content of a row. A connection is closed if
    its prepared statements are of tables that were recreated since.
    """
    try:
        yield
    except psycopg.Error as error:
        translated = fault_of_postgres(error.sqlstate) or next(
            ours for theirs, ours in _ERRORS if isinstance(error, theirs)
        )
        if error.sqlstate in _TRANSIENT:
            translated = OperationalError
        # "cached plan must not change result type", which servers say in many languages
        elif error.diag.source_function == "RevalidateCachedQuery":
            translated = OperationalError
            if connection is not None:
                connection.close()
        raise translated(error.diag.message_primary or str(error)) from error
