"""Batches of new series: delivered together, once no more series come and their images are there (Kheops API 11)."""

from __future__ import annotations

from typing import Any

import pytest

from albumcore import (
    Grants,
    WebhookEvent,
    add_report,
    create_report_provider,
    edit_webhook,
    import_series,
    import_study,
    issue_capability_token,
    post_comment,
    remove_series,
    remove_study,
    trigger_webhook,
)
from albumcore.ids import CapabilityTokenId, ReportProviderId
from albumcore_adapters.directory.claims import Holding, album_holder, inbox_holder
from albumcore_adapters.webhooks import catch_up, list_triggers
from albumcore_adapters.webhooks.batches import enqueue_due_batches
from support.kheops import ALBUM, ALICE, BOB, CT, MR, SR, STUDY, digest_of
from support.webhooks import HOOK, OTHER_HOOK, Hooked, bodies_of

KEY, SCRIBE = CapabilityTokenId("key0000001"), ReportProviderId("scribe")
NEW_SERIES = WebhookEvent.NEW_SERIES


@pytest.fixture
def hooks(world: Hooked) -> Hooked:
    """A world with a webhook for new series, and three series in the catalogue."""
    world.world.store({CT: "CT", MR: "MR", SR: "SR"})
    world.hook(NEW_SERIES)
    return world


def series_of(bodies: list[dict[str, Any]]) -> list[list[str]]:
    """The series in each body."""
    return [[one["series_uid"] for one in body["updated_study"]["series"]] for body in bodies]


def test_each_new_series_restarts_the_wait(hooks: Hooked) -> None:
    """Thirty seconds after the last series, all are delivered together, with the time of the last."""
    hooks.act(import_series, STUDY, CT)
    assert hooks.bodies(28) == []
    hooks.act(import_series, STUDY, MR)
    at = hooks.world.clock.now
    assert hooks.bodies(29) == []
    bodies = hooks.bodies(1)
    assert series_of(bodies) == [[CT, MR]]
    assert bodies[0]["event_time"] == at.isoformat().replace("+00:00", "Z")
    assert hooks.bodies(3600) == []


def test_a_batch_does_not_depend_on_when_events_are_projected(hooks: Hooked) -> None:
    """After a pause of the projection, series that came within thirty seconds are still one batch, which is due."""
    hooks.act(import_series, STUDY, CT)
    hooks.world.clock.tick(20)
    hooks.act(import_series, STUDY, MR)
    hooks.world.clock.tick(3600)
    hooks.reopen()
    assert series_of(hooks.bodies()) == [[CT, MR]]


def test_a_reopened_store_still_waits(hooks: Hooked) -> None:
    """Batches are stored in tables, not in a process."""
    hooks.act(import_series, STUDY, CT)
    hooks.run(10)
    hooks.reopen()
    assert hooks.bodies(19) == []
    hooks.reopen()
    assert series_of(hooks.bodies(1)) == [[CT]]


def test_a_later_series_begins_a_new_batch(hooks: Hooked) -> None:
    """A series that comes after its batch was enqueued begins a new batch."""
    hooks.act(import_series, STUDY, CT)
    assert series_of(hooks.bodies(30)) == [[CT]]
    hooks.act(import_series, STUDY, MR)
    assert series_of(hooks.bodies(30)) == [[MR]]


def test_a_batch_has_one_source_one_study_one_webhook(hooks: Hooked) -> None:
    """Because a body names one of each."""
    hooks.world.store({"1.9.1": "CT"}, study="1.9")
    grants = Grants(read=True, write=True)
    hooks.act(issue_capability_token, KEY, digest_of("k"), "Scanner", grants)
    hooks.act(create_report_provider, SCRIBE, "Scribe", "https://scribe.example/c")
    hooks.hook(NEW_SERIES, webhook_id=OTHER_HOOK)
    hooks.act(import_series, STUDY, CT, by=BOB)
    hooks.act(import_series, STUDY, MR)
    hooks.act(import_series, "1.9", "1.9.1")
    hooks.act(add_report, STUDY, SR, report_provider=SCRIBE)
    found = {
        (
            request.path,
            body["source"]["sub"],
            body["source"].get("report_provider", {}).get("client_id"),
            body["import_source"],
            body["updated_study"]["study_uid"],
            tuple(*series_of([body])),
        )
        for request, body in zip(*requests_and_bodies(hooks), strict=True)
    }
    alice = "sub-alice"
    assert found == {
        (f"/{hook}", *rest)
        for hook in (HOOK, OTHER_HOOK)
        for rest in (
            (BOB, None, "send", STUDY, (CT,)),
            (alice, None, "send", STUDY, (MR,)),
            (alice, None, "send", "1.9", ("1.9.1",)),
            (alice, SCRIBE, "upload", STUDY, (SR,)),
        )
    }
    assert len(hooks.receiver.requests) == 8


def requests_and_bodies(hooks: Hooked) -> tuple[list[Any], list[dict[str, Any]]]:
    """What was sent after thirty seconds."""
    requests = hooks.run(30)
    return requests, bodies_of(requests)


def test_a_token_and_its_creator_are_two_sources(hooks: Hooked) -> None:
    """What a token imports is an upload, as series or as a study, even if it is in the catalogue already."""
    grants = Grants(read=True, write=True)
    hooks.act(issue_capability_token, KEY, digest_of("k"), "Scanner", grants)
    hooks.act(import_series, STUDY, CT)
    hooks.act(import_series, STUDY, MR, capability_token=KEY)
    hooks.act(import_study, STUDY, [SR], capability_token=KEY)
    found = {
        (body["import_source"], "capability_token" in body["source"]) for body in hooks.bodies(30)
    }
    assert found == {("send", False), ("upload", True)}


def test_a_claimed_series_waits_for_its_images(hooks: Hooked) -> None:
    """It is checked every thirty seconds. The source is the user who imported it, whenever its images came."""
    hooks.act(import_series, STUDY, "1.2.3.9")
    for _ in range(5):
        assert hooks.bodies(30) == []
    hooks.world.store({"1.2.3.9": "CT"})
    hooks.reopen()
    [body] = hooks.bodies(30)
    assert series_of([body]) == [["1.2.3.9"]]
    assert body["import_source"] == "send"
    assert body["event_time"] == "2026-03-01T12:00:05Z"
    assert hooks.bodies(3600) == []


def test_a_series_does_not_wait_for_the_images_of_another(hooks: Hooked) -> None:
    """The other series are delivered on time, and the late one when its images are there."""
    hooks.act(import_study, STUDY, [CT, "1.2.3.9"])
    assert series_of(hooks.bodies(30)) == [[CT]]
    assert hooks.bodies(30) == []
    hooks.world.store({"1.2.3.9": "CT"})
    assert series_of(hooks.bodies(30)) == [["1.2.3.9"]]
    assert hooks.bodies(30) == []


def test_a_series_without_images_is_dropped_after_a_day(hooks: Hooked) -> None:
    """Images that come later lead to no delivery, unless the series is imported again."""
    hooks.act(import_series, STUDY, "1.2.3.9")
    day = 24 * 3600
    assert hooks.bodies(30) == []
    assert hooks.bodies(day - 31) == []
    assert batches_left(hooks) == 1
    assert hooks.bodies(30) == []
    assert hooks.bodies(30) == []
    assert batches_left(hooks) == 0
    hooks.world.store({"1.2.3.9": "CT"})
    assert hooks.bodies(30) == []


def batches_left(hooks: Hooked) -> int:
    """The number of stored batches."""
    with hooks.outbox.database.transaction(commit=False) as cursor:
        cursor.execute("SELECT count(*) AS number FROM webhook_group")
        return int(cursor.fetchall()[0]["number"])


def test_a_series_that_left_the_album_is_not_delivered(hooks: Hooked) -> None:
    """Because it could not be retrieved."""
    hooks.act(import_study, STUDY, [CT, MR])
    hooks.act(remove_series, STUDY, CT)
    assert series_of(hooks.bodies(30)) == [[MR]]


@pytest.mark.parametrize("is_study", [True, False])
def test_a_series_that_left_and_came_back_is_delivered_once(hooks: Hooked, is_study: bool) -> None:
    """With the source that imported it again; the other series of its first import keep their own batch."""
    hooks.act(import_study, STUDY, [CT, MR])
    if is_study:
        hooks.act(remove_study, STUDY)
    else:
        hooks.act(remove_series, STUDY, CT)
    hooks.act(import_series, STUDY, CT, by=BOB)
    found = [
        (body["source"]["sub"], *series)
        for body in hooks.bodies(30)
        for series in series_of([body])
    ]
    assert found == [("sub-alice", MR), (BOB, CT)][is_study:]
    assert batches_left(hooks) == 0


def test_a_series_claimed_of_another_study_discloses_nothing(hooks: Hooked) -> None:
    """The series belongs to another study, so the body discloses nothing of either patient."""
    hooks.world.store({"1.9.1": "CT"}, study="1.9")
    hooks.act(import_series, STUDY, "1.9.1")
    assert hooks.bodies(30) == []
    hooks.act(trigger_webhook, HOOK, NEW_SERIES, STUDY, ["1.9.1"])
    [body] = hooks.bodies()
    found = body["updated_study"]
    assert found["series"][0].keys() == {"series_uid", "retrieve_url"}
    assert found.keys() == {"study_uid", "retrieve_url", "series"}


@pytest.mark.parametrize(
    "edit", [{"enabled": False}, {"remove_events": [NEW_SERIES]}, {"events": []}]
)
def test_a_webhook_that_is_no_longer_subscribed_is_not_notified(
    hooks: Hooked, edit: dict[str, Any]
) -> None:
    """Even if it was subscribed when the series came; the batch is deleted."""
    hooks.act(import_series, STUDY, CT)
    hooks.run()
    hooks.act(edit_webhook, HOOK, **edit)
    assert hooks.bodies(30) == []
    assert batches_left(hooks) == 0


def test_a_batch_is_no_trigger_yet(hooks: Hooked) -> None:
    """It becomes one when it is enqueued."""
    hooks.act(import_study, STUDY, [MR, CT])
    assert list_triggers(hooks.outbox, ALBUM, HOOK) == ((), 0)
    hooks.run(30)
    [trigger], total = list_triggers(hooks.outbox, ALBUM, HOOK)
    assert (trigger.event, trigger.study_uid, trigger.series_uids, total) == (
        NEW_SERIES,
        STUDY,
        (CT, MR),
        1,
    )


def test_a_batch_is_enqueued_once(hooks: Hooked, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process that found it due at the same time does not enqueue it again."""
    hooks.act(import_series, STUDY, CT)
    hooks.run()
    now = hooks.world.clock.tick(30)
    outbox = hooks.outbox
    look_up = outbox.albums.index.rows
    found: list[int] = []

    def rows(*args: Any) -> Any:
        if not found:
            found.append(0)
            found[0] = enqueue_due_batches(outbox, now)
        return look_up(*args)

    monkeypatch.setattr(outbox.albums.index, "rows", rows)
    assert enqueue_due_batches(outbox, now) == 0
    assert found == [1]


def test_a_series_at_the_last_moment_restarts_the_wait(
    hooks: Hooked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that found the batch due leaves it alone, because it has changed."""
    hooks.act(import_series, STUDY, CT)
    hooks.run()
    now = hooks.world.clock.tick(30)
    outbox = hooks.outbox
    look_up = outbox.albums.index.rows
    came: list[int] = []

    def rows(*args: Any) -> Any:
        if not came:
            came.append(1)
            hooks.act(import_series, STUDY, MR)
            catch_up(outbox)
        return look_up(*args)

    monkeypatch.setattr(outbox.albums.index, "rows", rows)
    assert enqueue_due_batches(outbox, now) == 0
    assert hooks.bodies(29) == []
    assert series_of(hooks.bodies(1)) == [[CT, MR]]


def test_claimed_series_wait_until_the_album_has_them(hooks: Hooked) -> None:
    """Images of other users are not disclosed; the series is delivered once the album holds it by more than a claim."""
    claims, place = hooks.world.service.claims, album_holder(ALBUM)
    alice = hooks.world.user(ALICE)
    claims.add(Holding(place, STUDY, CT), alice, is_new=True)
    hooks.act(import_series, STUDY, CT)
    assert hooks.bodies(30) == []
    claims.propagate(inbox_holder(alice), place, STUDY, [CT], new=[])
    assert series_of(hooks.bodies(30)) == [[CT]]


AHEAD = 20 * 3600


def test_a_batch_checked_while_the_clock_was_ahead_is_delivered(hooks: Hooked) -> None:
    """It is due like any other batch."""
    hooks.act(import_series, STUDY, "1.2.3.9")
    assert hooks.bodies(AHEAD) == []
    hooks.world.clock.tick(-AHEAD)
    hooks.world.store({"1.2.3.9": "CT"})
    assert series_of(hooks.bodies(30)) == [["1.2.3.9"]]


def test_an_album_whose_clock_was_ahead_still_has_batches(hooks: Hooked) -> None:
    """The times of its events lie in the future; the thirty seconds count from the projection."""
    hooks.world.clock.tick(AHEAD)
    hooks.act(post_comment, "Hello")
    hooks.world.clock.tick(-AHEAD)
    hooks.act(import_series, STUDY, CT)
    assert hooks.bodies() == []
    assert hooks.bodies(20) == []
    hooks.act(import_series, STUDY, MR)
    assert hooks.bodies() == []
    assert hooks.bodies(29) == []
    assert series_of(hooks.bodies(1)) == [[CT, MR]]
