"""The threads of a process that project events and send deliveries: one projects, one claims, and others deliver."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Condition, Event, Thread, current_thread
from time import monotonic

from albumcore_adapters.webhooks.batches import enqueue_due_batches
from albumcore_adapters.webhooks.outbox import Outbox, log_error
from albumcore_adapters.webhooks.projection import PAGE_SIZE, catch_up, purge_secrets
from albumcore_adapters.webhooks.queue import MAX_PER_ALBUM, Delivery
from albumcore_adapters.webhooks.worker import claim_next, deliver

MAX_DELIVERIES = 64
"""Deliveries that a process makes at a time, each in a thread of its own. Fewer slow receivers delay no other one."""

CROWDED = 32
"""From this many deliveries on, one of each album is made at a time: the other threads are for other albums."""

MAX_RETRIES = 48
"""How many of the deliveries may be retries. The other threads are for first attempts, however many retries hang."""

POLL_SECONDS = 1.0
"""Seconds between two checks for new events and due deliveries."""

MAX_BACKOFF = 60.0
"""Longest pause, in seconds, after repeated failures; the pause doubles with each."""

PURGE_EVERY = timedelta(hours=1)
"""Time between two deletions of unused secrets."""

STOP_SECONDS = 11.0
"""Seconds that `Runner.stop` waits for deliveries under way: a little more than a request takes at most."""


class Runner:
    """Projects events and sends deliveries, in daemon threads of this process. Start it after a fork, not before.

    Args:
        outbox: The context.
        poll_seconds: Seconds between two checks.
    """

    def __init__(self, outbox: Outbox, poll_seconds: float = POLL_SECONDS) -> None:
        self._poll_seconds = poll_seconds
        self._stopping = Event()
        self._outbox = outbox
        self._purged_at = datetime.min.replace(tzinfo=UTC)
        self._has_news = Event()
        self._changed = Condition()
        # The threads that deliver, with the number of the attempt that each makes.
        self._under_way: dict[Thread, int] = {}
        self._threads = [
            Thread(target=self._repeat, args=(work,), name="webhooks", daemon=True)
            for work in (self._project, self._dispatch)
        ]

    def start(self) -> None:
        """Start the threads. A runner is started once."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop: begin no more deliveries, and wait for those under way, for 11 s at most."""
        self._stopping.set()
        self._has_news.set()
        until = monotonic() + STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0, until - monotonic()))
        with self._changed:
            under_way = list(self._under_way)
        for thread in under_way:
            thread.join(max(0, until - monotonic()))

    def _project(self) -> bool:
        """Project one page of events and enqueue due batches; whether there was anything to do."""
        # One page at a time, so that a long backlog does not delay a stop.
        number = catch_up(self._outbox, PAGE_SIZE)
        now = self._outbox.clock()
        if number < PAGE_SIZE and not self._purged_at <= now < self._purged_at + PURGE_EVERY:
            purge_secrets(self._outbox)
            self._purged_at = now
        has_worked = bool(enqueue_due_batches(self._outbox, now) or number)
        if has_worked:
            self._has_news.set()
        return has_worked

    def _dispatch(self) -> bool:
        """Begin the next due delivery in a thread of its own; if there is none, wait for news or the next check."""
        self._has_news.clear()
        with self._changed:
            if not self._changed.wait_for(self._has_room, self._poll_seconds):
                return True
            retries = sum(number > 1 for number in self._under_way.values())
            is_crowded = len(self._under_way) >= CROWDED
        delivery = claim_next(
            self._outbox,
            self._outbox.clock(),
            is_first_attempt=retries >= MAX_RETRIES,
            max_per_album=1 if is_crowded else MAX_PER_ALBUM,
        )
        if delivery is None:
            # `stop` sets the news too, but may have done so before they were cleared.
            if not self._stopping.is_set():
                self._has_news.wait(self._poll_seconds)
            return True
        thread = Thread(target=self._deliver, args=(delivery,), name="webhooks", daemon=True)
        with self._changed:
            thread.start()
            self._under_way[thread] = delivery.number
        return True

    def _has_room(self) -> bool:
        return len(self._under_way) < MAX_DELIVERIES

    def _deliver(self, delivery: Delivery) -> None:
        try:
            deliver(self._outbox, delivery)
        except Exception as error:
            log_error(error)
        finally:
            with self._changed:
                del self._under_way[current_thread()]
                self._changed.notify()
            self._has_news.set()  # the queue of the webhook is released

    def _repeat(self, work: Callable[[], bool]) -> None:
        """Repeat the work until stopped: at once if there was something to do, else after a pause."""
        pause = self._poll_seconds
        while not self._stopping.is_set():
            try:
                has_worked = work()
                pause = self._poll_seconds
            except Exception as error:
                log_error(error)
                has_worked, pause = False, min(2 * pause, MAX_BACKOFF)
            if not has_worked:
                self._stopping.wait(pause)
