"""The threads that keep the outbox going while the service runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from time import monotonic

from adapters.webhooks.follower import BATCH
from adapters.webhooks.log import log_error
from adapters.webhooks.outbox import Outbox

COURIERS = 4
"""Deliveries that a process makes at a time: fewer slow receivers than that keep nobody waiting.

One courier makes first attempts alone, so any number of receivers that let later attempts hang keep none waiting.
"""

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
        works = [self._follow, self._deliver_first, *[self._deliver] * (COURIERS - 1)]
        self._threads = [
            Thread(target=self._run, args=(work,), name="webhooks", daemon=True) for work in works
        ]

    def start(self) -> None:
        """Begin. It can be done once."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End: nothing new is begun, and what is on its way is waited for, 11 s at most."""
        self._stopping.set()
        until = monotonic() + LAST_SENDS
        for thread in self._threads:
            thread.join(max(0, until - monotonic()))

    def _follow(self) -> bool:
        # By single batches, or a long history would hold up the stopping.
        taken = self._outbox.take_up(BATCH)
        now = self._outbox.clock()
        if taken < BATCH and not self._forgot_at <= now < self._forgot_at + FORGETTING:
            self._outbox.forget_secrets()
            self._forgot_at = now
        return bool(self._outbox.tell_new_series(now) or taken)

    def _deliver(self) -> bool:
        return self._outbox.deliver_next(self._outbox.clock())

    def _deliver_first(self) -> bool:
        return self._outbox.deliver_next(self._outbox.clock(), is_for_first_attempts=True)

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
