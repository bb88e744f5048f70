"""Batches of new series: series of one study that came from one source are notified of together.

A batch is due 30 s after its last series came. A series whose images the catalogue does not have yet stays in the
batch, which is due again every 30 s, for a day at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from albumcore.albums import WebhookEvent
from albumcore.ids import AlbumId, SeriesUID, StudyUID, UserId, WebhookId
from albumcore.index import SeriesRow
from albumcore.kernel import Act, Source
from albumcore_adapters.sql.database import Cursor, Row, has_changed
from albumcore_adapters.webhooks import queue
from albumcore_adapters.webhooks.notifications import Notification
from albumcore_adapters.webhooks.outbox import Outbox, parse_timestamp, timestamp
from albumcore_adapters.webhooks.study_metadata import populated_series

QUIET_PERIOD = timedelta(seconds=30)
"""Time from the last series of a batch until it is due, and from one check of a batch to the next."""

MAX_WAIT = timedelta(days=1)
"""How long a series waits for its images; after that it is dropped without a notification."""

_KEY = "album_id, webhook_id, study_uid, sub, token_id, provider_id"
_UPSERT = (
    f"INSERT INTO webhook_group ({_KEY}, at, due_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
    f" ON CONFLICT ({_KEY}) DO UPDATE SET at = excluded.at, due_at = excluded.due_at"
)
_UPSERT_UPLOAD = (
    f"INSERT INTO webhook_group ({_KEY}, at, due_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
    f" ON CONFLICT ({_KEY}) DO UPDATE SET"
    " at = CASE WHEN excluded.at > webhook_group.at THEN excluded.at ELSE webhook_group.at END,"
    " due_at = CASE WHEN excluded.due_at > webhook_group.due_at"
    " THEN excluded.due_at ELSE webhook_group.due_at END"
)
_OF_BATCH = f"FROM webhook_group WHERE ({_KEY}) = (?, ?, ?, ?, ?, ?)"
# A series that is in the batch and not by an upload alone is new to the album.
_UPDATE_UPLOADED = (
    "UPDATE webhook_group_series SET at = ?, uploaded ="  # noqa: S608
    " CASE WHEN coalesce(uploaded, 0) = 0 THEN 0 ELSE uploaded + ? END"
    f" WHERE series_uid = ? AND group_number = (SELECT number {_OF_BATCH})"
)
_INSERT_UPLOADED = (
    "INSERT INTO webhook_group_series (at, uploaded, series_uid, group_number)"
    f" SELECT ?, ?, ?, number {_OF_BATCH}"
)
_UPSERT_SERIES = (
    f"INSERT INTO webhook_group_series (group_number, series_uid, at) SELECT number, ?, ? {_OF_BATCH}"
    " ON CONFLICT (group_number, series_uid) DO UPDATE SET at = excluded.at"
)
_DELETE_SERIES = (
    "DELETE FROM webhook_group_series WHERE series_uid = ? AND group_number IN"
    " (SELECT number FROM webhook_group WHERE album_id = ? AND study_uid = ?)"
)
_DELETE_EMPTY = (
    "DELETE FROM webhook_group WHERE album_id = ? AND study_uid = ? AND NOT EXISTS"
    " (SELECT 1 FROM webhook_group_series AS series WHERE series.group_number = webhook_group.number)"
)
_IS_SUBSCRIBED = (
    "SELECT 1 FROM webhook_known WHERE album_id = ? AND webhook_id = ? AND enabled = 1"
    " AND ',' || events || ',' LIKE '%,new_series,%'"
)


def add_to_batch(
    cursor: Cursor, album_id: AlbumId, notification: Notification, now: datetime
) -> None:
    """Add new series to the batch of their webhook, study and source; the batch is due 30 s later."""
    at = notification.act.at
    # An album's events are never earlier than its last one, which a clock that was ahead may have put in the future.
    came_at = min(at, now)
    key = _key(album_id, notification)
    cursor.execute(_UPSERT, (*key, timestamp(at), timestamp(came_at + QUIET_PERIOD)))
    cursor.executemany(
        _UPSERT_SERIES, [(uid, timestamp(came_at), *key) for uid in notification.series_uids]
    )


def add_upload_to_batch(
    cursor: Cursor, album_id: AlbumId, notification: Notification, now: datetime
) -> None:
    """Add an upload of a series to the batch of its webhook, study and source; the batch is due 30 s later.

    Uploads of one series add up. If the batch has the series as new to the album, its instances are all new.
    """
    at, key = notification.act.at, _key(album_id, notification)
    came_at = min(at, now)
    [(series_uid, instances)] = notification.new_instances.items()
    cursor.execute(_UPDATE_UPLOADED, (timestamp(came_at), instances, series_uid, *key))
    is_there = has_changed(cursor)
    if not (is_there or instances):
        return
    cursor.execute(_UPSERT_UPLOAD, (*key, timestamp(at), timestamp(came_at + QUIET_PERIOD)))
    if not is_there:
        cursor.execute(_INSERT_UPLOADED, (timestamp(came_at), instances, series_uid, *key))


def _key(album_id: AlbumId, notification: Notification) -> tuple[str | None, ...]:
    source = notification.act.source
    return (
        *(album_id, notification.webhook_id, notification.study_uid),
        *(source.user, source.capability_token or "", source.report_provider or ""),
    )


def remove_from_batches(
    cursor: Cursor, album_id: AlbumId, study_uid: StudyUID, series_uids: Iterable[SeriesUID]
) -> None:
    """Remove series that left an album from its batches. If they come back, they are new again."""
    of_study = (album_id, study_uid)
    cursor.executemany(_DELETE_SERIES, [(uid, *of_study) for uid in series_uids])
    cursor.execute(_DELETE_EMPTY, of_study)


def delete_batches(cursor: Cursor, album_id: AlbumId, webhook_id: WebhookId) -> None:
    """Delete the batches of a webhook."""
    of_webhook = (album_id, webhook_id)
    cursor.execute(
        "DELETE FROM webhook_group_series WHERE group_number IN (SELECT number FROM webhook_group"
        " WHERE album_id = ? AND webhook_id = ?)",
        of_webhook,
    )
    cursor.execute("DELETE FROM webhook_group WHERE album_id = ? AND webhook_id = ?", of_webhook)


def enqueue_due_batches(outbox: Outbox, now: datetime) -> int:
    """Enqueue a delivery for each batch that is due, and return the number of deliveries.

    It holds the series that have images in the catalogue. Series that left the album meanwhile are dropped, and the
    whole batch if its webhook is no longer enabled or subscribed. A batch waits for uploads of its study that are not
    added to it yet.
    """
    with outbox.database.transaction(commit=False) as cursor:
        cursor.execute(
            "SELECT * FROM webhook_group WHERE (due_at <= ? OR due_at > ?) AND NOT EXISTS"
            " (SELECT 1 FROM webhook_upload AS upload WHERE upload.study_uid = webhook_group.study_uid)"
            " ORDER BY number",
            # One that is due later than possible was written while a clock was ahead.
            (timestamp(now), timestamp(now + QUIET_PERIOD + queue.CLOCK_TOLERANCE)),
        )
        due = cursor.fetchall()
    return sum(_enqueue_batch(outbox, batch, now) for batch in due)


def _enqueue_batch(outbox: Outbox, batch: Row, now: datetime) -> int:
    where = {"album_id": batch["album_id"], "study_uid": batch["study_uid"]}
    in_album = {row.series_uid for row in outbox.albums.index.rows(SeriesRow, where)}
    with outbox.database.transaction(commit=True) as cursor:
        cursor.execute(
            "UPDATE webhook_group SET due_at = ? WHERE number = ? AND due_at = ?",
            (timestamp(now + QUIET_PERIOD), batch["number"], batch["due_at"]),
        )
        if not has_changed(cursor):  # another process was faster, or more series came
            return 0
        notifications = _notifications(batch, _take_ready(cursor, batch, in_album, now))
        for one in notifications:
            queue.enqueue(cursor, outbox.make_id(30), AlbumId(batch["album_id"]), one)
    return len(notifications)


def _take_ready(
    cursor: Cursor, batch: Row, in_album: set[str], now: datetime
) -> dict[SeriesUID, tuple[int | None, datetime]]:
    """Remove from a batch the series that are ready, which are returned, and those that are dropped.

    Each is returned with what ``uploaded`` says of it, and the time when it came.
    """
    number = batch["number"]
    cursor.execute(_IS_SUBSCRIBED, (batch["album_id"], batch["webhook_id"]))
    is_subscribed = cursor.fetchone() is not None
    cursor.execute("SELECT * FROM webhook_group_series WHERE group_number = ?", (number,))
    rows = cursor.fetchall()
    came_at = {row["series_uid"]: parse_timestamp(row["at"]) for row in rows}
    uploaded = {SeriesUID(row["series_uid"]): row["uploaded"] for row in rows}
    wanted = came_at.keys() & in_album if is_subscribed else set()
    album_id, study_uid = AlbumId(batch["album_id"]), StudyUID(batch["study_uid"])
    ready = populated_series(cursor, album_id, study_uid, wanted)
    waiting = {uid for uid in wanted - ready if now - came_at[uid] < MAX_WAIT}
    cursor.executemany(
        "DELETE FROM webhook_group_series WHERE group_number = ? AND series_uid = ?",
        [(number, uid) for uid in came_at.keys() - waiting],
    )
    if not waiting:
        cursor.execute("DELETE FROM webhook_group WHERE number = ?", (number,))
    return {uid: (uploaded[uid], came_at[uid]) for uid in sorted(ready)}


def _notifications(
    batch: Row, ready: Mapping[SeriesUID, tuple[int | None, datetime]]
) -> list[Notification]:
    """One notification of what was uploaded, and one of what was put into the album otherwise, as far as there is any.

    Through a token, both are uploads.
    """
    source = Source(UserId(batch["sub"]), batch["token_id"] or None, batch["provider_id"] or None)
    by_kind: dict[bool, list[SeriesUID]] = {}
    for uid, (uploaded, _) in ready.items():
        is_upload = uploaded is not None or not source.in_person
        by_kind.setdefault(is_upload, []).append(uid)
    return [
        Notification(
            WebhookId(batch["webhook_id"]),
            WebhookEvent.NEW_SERIES,
            Act(source, parse_timestamp(batch["at"])),
            study_uid=StudyUID(batch["study_uid"]),
            series_uids=tuple(series_uids),
            is_upload=is_upload,
            new_instances={uid: number for uid in series_uids if (number := ready[uid][0])},
            first_at=min(ready[uid][1] for uid in series_uids),
        )
        for is_upload, series_uids in by_kind.items()
    ]
