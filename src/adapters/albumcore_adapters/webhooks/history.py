"""Reading what webhooks had to tell, and how it went."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from albumcore.albums import WebhookEvent
from albumcore.ids import AlbumId, WebhookId
from albumcore_adapters.sql.database import MAX_INTEGER, Cursor, Row, select_in
from albumcore_adapters.webhooks.follower import Follower
from albumcore_adapters.webhooks.tables import moment
from albumcore_adapters.webhooks.triggers import LAST, Attempt, Summary, Trigger

_COUNT = "SELECT count(*) AS total FROM webhook_trigger WHERE album_id = ? AND webhook_id = ?"
_PAGE = (
    "SELECT * FROM webhook_trigger WHERE album_id = ? AND webhook_id = ?"
    " ORDER BY number DESC LIMIT ? OFFSET ?"
)
_ATTEMPTS = (
    "SELECT * FROM webhook_attempt WHERE trigger_id IN (:values) ORDER BY trigger_id, attempt DESC"
)
_SERIES = (
    "SELECT * FROM webhook_trigger_series WHERE trigger_id IN (:values)"
    " ORDER BY trigger_id, series_uid"
)
_COUNTS = "SELECT webhook_id, count(*) AS number FROM webhook_trigger WHERE album_id = ? GROUP BY webhook_id"
_LAST = (
    "SELECT trigger_id, EXISTS (SELECT 1 FROM webhook_attempt AS attempt"
    " WHERE attempt.trigger_id = told.trigger_id AND attempt.status BETWEEN 200 AND 299) AS has_passed"
    " FROM webhook_trigger AS told WHERE album_id = ? AND webhook_id = ?"
    " ORDER BY number DESC LIMIT ?"
)


@frozen
class History(Follower):
    """The part of the outbox that shows the triggers. The history is taken up first, so one just made is there."""

    def triggers(
        self, album_id: AlbumId, webhook_id: WebhookId, limit: int | None = None, offset: int = 0
    ) -> tuple[tuple[Trigger, ...], int]:
        """A page of the triggers of a webhook, newest first, and how many there are in all."""
        self.take_up()
        size = MAX_INTEGER if limit is None else min(limit, MAX_INTEGER)
        with self.database.transaction(commit=False) as cursor:
            cursor.execute(_COUNT, (album_id, webhook_id))
            [row] = cursor.fetchall()
            cursor.execute(_PAGE, (album_id, webhook_id, size, min(offset, MAX_INTEGER)))
            page = cursor.fetchall()
            attempts = _by_trigger(cursor, _ATTEMPTS, page)
            series = _by_trigger(cursor, _SERIES, page)
        found = [_trigger(one, attempts, series) for one in page]
        return tuple(found), row["total"]

    def summaries(self, album_id: AlbumId) -> Mapping[WebhookId, Summary]:
        """The triggers of each webhook of an album in short; none of a webhook that has none."""
        self.take_up()
        found = {}
        with self.database.transaction(commit=False) as cursor:
            cursor.execute(_COUNTS, (album_id,))
            for row in cursor.fetchall():
                webhook_id = WebhookId(row["webhook_id"])
                cursor.execute(_LAST, (album_id, webhook_id, LAST))
                last = tuple((r["trigger_id"], bool(r["has_passed"])) for r in cursor.fetchall())
                found[webhook_id] = Summary(row["number"], last)
        return found


def _by_trigger(cursor: Cursor, select: str, page: list[Row]) -> Mapping[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in select_in(cursor, select, [one["trigger_id"] for one in page]):
        found[row["trigger_id"]].append(row)
    return found


def _trigger(
    row: Row, attempts: Mapping[str, list[Row]], series: Mapping[str, list[Any]]
) -> Trigger:
    trigger_id = row["trigger_id"]
    return Trigger(
        trigger_id,
        WebhookEvent(row["event"]),
        bool(row["is_manual"]),
        tuple(Attempt(a["attempt"], a["status"], moment(a["at"])) for a in attempts[trigger_id]),
        row["user"],
        row["study_uid"],
        tuple(one["series_uid"] for one in series[trigger_id]),
        bool(row["is_study_gone"]),
    )
