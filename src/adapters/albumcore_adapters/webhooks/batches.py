"""New series, which are told of together: those of one study that came from the same source.

They wait for 30 s after the last of them came, and until the catalogue knows more of them than their UIDs.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from attrs import frozen

from albumcore.albums import WebhookEvent
from albumcore.ids import AlbumId, SeriesUID, StudyUID, UserId, WebhookId
from albumcore.index import SeriesRow
from albumcore.kernel import Act, Source
from albumcore_adapters.sql.database import Cursor, Row, has_changed
from albumcore_adapters.webhooks import queue
from albumcore_adapters.webhooks.context import Box
from albumcore_adapters.webhooks.facts import populated
from albumcore_adapters.webhooks.notifications import Call
from albumcore_adapters.webhooks.tables import moment, stamp

QUIET = timedelta(seconds=30)
"""How long nothing like it may come before new series are told of, and how long until it is looked again."""

GIVEN_UP_AFTER = timedelta(days=1)
"""How long a series is waited for that the catalogue knows nothing of."""

_KEY = "album_id, webhook_id, study_uid, sub, token_id, provider_id"
_ADD = (
    f"INSERT INTO webhook_group ({_KEY}, at, due_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
    f" ON CONFLICT ({_KEY}) DO UPDATE SET at = excluded.at, due_at = excluded.due_at"
)
_ADD_SERIES = (
    "INSERT INTO webhook_group_series (group_number, series_uid, at) SELECT number, ?, ?"  # noqa: S608
    f" FROM webhook_group WHERE ({_KEY}) = (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (group_number, series_uid) DO UPDATE SET at = excluded.at"
)
_TAKE_OUT = (
    "DELETE FROM webhook_group_series WHERE series_uid = ? AND group_number IN"
    " (SELECT number FROM webhook_group WHERE album_id = ? AND study_uid = ?)"
)
_DROP_EMPTY = (
    "DELETE FROM webhook_group WHERE album_id = ? AND study_uid = ? AND NOT EXISTS"
    " (SELECT 1 FROM webhook_group_series AS came WHERE came.group_number = webhook_group.number)"
)
_SUBSCRIBED = (
    "SELECT 1 FROM webhook_known WHERE album_id = ? AND webhook_id = ? AND enabled = 1"
    " AND ',' || events || ',' LIKE '%,new_series,%'"
)


def add(cursor: Cursor, album_id: AlbumId, call: Call, now: datetime) -> None:
    """Have new series wait, with those like them that wait already."""
    source, at = call.act.source, stamp(call.act.at)
    # What an album records is never earlier than its last event, which a wrong clock may have put ahead.
    came_at = min(call.act.at, now)
    key = (
        *(album_id, call.webhook_id, call.study_uid),
        *(source.user, source.capability_token or "", source.report_provider or ""),
    )
    cursor.execute(_ADD, (*key, at, stamp(came_at + QUIET)))
    cursor.executemany(_ADD_SERIES, [(uid, stamp(came_at), *key) for uid in call.series_uids])


def take_out(
    cursor: Cursor, album_id: AlbumId, study_uid: StudyUID, series_uids: Iterable[SeriesUID]
) -> None:
    """Drop series that left an album from its groups: if they come back, that is told of by itself."""
    of_study = (album_id, study_uid)
    cursor.executemany(_TAKE_OUT, [(uid, *of_study) for uid in series_uids])
    cursor.execute(_DROP_EMPTY, of_study)


def drop(cursor: Cursor, album_id: AlbumId, webhook_id: WebhookId) -> None:
    """Drop the groups of a webhook."""
    of_webhook = (album_id, webhook_id)
    cursor.execute(
        "DELETE FROM webhook_group_series WHERE group_number IN (SELECT number FROM webhook_group"
        " WHERE album_id = ? AND webhook_id = ?)",
        of_webhook,
    )
    cursor.execute("DELETE FROM webhook_group WHERE album_id = ? AND webhook_id = ?", of_webhook)


@frozen
class Groups(Box):
    """The part of the outbox that has new series told of once no more of them come."""

    def tell_new_series(self, now: datetime) -> int:
        """Have those groups told of for which it is time; the number of them.

        What the catalogue knows nothing of yet waits on, for a day at most. What has left the album meanwhile is
        not told of, nor is anything if the webhook is not enabled or subscribed any more.
        """
        with self.database.transaction(commit=False) as cursor:
            cursor.execute(
                "SELECT * FROM webhook_group WHERE due_at <= ? OR due_at > ? ORDER BY number",
                # Later than it can be: a clock that was ahead wrote it down.
                (stamp(now), stamp(now + QUIET + queue.AHEAD)),
            )
            due = cursor.fetchall()
        return sum(self._tell(group, now) for group in due)

    def _tell(self, group: Row, now: datetime) -> bool:
        where = {"album_id": group["album_id"], "study_uid": group["study_uid"]}
        held = {row.series_uid for row in self.albums.index.rows(SeriesRow, where)}
        with self.database.transaction(commit=True) as cursor:
            cursor.execute(
                "UPDATE webhook_group SET due_at = ? WHERE number = ? AND due_at = ?",
                (stamp(now + QUIET), group["number"], group["due_at"]),
            )
            if not has_changed(cursor):  # somebody else was here, or more came
                return False
            ready = self._ready(cursor, group, held, now)
            if ready:
                call = _call(group, ready)
                queue.add(cursor, self.make_id(30), AlbumId(group["album_id"]), call)
        return bool(ready)

    def _ready(
        self, cursor: Cursor, group: Row, held: set[str], now: datetime
    ) -> tuple[SeriesUID, ...]:
        """Take those series out of a group that can be told of, and those that never will."""
        number = group["number"]
        cursor.execute(_SUBSCRIBED, (group["album_id"], group["webhook_id"]))
        is_wanted = cursor.fetchone() is not None
        cursor.execute("SELECT * FROM webhook_group_series WHERE group_number = ?", (number,))
        came = {row["series_uid"]: moment(row["at"]) for row in cursor.fetchall()}
        waiting = came.keys() & held if is_wanted else set()
        album_id, study_uid = AlbumId(group["album_id"]), StudyUID(group["study_uid"])
        ready = populated(cursor, album_id, study_uid, waiting)
        left = {uid for uid in waiting - ready if now - came[uid] < GIVEN_UP_AFTER}
        cursor.executemany(
            "DELETE FROM webhook_group_series WHERE group_number = ? AND series_uid = ?",
            [(number, uid) for uid in came.keys() - left],
        )
        if not left:
            cursor.execute("DELETE FROM webhook_group WHERE number = ?", (number,))
        return tuple(sorted(ready))


def _call(group: Row, series_uids: tuple[SeriesUID, ...]) -> Call:
    source = Source(UserId(group["sub"]), group["token_id"] or None, group["provider_id"] or None)
    return Call(
        WebhookId(group["webhook_id"]),
        WebhookEvent.NEW_SERIES,
        Act(source, moment(group["at"])),
        study_uid=StudyUID(group["study_uid"]),
        series_uids=series_uids,
    )
