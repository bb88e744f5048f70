"""The secrets that deliveries are signed with: rows of a table, by random names. Events hold the name alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from albumcore.text import check_text
from albumcore_adapters.sql.database import Cursor
from albumcore_adapters.webhooks.outbox import Outbox, timestamp

MAX_SECRET = 1024
"""Characters of a secret."""

SECRET_GRACE = timedelta(days=1)
"""How long a stored secret waits for an event that names it."""

_IS_UNUSED = (
    " AND NOT EXISTS (SELECT 1 FROM webhook_known AS webhook WHERE webhook.secret = webhook_secret.name)"
    " AND NOT EXISTS (SELECT 1 FROM webhook_trigger AS detached WHERE detached.secret = webhook_secret.name)"
)
_DELETE = f"DELETE FROM webhook_secret WHERE name = ?{_IS_UNUSED}"  # noqa: S608
_DELETE_BEFORE = f"DELETE FROM webhook_secret WHERE kept_at < ?{_IS_UNUSED}"  # noqa: S608


def store_secret(outbox: Outbox, secret: str) -> str:
    """Store a secret, and return the name that an event is to hold.

    It is stored before that event is recorded. If none is, it is deleted after a day, or by `delete_secret`.

    Raises:
        Invalid: it does not have 1 to 1024 characters, or holds one that cannot be stored.
    """
    check_text("secret", secret, 1, MAX_SECRET)
    name = outbox.make_id(20)
    with outbox.database.transaction(commit=True) as cursor:
        cursor.execute(
            "INSERT INTO webhook_secret (name, secret, kept_at) VALUES (?, ?, ?)",
            (name, secret, timestamp(outbox.clock())),
        )
    return name


def delete_secret(outbox: Outbox, name: str) -> None:
    """Delete a stored secret that no event will name, unless a webhook or a delivery uses it."""
    with outbox.database.transaction(commit=True) as cursor:
        delete_unused_secrets(cursor, [name])


def delete_unused_secrets(cursor: Cursor, names: Iterable[str]) -> None:
    """Delete those of the named secrets that no webhook and no detached delivery uses."""
    cursor.executemany(_DELETE, [(name,) for name in names])


def delete_unused_secrets_before(cursor: Cursor, before: datetime) -> None:
    """Delete the unused secrets that were stored before a time. All events up to that time must be projected."""
    cursor.execute(_DELETE_BEFORE, (timestamp(before),))
