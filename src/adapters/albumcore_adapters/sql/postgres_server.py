"""What a PostgreSQL server is, and what it lets us do: asked once, when a store is opened."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, cast

import psycopg
from attrs import frozen
from eventsourcing.persistence import NotSupportedError
from psycopg import sql
from psycopg.abc import Query

OLDEST = 130000
"""The oldest server that will do: PostgreSQL 13, by the server's own way of counting."""

STATEMENT_SECONDS = 60
"""How long a statement may take, beside what it waits for others; see `Server.limits`."""

_HISTORY = (
    "(left(pg_walfile_name(pg_current_wal_lsn()), 8) || "
    "(SELECT checkpoint_lsn::text FROM pg_control_checkpoint()))"
)
_UNKNOWN = "''::text"


@frozen
class Server:
    """A server as it was found.

    Attributes:
        schema: Where the tables are.
        is_pooled: Whether a pooler stands before it, so that the next transaction of a connection may be on another
            connection to the server: what is set for a session, prepared or locked in it, is lost or somebody else's.
        history: The expression that tells which history of the server this is: another after a crash, and where a
            standby has taken over. An empty text where the server does not let us see it, as some hosted ones do not.
    """

    schema: str
    is_pooled: bool
    history: str

    @property
    def tells_history(self) -> bool:
        """Whether it can be seen which history this is."""
        return self.history != _UNKNOWN

    @property
    def named(self) -> str:
        """The columns that tell of a transaction what is needed to ask what became of it."""
        return (
            "pg_backend_pid() AS backend, pg_current_xact_id()::text AS xid, "
            f"{self.history} AS history"
        )

    @property
    def how_it_ended(self) -> str:
        """The question what became of a transaction: three parameters, the second of them its history.

        Without a name it was cut off before it could do anything. Of another history, the same name may be that of
        another transaction; where histories cannot be told apart, no more is said than that it has not ended.
        """
        status = "pg_xact_status(nullif(%s, '')::xid8)"
        if not self.tells_history:
            status = f"nullif(nullif({status}, 'committed'), 'aborted')"
        told = f"CASE WHEN {self.history} = %s THEN {status} END"
        return f"SELECT CASE WHEN %s = '' THEN 'aborted' ELSE {told} END AS told"

    def limits(self, lock_seconds: float, *, is_local: bool) -> str:
        """The statements that bound what one client can hold, for a session or for one transaction.

        A statement may take `STATEMENT_SECONDS` more than it may wait for a lock.
        """
        kind = "SET LOCAL" if is_local else "SET SESSION"
        settings = {
            "lock_timeout": milliseconds(lock_seconds),
            "statement_timeout": milliseconds(lock_seconds + STATEMENT_SECONDS),
            "idle_in_transaction_session_timeout": "'60s'",
            "client_min_messages": "warning",
            "search_path": sql.Identifier(self.schema).as_string(None),
        }
        return "; ".join(f"{kind} {name} = {value}" for name, value in settings.items())


def milliseconds(seconds: float) -> str:
    """A time as a setting of the server; never 0, which would be without end."""
    return str(max(1, int(1000 * seconds)))


def directly(conninfo: str) -> psycopg.Connection[Any]:
    """A connection beside those of a pool, outside any transaction. It prepares nothing: see `Server.is_pooled`."""
    return psycopg.connect(conninfo, autocommit=True, prepare_threshold=None)


def look_at(connection: psycopg.Connection[Any]) -> Server:
    """See what a connection leads to.

    Raises:
        NotSupportedError: it is no PostgreSQL of version 13 or later, does not store UTF-8, or has no place for tables.
    """
    cursor = connection.execute(
        "SELECT version(), current_schema(), current_setting('server_encoding'), pg_backend_pid()"
    )
    [(version, schema, encoding, backend)] = cursor.fetchall()
    if "CockroachDB" in version or "-YB-" in version or connection.info.server_version < OLDEST:
        raise NotSupportedError(f"PostgreSQL 13 or later is needed, and this is {version}")
    if encoding != "UTF8":
        raise NotSupportedError(f"the database must store UTF-8, and this one stores {encoding}")
    if schema is None:
        raise NotSupportedError("no schema of the search path exists: there is no place for tables")
    history = _UNKNOWN
    # Tried, and not asked for by rights: some servers refuse their owner, too.
    with suppress(psycopg.Error):
        connection.execute(cast(Query, f"SELECT {_HISTORY}"))
        history = _HISTORY
    # A pooler has a number of its own for each of its clients.
    return Server(str(schema), backend != connection.info.backend_pid, history)
