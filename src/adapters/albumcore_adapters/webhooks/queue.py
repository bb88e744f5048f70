"""The deliveries that are to be made: how they get into the table, who makes them, and what came of it.

Those of one webhook stand in a line, and are made one at a time, by whoever holds the lease of the line; of an album,
eight at a time, so that no album takes up all there are threads for. First attempts go before all others. A lease that
outlives its holder is given to the next one, so a delivery may be made twice, but never not at all.

Of what was told, the newest are kept to be looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from attrs import evolve, field, frozen

from albumcore.albums import Webhook, WebhookEvent
from albumcore.ids import AlbumId, SeriesUID, UserId, WebhookId
from albumcore.kernel import Act, Source
from albumcore_adapters.sql.database import Cursor, Database, Row, has_changed
from albumcore_adapters.webhooks.notifications import Call
from albumcore_adapters.webhooks.secrets import forget
from albumcore_adapters.webhooks.tables import moment, stamp
from albumcore_adapters.webhooks.triggers import Attempt

WAITS = tuple(timedelta(seconds=seconds) for seconds in (20, 15, 10, 5))
"""How long is waited after each attempt that failed, but the last."""

MOST_ATTEMPTS = len(WAITS) + 1
LEASE = timedelta(seconds=60)
"""How long a line is left to whoever began a delivery."""

ABREAST = 8
"""How many deliveries of an album are made at a time; two processes that claim at one moment may make one more each."""

KEPT = 1000
"""How many deliveries of a webhook are kept after they were made or given up."""

_MOST_DROPPED = 100  # At a time: a webhook of an older release may have kept very many.

AHEAD = timedelta(minutes=1)
"""How much later than it can be a moment must be to be that of a clock that was wrong.

It is longer than anybody waits for the database, and whoever did read the clock before.
"""

_ADD = (
    "INSERT INTO webhook_trigger (trigger_id, album_id, webhook_id, event, is_manual, at, sub,"
    ' token_id, provider_id, "user", study_uid, is_study_gone, album_version,'
    " url, secret, due_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_ADD_SERIES = (
    "INSERT INTO webhook_trigger_series (trigger_id, series_uid) VALUES (?, ?)"
    " ON CONFLICT DO NOTHING"
)
_ADD_LINE = "INSERT INTO webhook_line (album_id, webhook_id) VALUES (?, ?) ON CONFLICT DO NOTHING"
_HEAD = (
    "(SELECT number FROM webhook_trigger AS own WHERE own.album_id = line.album_id"
    " AND own.webhook_id = line.webhook_id AND own.due_at IS NOT NULL"
    " AND (own.due_at <= ? OR own.due_at > ?) ORDER BY attempts, due_at, number LIMIT 1)"
)
# SQLite takes a cross join as it is written: the lines, and the head of each.
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
    "SELECT told.*, line.number AS line, line.lease, coalesce(told.url, known.url) AS goes_to,"  # noqa: S608
    " coalesce(told.secret, known.secret) AS secret_name, kept.secret AS the_secret"
    " FROM webhook_line AS line CROSS JOIN webhook_trigger AS told"
    " LEFT JOIN webhook_known AS known"
    " ON known.album_id = told.album_id AND known.webhook_id = told.webhook_id"
    " LEFT JOIN webhook_secret AS kept ON kept.name = coalesce(told.secret, known.secret)"
    f" WHERE told.number = {_HEAD} AND line.lease = ?"
)
_LET_GO = "UPDATE webhook_line SET lease = NULL, leased_until = NULL WHERE number = ? AND lease = ?"
_DROP_EMPTY = (
    "DELETE FROM webhook_line WHERE album_id = ? AND webhook_id = ? AND NOT EXISTS"
    " (SELECT 1 FROM webhook_trigger AS own WHERE own.album_id = webhook_line.album_id"
    " AND own.webhook_id = webhook_line.webhook_id AND own.due_at IS NOT NULL)"
)
_PAST = (
    "SELECT trigger_id FROM webhook_trigger WHERE album_id = ? AND webhook_id = ?"
    " AND due_at IS NULL ORDER BY number DESC LIMIT ? OFFSET ?"
)
_DROPPED = ("webhook_trigger", "webhook_trigger_series", "webhook_attempt")
_SERIES = "SELECT series_uid FROM webhook_trigger_series WHERE trigger_id = ? ORDER BY series_uid"


@frozen
class Delivery:
    """A delivery, and the line that somebody holds the lease of to make it.

    Attributes:
        trigger_id: Its id.
        line: The number of the line.
        lease: What only the holder knows.
        album_id: The album that is told of.
        call: What is told.
        url: Where it goes now.
        secret: What signs it now, if anything does.
        is_secret_lost: There is to be a signature, but the secret is not there.
        number: Of the attempt to be made, from 1 to 5.
    """

    trigger_id: str
    line: int
    lease: str
    album_id: AlbumId
    call: Call
    url: str = field(repr=False)
    secret: str | None = field(repr=False)
    is_secret_lost: bool
    number: int


def add(
    cursor: Cursor, trigger_id: str, album_id: AlbumId, call: Call, webhook: Webhook | None = None
) -> None:
    """Have something told, as soon as can be.

    Args:
        cursor: Writes.
        trigger_id: A new id.
        album_id: The album.
        call: What is told.
        webhook: Whom, where the album has no webhooks any more when it is told.
    """
    source = call.act.source
    cursor.execute(
        _ADD,
        (
            *(trigger_id, album_id, call.webhook_id, call.event.value, int(call.is_manual)),
            *(stamp(call.act.at), source.user, source.capability_token, source.report_provider),
            *(call.user, call.study_uid, int(call.is_study_gone)),
            call.album_version,
            *((None, None) if webhook is None else (webhook.url, webhook.secret)),
            stamp(call.act.at),
        ),
    )
    cursor.executemany(_ADD_SERIES, [(trigger_id, uid) for uid in call.series_uids])
    cursor.execute(_ADD_LINE, (album_id, call.webhook_id))


def bequeath(
    cursor: Cursor, album_id: AlbumId, webhook_id: WebhookId, webhook: Webhook, version: int
) -> None:
    """Have told what is still to be told of a deleted album: to the webhook, and of the album, as both were.

    Args:
        cursor: Writes.
        album_id: The album.
        webhook_id: One of its webhooks.
        webhook: As it was.
        version: The last version of the album before it was deleted.
    """
    cursor.execute(
        "UPDATE webhook_trigger SET url = ?, secret = ?, album_version = ?"
        " WHERE album_id = ? AND webhook_id = ? AND due_at IS NOT NULL",
        (webhook.url, webhook.secret, version, album_id, webhook_id),
    )


def drop(cursor: Cursor, album_id: AlbumId, webhook_id: WebhookId) -> None:
    """Drop what a webhook told and had to tell, but what was bequeathed."""
    cursor.execute(
        "SELECT trigger_id FROM webhook_trigger WHERE album_id = ? AND webhook_id = ?"
        " AND url IS NULL",
        (album_id, webhook_id),
    )
    _drop(cursor, [row["trigger_id"] for row in cursor.fetchall()])
    cursor.execute(_DROP_EMPTY, (album_id, webhook_id))


def claim(
    database: Database,
    now: datetime,
    lease: str,
    until: datetime,
    *,
    is_for_first_attempts: bool = False,
    abreast: int = ABREAST,
) -> Delivery | None:
    """Take the lease of a line that has a delivery due: of the fewest attempts, then due longest. None where none is.

    Lines of an album of which as many are leased as may be wait.

    What a clock that was ahead wrote down holds nothing up: what is due later than it can be is due, and a lease
    that ends later than it can has ended.

    Args:
        database: Where the lines are.
        now: What is due by then is due.
        lease: A text that nobody else has.
        until: When the lease ends.
        is_for_first_attempts: Leave what was tried before to others.
        abreast: How many lines of one album may be leased at a time.
    """
    due = stamp(now), stamp(now + max(WAITS) + AHEAD)
    free = stamp(now), stamp(now + LEASE + AHEAD)
    choice = (*due, 0 if is_for_first_attempts else MOST_ATTEMPTS, *free, *free, abreast)
    with database.transaction(commit=False) as cursor:
        cursor.execute(_NEXT, choice)
        if cursor.fetchone() is None:
            return None
    with database.transaction(commit=True) as cursor:
        cursor.execute(_CLAIM, (lease, stamp(until), *choice))
        cursor.execute(_CLAIMED, (*due, lease))
        row = cursor.fetchone()
        if row is None:
            return None
        cursor.execute(_SERIES, (row["trigger_id"],))
        return _delivery(row, evolve(_call(row), series_uids=_uids(cursor)))


def _uids(cursor: Cursor) -> tuple[SeriesUID, ...]:
    return tuple(row["series_uid"] for row in cursor.fetchall())


def _delivery(row: Row, call: Call) -> Delivery:
    return Delivery(
        row["trigger_id"],
        row["line"],
        row["lease"],
        AlbumId(row["album_id"]),
        call,
        row["goes_to"],
        row["the_secret"],
        row["secret_name"] is not None and row["the_secret"] is None,
        row["attempts"] + 1,
    )


def _call(row: Row) -> Call:
    source = Source(UserId(row["sub"]), row["token_id"], row["provider_id"])
    return Call(
        WebhookId(row["webhook_id"]),
        WebhookEvent(row["event"]),
        Act(source, moment(row["at"])),
        is_manual=bool(row["is_manual"]),
        user=row["user"],
        study_uid=row["study_uid"],
        is_study_gone=bool(row["is_study_gone"]),
        album_version=row["album_version"],
    )


def record(
    database: Database, delivery: Delivery, attempt: Attempt, clock: Callable[[], datetime]
) -> None:
    """Write down an attempt, let go of the lease, and have the next one made where it failed.

    Nothing is written where the webhook is gone, or somebody else holds the lease by now. Where there is nothing
    left to try, older deliveries make room. Of a deleted album no attempts are kept, and nothing at all once there
    is nothing left to try.
    """
    is_done = attempt.has_passed or attempt.number == MOST_ATTEMPTS
    due_at = None if is_done else stamp(clock() + WAITS[attempt.number - 1])
    with database.transaction(commit=True) as cursor:
        cursor.execute(_LET_GO, (delivery.line, delivery.lease))
        if not has_changed(cursor):
            return
        cursor.execute(
            "UPDATE webhook_trigger SET attempts = ?, due_at = ? WHERE trigger_id = ?",
            (attempt.number, due_at, delivery.trigger_id),
        )
        # Asked now: the album may have been deleted since the delivery began.
        cursor.execute(
            "SELECT url, secret FROM webhook_trigger WHERE trigger_id = ?", (delivery.trigger_id,)
        )
        [row] = cursor.fetchall()
        if row["url"] is None:
            cursor.execute(
                "INSERT INTO webhook_attempt (trigger_id, attempt, status, at) VALUES (?, ?, ?, ?)",
                (delivery.trigger_id, attempt.number, attempt.status, stamp(attempt.at)),
            )
            if is_done:
                cursor.execute(
                    _PAST, (delivery.album_id, delivery.call.webhook_id, _MOST_DROPPED, KEPT)
                )
                _drop(cursor, [past["trigger_id"] for past in cursor.fetchall()])
        elif is_done:
            _drop(cursor, [delivery.trigger_id])
            forget(cursor, [row["secret"]])
        if is_done:
            cursor.execute(_DROP_EMPTY, (delivery.album_id, delivery.call.webhook_id))


def _drop(cursor: Cursor, trigger_ids: Iterable[str]) -> None:
    ids = [(trigger_id,) for trigger_id in trigger_ids]
    for table in _DROPPED:
        cursor.executemany(f"DELETE FROM {table} WHERE trigger_id = ?", ids)  # noqa: S608
