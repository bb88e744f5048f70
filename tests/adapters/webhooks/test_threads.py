"""The threads that project events and send deliveries."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import define, evolve, field

from albumcore import (
    WebhookEvent,
    add_member,
    create_album,
    import_series,
    trigger_webhook,
    utc_now,
)
from albumcore.ids import AlbumId, WebhookId
from albumcore_adapters.webhooks import Outbox, Runner, list_triggers, queue, store_secret
from albumcore_adapters.webhooks.queue import MAX_PER_ALBUM
from albumcore_adapters.webhooks.secrets import delete_unused_secrets_before
from albumcore_adapters.webhooks.threads import CROWDED, MAX_DELIVERIES, MAX_RETRIES
from support.kheops import ALBUM, DAVE, Clock
from support.logs import written
from support.receiver import Answer
from support.webhooks import HOOK, OTHER_HOOK, SECRET, Holding, Hooked, hooked

SOON = 0.01


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Hooked]:
    """A world with the current time."""
    with hooked(tmp_path, Clock(utc_now())) as made:
        yield made


def test_events_are_delivered(world: Hooked) -> None:
    """Without a call, and so are later events."""
    world.hook(WebhookEvent.NEW_USER)
    runner = Runner(world.outbox, SOON)
    runner.start()
    try:
        world.act(add_member, DAVE)
        assert world.receiver.wait(1)[0].path == f"/{HOOK}"
        world.act(add_member, "sub-next")
        world.receiver.wait(2)
    finally:
        runner.stop()


def test_due_batches_are_delivered(world: Hooked) -> None:
    """The threads enqueue due batches."""
    world.world.store({"1.2.3.1": "CT"})
    world.hook(WebhookEvent.NEW_SERIES)
    world.act(import_series, "1.2.3", "1.2.3.1")
    runner = Runner(world.outbox, SOON)
    runner.start()
    try:
        world.world.clock.tick(30)
        world.receiver.wait(1)
    finally:
        runner.stop()


def test_a_slow_receiver_delays_no_other(world: Hooked) -> None:
    """However long its queue is. A stop waits for the delivery under way, which is recorded, and begins no other."""
    world.hook(WebhookEvent.NEW_USER)
    world.hook(WebhookEvent.NEW_USER, webhook_id=OTHER_HOOK)
    stuck = Holding(HOOK, world.outbox)
    runner = Runner(evolve(world.outbox, outbound=stuck), SOON)
    for number in range(10):
        world.act(add_member, f"user-{number}")
    runner.start()
    try:
        assert stuck.is_there.wait(30)
        assert {one.path for one in world.receiver.wait(10)} == {f"/{OTHER_HOOK}"}
    finally:
        stopping = threading.Thread(target=runner.stop)
        stopping.start()
        assert runner._stopping.wait(30)
        stuck.let_go.set()
        stopping.join()
    assert [one.path for one in world.receiver.wait(11)[10:]] == [f"/{HOOK}"]
    page, _ = list_triggers(world.outbox, ALBUM, HOOK)
    assert [len(one.attempts) for one in page] == [0] * 9 + [1]


@define
class Hanging:
    """Holds the requests to all paths but one until they are released, and sends the others."""

    path: str
    outbox: Outbox
    are_there: threading.Semaphore = field(factory=lambda: threading.Semaphore(0))
    let_go: threading.Event = field(factory=threading.Event)

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Hold the request, or send it."""
        if not url.endswith(self.path):
            self.are_there.release()
            assert self.let_go.wait(30)
        return self.outbox.outbound.post(url, body, headers)


def albums_with(world: Hooked, count: int) -> list[AlbumId]:
    """More albums of Alice, each with a webhook whose receiver fails."""
    albums = [AlbumId(f"Failing{number:03d}") for number in range(count)]
    for album in albums:
        world.act(create_album, "Failing", album=album)
        url = f"{world.receiver.address}/{album}"
        world.hook(WebhookEvent.NEW_USER, webhook_id=WebhookId(album * 2), album=album, url=url)
        world.receiver.answer(Answer(500), path=f"/{album}")
    return albums


def test_receivers_that_hang_delay_no_other(world: Hooked) -> None:
    """Receivers of 32 albums hang; another one receives its delivery on time."""
    albums = albums_with(world, 32)
    world.hook(WebhookEvent.NEW_USER)
    for album in albums:
        world.receiver.answer(Answer(delay=60), path=f"/{album}")
        for user in (DAVE, "sub-next"):
            world.act(add_member, user, album=album)
    runner = Runner(world.outbox)
    runner.start()
    try:
        world.receiver.wait(len(albums))
        began = time.monotonic()
        world.act(add_member, DAVE)
        while f"/{HOOK}" not in world.receiver.paths:
            assert time.monotonic() - began < 2 * 10
            time.sleep(SOON)
    finally:
        runner.stop()


def test_few_deliveries_of_one_album_are_made_at_a_time(world: Hooked) -> None:
    """However many receivers of one album hang, threads stay free for other albums."""
    several = [WebhookId(f"several{number:013d}") for number in range(MAX_PER_ALBUM + 2)]
    for webhook_id in several:
        world.hook(WebhookEvent.NEW_USER, webhook_id=webhook_id)
    [other] = albums_with(world, 1)
    hanging = Hanging(other, world.outbox)
    runner = Runner(evolve(world.outbox, outbound=hanging), SOON)
    world.act(add_member, DAVE)
    runner.start()
    try:
        for _ in range(MAX_PER_ALBUM):
            assert hanging.are_there.acquire(timeout=30)
        world.act(add_member, DAVE, album=other)
        assert [one.path for one in world.receiver.wait(1)] == [f"/{other}"]
        assert not hanging.are_there.acquire(blocking=False)
        hanging.let_go.set()
        world.receiver.wait(1 + len(several))
    finally:
        hanging.let_go.set()
        runner.stop()


def test_a_few_albums_with_many_receivers_that_hang_delay_no_other(world: Hooked) -> None:
    """From half of the threads on, one delivery of each album is made at a time; else eight albums could take all."""
    *failing, other = albums_with(world, MAX_DELIVERIES // MAX_PER_ALBUM + 2)
    for album in failing:
        for number in range(MAX_PER_ALBUM - 1):
            webhook_id = WebhookId(f"{album}{number:010d}")
            world.hook(WebhookEvent.NEW_USER, webhook_id=webhook_id, album=album)
    hanging = Hanging(other, world.outbox)
    runner = Runner(evolve(world.outbox, outbound=hanging), SOON)
    for album in failing:
        world.act(add_member, DAVE, album=album)
    runner.start()
    try:
        for _ in range(CROWDED):
            assert hanging.are_there.acquire(timeout=30)
        world.act(add_member, DAVE, album=other)
        assert [one.path for one in world.receiver.wait(1)] == [f"/{other}"]
    finally:
        hanging.let_go.set()
        runner.stop()


def test_retries_that_hang_delay_no_first_attempt(world: Hooked) -> None:
    """Some threads make first attempts alone."""
    failing = albums_with(world, MAX_RETRIES + 1)
    for album in failing:
        world.act(add_member, DAVE, album=album)
    assert len(world.run()) == len(failing)
    world.act(add_member, DAVE)
    world.hook(WebhookEvent.REMOVE_SERIES)
    hanging = Hanging(HOOK, world.outbox)
    runner = Runner(evolve(world.outbox, outbound=hanging), SOON)
    world.world.clock.tick(20)
    runner.start()
    try:
        for _ in range(MAX_RETRIES):
            assert hanging.are_there.acquire(timeout=30)
        world.act(trigger_webhook, HOOK, WebhookEvent.NEW_USER, user=DAVE)
        assert world.receiver.wait(len(failing) + 1)[-1].path == f"/{HOOK}"
        assert not hanging.are_there.acquire(blocking=False)
    finally:
        hanging.let_go.set()
        runner.stop()


def test_a_process_makes_a_limited_number_of_deliveries_at_a_time(
    world: Hooked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other due deliveries wait until one ends."""
    monkeypatch.setattr("albumcore_adapters.webhooks.threads.MAX_DELIVERIES", 2)
    several = [WebhookId(f"several{number:013d}") for number in range(3)]
    for webhook_id in several:
        world.hook(WebhookEvent.NEW_USER, webhook_id=webhook_id)
    hanging = Hanging(HOOK, world.outbox)
    looked = threading.Event()
    monkeypatch.setattr(Runner, "_has_room", watch_refusals(Runner._has_room, looked))
    runner = Runner(evolve(world.outbox, outbound=hanging), SOON)
    world.act(add_member, DAVE)
    runner.start()
    try:
        for _ in range(2):
            assert hanging.are_there.acquire(timeout=30)
        assert looked.wait(30)
        assert not hanging.are_there.acquire(blocking=False)
        hanging.let_go.set()
        world.receiver.wait(3)
    finally:
        hanging.let_go.set()
        runner.stop()


def watch_refusals(
    has_room: Callable[[Runner], bool], looked: threading.Event
) -> Callable[[Runner], bool]:
    """The same function, which sets an event when there is no room."""

    def has(runner: Runner) -> bool:
        if not (found := has_room(runner)):
            looked.set()
        return found

    return has


def test_an_attempt_that_cannot_be_recorded_is_logged(
    world: Hooked, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Other deliveries are made."""
    world.hook(WebhookEvent.NEW_USER)
    failed = threading.Event()

    def fail(*args: object) -> None:
        failed.set()
        raise RuntimeError("a fault")

    runner = Runner(world.outbox, SOON)
    with monkeypatch.context() as patched:
        patched.setattr("albumcore_adapters.webhooks.queue.record_attempt", fail)
        runner.start()
        world.act(add_member, DAVE)
        assert failed.wait(30)
    try:
        world.hook(WebhookEvent.NEW_USER, webhook_id=OTHER_HOOK)
        world.act(add_member, "sub-next")
        assert world.receiver.wait(2)[1].path == f"/{OTHER_HOOK}"
    finally:
        runner.stop()
    assert "RuntimeError" in written(caplog)


def test_no_thread_is_left_after_a_stop(world: Hooked) -> None:
    """The threads end within a second."""
    world.hook(WebhookEvent.NEW_USER)
    before = set(threading.enumerate())
    runner = Runner(world.outbox)
    runner.start()
    started = time.monotonic()
    runner.stop()
    assert time.monotonic() - started < 1
    assert set(threading.enumerate()) <= before


def test_an_error_is_logged_without_secrets_and_does_not_end_the_threads(
    world: Hooked, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The next delivery is made."""
    world.hook(WebhookEvent.NEW_USER, secret=SECRET)
    failed = threading.Event()
    record = queue.record_attempt

    def fail(*args: object) -> None:
        raise RuntimeError("a fault")

    def record_and_set(*args: Any) -> None:
        record(*args)
        failed.set()

    monkeypatch.setattr("albumcore_adapters.webhooks.worker.signed_headers", fail)
    monkeypatch.setattr("albumcore_adapters.webhooks.queue.record_attempt", record_and_set)
    world.receiver.answer(Answer(200))
    runner = Runner(world.outbox, SOON)
    runner.start()
    try:
        world.act(add_member, DAVE)
        assert failed.wait(30)
        monkeypatch.undo()
        world.world.clock.tick(20)
        world.receiver.wait(1)
    finally:
        runner.stop()
    logged = written(caplog)
    [line] = [json.loads(line) for line in logged.splitlines()]
    assert (line["event"], line["level"]) == ("webhooks", "error")
    assert line["exception"][0]["exc_type"] == "RuntimeError"
    assert SECRET not in logged
    assert DAVE not in logged


def test_the_projection_continues_after_an_error(
    world: Hooked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The events are projected later, even if the error cannot be logged."""
    monkeypatch.setattr("sys.stderr", None)
    world.hook(WebhookEvent.NEW_USER)
    world.act(add_member, DAVE)
    failed = threading.Event()

    def fail(*args: object) -> None:
        failed.set()
        raise RuntimeError("a fault")

    runner = Runner(world.outbox, SOON)
    with monkeypatch.context() as patched:
        patched.setattr("albumcore_adapters.webhooks.projection.notifications_of", fail)
        runner.start()
        assert failed.wait(30)
    try:
        world.receiver.wait(1)
    finally:
        runner.stop()


def test_unused_secrets_are_deleted_every_hour(
    world: Hooked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether or not events are recorded."""
    looked = threading.Semaphore(0)

    def look(*args: Any) -> None:
        delete_unused_secrets_before(*args)
        looked.release()

    monkeypatch.setattr("albumcore_adapters.webhooks.projection.delete_unused_secrets_before", look)
    world.hook(WebhookEvent.NEW_USER)
    runner = Runner(world.outbox, SOON)
    runner.start()
    try:
        assert looked.acquire(timeout=30)
        store_secret(world.outbox, "never named")
        world.world.clock.tick(25 * 3600)
        assert looked.acquire(timeout=30)
        for number in range(3):
            world.act(add_member, f"user-{number}")
            world.receiver.wait(number + 1)
    finally:
        runner.stop()
    assert not looked.acquire(blocking=False)
    with world.outbox.database.transaction(commit=False) as cursor:
        cursor.execute("SELECT name FROM webhook_secret")
        assert cursor.fetchall() == []
