"""The threads that keep the outbox going."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import define, evolve, field

from albumcore import Album, WebhookEvent, utc_now
from albumcore.ids import AlbumId, WebhookId
from albumcore_adapters.webhooks import Outbox, Runner, list_triggers, queue, store_secret
from albumcore_adapters.webhooks.queue import MAX_PER_ALBUM
from albumcore_adapters.webhooks.secrets import delete_unused_secrets_before
from albumcore_adapters.webhooks.threads import CROWDED, MAX_DELIVERIES, MAX_RETRIES
from support.kheops import ALBUM, DAVE, Clock
from support.logs import written
from support.receiver import Answer
from support.webhooks import HOOK, OTHER_HOOK, SECRET, Held, Hooked, hooked

SOON = 0.01


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Hooked]:
    """A world in which it is now."""
    with hooked(tmp_path, Clock(utc_now())) as made:
        yield made


def test_what_happens_is_told(world: Hooked) -> None:
    """Without anybody asking for it, and so is what happens later."""
    world.hook(WebhookEvent.NEW_USER)
    runner = Runner(world.outbox, SOON)
    runner.start()
    try:
        world.act(Album.add_member, DAVE)
        assert world.receiver.wait(1)[0].path == f"/{HOOK}"
        world.act(Album.add_member, "sub-next")
        world.receiver.wait(2)
    finally:
        runner.stop()


def test_new_series_are_told_when_it_is_time(world: Hooked) -> None:
    """It looks for them too."""
    world.world.store({"1.2.3.1": "CT"})
    world.hook(WebhookEvent.NEW_SERIES)
    world.act(Album.import_series, "1.2.3", "1.2.3.1")
    runner = Runner(world.outbox, SOON)
    runner.start()
    try:
        world.world.clock.tick(30)
        world.receiver.wait(1)
    finally:
        runner.stop()


def test_a_slow_receiver_holds_nobody_up(world: Hooked) -> None:
    """However much it is to be told. Stopping waits for what is on its way, has it written down, and begins no more."""
    world.hook(WebhookEvent.NEW_USER)
    world.hook(WebhookEvent.NEW_USER, webhook_id=OTHER_HOOK)
    stuck = Held(HOOK, world.outbox)
    runner = Runner(evolve(world.outbox, outbound=stuck), SOON)
    for number in range(10):
        world.act(Album.add_member, f"user-{number}")
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
    """Keeps what goes to all paths but one until they are let go, and sends the rest."""

    path: str
    outbox: Outbox
    are_there: threading.Semaphore = field(factory=lambda: threading.Semaphore(0))
    let_go: threading.Event = field(factory=threading.Event)

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Keep it, or send it."""
        if not url.endswith(self.path):
            self.are_there.release()
            assert self.let_go.wait(30)
        return self.outbox.outbound.post(url, body, headers)


def albums_with(world: Hooked, count: int) -> list[AlbumId]:
    """So many more albums of Alice, each with a webhook whose receiver fails."""
    albums = [AlbumId(f"Failing{number:03d}") for number in range(count)]
    for album in albums:
        world.act(Album.create, "Failing", album=album)
        url = f"{world.receiver.address}/{album}"
        world.hook(WebhookEvent.NEW_USER, webhook_id=WebhookId(album * 2), album=album, url=url)
        world.receiver.answer(Answer(500), path=f"/{album}")
    return albums


def test_receivers_that_hang_hold_up_no_other(world: Hooked) -> None:
    """Those of many albums, each with more to be told: others are told in 2 s."""
    albums = albums_with(world, 32)
    world.hook(WebhookEvent.NEW_USER)
    for album in albums:
        world.receiver.answer(Answer(delay=60), path=f"/{album}")
        for user in (DAVE, "sub-next"):
            world.act(Album.add_member, user, album=album)
    runner = Runner(world.outbox)
    runner.start()
    try:
        world.receiver.wait(len(albums))
        began = time.monotonic()
        world.act(Album.add_member, DAVE)
        while f"/{HOOK}" not in world.receiver.paths:
            assert time.monotonic() - began < 2 * 10
            time.sleep(SOON)
    finally:
        runner.stop()


def test_one_album_is_told_of_by_a_few_at_a_time(world: Hooked) -> None:
    """However many of its receivers hang, there are threads left for other albums."""
    several = [WebhookId(f"several{number:013d}") for number in range(MAX_PER_ALBUM + 2)]
    for webhook_id in several:
        world.hook(WebhookEvent.NEW_USER, webhook_id=webhook_id)
    [other] = albums_with(world, 1)
    hanging = Hanging(other, world.outbox)
    runner = Runner(evolve(world.outbox, outbound=hanging), SOON)
    world.act(Album.add_member, DAVE)
    runner.start()
    try:
        for _ in range(MAX_PER_ALBUM):
            assert hanging.are_there.acquire(timeout=30)
        world.act(Album.add_member, DAVE, album=other)
        assert [one.path for one in world.receiver.wait(1)] == [f"/{other}"]
        assert not hanging.are_there.acquire(blocking=False)
        hanging.let_go.set()
        world.receiver.wait(1 + len(several))
    finally:
        hanging.let_go.set()
        runner.stop()


def test_a_few_albums_with_many_receivers_that_hang_hold_up_no_other(world: Hooked) -> None:
    """Past half of the threads, an album has one: eight albums of eight would else have all of them."""
    *failing, other = albums_with(world, MAX_DELIVERIES // MAX_PER_ALBUM + 2)
    for album in failing:
        for number in range(MAX_PER_ALBUM - 1):
            webhook_id = WebhookId(f"{album}{number:010d}")
            world.hook(WebhookEvent.NEW_USER, webhook_id=webhook_id, album=album)
    hanging = Hanging(other, world.outbox)
    runner = Runner(evolve(world.outbox, outbound=hanging), SOON)
    for album in failing:
        world.act(Album.add_member, DAVE, album=album)
    runner.start()
    try:
        for _ in range(CROWDED):
            assert hanging.are_there.acquire(timeout=30)
        world.act(Album.add_member, DAVE, album=other)
        assert [one.path for one in world.receiver.wait(1)] == [f"/{other}"]
    finally:
        hanging.let_go.set()
        runner.stop()


def test_retries_that_hang_hold_up_no_first_attempt(world: Hooked) -> None:
    """However many receivers let them hang: some threads are for first attempts alone."""
    failing = albums_with(world, MAX_RETRIES + 1)
    for album in failing:
        world.act(Album.add_member, DAVE, album=album)
    assert len(world.run()) == len(failing)
    world.act(Album.add_member, DAVE)
    world.hook(WebhookEvent.REMOVE_SERIES)
    hanging = Hanging(HOOK, world.outbox)
    runner = Runner(evolve(world.outbox, outbound=hanging), SOON)
    world.world.clock.tick(20)
    runner.start()
    try:
        for _ in range(MAX_RETRIES):
            assert hanging.are_there.acquire(timeout=30)
        world.act(Album.trigger_webhook, HOOK, WebhookEvent.NEW_USER, user=DAVE)
        assert world.receiver.wait(len(failing) + 1)[-1].path == f"/{HOOK}"
        assert not hanging.are_there.acquire(blocking=False)
    finally:
        hanging.let_go.set()
        runner.stop()


def test_no_more_is_begun_than_there_is_room_for(
    world: Hooked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is due beyond that waits until a delivery ends."""
    monkeypatch.setattr("albumcore_adapters.webhooks.threads.MAX_DELIVERIES", 2)
    several = [WebhookId(f"several{number:013d}") for number in range(3)]
    for webhook_id in several:
        world.hook(WebhookEvent.NEW_USER, webhook_id=webhook_id)
    hanging = Hanging(HOOK, world.outbox)
    looked = threading.Event()
    monkeypatch.setattr(Runner, "_has_room", tell_refusals(Runner._has_room, looked))
    runner = Runner(evolve(world.outbox, outbound=hanging), SOON)
    world.act(Album.add_member, DAVE)
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


def tell_refusals(
    has_room: Callable[[Runner], bool], looked: threading.Event
) -> Callable[[Runner], bool]:
    """The same, and an event that is set where there is no room."""

    def has(runner: Runner) -> bool:
        if not (found := has_room(runner)):
            looked.set()
        return found

    return has


def test_a_delivery_that_cannot_be_written_down_is_logged(
    world: Hooked, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It does not end the rest: what is due for others is delivered all the same."""
    world.hook(WebhookEvent.NEW_USER)
    failed = threading.Event()

    def fail(*args: object) -> None:
        failed.set()
        raise RuntimeError("a fault")

    runner = Runner(world.outbox, SOON)
    with monkeypatch.context() as patched:
        patched.setattr("albumcore_adapters.webhooks.queue.record_attempt", fail)
        runner.start()
        world.act(Album.add_member, DAVE)
        assert failed.wait(30)
    try:
        world.hook(WebhookEvent.NEW_USER, webhook_id=OTHER_HOOK)
        world.act(Album.add_member, "sub-next")
        assert world.receiver.wait(2)[1].path == f"/{OTHER_HOOK}"
    finally:
        runner.stop()
    assert "RuntimeError" in written(caplog)


def test_nothing_happens_after_it_was_stopped(world: Hooked) -> None:
    """The threads are gone within a second."""
    world.hook(WebhookEvent.NEW_USER)
    before = set(threading.enumerate())
    runner = Runner(world.outbox)
    runner.start()
    started = time.monotonic()
    runner.stop()
    assert time.monotonic() - started < 1
    assert set(threading.enumerate()) <= before


def test_a_fault_is_logged_without_secrets_and_does_not_end_it(
    world: Hooked, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The next delivery is made as if nothing had been."""
    world.hook(WebhookEvent.NEW_USER, secret=SECRET)
    failed = threading.Event()
    record = queue.record_attempt

    def fail(*args: object) -> None:
        raise RuntimeError("a fault")

    def record_and_tell(*args: Any) -> None:
        record(*args)
        failed.set()

    monkeypatch.setattr("albumcore_adapters.webhooks.worker.signed_headers", fail)
    monkeypatch.setattr("albumcore_adapters.webhooks.queue.record_attempt", record_and_tell)
    world.receiver.answer(Answer(200))
    runner = Runner(world.outbox, SOON)
    runner.start()
    try:
        world.act(Album.add_member, DAVE)
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


def test_following_goes_on_after_a_fault(world: Hooked, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be taken up is taken up once it can, even where the fault cannot be logged."""
    monkeypatch.setattr("sys.stderr", None)
    world.hook(WebhookEvent.NEW_USER)
    world.act(Album.add_member, DAVE)
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


def test_needless_secrets_are_forgotten_every_hour(
    world: Hooked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether or not anything is recorded."""
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
            world.act(Album.add_member, f"user-{number}")
            world.receiver.wait(number + 1)
    finally:
        runner.stop()
    assert not looked.acquire(blocking=False)
    with world.outbox.database.transaction(commit=False) as cursor:
        cursor.execute("SELECT name FROM webhook_secret")
        assert cursor.fetchall() == []
