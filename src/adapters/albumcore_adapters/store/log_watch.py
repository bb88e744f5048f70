"""Watching the log: those who wait for events of a stream are woken when some are recorded, by any process.

One thread of a process looks for new events, however many wait: in SQLite whether the commit counter has changed, and
only then at the events; in PostgreSQL at the events after the last known position. That works behind a pooler, too,
where LISTEN does not, and misses nothing when a connection is lost. Events are committed in the order of their
positions, so that none appears behind the last known one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition, Thread

from eventsourcing.persistence import ApplicationRecorder, PersistenceError

from albumcore.streams import erasures_stream
from albumcore_adapters.sql.database import Database

LOOK_SECONDS = 0.02
"""Seconds between two looks at the log while there are any who wait."""

_PAUSE = 0.5  # seconds after a look that failed
_PAGE = 1000
Wake = Callable[[], object]
"""Called by the thread that watches, so it does not block."""


class LogWatch:
    """Wakes those who wait. Thread-safe; the thread begins with the first who waits, so after a fork.

    Args:
        recorder: Reads the log.
        database: The database of the log.
        seconds: Seconds between two looks.

    Attributes:
        is_stopped: Whether the watch has stopped: nothing is waited for any more.
    """

    def __init__(
        self, recorder: ApplicationRecorder, database: Database, seconds: float = LOOK_SECONDS
    ) -> None:
        self._recorder = recorder
        self._database = database
        self._seconds = seconds
        self._changed = Condition()
        self._waiting: dict[str, list[Wake]] = {}
        self._thread: Thread | None = None
        self._position: int | None = None
        self._version: object | None = None
        self.is_stopped = False

    @contextmanager
    def watching(self, stream: str, wake: Wake) -> Iterator[None]:
        """Within the block, call ``wake`` after events of a stream were recorded, and when the watch stops.

        Read the stream within the block: ``wake`` is called for every event that this reading misses. It may be called
        without a new event, too.
        """
        with self._changed:
            self._waiting.setdefault(stream, []).append(wake)
            if self._thread is None and not self.is_stopped:
                self._thread = Thread(target=self._watch, name="log watch", daemon=True)
                self._thread.start()
            self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                waiting = self._waiting[stream]
                waiting.remove(wake)
                if not waiting:
                    del self._waiting[stream]

    def stop(self) -> None:
        """Wake all who wait, once and for all."""
        with self._changed:
            self.is_stopped = True
            self._changed.notify()
        self._wake(None)

    def _watch(self) -> None:
        while True:
            with self._changed:
                if not self._waiting:
                    # What is recorded meanwhile, the next one to wait has read.
                    self._position = self._version = None
                self._changed.wait_for(lambda: self._waiting or self.is_stopped)
                if not self.is_stopped and self._position is not None:
                    self._changed.wait_for(lambda: self.is_stopped, self._seconds)
                if self.is_stopped:
                    return
            try:
                self._look()
            except PersistenceError:
                # Those who wait find out when they read. Events may have been lost with a server that failed: the
                # next look begins anew.
                with self._changed:
                    self._position = None
                    self._changed.wait_for(lambda: self.is_stopped, _PAUSE)

    def _look(self) -> None:
        # Before the events are read: a commit in between is looked at once more.
        version = self._database.data_version()
        if self._position is None:
            self._position = self._recorder.max_notification_id() or 0
            self._version = version
            self._wake(None)
            return
        if version is not None and version == self._version:
            return
        found = self._recorder.select_notifications(self._position, _PAGE, inclusive_of_start=False)
        if found:
            self._position = found[-1].id
        # A full page may not be all.
        self._version = version if len(found) < _PAGE else None
        streams = {str(one.originator_id) for one in found}
        # After an erasure, anything may be gone of any stream.
        self._wake(None if erasures_stream().name in streams else streams)

    def _wake(self, streams: set[str] | None) -> None:
        """Wake those who wait for some streams; all of them with None."""
        with self._changed:
            named = list(self._waiting) if streams is None else streams & self._waiting.keys()
            woken = [wake for stream in named for wake in self._waiting[stream]]
        for wake in woken:
            wake()
