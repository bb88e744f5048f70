"""New series are told of together, once no more of them come and the catalogue knows them (Kheops API 11)."""

from __future__ import annotations

from typing import Any

import pytest

from albumcore import Album, Grants, WebhookEvent
from albumcore.ids import CapabilityTokenId, ReportProviderId
from albumcore_adapters.directory import Held, album_place, inbox_place
from albumcore_adapters.webhooks import catch_up, list_triggers
from albumcore_adapters.webhooks.batches import enqueue_due_batches
from support.kheops import ALBUM, ALICE, BOB, CT, MR, SR, STUDY, digest_of
from support.webhooks import HOOK, OTHER_HOOK, Hooked, bodies_of

KEY, SCRIBE = CapabilityTokenId("key0000001"), ReportProviderId("scribe")
NEW_SERIES = WebhookEvent.NEW_SERIES


@pytest.fixture
def hooks(world: Hooked) -> Hooked:
    """A world with a webhook for new series, three of which the catalogue knows."""
    world.world.store({CT: "CT", MR: "MR", SR: "SR"})
    world.hook(NEW_SERIES)
    return world


def series_of(bodies: list[dict[str, Any]]) -> list[list[str]]:
    """The series each body tells of."""
    return [[one["series_uid"] for one in body["updated_study"]["series"]] for body in bodies]


def test_each_new_one_starts_the_wait_again(hooks: Hooked) -> None:
    """Thirty seconds after the last, all of them come at once, with the time of the last."""
    hooks.act(Album.import_series, STUDY, CT)
    assert hooks.told(28) == []
    hooks.act(Album.import_series, STUDY, MR)
    at = hooks.world.clock.now
    assert hooks.told(29) == []
    bodies = hooks.told(1)
    assert series_of(bodies) == [[CT, MR]]
    assert bodies[0]["event_time"] == at.isoformat().replace("+00:00", "Z")
    assert hooks.told(3600) == []


def test_it_makes_no_difference_when_they_are_taken_up(hooks: Hooked) -> None:
    """After a pause, what came within thirty seconds is one group, and what is due is told at once."""
    hooks.act(Album.import_series, STUDY, CT)
    hooks.world.clock.tick(20)
    hooks.act(Album.import_series, STUDY, MR)
    hooks.world.clock.tick(3600)
    hooks.reopen()
    assert series_of(hooks.told()) == [[CT, MR]]


def test_a_reopened_store_still_waits(hooks: Hooked) -> None:
    """The wait is in the tables, not in a process."""
    hooks.act(Album.import_series, STUDY, CT)
    hooks.run(10)
    hooks.reopen()
    assert hooks.told(19) == []
    hooks.reopen()
    assert series_of(hooks.told(1)) == [[CT]]


def test_what_comes_after_is_told_of_by_itself(hooks: Hooked) -> None:
    """A group that was told of takes up nothing more."""
    hooks.act(Album.import_series, STUDY, CT)
    assert series_of(hooks.told(30)) == [[CT]]
    hooks.act(Album.import_series, STUDY, MR)
    assert series_of(hooks.told(30)) == [[MR]]


def test_groups_are_of_one_source_one_study_one_webhook(hooks: Hooked) -> None:
    """A body names one of each."""
    hooks.world.store({"1.9.1": "CT"}, study="1.9")
    grants = Grants(read=True, write=True)
    hooks.act(Album.issue_capability_token, KEY, digest_of("k"), "Scanner", grants)
    hooks.act(Album.create_report_provider, SCRIBE, "Scribe", "https://scribe.example/c")
    hooks.hook(NEW_SERIES, webhook_id=OTHER_HOOK)
    hooks.act(Album.import_series, STUDY, CT, by=BOB)
    hooks.act(Album.import_series, STUDY, MR)
    hooks.act(Album.import_series, "1.9", "1.9.1")
    hooks.act(Album.add_report, STUDY, SR, report_provider=SCRIBE)
    told = {
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
    assert told == {
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
    """What came after thirty seconds."""
    requests = hooks.run(30)
    return requests, bodies_of(requests)


def test_a_token_and_its_creator_are_two_sources(hooks: Hooked) -> None:
    """And what a token brings is an upload, one by one or as a study, though the catalogue knows it."""
    grants = Grants(read=True, write=True)
    hooks.act(Album.issue_capability_token, KEY, digest_of("k"), "Scanner", grants)
    hooks.act(Album.import_series, STUDY, CT)
    hooks.act(Album.import_series, STUDY, MR, capability_token=KEY)
    hooks.act(Album.import_study, STUDY, [SR], capability_token=KEY)
    told = {
        (body["import_source"], "capability_token" in body["source"]) for body in hooks.told(30)
    }
    assert told == {("send", False), ("upload", True)}


def test_a_claimed_series_waits_for_its_data(hooks: Hooked) -> None:
    """It is looked for every thirty seconds. Whoever brought it into the album sent it, whenever its data came."""
    hooks.act(Album.import_series, STUDY, "1.2.3.9")
    for _ in range(5):
        assert hooks.told(30) == []
    hooks.world.store({"1.2.3.9": "CT"})
    hooks.reopen()
    [body] = hooks.told(30)
    assert series_of([body]) == [["1.2.3.9"]]
    assert body["import_source"] == "send"
    assert body["event_time"] == "2026-03-01T12:00:05Z"
    assert hooks.told(3600) == []


def test_what_is_known_does_not_wait_for_what_is_not(hooks: Hooked) -> None:
    """The others are told of in time, and the late one once it is there."""
    hooks.act(Album.import_study, STUDY, [CT, "1.2.3.9"])
    assert series_of(hooks.told(30)) == [[CT]]
    assert hooks.told(30) == []
    hooks.world.store({"1.2.3.9": "CT"})
    assert series_of(hooks.told(30)) == [["1.2.3.9"]]
    assert hooks.told(30) == []


def test_what_nobody_brings_is_given_up_after_a_day(hooks: Hooked) -> None:
    """Later data is told by whoever brings it into an album again."""
    hooks.act(Album.import_series, STUDY, "1.2.3.9")
    day = 24 * 3600
    assert hooks.told(30) == []
    assert hooks.told(day - 31) == []
    assert groups_left(hooks) == 1
    assert hooks.told(30) == []
    assert hooks.told(30) == []
    assert groups_left(hooks) == 0
    hooks.world.store({"1.2.3.9": "CT"})
    assert hooks.told(30) == []


def groups_left(hooks: Hooked) -> int:
    """How many groups wait."""
    with hooks.outbox.database.transaction(commit=False) as cursor:
        cursor.execute("SELECT count(*) AS number FROM webhook_group")
        return int(cursor.fetchall()[0]["number"])


def test_what_went_out_of_the_album_again_is_not_told_of(hooks: Hooked) -> None:
    """It could not be retrieved."""
    hooks.act(Album.import_study, STUDY, [CT, MR])
    hooks.act(Album.remove_series, STUDY, CT)
    assert series_of(hooks.told(30)) == [[MR]]


@pytest.mark.parametrize("is_study", [True, False])
def test_what_went_and_came_back_is_told_of_once(hooks: Hooked, is_study: bool) -> None:
    """By whoever brought it back; what else came with it the first time is told of by itself."""
    hooks.act(Album.import_study, STUDY, [CT, MR])
    if is_study:
        hooks.act(Album.remove_study, STUDY)
    else:
        hooks.act(Album.remove_series, STUDY, CT)
    hooks.act(Album.import_series, STUDY, CT, by=BOB)
    told = [
        (body["source"]["sub"], *series) for body in hooks.told(30) for series in series_of([body])
    ]
    assert told == [("sub-alice", MR), (BOB, CT)][is_study:]
    assert groups_left(hooks) == 0


def test_a_series_claimed_of_another_study_tells_nothing(hooks: Hooked) -> None:
    """It is none of the study's, though its data is there: nothing of either patient is told."""
    hooks.world.store({"1.9.1": "CT"}, study="1.9")
    hooks.act(Album.import_series, STUDY, "1.9.1")
    assert hooks.told(30) == []
    hooks.act(Album.trigger_webhook, HOOK, NEW_SERIES, STUDY, ["1.9.1"])
    [body] = hooks.told()
    told = body["updated_study"]
    assert told["series"][0].keys() == {"series_uid", "retrieve_url"}
    assert told.keys() == {"study_uid", "retrieve_url", "series"}


@pytest.mark.parametrize(
    "edit", [{"enabled": False}, {"remove_events": [NEW_SERIES]}, {"events": []}]
)
def test_a_webhook_that_wants_none_any_more_is_told_of_none(
    hooks: Hooked, edit: dict[str, Any]
) -> None:
    """Even if it wanted them when they came; and nothing of it waits for another change of mind."""
    hooks.act(Album.import_series, STUDY, CT)
    hooks.run()
    hooks.act(Album.edit_webhook, HOOK, **edit)
    assert hooks.told(30) == []
    assert groups_left(hooks) == 0


def test_a_group_is_no_trigger_yet(hooks: Hooked) -> None:
    """It counts once it is told of."""
    hooks.act(Album.import_study, STUDY, [MR, CT])
    assert list_triggers(hooks.outbox, ALBUM, HOOK) == ((), 0)
    hooks.run(30)
    [trigger], total = list_triggers(hooks.outbox, ALBUM, HOOK)
    assert (trigger.event, trigger.study_uid, trigger.series_uids, total) == (
        NEW_SERIES,
        STUDY,
        (CT, MR),
        1,
    )


def test_a_group_is_told_of_once_by_whoever_comes_first(
    hooks: Hooked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process that saw it due at the same time finds it changed."""
    hooks.act(Album.import_series, STUDY, CT)
    hooks.run()
    now = hooks.world.clock.tick(30)
    outbox = hooks.outbox
    look_up = outbox.albums.index.rows
    told: list[int] = []

    def rows(*args: Any) -> Any:
        if not told:
            told.append(0)
            told[0] = enqueue_due_batches(outbox, now)
        return look_up(*args)

    monkeypatch.setattr(outbox.albums.index, "rows", rows)
    assert enqueue_due_batches(outbox, now) == 0
    assert told == [1]


def test_more_that_comes_at_the_last_moment_starts_the_wait_again(
    hooks: Hooked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever saw the group due finds it changed, and leaves it."""
    hooks.act(Album.import_series, STUDY, CT)
    hooks.run()
    now = hooks.world.clock.tick(30)
    outbox = hooks.outbox
    look_up = outbox.albums.index.rows
    came: list[int] = []

    def rows(*args: Any) -> Any:
        if not came:
            came.append(1)
            hooks.act(Album.import_series, STUDY, MR)
            catch_up(outbox)
        return look_up(*args)

    monkeypatch.setattr(outbox.albums.index, "rows", rows)
    assert enqueue_due_batches(outbox, now) == 0
    assert hooks.told(29) == []
    assert series_of(hooks.told(1)) == [[CT, MR]]


def test_claimed_series_wait_until_the_album_has_them(hooks: Hooked) -> None:
    """The images of others are not told of; once the album is given the series in truth, it is."""
    claims, place = hooks.world.service.claims, album_place(ALBUM)
    claims.make(Held(place, STUDY, CT), ALICE, is_new=True)
    hooks.act(Album.import_series, STUDY, CT)
    assert hooks.told(30) == []
    claims.pass_on(inbox_place(ALICE), place, STUDY, [CT], new=[])
    assert series_of(hooks.told(30)) == [[CT]]


AHEAD = 20 * 3600


def test_a_group_that_was_looked_at_while_the_clock_was_ahead_is_told_of(hooks: Hooked) -> None:
    """It waits no longer than others do."""
    hooks.act(Album.import_series, STUDY, "1.2.3.9")
    assert hooks.told(AHEAD) == []
    hooks.world.clock.tick(-AHEAD)
    hooks.world.store({"1.2.3.9": "CT"})
    assert series_of(hooks.told(30)) == [["1.2.3.9"]]


def test_an_album_whose_clock_was_ahead_still_has_groups(hooks: Hooked) -> None:
    """Its events are never earlier than its last; the thirty seconds are those since they were taken up."""
    hooks.world.clock.tick(AHEAD)
    hooks.act(Album.post_comment, "Hello")
    hooks.world.clock.tick(-AHEAD)
    hooks.act(Album.import_series, STUDY, CT)
    assert hooks.told() == []
    assert hooks.told(20) == []
    hooks.act(Album.import_series, STUDY, MR)
    assert hooks.told() == []
    assert hooks.told(29) == []
    assert series_of(hooks.told(1)) == [[CT, MR]]
