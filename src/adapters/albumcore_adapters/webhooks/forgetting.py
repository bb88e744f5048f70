"""Forgetting: what the outbox has of a user or of the texts of an album is deleted."""

from __future__ import annotations

from collections.abc import Iterable

from albumcore.ids import AlbumId, UserId
from albumcore.kernel import ERASED_TEXT
from albumcore_adapters.sql.database import Cursor, number_changed

_CHILDREN = ("webhook_trigger_series", "webhook_attempt")


def forget_user(cursor: Cursor, user: UserId) -> int:
    """Delete the deliveries that say that a user was added, and return how many there were."""
    return _delete_triggers(cursor, '"user" = ?', user)


def forget_album(cursor: Cursor, album_id: AlbumId, secrets: Iterable[str]) -> int:
    """Delete the names, addresses and secrets of an album's webhooks, and the deliveries to their addresses.

    The webhooks stay, disabled, until an admin gives them an address again, and another secret or none.

    Args:
        cursor: A cursor of the transaction that erases.
        album_id: The album.
        secrets: The names of all secrets in its events, also those that only a delivery of the deleted album has, or
            that are not projected yet.

    Returns:
        How many rows there were.
    """
    number = _delete_triggers(
        cursor, "album_id = ? AND (due_at IS NOT NULL OR url IS NOT NULL)", album_id
    )
    for text in (
        "DELETE FROM webhook_group_series WHERE group_number IN"
        " (SELECT number FROM webhook_group WHERE album_id = ?)",
        "DELETE FROM webhook_group WHERE album_id = ?",
        "DELETE FROM webhook_line WHERE album_id = ?",
    ):
        cursor.execute(text, (album_id,))
        number += number_changed(cursor)
    for name in secrets:
        cursor.execute("DELETE FROM webhook_secret WHERE name = ?", (name,))
        number += number_changed(cursor)
    cursor.execute(
        "UPDATE webhook_known SET name = ?, url = ?, enabled = 0, secret = NULL"
        " WHERE album_id = ? AND url <> ?",
        (ERASED_TEXT, ERASED_TEXT, album_id, ERASED_TEXT),
    )
    return number + number_changed(cursor)


def _delete_triggers(cursor: Cursor, condition: str, value: str) -> int:
    chosen = f"SELECT trigger_id FROM webhook_trigger WHERE {condition}"  # noqa: S608
    for table in _CHILDREN:
        cursor.execute(f"DELETE FROM {table} WHERE trigger_id IN ({chosen})", (value,))  # noqa: S608
    cursor.execute(f"DELETE FROM webhook_trigger WHERE {condition}", (value,))  # noqa: S608
    return number_changed(cursor)
