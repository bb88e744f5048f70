"""The states of streams: folded from what is stored, and kept at hand, to be moved forward by what came since."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime
from threading import Lock
from typing import Any, Generic, TypeVar, cast

from attrs import define, evolve, field, frozen
from eventsourcing.persistence import EventStore, StoredEvent

from albumcore.codec import Codec, Snapshot, moment_of
from albumcore.kernel import Event, RecordedEvent, Stream, fold

S = TypeVar("S")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST_BYTES = 12 * 1024 * 1024
"""How much is kept at hand, in bytes as it is stored; a state takes up to five times that in memory."""

LONG = 5000
"""So many events replayed at once are worth a snapshot."""
_BATCH = 500
"""Events that are read at a time: a long history must not have to fit into memory."""
_log = logging.getLogger(__name__)


@frozen
class StreamState(Generic[S]):
    """How far a stream has come, and the state it came to.

    Attributes:
        version: Of its last event; 0 before the first.
        at: When that happened (UTC).
        state: The state after it.
        size: Length of what it was made from, in bytes: the newest snapshot, and the events since.
    """

    version: int
    at: datetime
    state: S
    size: int = 0

    def after(self, recorded: tuple[RecordedEvent[Event[S]], ...], size: int) -> StreamState[S]:
        """How far it has come with some more events, one at least, of so many bytes in all."""
        last = recorded[-1]
        return StreamState(last.version, last.at, fold(self.state, recorded), self.size + size)


@define
class StateCache:
    """The states of the streams that were asked for last. What is kept is immutable, so threads share it.

    Attributes:
        most: At most this many streams are kept, and fewer where their states are large.
    """

    _events: EventStore[str]
    _snapshots: EventStore[str]
    most: int
    _kept: OrderedDict[str, StreamState[Any]] = field(factory=OrderedDict, init=False)
    _size: int = field(default=0, init=False)
    _lock: Lock = field(factory=Lock, init=False)

    def at_hand(self, stream: Stream[S]) -> StreamState[S] | None:
        """What is kept of a stream; it may have gone on since."""
        with self._lock:
            return self._kept.get(stream.name)

    def present(self, stream: Stream[S]) -> StreamState[S]:
        """Where a stream is now: what is kept of it, moved forward by what was recorded since."""
        start = self.at_hand(stream)
        reached = None if start is None else self._onward(stream, start)
        if start is None or reached is None:
            self._forget(stream)
            start = self._snapshot(stream)
            reached = self._forward(stream, start)
        if reached.version - start.version >= LONG:
            reached = self.save(stream, reached)
        if reached.version:
            self.keep(stream, reached)
        return reached

    def as_of(self, stream: Stream[S], version: int) -> StreamState[S]:
        """Where a stream was at a version."""
        return self._forward(stream, self._snapshot(stream, version), version)

    def keep(self, stream: Stream[S], reached: StreamState[S]) -> None:
        """Keep how far a stream has come, unless more of it is known."""
        with self._lock:
            before = self._kept.pop(stream.name, None)
            if before is not None:
                self._size -= before.size
            newest = before if before is not None and before.version > reached.version else reached
            self._kept[stream.name] = newest
            self._size += newest.size
            while len(self._kept) > self.most or (self._size > MOST_BYTES and len(self._kept) > 1):
                self._size -= self._kept.popitem(last=False)[1].size

    def save(self, stream: Stream[S], reached: StreamState[S]) -> StreamState[S]:
        """Store a snapshot, so that nobody replays what was before it."""
        try:
            snapshot = self._snapshots.mapper.to_stored_event(
                Snapshot(stream.name, reached.version, reached.at, reached.state)
            )
            self._snapshots.recorder.insert_events([snapshot])
            return evolve(reached, size=len(snapshot.state))
        except Exception:
            # Whatever it is, the command that it follows is stored, and must not seem to fail.
            _log.warning("no snapshot of %s was kept", stream.name, exc_info=True)
            return reached

    def _forget(self, stream: Stream[S]) -> None:
        with self._lock:
            gone = self._kept.pop(stream.name, None)
            self._size -= 0 if gone is None else gone.size

    def _snapshot(self, stream: Stream[S], until: int | None = None) -> StreamState[S]:
        for one in self._snapshots.get(stream.name, lte=until, desc=True, limit=1):
            found = cast(Snapshot, one)
            return StreamState(found.version, found.at, found.state, found.size)
        return StreamState(0, EPOCH, stream.initial)

    def _onward(self, stream: Stream[S], kept: StreamState[S]) -> StreamState[S] | None:
        """How far what is kept has come by now; None where a restored backup has taken the place of its history."""
        stored = self._stored(stream, kept.version - 1)
        last = stored[0] if stored else None
        if last is None or (last.originator_version, moment_of(last)) != (kept.version, kept.at):
            return None
        reached = self._through(kept, stored[1:])
        return reached if len(stored) < _BATCH else self._forward(stream, reached)

    def _forward(
        self, stream: Stream[S], start: StreamState[S], until: int | None = None
    ) -> StreamState[S]:
        while True:
            stored = self._stored(stream, start.version, until)
            start = self._through(start, stored)
            if len(stored) < _BATCH:
                return start

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
            act, event = read(one)
            state = event.evolve(state, act)
        size = start.size + sum([len(one.state) for one in stored])
        return StreamState(stored[-1].originator_version, act.at, state, size)
