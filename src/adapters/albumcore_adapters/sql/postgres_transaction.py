"""Transactions on PostgreSQL: how one ends, and whether one was committed whose reply was lost."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import psycopg
from attrs import frozen
from eventsourcing.persistence import InterfaceError, InternalError, OperationalError
from psycopg import pq

from albumcore_adapters.sql.postgres_server import ServerInfo

SETTLE_SECONDS = 30.0
"""How long to ask whether a transaction was committed."""

# A transaction that is committing ends by itself. Terminated while it waits for a synchronous standby, it would count
# as committed without being there. A backend that runs another transaction by now is left alone.
_TERMINATE = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE pid = %s AND usename = current_user AND datname = current_database() AND xact_start IS NOT NULL "
    "AND coalesce(backend_xid = nullif(%s, '')::xid8::xid, %s = '') AND "
    "(wait_event = 'ClientRead' OR query <> 'COMMIT' AND wait_event IS DISTINCT FROM 'SyncRep')"
)


class ConnectionLost(OperationalError):
    """The connection broke, and nothing was committed: it may be tried again at once."""


@frozen
class TransactionId:
    """What identifies a transaction on the server.

    Attributes:
        backend: The process id of its server process; 0 behind a pooler, where it is unknown.
        xid: Its transaction id; empty before it has one.
        history: The server's history at that time, see `ServerInfo.history`.
    """

    backend: int
    xid: str = ""
    history: str = ""


def commit(connection: psycopg.Connection[Any]) -> None:
    """Commit.

    Raises:
        InternalError: a statement of the transaction failed, and the failure was ignored.
    """
    if connection.info.transaction_status == pq.TransactionStatus.INERROR:
        raise InternalError("a statement of this transaction failed, so it is not kept")
    connection.execute("COMMIT", prepare=False)


def roll_back(connection: psycopg.Connection[Any]) -> None:
    """Roll back. Where that fails, the connection is gone, and the transaction with it."""
    # Past the driver, which would forget what it has prepared.
    with contextlib.suppress(psycopg.Error):
        connection.pgconn.exec_(b"ROLLBACK")


def was_committed(
    get_connection: Callable[[], AbstractContextManager[psycopg.Connection[Any]]],
    server: ServerInfo,
    transaction: TransactionId,
) -> bool:
    """Whether a transaction was committed whose connection broke. If it is still open, it is terminated.

    Raises:
        OperationalError: that cannot be known: the server does not answer in `SETTLE_SECONDS`, or crashed since, or
            another one took over.
    """
    until = time.monotonic() + SETTLE_SECONDS
    status: str | None = "in progress"
    # A COMMIT may have reached the server that its process is about to read.
    time.sleep(0.02)
    while status == "in progress" and time.monotonic() < until:
        with (
            contextlib.suppress(InterfaceError, OperationalError),
            get_connection() as connection,
        ):
            # Its process may not know yet that the client is gone, and hold locks.
            xid = transaction.xid
            connection.execute(_TERMINATE, [transaction.backend, xid, xid])
            cursor = connection.execute(server.transaction_status, [xid, transaction.history, xid])
            [row] = cursor.fetchall()
            status = row["status"]
        if status == "in progress":
            time.sleep(0.02)
    if status not in ("committed", "aborted"):
        raise OperationalError(
            "the connection was lost, and the outcome of the transaction is unknown"
        )
    return status == "committed"
