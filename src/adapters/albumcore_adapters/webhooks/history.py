"""The triggers of webhooks as clients read them (Kheops API 11): what was notified, and the outcome of each attempt."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from attrs import frozen

from albumcore.albums import Webhook, WebhookEvent
from albumcore.feed import Person
from albumcore.ids import AlbumId, SeriesUID, StudyUID, UserId, WebhookId
from albumcore.json_object import Json, present
from albumcore.kernel import shown_text
from albumcore_adapters.sql.database import MAX_INTEGER, Cursor, Row, select_in
from albumcore_adapters.webhooks.json_values import person_json, study_url, utc_time
from albumcore_adapters.webhooks.outbox import Outbox, parse_timestamp
from albumcore_adapters.webhooks.projection import catch_up
from albumcore_adapters.webhooks.queue import Attempt

LAST_TRIGGERS = 5
"""Triggers of each webhook that a list of webhooks shows."""

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
    " WHERE attempt.trigger_id = listed.trigger_id AND attempt.status BETWEEN 200 AND 299) AS has_passed"
    " FROM webhook_trigger AS listed WHERE album_id = ? AND webhook_id = ?"
    " ORDER BY number DESC LIMIT ?"
)


@frozen
class Trigger:
    """One notification of a webhook, with its attempts.

    Attributes:
        trigger_id: Thirty characters; receivers get it as the delivery id.
        event: The kind of notification.
        is_manual: An admin triggered it.
        attempts: Latest first.
        user: The added user (`WebhookEvent.NEW_USER`).
        study_uid: The study (`WebhookEvent.NEW_SERIES`, `WebhookEvent.REMOVE_SERIES`).
        series_uids: The series of that study.
        is_study_gone: The album had no series of the study any more (`WebhookEvent.REMOVE_SERIES`).
    """

    trigger_id: str
    event: WebhookEvent
    is_manual: bool
    attempts: tuple[Attempt, ...] = ()
    user: UserId | None = None
    study_uid: StudyUID | None = None
    series_uids: tuple[SeriesUID, ...] = ()
    is_study_gone: bool = False


@frozen
class TriggerSummary:
    """The triggers of a webhook in short.

    Attributes:
        number_of_triggers: How many are stored.
        last_triggers: The ids of the five newest, newest first, each with whether one of its attempts passed.
    """

    number_of_triggers: int = 0
    last_triggers: tuple[tuple[str, bool], ...] = ()


def list_triggers(
    outbox: Outbox,
    album_id: AlbumId,
    webhook_id: WebhookId,
    limit: int | None = None,
    offset: int = 0,
) -> tuple[tuple[Trigger, ...], int]:
    """A page of the triggers of a webhook, newest first, and the number of all.

    The projection catches up first, so the trigger that a client has just made is among them.
    """
    catch_up(outbox)
    size = MAX_INTEGER if limit is None else min(limit, MAX_INTEGER)
    with outbox.database.transaction(commit=False) as cursor:
        cursor.execute(_COUNT, (album_id, webhook_id))
        [row] = cursor.fetchall()
        cursor.execute(_PAGE, (album_id, webhook_id, size, min(offset, MAX_INTEGER)))
        page = cursor.fetchall()
        attempts = _by_trigger(cursor, _ATTEMPTS, page)
        series = _by_trigger(cursor, _SERIES, page)
    return tuple(_trigger(one, attempts, series) for one in page), row["total"]


def summarize_triggers(outbox: Outbox, album_id: AlbumId) -> Mapping[WebhookId, TriggerSummary]:
    """The triggers of the webhooks of an album in short; webhooks without triggers are missing.

    The projection catches up first.
    """
    catch_up(outbox)
    found = {}
    with outbox.database.transaction(commit=False) as cursor:
        cursor.execute(_COUNTS, (album_id,))
        for row in cursor.fetchall():
            webhook_id = WebhookId(row["webhook_id"])
            cursor.execute(_LAST, (album_id, webhook_id, LAST_TRIGGERS))
            last = tuple((r["trigger_id"], bool(r["has_passed"])) for r in cursor.fetchall())
            found[webhook_id] = TriggerSummary(row["number"], last)
    return found


def _by_trigger(cursor: Cursor, select: str, page: list[Row]) -> Mapping[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in select_in(cursor, select, [one["trigger_id"] for one in page]):
        found[row["trigger_id"]].append(row)
    return found


def _trigger(
    row: Row, attempts: Mapping[str, list[Row]], series: Mapping[str, list[Row]]
) -> Trigger:
    trigger_id = row["trigger_id"]
    return Trigger(
        trigger_id,
        WebhookEvent(row["event"]),
        bool(row["is_manual"]),
        tuple(
            Attempt(one["attempt"], one["status"], parse_timestamp(one["at"]))
            for one in attempts[trigger_id]
        ),
        row["user"],
        row["study_uid"],
        tuple(one["series_uid"] for one in series[trigger_id]),
        bool(row["is_study_gone"]),
    )


def webhook_json(
    webhook_id: WebhookId,
    webhook: Webhook,
    summary: TriggerSummary,
    triggers: Sequence[Json] | None = None,
) -> Json:
    """A webhook as clients read it, never with its secret.

    Args:
        webhook_id: Its id.
        webhook: Its state in the album.
        summary: Its triggers in short.
        triggers: A page of its triggers in full; without it, the five newest are shown in short.
    """
    content: Json = {
        "id": webhook_id,
        "url": shown_text(webhook.url),
        "name": shown_text(webhook.name),
        "use_secret": webhook.secret is not None,
        "events": [event.value for event in webhook.events],
        "enabled": webhook.enabled,
        "number_of_triggers": summary.number_of_triggers,
    }
    if triggers is not None:
        return content | {"triggers": list(triggers)}
    last = [
        {"id": trigger_id, "status": "pass" if has_passed else "fail"}
        for trigger_id, has_passed in summary.last_triggers
    ]
    return content | present(last_triggers=last or None)


def triggers_json(outbox: Outbox, triggers: Iterable[Trigger]) -> list[Json]:
    """Triggers in full, as clients read them, in the given order."""
    shown = tuple(triggers)
    people = outbox.people.people({one.user for one in shown if one.user is not None})
    return [_trigger_json(one, people, outbox.api_url) for one in shown]


def _trigger_json(trigger: Trigger, people: Mapping[UserId, Person], api_url: str) -> Json:
    user = trigger.user
    return present(
        id=trigger.trigger_id,
        is_manual_trigger=trigger.is_manual,
        event=trigger.event.value,
        attempts=[_attempt_json(attempt) for attempt in trigger.attempts] or None,
        user=None if user is None else person_json(people.get(user, Person(user))),
        study=_study_json(trigger, api_url),
    )


def _attempt_json(attempt: Attempt) -> Json:
    return {"status": attempt.status, "time": utc_time(attempt.at), "attempt": attempt.number}


def _study_json(trigger: Trigger, api_url: str) -> Json | None:
    if trigger.study_uid is None:
        return None
    url = study_url(api_url, trigger.study_uid)
    is_in_album = trigger.event is WebhookEvent.NEW_SERIES
    return present(
        study_uid=trigger.study_uid,
        retrieve_url=None if trigger.is_study_gone else url,
        series=[
            present(series_uid=uid, retrieve_url=f"{url}/series/{uid}" if is_in_album else None)
            for uid in trigger.series_uids
        ],
    )
