"""Webhooks and their triggers as clients read them (Kheops API 11)."""

from __future__ import annotations

from typing import Any

import pytest

from albumcore import (
    WebhookEvent,
    add_member,
    import_study,
    remove_series,
    remove_study,
    trigger_webhook,
)
from albumcore.albums import Webhook
from albumcore.ids import WebhookId
from albumcore_adapters.webhooks import (
    TriggerSummary,
    list_triggers,
    queue,
    summarize_triggers,
    triggers_json,
    webhook_json,
)
from support.kheops import ALBUM, BOB, CT, DAVE, MR, STUDY
from support.receiver import Answer
from support.webhooks import HOOK, OTHER_HOOK, ROOT, SECRET, Hooked, rows

WEBHOOK = Webhook(
    "Hook", "https://a.example", (WebhookEvent.NEW_SERIES, WebhookEvent.NEW_USER), True, "name"
)
OBJECT = {
    "id": HOOK,
    "url": "https://a.example",
    "name": "Hook",
    "use_secret": True,
    "events": ["new_series", "new_user"],
    "enabled": True,
}


def shown(world: Hooked, **page: int) -> list[dict[str, Any]]:
    """The triggers of the webhook as clients read them."""
    triggers, _ = list_triggers(world.outbox, ALBUM, HOOK, **page)
    return triggers_json(world.outbox, triggers)


def test_a_webhook_in_a_list() -> None:
    """With its last triggers in short; without triggers there is no key."""
    assert webhook_json(HOOK, WEBHOOK, TriggerSummary()) == OBJECT | {"number_of_triggers": 0}
    summary = TriggerSummary(2, (("t2", True), ("t1", False)))
    assert webhook_json(HOOK, WEBHOOK, summary) == OBJECT | {
        "number_of_triggers": 2,
        "last_triggers": [{"id": "t2", "status": "pass"}, {"id": "t1", "status": "fail"}],
    }


def test_a_webhook_alone() -> None:
    """With a page of its triggers in full."""
    summary = TriggerSummary(1, (("t1", True),))
    for triggers in ([], [{"id": "t1"}]):
        content = webhook_json(HOOK, WEBHOOK, summary, triggers)
        assert content == OBJECT | {"number_of_triggers": 1, "triggers": triggers}


def test_a_webhook_without_a_secret() -> None:
    """`use_secret` is false."""
    content = webhook_json(HOOK, Webhook("Hook", "https://a.example"), TriggerSummary())
    assert content["use_secret"] is False


def test_a_trigger_of_a_user(world: Hooked) -> None:
    """With its attempts, latest first."""
    world.receiver.answer(Answer(503), Answer(200))
    world.hook(WebhookEvent.NEW_USER)
    world.act(add_member, DAVE)
    world.run()
    world.run(20)
    [content] = shown(world)
    assert len(content.pop("id")) == 30
    assert content == {
        "is_manual_trigger": False,
        "event": "new_user",
        "attempts": [
            {"status": 200, "time": "2026-03-01T12:00:25Z", "attempt": 2},
            {"status": 503, "time": "2026-03-01T12:00:05Z", "attempt": 1},
        ],
        "user": {"email": "dave@example.org", "name": "Dave", "sub": DAVE},
    }


def test_a_trigger_of_an_unknown_user(world: Hooked) -> None:
    """By subject identifier alone; before the first attempt there is no key for attempts."""
    world.hook(WebhookEvent.NEW_USER)
    world.act(add_member, "sub-new")
    [content] = shown(world)
    del content["id"]
    user = {"sub": "sub-new"}
    assert content == {"is_manual_trigger": False, "event": "new_user", "user": user}


def test_a_trigger_of_new_series(world: Hooked) -> None:
    """With the RetrieveURL of the study and of each series."""
    world.act(import_study, STUDY, [CT, MR])
    world.hook()
    world.act(trigger_webhook, HOOK, WebhookEvent.NEW_SERIES, STUDY, [MR, CT])
    [content] = shown(world)
    del content["id"]
    address = f"{ROOT}/studies/{STUDY}"
    assert content == {
        "is_manual_trigger": True,
        "event": "new_series",
        "study": {
            "study_uid": STUDY,
            "retrieve_url": address,
            "series": [
                {"series_uid": uid, "retrieve_url": f"{address}/series/{uid}"} for uid in (CT, MR)
            ],
        },
    }


def test_a_trigger_of_removed_series(world: Hooked) -> None:
    """The series have no RetrieveURL, nor has the study if the album has none of its series any more."""
    world.act(import_study, STUDY, [CT, MR])
    world.hook(WebhookEvent.REMOVE_SERIES)
    world.act(remove_series, STUDY, CT)
    world.act(remove_study, STUDY)
    last, first = (content["study"] for content in shown(world))
    address = f"{ROOT}/studies/{STUDY}"
    assert first == {
        "study_uid": STUDY,
        "retrieve_url": address,
        "series": [{"series_uid": CT}],
    }
    assert last == {"study_uid": STUDY, "series": [{"series_uid": MR}]}


def test_pages_of_triggers_newest_first(world: Hooked) -> None:
    """The total does not depend on the page."""
    world.hook(WebhookEvent.NEW_USER, secret=SECRET)
    for number in range(7):
        world.act(add_member, f"user-{number}")
    subs = [content["user"]["sub"] for content in shown(world)]
    assert subs == [f"user-{number}" for number in reversed(range(7))]
    huge = 2**80
    for limit, offset in [(2, 0), (2, 3), (0, 0), (huge, 5), (3, huge), (None, 4)]:
        page, total = list_triggers(world.outbox, ALBUM, HOOK, limit, offset)
        assert [one.user for one in page] == subs[offset:][:limit]
        assert total == 7


def test_the_newest_triggers_stay_stored(world: Hooked, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limited number of each webhook; unfinished deliveries do not count."""
    monkeypatch.setattr(queue, "MAX_TRIGGERS", 3)
    for webhook_id in (HOOK, OTHER_HOOK):
        world.hook(WebhookEvent.NEW_USER, webhook_id=webhook_id)
    world.receiver.answer(Answer(500), Answer(200), path=f"/{HOOK}")
    for number in range(5):
        world.act(add_member, f"user-{number}")
    world.run()
    world.act(trigger_webhook, HOOK, WebhookEvent.NEW_USER, user=BOB)
    assert len(world.run(10)) == 1

    def users(webhook_id: WebhookId) -> list[str | None]:
        return [one.user for one in list_triggers(world.outbox, ALBUM, webhook_id)[0]]

    bob = world.world.user(BOB)
    assert users(HOOK) == [bob, "user-4", "user-3", "user-0"]
    assert users(OTHER_HOOK) == ["user-4", "user-3", "user-2"]
    assert len(world.run(9)) == 1
    assert users(HOOK) == [bob, "user-4", "user-3"]
    assert summarize_triggers(world.outbox, ALBUM)[HOOK].number_of_triggers == 3
    assert len(rows(world.outbox, "SELECT trigger_id FROM webhook_attempt")) == 6


def test_the_five_newest_in_short(world: Hooked) -> None:
    """With whether they passed."""
    world.receiver.answer(Answer(500), Answer(200))
    world.hook()
    for _ in range(7):
        world.act(trigger_webhook, HOOK, WebhookEvent.NEW_USER, user=BOB)
    world.run()
    ids = [content["id"] for content in shown(world)]
    summary = summarize_triggers(world.outbox, ALBUM)[HOOK]
    assert summary == TriggerSummary(7, tuple((one, True) for one in ids[:5]))
    world.receiver.answer(Answer(300))
    world.act(trigger_webhook, HOOK, WebhookEvent.NEW_USER, user=BOB)
    world.run()
    newest = summarize_triggers(world.outbox, ALBUM)[HOOK].last_triggers
    assert [has_passed for _, has_passed in newest] == [False, True, True, True, True]
