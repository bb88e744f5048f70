"""Webhooks and their triggers as clients read them (Kheops API 11). What is unknown or does not apply has no key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from albumcore.albums import Webhook, WebhookEvent
from albumcore.ids import UserId, WebhookId
from albumcore.times import in_utc
from albumcore_adapters.directory import People, Person
from albumcore_adapters.webhooks.triggers import Attempt, Summary, Trigger

Json = dict[str, Any]


def webhook_json(
    webhook_id: WebhookId,
    webhook: Webhook,
    summary: Summary,
    triggers: Sequence[Json] | None = None,
) -> Json:
    """A webhook, never with its secret.

    Args:
        webhook_id: Its id.
        webhook: As the album has it.
        summary: Its triggers in short.
        triggers: A page of them in full, where it is shown alone; the five last in short else.
    """
    told: Json = {
        "id": webhook_id,
        "url": webhook.url,
        "name": webhook.name,
        "use_secret": webhook.secret is not None,
        "events": [event.value for event in webhook.events],
        "enabled": webhook.enabled,
        "number_of_triggers": summary.number_of_triggers,
    }
    if triggers is not None:
        return told | {"triggers": list(triggers)}
    last = [
        {"id": trigger_id, "status": "pass" if has_passed else "fail"}
        for trigger_id, has_passed in summary.last_triggers
    ]
    return told | present(last_triggers=last or None)


def triggers_json(triggers: Iterable[Trigger], people: People, base: str) -> list[Json]:
    """Triggers in full.

    Args:
        triggers: In the order in which they are shown.
        people: Who is known, by name and e-mail address.
        base: What the addresses of studies begin with.
    """
    shown = tuple(triggers)
    known = people.people({one.user for one in shown if one.user is not None})
    return [_trigger(one, known, base) for one in shown]


def _trigger(one: Trigger, known: Mapping[UserId, Person], base: str) -> Json:
    return present(
        id=one.trigger_id,
        is_manual_trigger=one.is_manual,
        event=one.event.value,
        attempts=[_attempt(attempt) for attempt in one.attempts] or None,
        user=None if one.user is None else person_json(known.get(one.user, Person(one.user))),
        study=_study(one, base),
    )


def _attempt(attempt: Attempt) -> Json:
    return {"status": attempt.status, "time": utc_time(attempt.at), "attempt": attempt.number}


def _study(one: Trigger, base: str) -> Json | None:
    if one.study_uid is None:
        return None
    address = study_address(base, one.study_uid)
    is_in = one.event is WebhookEvent.NEW_SERIES
    return present(
        study_uid=one.study_uid,
        retrieve_url=None if one.is_study_gone else address,
        series=[
            present(series_uid=uid, retrieve_url=f"{address}/series/{uid}" if is_in else None)
            for uid in one.series_uids
        ],
    )


def study_address(base: str, study_uid: str) -> str:
    """Where a study is retrieved from; a series of it, at ``/series/<uid>`` below."""
    return f"{base}/studies/{study_uid}"


def person_json(person: Person) -> Json:
    """A person."""
    return present(email=person.email, name=person.name, sub=person.sub)


def utc_time(at: datetime) -> str:
    """A moment in UTC, marked as that by a ``Z``."""
    return in_utc("at", at).isoformat().replace("+00:00", "Z")


def present(**values: Any) -> Json:
    """An object of those values that are there."""
    return {name: value for name, value in values.items() if value is not None}
