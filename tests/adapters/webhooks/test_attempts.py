"""Attempts at a delivery: how often and when they are made, by which worker, and what is recorded."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from attrs import define, evolve

from albumcore import (
    WebhookEvent,
    add_admin,
    add_member,
    delete_album,
    delete_webhook,
    edit_webhook,
    import_series,
    import_study,
    remove_series,
    trigger_webhook,
)
from albumcore_adapters.outbound import Unreachable
from albumcore_adapters.sql.database import Cursor
from albumcore_adapters.webhooks import (
    Attempt,
    catch_up,
    deliver_due,
    list_triggers,
    queue,
    store_secret,
    summarize_triggers,
)
from albumcore_adapters.webhooks.worker import deliver_next
from support.databases import ON_SQLITE, Seam
from support.kheops import ALBUM, BOB, CAROL, DAVE
from support.logs import written
from support.receiver import HANG_UP, Answer
from support.webhooks import HOOK, OTHER_HOOK, SECRET, Holding, Hooked, bodies_of, hooked

FAILING = Answer(500)
WAITS = [20, 15, 10, 5]


def attempts_of(world: Hooked) -> tuple[Attempt, ...]:
    """The attempts of the newest trigger, oldest first."""
    (newest, *_), _ = list_triggers(world.outbox, ALBUM, HOOK)
    return newest.attempts[::-1]


def statuses(world: Hooked) -> list[int]:
    """The statuses of these attempts."""
    return [attempt.status for attempt in attempts_of(world)]


@pytest.mark.parametrize("status", [200, 202, 204, 299])
def test_any_2xx_ends_it(world: Hooked, status: int) -> None:
    """The delivery was accepted and is not sent again."""
    world.receiver.answer(Answer(status))
    world.hook(WebhookEvent.NEW_USER)
    world.act(add_member, DAVE)
    [request] = world.run()
    assert request.headers["x-kheops-attempt"] == "1/5"
    assert world.run(3600) == []
    assert statuses(world) == [status]


@pytest.mark.parametrize(
    "answer", [FAILING, Answer(404), Answer.redirect("/elsewhere"), Answer(300)]
)
def test_five_attempts_in_all(world: Hooked, answer: Answer) -> None:
    """After 20, 15, 10 and 5 s, with one delivery id; then the delivery is given up."""
    world.receiver.answer(answer)
    world.hook(WebhookEvent.NEW_USER)
    world.act(add_member, DAVE)
    sent = world.run()
    started = world.world.clock.now
    for wait in WAITS:
        assert world.run(wait - 1) == []
        sent += world.run(1)
    assert [one.headers["x-kheops-attempt"] for one in sent] == [f"{n}/5" for n in range(1, 6)]
    [(trigger_id, is_passed)] = summarize_triggers(world.outbox, ALBUM)[HOOK].last_triggers
    assert not is_passed
    assert len(trigger_id) == 30
    assert trigger_id.isalnum()
    assert {one.headers["x-kheops-delivery"] for one in sent} == {trigger_id}
    assert {one.headers["webhook-id"] for one in sent} == {trigger_id}
    assert len({one.body for one in sent}) == 1
    assert world.run(3600) == []
    assert statuses(world) == [answer.status] * 5
    times = [(one.at - started).total_seconds() for one in attempts_of(world)]
    assert times == [0, 20, 35, 45, 50]


def test_a_later_attempt_that_passes_ends_it(world: Hooked) -> None:
    """The trigger has passed."""
    world.receiver.answer(FAILING, HANG_UP, Answer(204))
    world.hook(WebhookEvent.NEW_USER)
    world.act(add_member, DAVE)
    for wait in (0, 20, 15, 10, 5):
        world.run(wait)
    assert statuses(world) == [500, -1, 204]
    [(_, is_passed)] = summarize_triggers(world.outbox, ALBUM)[HOOK].last_triggers
    assert is_passed


def test_a_failed_connection_is_a_failed_attempt(world: Hooked) -> None:
    """A failed connection is a failed attempt."""
    world.hook(WebhookEvent.NEW_USER, url="http://127.0.0.1:1/")
    world.act(add_member, DAVE)
    world.run()
    assert statuses(world) == [-1]
    world.run(20)
    assert statuses(world) == [-1, -1]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "10.0.0.1", "[::1]"])
def test_private_addresses_are_refused(tmp_path: Path, host: str) -> None:
    """Nothing is sent to one, and the attempt has failed, unless the settings allow them."""
    with hooked(tmp_path, allow_private_addresses=False) as world:
        world.hook(WebhookEvent.NEW_USER, url=f"http://{host}:{world.receiver.port}/")
        world.act(add_member, DAVE)
        assert world.run() == []
        assert statuses(world) == [-1]


def test_a_reopened_store_continues_where_it_was(world: Hooked) -> None:
    """A restart before the first attempt, or between attempts, repeats no attempt and changes no id."""
    world.receiver.answer(FAILING)
    world.hook(WebhookEvent.NEW_USER)
    world.act(add_member, DAVE)
    world.reopen()
    catch_up(world.outbox)
    world.reopen()
    sent = world.run()
    for wait in WAITS:
        world.reopen()
        sent += world.run(wait)
    assert [one.headers["x-kheops-attempt"] for one in sent] == [f"{n}/5" for n in range(1, 6)]
    assert len({one.headers["x-kheops-delivery"] for one in sent}) == 1
    world.reopen()
    assert world.run(3600) == []
    assert statuses(world) == [500] * 5


class PowerFailure(BaseException):
    """An exception that no handler catches."""


def test_a_delivery_whose_worker_died_is_made_again_after_a_minute(
    world: Hooked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attempt was sent but not recorded: when the lease expires, it is made again, with the same number and id."""

    def die(*args: object) -> None:
        raise PowerFailure

    world.hook(WebhookEvent.NEW_USER)
    world.act(add_member, DAVE)
    with monkeypatch.context() as patched:
        patched.setattr("albumcore_adapters.webhooks.queue.record_attempt", die)
        with pytest.raises(PowerFailure):
            world.run()
    world.reopen()
    assert world.run(59) == []
    [again] = world.run(1)
    first = world.receiver.requests[0]
    assert again.headers["x-kheops-attempt"] == "1/5"
    assert again.headers["x-kheops-delivery"] == first.headers["x-kheops-delivery"]
    assert again.body == first.body
    assert statuses(world) == [200]


def test_an_expired_lease_records_nothing(world: Hooked) -> None:
    """A worker whose lease expired and was claimed by another one records nothing."""
    world.hook(WebhookEvent.NEW_USER)
    world.act(add_member, DAVE)
    catch_up(world.outbox)
    slow = evolve(world.outbox, outbound=Overtaken(world))
    assert deliver_next(slow, world.world.clock.now)
    assert len(world.receiver.requests) == 1
    assert statuses(world) == [200]


@define
class Overtaken:
    """Sends nothing, and takes so long that another worker makes the delivery."""

    world: Hooked

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Let two minutes pass, in which the lease expires."""
        assert self.world.run(120)
        raise Unreachable("too late")


def test_an_internal_error_is_a_failed_attempt(
    world: Hooked, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged, and does not block the queue."""

    def fail(*args: object) -> None:
        raise RuntimeError("a fault")

    world.hook(WebhookEvent.NEW_USER)
    world.act(add_member, DAVE)
    with monkeypatch.context() as patched:
        patched.setattr("albumcore_adapters.webhooks.worker.payload", fail)
        assert world.run() == []
    assert statuses(world) == [-1]
    [logged] = [json.loads(line) for line in written(caplog).splitlines()]
    assert logged["exception"][0]["exc_type"] == "RuntimeError"
    assert len(world.run(20)) == 1


def test_the_current_address_and_secret_count(world: Hooked) -> None:
    """An edit between two attempts counts for the second; the body stays the same."""
    world.receiver.answer(FAILING)
    world.hook(WebhookEvent.NEW_USER, secret=SECRET)
    world.act(add_member, DAVE)
    [first] = world.run()
    secret = store_secret(world.outbox, "another one")
    moved = f"{world.receiver.address}/moved"
    world.act(edit_webhook, HOOK, url=moved, secret=secret)
    [second] = world.run(20)
    world.act(edit_webhook, HOOK, secret="")
    [third] = world.run(15)
    assert [one.path for one in (first, second, third)] == [f"/{HOOK}", "/moved", "/moved"]
    assert first.body == second.body == third.body
    signatures = [one.headers.get("x-kheops-signature") for one in (first, second, third)]
    assert signatures[0] != signatures[1]
    assert signatures[2] is None


def test_a_deleted_webhook_has_no_deliveries(world: Hooked) -> None:
    """Its deliveries and its triggers are deleted."""
    world.receiver.answer(FAILING)
    world.world.store({"1.2.3.1": "CT"})
    world.hook(WebhookEvent.NEW_USER, WebhookEvent.NEW_SERIES)
    world.act(add_member, DAVE)
    world.act(import_study, "1.2.3", ["1.2.3.1"])
    assert len(world.run()) == 1
    world.act(delete_webhook, HOOK)
    assert list_triggers(world.outbox, ALBUM, HOOK) == ((), 0)
    assert rows_left(world) == 0
    assert world.run(3600) == []


def test_the_deletion_of_an_album_is_tried_five_times(world: Hooked) -> None:
    """Its attempts are not stored, and the delivery is deleted when nothing is left to try."""
    world.receiver.answer(Answer(200), FAILING)
    events = WebhookEvent.NEW_USER, WebhookEvent.DELETE_ALBUM
    world.hook(*events, secret=SECRET)
    world.hook(*events, webhook_id=OTHER_HOOK, enabled=False)
    world.act(add_member, DAVE)
    world.run()
    world.act(delete_album)
    world.reopen()
    sent = world.run()
    for wait in WAITS:
        assert list_triggers(world.outbox, ALBUM, HOOK)[0][0].attempts == ()
        world.reopen()
        sent += world.run(wait)
    assert [one.headers["x-kheops-attempt"] for one in sent] == [f"{n}/5" for n in range(1, 6)]
    assert {one.headers["x-kheops-event"] for one in sent} == {"delete_album"}
    assert len({one.headers["webhook-id"] for one in sent}) == 1
    assert all("x-kheops-signature" in one.headers for one in sent)
    assert world.run(3600) == []
    assert rows_left(world) == 0


def test_deliveries_from_before_a_deletion_are_made(world: Hooked) -> None:
    """With webhook and album as they were. New series are not delivered, because they cannot be retrieved."""
    world.receiver.answer(FAILING)
    world.world.store({"1.2.3.1": "CT", "1.2.3.2": "CT"})
    world.act(import_study, "1.2.3", ["1.2.3.1", "1.2.3.2"])
    world.hook(*WebhookEvent, secret=SECRET)
    world.act(add_admin, DAVE)
    world.run()
    world.act(remove_series, "1.2.3", "1.2.3.1")
    world.act(import_series, "1.2.3", "1.2.3.1")
    world.act(delete_album)
    world.receiver.answer(Answer(200))
    sent = world.run(20) + world.run(3600)
    bodies = bodies_of(sent)
    assert [one.headers["x-kheops-event"] for one in sent] == [
        "remove_series",
        "delete_album",
        "new_user",
    ]
    assert {one.path for one in sent} == {f"/{HOOK}"}
    assert all("x-kheops-signature" in one.headers for one in sent)
    assert ["x-kheops-delivery" in one.headers for one in sent] == [True, False, True]
    assert sent[-1].headers["x-kheops-attempt"] == "2/5"
    assert bodies[-1]["new_user"]["is_admin"] is True
    assert bodies[0]["source"]["is_admin"] is True
    assert rows_left(world) == 0


def test_an_album_that_is_deleted_during_a_delivery(world: Hooked) -> None:
    """The delivery under way is treated like others of a deleted album."""
    world.hook(WebhookEvent.NEW_USER)
    world.act(add_member, DAVE)
    catch_up(world.outbox)
    deleting = evolve(world.outbox, outbound=Deleting(world))
    assert deliver_next(deleting, world.world.clock.now)
    assert len(world.receiver.requests) == 1
    assert rows_left(world) == 0


@define
class Deleting:
    """Deletes the album, then sends."""

    world: Hooked

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Delete the album, and send."""
        self.world.act(delete_album)
        assert self.world.run() == []
        return self.world.outbox.outbound.post(url, body, headers)


def test_no_row_is_left_of_a_deleted_album(world: Hooked) -> None:
    """After the first attempt that passes, its rows are deleted."""
    world.hook(WebhookEvent.DELETE_ALBUM, secret=SECRET)
    world.act(delete_album)
    assert len(world.run()) == 1
    assert rows_left(world) == 0


def rows_left(world: Hooked) -> int:
    """The number of rows of the outbox, without its position."""
    tables = ["known", "secret", "group", "group_series"]
    tables += ["trigger", "trigger_series", "attempt", "line"]
    with world.outbox.database.transaction(commit=False) as cursor:
        total = 0
        for table in tables:
            cursor.execute(f"SELECT count(*) AS number FROM webhook_{table}")
            total += cursor.fetchall()[0]["number"]
        return total


def test_manual_triggers_go_to_a_disabled_webhook_at_once(world: Hooked) -> None:
    """Whether or not the webhook is enabled or subscribed."""
    world.hook(enabled=False)
    world.act(trigger_webhook, HOOK, WebhookEvent.NEW_USER, user=BOB)
    assert [one["is_manual_trigger"] for one in world.bodies()] == [True]


def test_a_webhook_is_not_notified_of_events_it_is_not_subscribed_to(world: Hooked) -> None:
    """And of no event while it is disabled."""
    world.hook(WebhookEvent.REMOVE_SERIES)
    world.hook(WebhookEvent.NEW_USER, webhook_id=OTHER_HOOK, enabled=False)
    world.act(add_member, DAVE)
    assert world.bodies() == []


def test_every_webhook_is_notified(world: Hooked) -> None:
    """Each by a delivery of its own, in the order of the ids; a failure of one does not affect the other."""
    world.hook(WebhookEvent.NEW_USER, webhook_id=OTHER_HOOK)
    world.hook(WebhookEvent.NEW_USER)
    world.receiver.answer(FAILING, path=f"/{HOOK}")
    world.act(add_member, DAVE)
    assert [one.path for one in world.run()] == [f"/{HOOK}", f"/{OTHER_HOOK}"]
    assert [one.path for one in world.run(20)] == [f"/{HOOK}"]


def test_deliveries_come_in_the_order_of_recording(world: Hooked) -> None:
    """For one webhook, as long as its receiver accepts them."""
    world.hook(WebhookEvent.NEW_USER)
    for number in range(5):
        world.act(add_member, f"user-{number}")
    found = [one["new_user"]["sub"] for one in world.bodies()]
    assert found == [f"user-{number}" for number in range(5)]


def test_a_webhook_has_one_delivery_under_way_at_a_time(world: Hooked) -> None:
    """While one is sent to a slow receiver, the next ones of its webhook wait, and those of others do not."""
    world.hook(WebhookEvent.NEW_USER)
    world.hook(WebhookEvent.NEW_USER, webhook_id=OTHER_HOOK)
    world.act(add_member, DAVE)
    world.act(add_member, "sub-next")
    catch_up(world.outbox)
    now = world.world.clock.now
    held = Holding(HOOK, world.outbox)
    slow = evolve(world.outbox, outbound=held)
    thread = threading.Thread(
        target=deliver_next,
        args=(
            slow,
            now,
        ),
    )
    thread.start()
    try:
        assert held.is_there.wait(30)
        assert deliver_due(world.outbox, now) == 2
        assert {one.path for one in world.receiver.requests} == {f"/{OTHER_HOOK}"}
    finally:
        held.let_go.set()
        thread.join()
    assert deliver_due(world.outbox, now) == 1
    found = [one for one in world.receiver.requests if one.path == f"/{HOOK}"]
    assert [one["new_user"]["sub"] for one in bodies_of(found)] == [DAVE, "sub-next"]


def test_several_workers_send_each_delivery_once(world: Hooked) -> None:
    """Concurrent workers never claim the same delivery."""
    hooks = [f"hook{number:016d}" for number in range(4)]
    for webhook_id in hooks:
        world.hook(WebhookEvent.NEW_USER, webhook_id=webhook_id)  # type: ignore[arg-type] # an id made up
    for number in range(5):
        world.act(add_member, f"user-{number}")
    catch_up(world.outbox)
    now = world.world.clock.now
    threads = [
        threading.Thread(
            target=deliver_due,
            args=(
                world.outbox,
                now,
            ),
            daemon=True,
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    deliver_due(world.outbox, now)
    ids = [one.headers["x-kheops-delivery"] for one in world.receiver.requests]
    assert len(ids) == len(set(ids)) == 20


def test_a_new_trigger_has_no_attempts(world: Hooked) -> None:
    """A new trigger is listed, without attempts, and has not passed."""
    world.hook()
    world.act(trigger_webhook, HOOK, WebhookEvent.NEW_USER, user=CAROL)
    [trigger], total = list_triggers(world.outbox, ALBUM, HOOK)
    carol = world.world.user(CAROL)
    assert (trigger.attempts, trigger.is_manual, trigger.user, total) == ((), True, carol, 1)
    assert summarize_triggers(world.outbox, ALBUM)[HOOK].last_triggers == (
        (trigger.trigger_id, False),
    )


YEAR = 365 * 24 * 3600


def test_a_lease_of_a_clock_that_was_ahead_is_void(world: Hooked) -> None:
    """Its holder may have died, and the lease would end in a year."""
    world.hook(WebhookEvent.NEW_USER)
    world.act(add_member, DAVE)
    catch_up(world.outbox)
    ahead = world.world.clock.now + timedelta(seconds=YEAR)
    assert (
        queue.claim_delivery(world.outbox.database, ahead, "lost", ahead + queue.LEASE) is not None
    )
    assert len(world.run()) == 1


def test_a_lease_is_valid_for_a_worker_that_waited_for_the_database(world: Hooked) -> None:
    """A worker may have read the clock before another one claimed the lease."""
    world.hook(WebhookEvent.NEW_USER)
    world.act(add_member, DAVE)
    catch_up(world.outbox)
    now, later = world.world.clock.now, world.world.clock.now + timedelta(seconds=30)
    assert (
        queue.claim_delivery(world.outbox.database, later, "taken", later + queue.LEASE) is not None
    )
    assert queue.claim_delivery(world.outbox.database, now, "late", now + queue.LEASE) is None


def test_an_attempt_that_failed_while_the_clock_was_ahead_is_followed_by_another(
    world: Hooked,
) -> None:
    """At once, because the time of the failed attempt is unknown."""
    world.receiver.answer(FAILING, Answer(200))
    world.hook(WebhookEvent.NEW_USER)
    world.act(add_member, DAVE)
    assert len(world.run(YEAR)) == 1
    world.world.clock.tick(-YEAR)
    assert len(world.run()) == 1
    assert statuses(world) == [500, 200]


def test_events_recorded_while_the_clock_was_ahead_are_delivered(world: Hooked) -> None:
    """So are later events, whose recorded times are never earlier."""
    world.hook(WebhookEvent.NEW_USER)
    world.world.clock.tick(YEAR)
    world.act(add_member, DAVE)
    world.world.clock.tick(-YEAR)
    world.act(add_member, "sub-next")
    assert [one["new_user"]["sub"] for one in world.bodies()] == [DAVE, "sub-next"]


def test_first_attempts_go_before_retries(world: Hooked) -> None:
    """Retries do not delay first attempts."""
    world.hook(WebhookEvent.NEW_USER)
    world.hook(WebhookEvent.NEW_USER, webhook_id=OTHER_HOOK)
    world.act(edit_webhook, OTHER_HOOK, enabled=False)
    world.receiver.answer(FAILING, path=f"/{HOOK}")
    world.act(add_member, DAVE)
    assert len(world.run()) == 1
    world.act(edit_webhook, OTHER_HOOK, enabled=True)
    world.world.clock.tick(60)
    world.act(add_member, "sub-next")
    sent = world.run()
    assert [(one.path, one.headers["x-kheops-attempt"]) for one in sent] == [
        (f"/{HOOK}", "1/5"),
        (f"/{OTHER_HOOK}", "1/5"),
        (f"/{HOOK}", "2/5"),
    ]


@ON_SQLITE
def test_the_queue_of_a_leased_webhook_is_not_scanned(world: Hooked) -> None:
    """However long its queue is: a claim costs a constant number of steps for each webhook."""
    world.hook(WebhookEvent.NEW_USER)
    for number in range(300):
        world.act(add_member, f"user-{number}")
    catch_up(world.outbox)
    now = world.world.clock.now
    counting = Counting(world.outbox.database)
    assert queue.claim_delivery(counting, now, "taken", now + queue.LEASE) is not None
    assert queue.claim_delivery(counting, now, "late", now + queue.LEASE) is None
    assert 0 < counting.steps < 1500


@define
class Counting(Seam):
    """A database that counts the steps of its statements."""

    steps: int = 0

    @contextmanager
    def transaction(self, *, commit: bool) -> Iterator[Cursor]:
        """Open a transaction whose steps are counted."""
        with self.database.transaction(commit=commit) as cursor:
            connection = cast(Any, cursor).connection
            connection.set_progress_handler(self.step, 1)
            yield cursor
            connection.set_progress_handler(None, 0)

    def step(self) -> None:
        """Count a step."""
        self.steps += 1
