"""Connections to PostgreSQL: the address, the settings of a connection, and a pool of live ones."""

from __future__ import annotations

import select
from collections.abc import Callable, Mapping
from typing import Any

import psycopg
from eventsourcing.postgres import ConnectionPool
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import DictRow, dict_row

from albumcore_adapters.sql.database import MOST_CONNECTIONS

WAIT_SECONDS = 5.0
"""How long to wait for an idle connection of the pool, or for the server to accept one."""

# The server, too, notices in half a minute that its client is gone, and releases the client's locks.
KEEPALIVES = (
    "SET tcp_keepalives_idle = 15; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; "
    "SET tcp_user_timeout = '30s'"
)
_KWARGS: dict[str, Any] = {"row_factory": dict_row, "autocommit": True}
_DEFAULTS = {
    "application_name": "albumcore",
    "client_encoding": "UTF8",
    "connect_timeout": "10",
    # A network that drops packets is noticed in about half a minute, not in the two hours of TCP's default.
    "keepalives_idle": "15",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}


def connection_settings(url: str) -> Mapping[str, Any]:
    """The settings in a database address, by libpq's names.

    Raises:
        ValueError: it is no address of a PostgreSQL database. The message does not repeat it: it may hold a password.
    """
    if not url.startswith(("postgresql://", "postgres://")):
        raise ValueError("no address of a PostgreSQL database")
    try:
        given = conninfo_to_dict(url)
    except psycopg.Error:
        raise ValueError("no address of a PostgreSQL database") from None
    # Of a password with an @ in it, libpq takes the rest for a host. Paths and abstract sockets may have one.
    if any("@" in host and host[0] not in "/@" for host in str(given.get("host", "")).split(",")):
        raise ValueError("no address of a PostgreSQL database")
    return given


def conninfo_of(url: str) -> str:
    """The connection string for an address, with our defaults for what it leaves open.

    Raises:
        ValueError: as by `connection_settings`.
    """
    return make_conninfo(**{**_DEFAULTS, **connection_settings(url)})


def make_pool(
    conninfo: str, configure: Callable[[psycopg.Connection[Any]], None] | None
) -> ConnectionPool[psycopg.Connection[DictRow]]:
    """A pool, not open yet, of connections in autocommit mode whose rows are dictionaries.

    Args:
        conninfo: The connection string.
        configure: Sets up a new connection's session; None behind a pooler, where a session is not ours. Then
            nothing is prepared either.
    """
    return ConnectionPool(
        conninfo,
        connection_class=psycopg.Connection[DictRow],
        kwargs=_KWARGS | ({} if configure else {"prepare_threshold": None}),
        min_size=1,
        max_size=MOST_CONNECTIONS,
        open=False,
        configure=configure,
        timeout=WAIT_SECONDS,
        reconnect_timeout=WAIT_SECONDS,
        num_workers=1,
    )


def live_connection(
    pool: ConnectionPool[psycopg.Connection[DictRow]],
) -> psycopg.Connection[DictRow]:
    """Take a connection that the server has not closed meanwhile.

    Raises:
        psycopg.OperationalError: no connection comes free in time, or the server closes every one.
    """
    # The pool's own check waits longer after each dead connection.
    for _ in range(MOST_CONNECTIONS):
        connection = pool.getconn()
        if _is_live(connection):
            return connection
        pool.putconn(connection)
    raise psycopg.OperationalError("the server closes every connection")


def _is_live(connection: psycopg.Connection[Any]) -> bool:
    """Whether a connection is open; a query is sent only where the server has sent something meanwhile."""
    listening = select.poll()
    listening.register(connection.fileno(), select.POLLIN)
    if not listening.poll(0):
        return True
    # An idle server sends nothing: this is most likely its goodbye.
    try:
        connection.execute("SELECT 1")
    except psycopg.Error:
        connection.close()
        return False
    return True
