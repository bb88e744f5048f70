"""The secrets that deliveries are signed with, kept outside of the history, which knows each by a name."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from attrs import frozen

from albumcore.text import check_text
from albumcore_adapters.sql.database import Cursor
from albumcore_adapters.webhooks.context import Box
from albumcore_adapters.webhooks.tables import stamp

MAX_SECRET = 1024
FORGOTTEN_AFTER = timedelta(days=1)
"""How long a secret may wait for an event that names it."""

_UNUSED = (
    " AND NOT EXISTS (SELECT 1 FROM webhook_known AS known WHERE known.secret = webhook_secret.name)"
    " AND NOT EXISTS (SELECT 1 FROM webhook_trigger AS told WHERE told.secret = webhook_secret.name)"
)
_FORGET = f"DELETE FROM webhook_secret WHERE name = ?{_UNUSED}"  # noqa: S608
_FORGET_OLD = f"DELETE FROM webhook_secret WHERE kept_at < ?{_UNUSED}"  # noqa: S608


@frozen
class Secrets(Box):
    """The part of the outbox that keeps secrets."""

    def keep_secret(self, secret: str) -> str:
        """Keep a secret, before an event comes that names it, and return the name.

        One that no event comes to name is forgotten after a day, if it was not dropped before.

        Raises:
            Invalid: it has not 1 to 1024 characters, or one that is no text.
        """
        check_text("secret", secret, 1, MAX_SECRET)
        name = self.make_id(20)
        with self.database.transaction(commit=True) as cursor:
            cursor.execute(
                "INSERT INTO webhook_secret (name, secret, kept_at) VALUES (?, ?, ?)",
                (name, secret, stamp(self.clock())),
            )
        return name

    def drop_secret(self, name: str) -> None:
        """Drop a secret that no event will name after all."""
        with self.database.transaction(commit=True) as cursor:
            forget(cursor, [name])


def forget(cursor: Cursor, names: Iterable[str]) -> None:
    """Drop those of the secrets that no webhook and no delivery needs any more."""
    cursor.executemany(_FORGET, [(name,) for name in names])


def forget_unnamed(cursor: Cursor, before: datetime) -> None:
    """Drop the secrets that were kept before a moment up to which the history is taken up, and that nothing names."""
    cursor.execute(_FORGET_OLD, (stamp(before),))
