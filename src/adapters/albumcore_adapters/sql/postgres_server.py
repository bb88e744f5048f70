"""What a PostgreSQL server is and what it supports: asked once, when a database is opened."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, cast

import psycopg
from attrs import frozen
from eventsourcing.persistence import NotSupportedError
from psycopg import sql
from psycopg.abc import Query

OLDEST_VERSION = 130000
"""PostgreSQL 13, as the server numbers its versions."""

STATEMENT_SECONDS = 60
"""How long a statement may take beyond its wait for a lock; see `ServerInfo.limits`."""

_HISTORY = (
    "(left(pg_walfile_name(pg_current_wal_lsn()), 8) || "
    "(SELECT checkpoint_lsn::text FROM pg_control_checkpoint()))"
)
_UNKNOWN = "''::text"


@frozen
class ServerInfo:
    """A server as it was found.

    Attributes:
        schema: Where the tables are.
        is_pooled: Whether a pooler stands before it. The next transaction of a connection may then be on another
            connection to the server, so settings, prepared statements and locks of a session are lost or another
            client's.
        history: The expression for the timeline and the last checkpoint: another value after a crash, and where a
            standby has taken over. An empty text where the server refuses it, as some hosted ones do.
    """

    schema: str
    is_pooled: bool
    history: str

    @property
    def tells_history(self) -> bool:
        """Whether the server tells its history."""
        return self.history != _UNKNOWN

    @property
    def transaction_columns(self) -> str:
        """The columns of a query that identifies the current transaction: ``backend``, ``xid`` and ``history``."""
        return (
            "pg_backend_pid() AS backend, pg_current_xact_id()::text AS xid, "
            f"{self.history} AS history"
        )

    @property
    def transaction_status(self) -> str:
        """The query for the ``status`` of a transaction; its parameters are the xid, the history, and the xid again.

        Without an xid it was cut off before it could do anything, and so is aborted. In another history, the same xid
        may be another transaction, and the status is NULL. Where the history is unknown, only ``in progress`` is
        certain.
        """
        status = "pg_xact_status(nullif(%s, '')::xid8)"
        if not self.tells_history:
            status = f"nullif(nullif({status}, 'committed'), 'aborted')"
        known = f"CASE WHEN {self.history} = %s THEN {status} END"
        return f"SELECT CASE WHEN %s = '' THEN 'aborted' ELSE {known} END AS status"

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
    """A duration as a setting of the server; never 0, which would mean no limit."""
    return str(max(1, int(1000 * seconds)))


def connect_directly(conninfo: str) -> psycopg.Connection[Any]:
    """A connection outside the pool, in autocommit mode. It prepares nothing: see `ServerInfo.is_pooled`."""
    return psycopg.connect(conninfo, autocommit=True, prepare_threshold=None)


def inspect_server(connection: psycopg.Connection[Any]) -> ServerInfo:
    """Ask a connection what server it leads to.

    Raises:
        NotSupportedError: it is no PostgreSQL of version 13 or later, does not store UTF-8, or has no schema.
    """
    cursor = connection.execute(
        "SELECT version(), current_schema(), current_setting('server_encoding'), pg_backend_pid()"
    )
    [(version, schema, encoding, backend)] = cursor.fetchall()
    is_old = connection.info.server_version < OLDEST_VERSION
    if is_old or "CockroachDB" in version or "-YB-" in version:
        raise NotSupportedError(f"PostgreSQL 13 or later is needed, and this is {version}")
    if encoding != "UTF8":
        raise NotSupportedError(f"the database must store UTF-8, and this one stores {encoding}")
    if schema is None:
        raise NotSupportedError("no schema of the search path exists: there is no place for tables")
    history = _UNKNOWN
    # Tried, not looked up in privileges: some servers refuse even their owner.
    with suppress(psycopg.Error):
        connection.execute(cast(Query, f"SELECT {_HISTORY}"))
        history = _HISTORY
    # A pooler has a number of its own for each of its clients.
    return ServerInfo(str(schema), backend != connection.info.backend_pid, history)
