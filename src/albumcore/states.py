"""The states of streams: folded from what is stored, and kept at hand, to be moved forward by what came since."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterable
from datetime import UTC, datetime
from threading import Lock
from typing import Any, Generic, TypeVar, cast

from attrs import define, evolve, field, frozen
from eventsourcing.persistence import EventStore

from albumcore.codec import Codec, Snapshot, moment_of
from albumcore.kernel import Event, Recorded, Stream

S = TypeVar("S")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST_BYTES = 12 * 1024 * 1024
"""How much is kept at hand, in bytes as it is stored; a state takes up to five times that in memory."""

LONG = 5000
"""So many events replayed at once are worth a snapshot."""
_BATCH = 1000
"""Events that are read at a time: a long history must not have to fit into memory."""
_log = logging.getLogger(__name__)


@frozen
class Reached(Generic[S]):
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

    def after(self, history: Iterable[Recorded[Event[S]]], size: int) -> Reached[S]:
        """How far it has come with some more events, of so many bytes in all."""
        state, last = self.state, None
        for last in history:
            state = last.event.evolve(state, last.act)
        return self if last is None else Reached(last.version, last.at, state, self.size + size)


@define
class States:
    """The states of the streams that were asked for last. What is kept is immutable, so threads share it.

    Attributes:
        most: At most this many streams are kept, and fewer where their states are large.
    """

    _events: EventStore[str]
    _snapshots: EventStore[str]
    most: int
    _kept: OrderedDict[str, Reached[Any]] = field(factory=OrderedDict, init=False)
    _size: int = field(default=0, init=False)
    _lock: Lock = field(factory=Lock, init=False)

    def at_hand(self, stream: Stream[S]) -> Reached[S] | None:
        """What is kept of a stream; it may have gone on since."""
        with self._lock:
            return self._kept.get(stream.name)

    def present(self, stream: Stream[S]) -> Reached[S]:
        """Where a stream is now: what is kept of it, moved forward by what was recorded since."""
        kept = self.at_hand(stream)
        start = (
            kept if kept is not None and self._is_there(stream, kept) else self._snapshot(stream)
        )
        reached = self._forward(stream, start)
        if reached.version - start.version >= LONG:
            reached = self.save(stream, reached)
        if reached.version:
            self.keep(stream, reached)
        return reached

    def as_of(self, stream: Stream[S], version: int) -> Reached[S]:
        """Where a stream was at a version."""
        return self._forward(stream, self._snapshot(stream, version), version)

    def keep(self, stream: Stream[S], reached: Reached[S]) -> None:
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

    def save(self, stream: Stream[S], reached: Reached[S]) -> Reached[S]:
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

    def _snapshot(self, stream: Stream[S], until: int | None = None) -> Reached[S]:
        for one in self._snapshots.get(stream.name, lte=until, desc=True, limit=1):
            found = cast(Snapshot, one)
            return Reached(found.version, found.at, found.state, found.size)
        return Reached(0, EPOCH, stream.initial)

    def _is_there(self, stream: Stream[S], kept: Reached[S]) -> bool:
        """Whether what is kept is of this history, and not of one that a restored backup has taken the place of."""
        last = self._events.recorder.select_events(
            stream.name, gt=kept.version - 1, lte=kept.version
        )
        return bool(last) and moment_of(last[0]) == kept.at

    def _forward(
        self, stream: Stream[S], start: Reached[S], until: int | None = None
    ) -> Reached[S]:
        recorder, read = self._events.recorder, cast(Codec, self._events.mapper).read
        while True:
            stored = recorder.select_events(
                stream.name, gt=start.version or None, lte=until, limit=_BATCH
            )
            state, at, size = start.state, start.at, start.size
            for one in stored:
                act, event = read(one)
                state, at, size = event.evolve(state, act), act.at, size + len(one.state)
            version = stored[-1].originator_version if stored else start.version
            start = Reached(version, at, state, size)
            if len(stored) < _BATCH:
                return start
