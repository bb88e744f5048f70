"""State cache: the newest states of streams, brought up to date by the events recorded since."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from threading import Lock
from typing import Any, Generic, TypeVar, cast

from attrs import define, evolve, field, frozen
from eventsourcing.persistence import ApplicationRecorder, EventStore, StoredEvent

from albumcore.codec import Codec, Snapshot, StaleSnapshot, moment_of
from albumcore.kernel import Event, RecordedEvent, Stream, fold

S = TypeVar("S")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST_BYTES = 12 * 1024 * 1024
"""Size of the cache, in bytes of the stored form; a state takes up to five times that in memory."""

RECENT = 8
"""Cached states of one stream: its newest, and those before it."""

LONG = 5000
"""After a replay of this many events, a snapshot is stored."""
_BATCH = 500
"""Events that are read at a time: a long history does not have to fit into memory."""
_log = logging.getLogger(__name__)


@frozen
class StreamState(Generic[S]):
    """The state of a stream at a version.

    Attributes:
        version: Version of the last event; 0 before the first.
        at: Time of that event (UTC).
        state: The state after that event.
        size: Length of the newest snapshot and the events since, in bytes.
    """

    version: int
    at: datetime
    state: S
    size: int = 0

    def after(self, recorded: tuple[RecordedEvent[Event[S]], ...], size: int) -> StreamState[S]:
        """The state after more events, one at least, of ``size`` bytes in all."""
        last = recorded[-1]
        return StreamState(last.version, last.at, fold(self.state, recorded), self.size + size)


@define
class StateCache:
    """Least-recently-used cache of the states of streams, bounded in streams and bytes. Thread-safe.

    A thread in a read snapshot may see an earlier version of a stream than another thread has recorded. For such
    threads some states before the newest are cached, which share most of their content with it.

    Attributes:
        most: Most streams that are cached; fewer if their states are large.
    """

    _events: EventStore[str]
    _snapshots: EventStore[str]
    most: int
    _in_read_snapshot: Callable[[], bool] = lambda: False
    _recent: OrderedDict[str, tuple[StreamState[Any], ...]] = field(factory=OrderedDict, init=False)
    _size: int = field(default=0, init=False)
    _lock: Lock = field(factory=Lock, init=False)

    def cached(self, stream: Stream[S]) -> StreamState[S] | None:
        """The newest cached state of a stream, which may be stale."""
        return next(iter(self._cached(stream)), None)

    def current(self, stream: Stream[S]) -> StreamState[S]:
        """The present state of a stream: a cached one, brought up to date by the events since."""
        for start in self._cached(stream):
            if (reached := self._onward(stream, start)) is not None:
                break
            if not self._in_read_snapshot():
                self._forget(stream)
        else:
            start = self._snapshot(stream)
            reached = self._forward(stream, start)
        if reached.version - start.version >= LONG:
            reached = self.save(stream, reached)
        if reached.version:
            self.put(stream, reached)
        return reached

    def as_of(self, stream: Stream[S], version: int, *, saves: bool = True) -> StreamState[S]:
        """The state of a stream as of a version, from the nearest snapshot before it.

        During a long replay, snapshots are stored, unless ``saves`` is false.
        """
        start = self._snapshot(stream, version)
        if not saves or version - start.version < LONG:
            return self._forward(stream, start, version)
        # What is erased after this position must not come back by a snapshot: nothing that was read before is stored.
        position = cast(ApplicationRecorder, self._events.recorder).max_notification_id() or 0
        return self._forward(stream, self._snapshot(stream, version), version, position)

    def put(self, stream: Stream[S], reached: StreamState[S]) -> None:
        """Cache a state, unless a newer one of its stream is cached."""
        with self._lock:
            recent = self._pop(stream)
            if not recent or recent[-1].version <= reached.version:
                before = [one for one in recent if one.version < reached.version]
                recent = (*before[1 - RECENT :], reached)
            self._recent[stream.name] = recent
            self._size += recent[-1].size
            while len(self._recent) > self.most or (
                self._size > MOST_BYTES and len(self._recent) > 1
            ):
                self._size -= self._recent.popitem(last=False)[1][-1].size

    def save(
        self, stream: Stream[S], reached: StreamState[S], position: int | None = None
    ) -> StreamState[S]:
        """Store a snapshot, so that a replay begins there. If that fails, a warning is logged.

        It is not stored if events were erased meanwhile, for it may have what they said.

        Args:
            stream: The stream.
            reached: The state: the newest, if there is no position.
            position: For an older state, the position of the last event in the store when the replay began.
        """
        try:
            snapshot = self._snapshots.mapper.to_stored_event(
                Snapshot(stream.name, reached.version, reached.at, reached.state)
            )
            self._snapshots.recorder.insert_events([snapshot], position=position)
            return evolve(reached, size=len(snapshot.state))
        except Exception:
            # Any error: the command is committed already and must not seem to fail.
            _log.warning("no snapshot of %s was kept", stream.name, exc_info=True)
            return reached

    def _cached(self, stream: Stream[S]) -> Iterator[StreamState[S]]:
        """The cached states of a stream, newest first."""
        with self._lock:
            return iter(self._recent.get(stream.name, ())[::-1])

    def _forget(self, stream: Stream[S]) -> None:
        with self._lock:
            self._pop(stream)

    def _pop(self, stream: Stream[S]) -> tuple[StreamState[S], ...]:
        recent = self._recent.pop(stream.name, ())
        self._size -= recent[-1].size if recent else 0
        return recent

    def _snapshot(self, stream: Stream[S], until: int | None = None) -> StreamState[S]:
        """The nearest snapshot that can be read; the initial state without one."""
        read, select = (
            self._snapshots.mapper.to_domain_event,
            self._snapshots.recorder.select_events,
        )
        while stored := select(stream.name, lte=until, desc=True, limit=1):
            try:
                found = cast(Snapshot, read(stored[0]))
            except StaleSnapshot:
                until = stored[0].originator_version - 1
            else:
                return StreamState(found.version, found.at, found.state, found.size)
        return StreamState(0, EPOCH, stream.initial)

    def _onward(self, stream: Stream[S], cached: StreamState[S]) -> StreamState[S] | None:
        """A cached state, brought up to date; None if its last event is not in the store.

        In a read snapshot, the state may be newer than the snapshot. Otherwise the history was replaced: a backup was
        restored, or a standby took over that lacked the last events.
        """
        stored = self._stored(stream, cached.version - 1)
        last = stored[0] if stored else None
        if last is None or (last.originator_version, moment_of(last)) != (
            cached.version,
            cached.at,
        ):
            return None
        reached = self._through(cached, stored[1:])
        return reached if len(stored) < _BATCH else self._forward(stream, reached)

    def _forward(
        self,
        stream: Stream[S],
        start: StreamState[S],
        until: int | None = None,
        position: int | None = None,
    ) -> StreamState[S]:
        """The state some events later. With a position, snapshots are stored on the way."""
        saved = start.version
        while True:
            stored = self._stored(stream, start.version, until)
            start = self._through(start, stored)
            if len(stored) < _BATCH:
                return start
            if position is not None and start.version - saved >= LONG:
                start, saved = self.save(stream, start, position), start.version

    def _stored(
        self, stream: Stream[Any], after: int, until: int | None = None
    ) -> Sequence[StoredEvent]:
        return self._events.recorder.select_events(
            stream.name, gt=after or None, lte=until, limit=_BATCH
        )

    def _through(self, start: StreamState[S], stored: Sequence[StoredEvent]) -> StreamState[S]:
        if not stored:
            return start
        read, state = cast(Codec, self._events.mapper).read, start.state
        for one in stored:
            act, event = read(one, for_state=True)
            state = event.evolve(state, act)
        size = start.size + sum([len(one.state) for one in stored])
        return StreamState(stored[-1].originator_version, act.at, state, size)
