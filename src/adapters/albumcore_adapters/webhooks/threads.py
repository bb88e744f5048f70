"""The threads that keep the outbox going while the service runs: one follows, one claims, and others deliver."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Condition, Event, Thread, current_thread
from time import monotonic

from albumcore_adapters.webhooks.follower import BATCH
from albumcore_adapters.webhooks.log import log_error
from albumcore_adapters.webhooks.outbox import Outbox
from albumcore_adapters.webhooks.queue import ABREAST, Delivery

MOST_UNDER_WAY = 64
"""Deliveries that a process makes at a time, each in a thread of its own: fewer that hang keep no other waiting."""

CROWDED = 32
"""While so many are made, an album of which one is made already waits: the other threads are for other albums."""

MOST_RETRIES = 48
"""How many of them may be later attempts; the rest is for first ones, whatever number of receivers let retries hang."""

PULSE = 1.0
"""Seconds between two looks at whether there is something to do."""

LONGEST_PAUSE = 60.0
"""Seconds between two tries of what keeps failing; the pauses before are shorter."""

FORGETTING = timedelta(hours=1)
"""Time between two looks for secrets that nothing names."""

LAST_SENDS = 11.0
"""Seconds that stopping waits for what is on its way: a little more than a send takes at most."""


class Runner:
    """Takes up the history and delivers, in threads that end with the process. Start it after a fork, not before.

    Args:
        outbox: What is kept going.
        pulse: Seconds between two looks.
    """

    def __init__(self, outbox: Outbox, pulse: float = PULSE) -> None:
        self._pulse = pulse
        self._stopping = Event()
        self._outbox = outbox
        self._forgot_at = datetime.min.replace(tzinfo=UTC)
        self._is_news = Event()
        self._changed = Condition()
        # The threads that deliver, and the numbers of the attempts that they make.
        self._under_way: dict[Thread, int] = {}
        self._threads = [
            Thread(target=self._run, args=(work,), name="webhooks", daemon=True)
            for work in (self._follow, self._begin)
        ]

    def start(self) -> None:
        """Begin. It can be done once."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End: nothing new is begun, and what is on its way is waited for, 11 s at most."""
        self._stopping.set()
        self._is_news.set()
        until = monotonic() + LAST_SENDS
        for thread in self._threads:
            thread.join(max(0, until - monotonic()))
        with self._changed:
            under_way = list(self._under_way)
        for thread in under_way:
            thread.join(max(0, until - monotonic()))

    def _follow(self) -> bool:
        # By single batches, or a long history would hold up the stopping.
        taken = self._outbox.take_up(BATCH)
        now = self._outbox.clock()
        if taken < BATCH and not self._forgot_at <= now < self._forgot_at + FORGETTING:
            self._outbox.forget_secrets()
            self._forgot_at = now
        has_worked = bool(self._outbox.tell_new_series(now) or taken)
        if has_worked:
            self._is_news.set()
        return has_worked

    def _begin(self) -> bool:
        """Begin the delivery that is next; where none is due, wait for news of some, for one pulse at most."""
        self._is_news.clear()
        with self._changed:
            if not self._changed.wait_for(self._has_room, self._pulse):
                return True
            retries = sum(number > 1 for number in self._under_way.values())
            is_crowded = len(self._under_way) >= CROWDED
        delivery = self._outbox.claim_next(
            self._outbox.clock(),
            is_for_first_attempts=retries >= MOST_RETRIES,
            abreast=1 if is_crowded else ABREAST,
        )
        if delivery is None:
            # Stopping gives news too, but that may have been before the last clearing.
            if not self._stopping.is_set():
                self._is_news.wait(self._pulse)
            return True
        thread = Thread(target=self._deliver, args=(delivery,), name="webhooks", daemon=True)
        with self._changed:
            thread.start()
            self._under_way[thread] = delivery.number
        return True

    def _has_room(self) -> bool:
        return len(self._under_way) < MOST_UNDER_WAY

    def _deliver(self, delivery: Delivery) -> None:
        try:
            self._outbox.deliver(delivery)
        except Exception as error:
            log_error(error)
        finally:
            with self._changed:
                del self._under_way[current_thread()]
                self._changed.notify()
            self._is_news.set()  # the webhook may have more to be told

    def _run(self, work: Callable[[], bool]) -> None:
        """Do the work again at once where there was some, else after the pulse; after a failure, later."""
        pause = self._pulse
        while not self._stopping.is_set():
            try:
                has_worked = work()
                pause = self._pulse
            except Exception as error:
                log_error(error)
                has_worked, pause = False, min(2 * pause, LONGEST_PAUSE)
            if not has_worked:
                self._stopping.wait(pause)
