"""The queue of deliveries: enqueued by the projection and the batches, claimed and recorded by workers.

Each webhook has a queue of its own, a row of ``webhook_line``, from which one delivery is made at a time, by the worker
that holds its lease; of one album, eight at a time, so that no album takes up all threads. First attempts go before
retries. A lease that is not released, because its holder died, expires and the delivery is claimed again: deliveries
are made at least once.

A delivery becomes a trigger of the history once nothing is left to try. The newest of each webhook stay stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from attrs import field, frozen

from albumcore.albums import Webhook, WebhookEvent
from albumcore.ids import AlbumId, SeriesUID, UserId, WebhookId
from albumcore.kernel import Act, Source, shown_text
from albumcore_adapters.sql.database import Cursor, Database, Row, has_changed
from albumcore_adapters.webhooks.notifications import Notification
from albumcore_adapters.webhooks.outbox import parse_timestamp, timestamp
from albumcore_adapters.webhooks.secrets import delete_unused_secrets

RETRY_DELAYS = tuple(timedelta(seconds=seconds) for seconds in (20, 15, 10, 5))
"""Time from each failed attempt to the next one."""

MAX_ATTEMPTS = len(RETRY_DELAYS) + 1
LEASE = timedelta(seconds=60)
"""How long the queue of a webhook is reserved for the worker that claimed a delivery."""

MAX_PER_ALBUM = 8
"""Deliveries of one album that are made at a time. Processes that claim simultaneously may exceed it by one each."""

MAX_TRIGGERS = 1000
"""Triggers of one webhook that stay stored after their delivery succeeded or was given up."""

_MAX_DELETED = 100  # per attempt: a webhook of an older release may have very many

CLOCK_TOLERANCE = timedelta(minutes=1)
"""A stored time that is later than possible by more than this was written while a clock was ahead.

It is longer than a worker waits for the database between reading the clock and writing.
"""

_INSERT = (
    "INSERT INTO webhook_trigger (trigger_id, album_id, webhook_id, event, is_manual, at, sub,"
    ' token_id, provider_id, "user", study_uid, is_study_gone, album_version,'
    " is_upload, version, first_at, url, secret, due_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_INSERT_SERIES = (
    "INSERT INTO webhook_trigger_series (trigger_id, series_uid, new_instances) VALUES (?, ?, ?)"
    " ON CONFLICT DO NOTHING"
)
_INSERT_QUEUE = (
    "INSERT INTO webhook_line (album_id, webhook_id) VALUES (?, ?) ON CONFLICT DO NOTHING"
)
_HEAD = (
    "(SELECT number FROM webhook_trigger AS own WHERE own.album_id = line.album_id"
    " AND own.webhook_id = line.webhook_id AND own.due_at IS NOT NULL"
    " AND (own.due_at <= ? OR own.due_at > ?) ORDER BY attempts, due_at, number LIMIT 1)"
)
# SQLite executes a cross join in the order written: the queues, and the head of each.
_NEXT = (
    "SELECT line.number FROM webhook_line AS line CROSS JOIN webhook_trigger AS next"  # noqa: S608
    f" WHERE next.number = {_HEAD} AND next.attempts <= ?"
    " AND (line.leased_until IS NULL OR line.leased_until <= ? OR line.leased_until > ?)"
    " AND (SELECT count(*) FROM webhook_line AS busy WHERE busy.album_id = line.album_id"
    " AND busy.leased_until > ? AND busy.leased_until <= ?) < ?"
    " ORDER BY next.attempts, next.due_at, next.number LIMIT 1"
)
_CLAIM = f"UPDATE webhook_line SET lease = ?, leased_until = ? WHERE number = ({_NEXT})"  # noqa: S608
_CLAIMED = (
    "SELECT head.*, line.number AS line, line.lease, coalesce(head.url, webhook.url) AS current_url,"  # noqa: S608
    " coalesce(head.secret, webhook.secret) AS secret_name, stored.secret AS secret_value"
    " FROM webhook_line AS line CROSS JOIN webhook_trigger AS head"
    " LEFT JOIN webhook_known AS webhook"
    " ON webhook.album_id = head.album_id AND webhook.webhook_id = head.webhook_id"
    " LEFT JOIN webhook_secret AS stored ON stored.name = coalesce(head.secret, webhook.secret)"
    f" WHERE head.number = {_HEAD} AND line.lease = ?"
)
_RELEASE = (
    "UPDATE webhook_line SET lease = NULL, leased_until = NULL WHERE number = ? AND lease = ?"
)
_DELETE_EMPTY_QUEUE = (
    "DELETE FROM webhook_line WHERE album_id = ? AND webhook_id = ? AND NOT EXISTS"
    " (SELECT 1 FROM webhook_trigger AS own WHERE own.album_id = webhook_line.album_id"
    " AND own.webhook_id = webhook_line.webhook_id AND own.due_at IS NOT NULL)"
)
_EXCESS = (
    "SELECT trigger_id FROM webhook_trigger WHERE album_id = ? AND webhook_id = ?"
    " AND due_at IS NULL ORDER BY number DESC LIMIT ? OFFSET ?"
)
_TRIGGER_TABLES = ("webhook_trigger", "webhook_trigger_series", "webhook_attempt")
_SERIES = (
    "SELECT series_uid, new_instances FROM webhook_trigger_series WHERE trigger_id = ?"
    " ORDER BY series_uid"
)


@frozen
class Delivery:
    """A claimed delivery, with the lease of its queue.

    Attributes:
        trigger_id: Its id, the same for all attempts.
        line: The number of the queue.
        lease: A text that only the holder of the lease knows.
        album_id: The album.
        notification: What the webhook is notified of.
        url: The current address of the webhook.
        secret: The current secret of the webhook, if it has one.
        is_secret_lost: The webhook has a secret, but it is not stored.
        number: The number of this attempt, from 1 to 5.
    """

    trigger_id: str
    line: int
    lease: str
    album_id: AlbumId
    notification: Notification
    url: str = field(repr=False)
    secret: str | None = field(repr=False)
    is_secret_lost: bool
    number: int


@frozen
class Attempt:
    """One attempt at a delivery.

    Attributes:
        number: From 1 to 5.
        status: The HTTP status of the response; -1 without one.
        at: When the request was sent.
    """

    number: int
    status: int
    at: datetime

    @property
    def has_passed(self) -> bool:
        """Whether the receiver accepted it: a status from 200 to 299."""
        return 200 <= self.status <= 299


def enqueue(
    cursor: Cursor,
    trigger_id: str,
    album_id: AlbumId,
    notification: Notification,
    webhook: Webhook | None = None,
) -> None:
    """Enqueue a delivery that is due at once.

    Args:
        cursor: Of a transaction that writes.
        trigger_id: A new id.
        album_id: The album.
        notification: What the webhook is notified of.
        webhook: The webhook, where its album is deleted and the delivery is detached from it (see `detach`).
    """
    source, at = notification.act.source, timestamp(notification.act.at)
    cursor.execute(
        _INSERT,
        (
            *(trigger_id, album_id, notification.webhook_id, notification.event.value),
            *(int(notification.is_manual), at),
            *(source.user, source.capability_token, source.report_provider),
            *(notification.user, notification.study_uid, int(notification.is_study_gone)),
            *(notification.album_version, int(notification.is_upload), notification.version),
            None if notification.first_at is None else timestamp(notification.first_at),
            *((None, None) if webhook is None else (shown_text(webhook.url), webhook.secret)),
            at,
        ),
    )
    new = notification.new_instances
    cursor.executemany(
        _INSERT_SERIES, [(trigger_id, uid, new.get(uid)) for uid in notification.series_uids]
    )
    cursor.execute(_INSERT_QUEUE, (album_id, notification.webhook_id))


def detach(
    cursor: Cursor, album_id: AlbumId, webhook_id: WebhookId, webhook: Webhook, version: int
) -> None:
    """Detach the unfinished deliveries of a webhook from its album, which is deleted.

    They store address and secret of the webhook themselves, and describe the album as of its last version.

    Args:
        cursor: Of a transaction that writes.
        album_id: The album.
        webhook_id: One of its webhooks.
        webhook: That webhook before the deletion.
        version: The last version of the album before the deletion.
    """
    cursor.execute(
        "UPDATE webhook_trigger SET url = ?, secret = ?, album_version = ?"
        " WHERE album_id = ? AND webhook_id = ? AND due_at IS NOT NULL",
        (shown_text(webhook.url), webhook.secret, version, album_id, webhook_id),
    )


def delete_triggers(cursor: Cursor, album_id: AlbumId, webhook_id: WebhookId) -> None:
    """Delete the triggers and deliveries of a webhook, except for detached deliveries."""
    cursor.execute(
        "SELECT trigger_id FROM webhook_trigger WHERE album_id = ? AND webhook_id = ?"
        " AND url IS NULL",
        (album_id, webhook_id),
    )
    _delete(cursor, [row["trigger_id"] for row in cursor.fetchall()])
    cursor.execute(_DELETE_EMPTY_QUEUE, (album_id, webhook_id))


def claim_delivery(
    database: Database,
    now: datetime,
    lease: str,
    until: datetime,
    *,
    is_first_attempt: bool = False,
    max_per_album: int = MAX_PER_ALBUM,
) -> Delivery | None:
    """Claim the next due delivery: the one with the fewest attempts, of these the one that was due first.

    It is the head of a queue without a lease, of an album with fewer leases than allowed. A delivery that is due later
    than possible, or a lease that ends later than possible, was written while a clock was ahead: it is due, or has
    ended.

    Args:
        database: Holds the queues.
        now: The current time.
        lease: A new text, unguessable.
        until: When the lease ends.
        is_first_attempt: Claim no retries.
        max_per_album: How many queues of one album may be leased at a time.
    """
    due = timestamp(now), timestamp(now + max(RETRY_DELAYS) + CLOCK_TOLERANCE)
    leased = timestamp(now), timestamp(now + LEASE + CLOCK_TOLERANCE)
    choice = (*due, 0 if is_first_attempt else MAX_ATTEMPTS, *leased, *leased, max_per_album)
    with database.transaction(commit=False) as cursor:  # does not wait for other writers
        cursor.execute(_NEXT, choice)
        if cursor.fetchone() is None:
            return None
    with database.transaction(commit=True) as cursor:
        cursor.execute(_CLAIM, (lease, timestamp(until), *choice))
        cursor.execute(_CLAIMED, (*due, lease))
        row = cursor.fetchone()
        if row is None:
            return None
        cursor.execute(_SERIES, (row["trigger_id"],))
        return _delivery(row, cursor.fetchall())


def _delivery(row: Row, series: list[Row]) -> Delivery:
    return Delivery(
        row["trigger_id"],
        row["line"],
        row["lease"],
        AlbumId(row["album_id"]),
        _notification(row, series),
        row["current_url"],
        row["secret_value"],
        row["secret_name"] is not None and row["secret_value"] is None,
        row["attempts"] + 1,
    )


def _notification(row: Row, series: list[Row]) -> Notification:
    source = Source(UserId(row["sub"]), row["token_id"], row["provider_id"])
    return Notification(
        WebhookId(row["webhook_id"]),
        WebhookEvent(row["event"]),
        Act(source, parse_timestamp(row["at"])),
        is_manual=bool(row["is_manual"]),
        user=row["user"],
        study_uid=row["study_uid"],
        series_uids=tuple(SeriesUID(one["series_uid"]) for one in series),
        is_study_gone=bool(row["is_study_gone"]),
        album_version=row["album_version"],
        is_upload=bool(row["is_upload"]),
        version=row["version"],
        first_at=None if row["first_at"] is None else parse_timestamp(row["first_at"]),
        new_instances={
            SeriesUID(one["series_uid"]): one["new_instances"]
            for one in series
            if one["new_instances"] is not None
        },
    )


def record_attempt(
    database: Database, delivery: Delivery, attempt: Attempt, clock: Callable[[], datetime]
) -> None:
    """Store an attempt, release the lease, and schedule the next attempt if this one failed and was not the last.

    Nothing is stored if the webhook is deleted, or the lease has expired and was claimed by another worker. When
    nothing is left to try, the oldest triggers above `MAX_TRIGGERS` are deleted. Of a deleted album no attempts are
    stored, and the delivery is deleted when nothing is left to try.
    """
    is_done = attempt.has_passed or attempt.number == MAX_ATTEMPTS
    due_at = None if is_done else timestamp(clock() + RETRY_DELAYS[attempt.number - 1])
    of_webhook = delivery.album_id, delivery.notification.webhook_id
    with database.transaction(commit=True) as cursor:
        cursor.execute(_RELEASE, (delivery.line, delivery.lease))
        if not has_changed(cursor):
            return
        cursor.execute(
            "UPDATE webhook_trigger SET attempts = ?, due_at = ? WHERE trigger_id = ?",
            (attempt.number, due_at, delivery.trigger_id),
        )
        # Read again: the album may have been deleted since the delivery was claimed.
        cursor.execute(
            "SELECT url, secret FROM webhook_trigger WHERE trigger_id = ?", (delivery.trigger_id,)
        )
        [row] = cursor.fetchall()
        is_detached = row["url"] is not None
        if not is_detached:
            cursor.execute(
                "INSERT INTO webhook_attempt (trigger_id, attempt, status, at) VALUES (?, ?, ?, ?)",
                (delivery.trigger_id, attempt.number, attempt.status, timestamp(attempt.at)),
            )
        if not is_done:
            return
        if is_detached:
            _delete(cursor, [delivery.trigger_id])
            delete_unused_secrets(cursor, [row["secret"]])
        else:
            cursor.execute(_EXCESS, (*of_webhook, _MAX_DELETED, MAX_TRIGGERS))
            _delete(cursor, [excess["trigger_id"] for excess in cursor.fetchall()])
        cursor.execute(_DELETE_EMPTY_QUEUE, of_webhook)


def _delete(cursor: Cursor, trigger_ids: Iterable[str]) -> None:
    ids = [(trigger_id,) for trigger_id in trigger_ids]
    for table in _TRIGGER_TABLES:
        cursor.executemany(f"DELETE FROM {table} WHERE trigger_id = ?", ids)  # noqa: S608
