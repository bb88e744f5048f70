"""The projection: each event once, in pages of any size, by any number of threads and processes."""

from __future__ import annotations

import json
import multiprocessing
import threading
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from albumcore import (
    Albumcore,
    Grants,
    Source,
    WebhookEvent,
    add_admin,
    add_member,
    add_report,
    album_stream,
    create_album,
    create_report_provider,
    create_webhook,
    delete_album,
    delete_webhook,
    edit_album,
    edit_webhook,
    import_series,
    import_study,
    issue_capability_token,
    post_comment,
    promote_member,
    remove_member,
    remove_series,
    remove_study,
    trigger_webhook,
)
from albumcore.ids import AlbumId, CapabilityTokenId, WebhookId
from albumcore.testing import ALBUMS, CAST, Clock, Command
from albumcore.testing.arguments import digest_from
from albumcore_adapters.base.cursors import Cursors
from albumcore_adapters.base.random_ids import random_id
from albumcore_adapters.directory.people import People
from albumcore_adapters.outbound import Outbound
from albumcore_adapters.store import database_of, open_memory
from albumcore_adapters.webhooks import (
    Outbox,
    catch_up,
    list_triggers,
    open_outbox,
    summarize_triggers,
)
from albumcore_adapters.webhooks.outbox import parse_timestamp
from support.kheops import ALBUM, ALICE, BOB, DAVE, NOWHERE, OTHER
from support.logs import written
from support.naive_outbox import NaiveOutbox, Row
from support.playing import Turn, play
from support.raw import tamper
from support.webhooks import HOOK, OTHER_HOOK, Hooked, bodies_of, follow_until, new_users, rows

ADMIN, SECOND, MEMBER, _ = CAST.users
BY_ADMIN = Source(ADMIN)
SCRIBE, KEYS = CAST.providers[0], CAST.tokens
TOLD_OF = (
    create_webhook,
    HOOK,
    "Hook",
    "https://hook.example",
    [*WebhookEvent],
    True,
    "name",
)


def begun(album: AlbumId, key: CapabilityTokenId) -> list[Turn]:
    """An album with a webhook for every event, a capability token and a report provider."""
    decisions: list[tuple[Any, ...]] = [
        (create_album, "Album"),
        TOLD_OF,
        (issue_capability_token, key, digest_from(key), "Key", Grants(read=True, write=True)),
        (create_report_provider, SCRIBE, "Scribe", "https://scribe.example"),
    ]
    return [tried(album, *decision) for decision in decisions]


def tried(album: AlbumId, decision: Any, *args: Any, source: Source = BY_ADMIN) -> Turn:
    """A decision on an album, seven seconds after the one before; it may be refused."""
    return album_stream(album), Command(source, decision, args, timedelta(seconds=7))


def busy(album: AlbumId, key: CapabilityTokenId) -> list[Turn]:
    """Decisions that notify webhooks or change them; some are refused in some states."""
    (study, first), (_, second), (_, third), (other, fourth) = CAST.series
    through_key = Source(ADMIN, key)
    return [
        tried(album, import_series, study, first),
        tried(album, import_series, study, third),
        tried(album, import_series, study, third, source=Source(MEMBER)),
        tried(album, import_series, study, second, source=through_key),
        tried(album, import_study, study, (first, second, third)),
        tried(album, import_study, other, (fourth,), source=through_key),
        tried(album, add_report, study, second, source=Source(ADMIN, None, SCRIBE)),
        tried(album, remove_series, study, first),
        tried(album, remove_series, study, third, source=through_key),
        tried(album, remove_study, study),
        tried(album, add_member, MEMBER),
        tried(album, add_admin, SECOND),
        tried(album, promote_member, MEMBER),
        tried(album, remove_member, MEMBER),
        tried(album, post_comment, "Hello"),
        tried(album, trigger_webhook, HOOK, WebhookEvent.NEW_SERIES, study, (third, first)),
        tried(album, trigger_webhook, HOOK, WebhookEvent.NEW_USER, None, (), ADMIN),
        tried(album, edit_webhook, HOOK, None, None, [WebhookEvent.NEW_SERIES]),
        tried(album, edit_webhook, HOOK, None, None, [*WebhookEvent], (), (), True, "next"),
        tried(album, edit_webhook, HOOK, None, None, None, (), (), False),
        tried(album, delete_webhook, HOOK),
        tried(album, *TOLD_OF),
        tried(album, create_webhook, OTHER_HOOK, "Other", "https://o.example", WebhookEvent),
    ]


HOMES = tuple(zip(ALBUMS, KEYS, strict=False))
BEGINNING = [turn for home in HOMES for turn in begun(*home)]
BUSY = st.sampled_from([turn for home in HOMES for turn in busy(*home)])
DELETING = st.sampled_from([tried(album, delete_album) for album in ALBUMS])


@st.composite
def lives(draw: st.DrawFn) -> list[Turn]:
    """Decisions on two albums, one of which may be deleted late."""
    sizes = (12, 40, BUSY), (0, 1, DELETING), (0, 8, BUSY)
    parts = [draw(st.lists(turn, min_size=low, max_size=high)) for low, high, turn in sizes]
    return [turn for part in parts for turn in part]


def opened(store: Albumcore, clock: Clock) -> Outbox:
    """The outbox of the store, opened as by a process that starts."""
    database = database_of(store)
    return open_outbox(
        Outbox(
            *(store, database, People(database), Outbound(), Cursors(b"")), "", "", clock, random_id
        )
    )


def triggers_in(outbox: Outbox) -> list[Row]:
    """The stored triggers, in the form of the naive outbox."""
    series: dict[str, list[str]] = {}
    for row in rows(outbox, "SELECT * FROM webhook_trigger_series ORDER BY series_uid"):
        series.setdefault(row["trigger_id"], []).append(row["series_uid"])
    return [
        (
            *(row["album_id"], row["webhook_id"], row["event"], bool(row["is_manual"])),
            *(parse_timestamp(row["at"]), Source(row["sub"], row["token_id"], row["provider_id"])),
            *(row["user"], row["study_uid"], tuple(series.get(row["trigger_id"], ()))),
            *(bool(row["is_study_gone"]), row["url"], row["secret"]),
        )
        for row in rows(outbox, "SELECT * FROM webhook_trigger ORDER BY number")
    ]


def batches_in(outbox: Outbox) -> dict[Row, tuple[dict[str, Any], Any]]:
    """The stored batches, in the form of the naive outbox."""
    series: dict[int, dict[str, Any]] = {}
    for row in rows(outbox, "SELECT * FROM webhook_group_series"):
        series.setdefault(row["group_number"], {})[row["series_uid"]] = parse_timestamp(row["at"])
    found = {}
    for row in rows(outbox, "SELECT * FROM webhook_group"):
        source = Source(row["sub"], row["token_id"] or None, row["provider_id"] or None)
        key = (row["album_id"], row["webhook_id"], row["study_uid"], source)
        found[key] = series[row["number"]], parse_timestamp(row["due_at"])
    return found


@given(before=st.lists(BUSY, max_size=8), after=lives(), data=st.data())
def test_pages_of_any_size_give_what_the_model_gives(
    before: list[Turn], after: list[Turn], data: st.DataObject
) -> None:
    """With events from before the first outbox, pages of any size, and restarts between them."""
    clock, naive, walked = Clock(), NaiveOutbox(), 0
    with open_memory(clock=clock) as store:
        play(store, clock, [*BEGINNING, *before])
        silent = len(store.follow(0, 10**6))
        outbox = opened(store, clock)
        while after or walked < len(store.follow(0, 10**6)):
            size = data.draw(st.integers(1, 12))
            play(store, clock, after[:size])
            after = after[size:]
            limit = data.draw(st.none() | st.integers(1, 12))
            taken = catch_up(outbox, limit)
            for _, recorded in store.follow(walked, taken):
                naive.step(recorded, is_silent=walked < silent)
                walked += 1
            assert limit is None or taken <= limit
            assert limit is not None or walked == len(store.follow(0, 10**6))
            assert triggers_in(outbox) == naive.triggers
            assert batches_in(outbox) == naive.batches
            assert known_by(outbox) == {
                (name, hook) for name, album in naive.albums.items() for hook in album.webhooks
            }
            if data.draw(st.booleans()):
                outbox = opened(store, clock)


def known_by(outbox: Outbox) -> set[tuple[str, str]]:
    """The stored webhooks, by album and id."""
    found = rows(outbox, "SELECT album_id, webhook_id FROM webhook_known")
    return {(row["album_id"], row["webhook_id"]) for row in found}


def test_the_first_outbox_of_a_store_begins_at_its_end() -> None:
    """Earlier events lead to no delivery, but their webhooks are stored."""
    clock = Clock()
    with open_memory(clock=clock) as store:
        stream = album_stream(ALBUM)
        alice = Source(ALICE)
        store.handle(stream, create_album, alice, "Album")
        store.handle(
            stream, create_webhook, alice, HOOK, "Hook", "http://a.example", [*WebhookEvent]
        )
        store.handle(stream, add_member, alice, BOB)
        outbox = opened(store, clock)
        store.handle(stream, add_member, alice, DAVE)
        outbox = opened(store, clock)
        catch_up(outbox)
        assert [row["user"] for row in rows(outbox, 'SELECT "user" FROM webhook_trigger')] == [DAVE]


def test_albums_without_webhooks_are_never_loaded(world: Hooked) -> None:
    """Nor are albums whose events need no state: the projection costs no more than reading the events."""
    world.act(import_study, "1.2.3", ["1.2.3.1", "1.2.3.2"])
    world.hook(WebhookEvent.NEW_USER, WebhookEvent.NEW_SERIES)
    world.act(remove_series, "1.2.3", "1.2.3.1")
    world.act(add_member, DAVE)
    world.act(delete_album)
    loaded: list[object] = []
    albums = world.world.service.albums
    load, albums.load = albums.load, lambda *args, **kwargs: loaded.append(args)  # type: ignore[assignment,method-assign]
    try:
        assert catch_up(world.outbox) == 12  # the registrations of four people among them
    finally:
        albums.load = load  # type: ignore[method-assign]
    assert loaded == []


def test_events_that_notify_no_webhook_are_skipped(world: Hooked) -> None:
    """Comments and edits are skipped."""
    world.hook(*WebhookEvent)
    world.act(post_comment, "Hello")
    world.act(edit_album, name="Other")
    assert world.bodies(60) == []


def test_a_webhook_is_notified_of_its_own_album_only(world: Hooked) -> None:
    """The same id in two albums means two webhooks."""
    world.act(create_album, "Other", album=OTHER)
    world.hook(WebhookEvent.NEW_USER)
    world.hook(WebhookEvent.NEW_USER, album=OTHER, url=f"{world.receiver.address}/other")
    world.act(create_album, "Third", album=NOWHERE)
    world.act(add_member, DAVE)
    world.act(add_member, BOB, album=OTHER)
    world.act(add_member, BOB, album=NOWHERE)
    sent = {request.path: body["album_id"] for request, body in sent_by(world)}
    assert sent == {f"/{HOOK}": ALBUM, "/other": OTHER}
    world.act(delete_webhook, HOOK)
    world.run()
    assert (
        list_triggers(world.outbox, ALBUM, HOOK)[1],
        list_triggers(world.outbox, OTHER, HOOK)[1],
    ) == (0, 1)


def sent_by(world: Hooked) -> list[tuple[Any, Any]]:
    """The requests that are sent, each with its body."""
    requests = world.run()
    return [*zip(requests, bodies_of(requests), strict=True)]


def test_a_change_of_a_webhook_counts_within_its_page(world: Hooked) -> None:
    """A webhook is notified as of the moment of each event, not of the end of the page."""
    world.act(add_member, "sub-1")
    world.hook(WebhookEvent.NEW_USER)
    world.act(add_member, "sub-2")
    world.act(edit_webhook, HOOK, enabled=False)
    world.act(add_member, "sub-3")
    world.act(edit_webhook, HOOK, enabled=True)
    world.act(add_member, "sub-4")
    assert [body["new_user"]["sub"] for body in world.bodies()] == ["sub-2", "sub-4"]


def test_several_threads_project_each_event_once(world: Hooked) -> None:
    """Four threads project while another one records."""
    world.hook(WebhookEvent.NEW_USER)
    members = [f"user-{number}" for number in range(60)]
    done = threading.Event()

    def follow() -> None:
        while not done.is_set():
            catch_up(world.outbox, 3)

    threads = [threading.Thread(target=follow) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for member in members:
            world.act(add_member, member)
    finally:
        done.set()
        for thread in threads:
            thread.join()
    catch_up(world.outbox)
    assert new_users(world.outbox) == dict.fromkeys(members, 1)


def test_a_projection_that_was_overtaken_continues(
    world: Hooked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another thread projected a part of the page that was read: the rest is projected, and nothing twice."""
    world.hook(WebhookEvent.NEW_USER)
    for number in range(3):
        world.act(add_member, f"user-{number}")
    albums, outbox = world.world.service.albums, world.outbox
    follow = albums.follow_only
    overtaken: list[int] = []

    def follow_slowly(*args: Any) -> Any:
        found = follow(*args)
        if not overtaken:
            overtaken.append(0)
            overtaken[0] = catch_up(outbox, 9)
        return found

    monkeypatch.setattr(albums, "follow_only", follow_slowly)
    assert catch_up(outbox) == 2
    assert overtaken == [9]
    assert new_users(outbox) == {"user-0": 1, "user-1": 1, "user-2": 1}


def test_several_processes_project_each_event_once(world: Hooked) -> None:
    """Two processes project while another one records."""
    world.hook(WebhookEvent.NEW_USER)
    members = [f"user-{number}" for number in range(40)]
    spawn = multiprocessing.get_context("spawn")
    processes = [
        spawn.Process(target=follow_until, args=(world.settings, members[-1])) for _ in range(2)
    ]
    for process in processes:
        process.start()
    try:
        for member in members:
            world.act(add_member, member)
        for process in processes:
            process.join(60)
        assert [process.exitcode for process in processes] == [0, 0]
    finally:
        for process in processes:
            process.kill()
            process.join()
            process.close()
    assert new_users(world.outbox) == dict.fromkeys(members, 1)


def test_a_manual_trigger_is_listed_at_once(world: Hooked) -> None:
    """Reading triggers catches up first."""
    world.hook()
    for _ in range(3):
        world.act(trigger_webhook, HOOK, WebhookEvent.NEW_USER, user=BOB)
    assert list_triggers(world.outbox, ALBUM, HOOK)[1] == 3
    world.act(trigger_webhook, HOOK, WebhookEvent.NEW_USER, user=BOB)
    assert summarize_triggers(world.outbox, ALBUM)[HOOK].number_of_triggers == 4
    assert summarize_triggers(world.outbox, AlbumId("Elsewhere1")) == {}
    assert list_triggers(world.outbox, ALBUM, WebhookId("none")) == ((), 0)


def damage(world: Hooked, topic: str, album: AlbumId = ALBUM, state: str = "{}") -> None:
    """Replace the stored bytes of the last event of this name of an album."""
    stream = f"album-{album}"
    tamper(
        world.world.service.albums,
        "UPDATE stored_events SET state = ? WHERE originator_id = ? AND originator_version ="
        " (SELECT max(originator_version) FROM stored_events WHERE originator_id = ? AND topic = ?)",
        *(state.encode(), stream, stream, topic),
    )


@pytest.mark.parametrize(
    ("decision", "args", "topic", "is_news"),
    [
        (add_member, ("sub-x",), "album.member_added", True),
        (post_comment, ("Hello",), "album.comment_posted", False),
    ],
)
def test_an_unreadable_event_is_skipped(
    world: Hooked,
    caplog: pytest.LogCaptureFixture,
    decision: Any,
    args: tuple[str, ...],
    topic: str,
    is_news: bool,
) -> None:
    """Events before and after it are projected. It is logged once, without its content, if its type is projected."""
    world.act(create_album, "Other", album=OTHER)
    world.hook(WebhookEvent.NEW_USER)
    world.act(add_member, "sub-before")
    world.act(decision, *args, album=OTHER)
    damage(world, topic, OTHER, '{"name": "Jane Doe"}')
    world.act(add_member, "sub-after")
    assert summarize_triggers(world.outbox, ALBUM)[HOOK].number_of_triggers == 2
    assert list_triggers(world.outbox, ALBUM, HOOK)[1] == 2
    assert [body["new_user"]["sub"] for body in world.bodies()] == ["sub-before", "sub-after"]
    logged = [json.loads(line) for line in written(caplog).splitlines()]
    assert [one["unreadable"] for one in logged] == ["damaged_stored_event"] * is_news
    assert "Jane Doe" not in repr(logged)


def test_an_event_whose_album_is_unreadable_is_skipped(world: Hooked) -> None:
    """Whether the study is gone cannot be determined. Other albums are projected."""
    world.act(create_album, "Other", album=OTHER)
    world.hook(WebhookEvent.REMOVE_SERIES, album=OTHER, webhook_id=OTHER_HOOK)
    world.hook(WebhookEvent.NEW_USER)
    world.act(import_series, "1.2.3", "1.2.3.1", album=OTHER)
    world.act(remove_series, "1.2.3", "1.2.3.1", album=OTHER)
    damage(world, "album.series_imported", OTHER)
    world.reopen()
    world.act(add_member, DAVE)
    assert [body["new_user"]["sub"] for body in world.bodies()] == [DAVE]


def test_a_webhook_whose_creation_is_unreadable_is_not_notified(world: Hooked) -> None:
    """Its address is unknown, also for a manual trigger."""
    world.hook(WebhookEvent.NEW_USER)
    world.hook(WebhookEvent.NEW_USER, webhook_id=OTHER_HOOK)
    world.act(trigger_webhook, OTHER_HOOK, WebhookEvent.NEW_USER, user=BOB)
    damage(world, "album.webhook_created")
    assert world.bodies() == []
    assert rows(world.outbox, "SELECT 1 FROM webhook_trigger") == []
