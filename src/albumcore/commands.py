"""Command handling with optimistic concurrency and idempotency keys: load, decide, append, and retry on a conflict.

It contains no rules of the domain, no JSON and no HTTP. Clock and ids are arguments, and the environment names the
store (``PERSISTENCE_MODULE``).
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import UTC, datetime
from threading import RLock
from typing import Any, Concatenate, Literal, ParamSpec, TypeAlias, TypeVar, cast

from eventsourcing.persistence import (
    IntegrityError,
    OperationalError,
    PersistenceError,
    StoredEvent,
)

from albumcore.errors import AlbumcoreError, CommandReused, IdTaken
from albumcore.ids import ImageId, user_id
from albumcore.index import CommandRow, changes
from albumcore.kernel import (
    Act,
    CommandKey,
    Event,
    RecordedEvent,
    Source,
    Stream,
    check_command,
    record,
)
from albumcore.library_api import LibraryApplication
from albumcore.state_cache import StateCache, StreamState
from albumcore.times import Clock, clock_in_utc

S = TypeVar("S")
E = TypeVar("E", bound=Event[Any])
T = TypeVar("T")
P = ParamSpec("P")
Projection: TypeAlias = Callable[[tuple[RecordedEvent[E], ...]], None]
"""Writes to tables of the store's database what follows from recorded events."""
BUSY_SECONDS = "BUSY_SECONDS"
"""Name of the environment variable with the longest time that a store waits for a lock, in seconds."""
SEALED = "SEALED"
"""Name of the environment variable that says whether the store is sealed: ``y``, ``n``, or ``new`` for a new one."""

_STREAM_LOCKS = 64
_TRIES = 3
"""Number of conflicts after which a command is decided under the write lock."""
_BY_VERSION = nullcontext()
_MOST_FORGOTTEN = 99


def utc_now() -> datetime:
    """The present time, aware and in UTC."""
    return datetime.now(UTC)


def pause(attempt: int) -> None:
    """Wait before a retry: random exponential backoff, in milliseconds."""
    time.sleep(random.uniform(0, 0.001 * 2**attempt))


class Commands(LibraryApplication):
    """The command side of an open store.

    Args:
        env: The library's settings; ``albumcore_adapters.store`` has functions that fill them in.
        clock: Returns the present time, aware.
        busy_seconds: How long a command waits for other writers before it fails.
        snapshot_every: A snapshot of a stream is stored at every multiple of this version.
        cache_size: Most streams whose states are cached; fewer if the states are large.
        sealed: Whether personal fields are encrypted (`albumcore.sealing`), which is decided when a store is created:
            True if it must be so, False if it must not. None opens either and creates a store in clear; ``"new"``
            opens either and creates a sealed one.

    Attributes:
        loses_replies: Whether an append may be committed and its reply be lost; the recorder defines it.

    Raises:
        ValueError: ``busy_seconds``, ``snapshot_every`` or ``cache_size`` is not positive; or the settings name a store
            without index rows.
        StoreError: the store exists, and is not sealed as ``sealed`` says.
    """

    def __init__(
        self,
        env: Mapping[str, str] | None = None,
        *,
        clock: Clock = utc_now,
        busy_seconds: float = 30,
        snapshot_every: int = 500,
        cache_size: int = 256,
        sealed: bool | Literal["new"] | None = None,
    ) -> None:
        if busy_seconds <= 0 or snapshot_every < 1 or cache_size < 1:
            raise ValueError("busy_seconds is more than 0, snapshot_every and cache_size 1 or more")
        own = {"ORIGINATOR_ID_TYPE": "text", "IS_SNAPSHOTTING_ENABLED": "y"}
        if sealed is not None:
            own[SEALED] = sealed if isinstance(sealed, str) else "y" if sealed else "n"
        super().__init__({**own, BUSY_SECONDS: str(busy_seconds), **(env or {})})
        if not hasattr(self.recorder, "feed_page"):
            self.close()
            raise ValueError(
                "a store keeps index rows beside the events, so PERSISTENCE_MODULE names one of albumcore's: "
                "open_memory, open_sqlite and open_postgres do"
            )
        self._clock = clock_in_utc(clock)
        self._busy_seconds = busy_seconds
        self._snapshot_every = snapshot_every
        # One command at a time for each stream in this process: a conflict would cost more than the wait.
        self._stream_locks = [RLock() for _ in range(_STREAM_LOCKS)]
        assert self.snapshots is not None
        self.states = StateCache(
            self.events, self.snapshots, cache_size, self.index.in_read_snapshot
        )
        self.loses_replies = bool(getattr(self.recorder, "loses_replies", False))

    def handle(
        self,
        stream: Stream[S],
        decision: Callable[Concatenate[S, Act, P], tuple[E, ...]],
        source: Source,
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> tuple[RecordedEvent[E], ...]:
        """Call a decision on the state of a stream, and record the events it returns.

        Optimistic concurrency: if another command appended to the stream meanwhile, the decision is called again on
        the new state; after a few conflicts under the write lock of the store. The time of the act is the clock's,
        but never earlier than the last event of the stream.

        Returns:
            The recorded events; none if the decision changes nothing.

        Raises:
            AlbumcoreError: the decision refuses.
            Invalid: the source's user is no valid subject identifier, or the clock returns a naive time.
            IdTaken: an image id or a token digest, unique in the store, is used in another stream.
            OperationalError: the store was busy for ``busy_seconds``, or the database cannot be reached.
        """
        return self.handle_once(None, stream, decision, source, *args, **kwargs)

    def handle_once(
        self,
        command: CommandKey | None,
        stream: Stream[S],
        decision: Callable[Concatenate[S, Act, P], tuple[E, ...]],
        source: Source,
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> tuple[RecordedEvent[E], ...]:
        """Like `handle`, with an idempotency key: a command that recorded events is not decided again, by any source.

        A repeated command returns the events recorded then, from the stream that they are in. A command that was
        refused or changed nothing is not stored: if it is repeated, it is decided again. Without a key, it is `handle`.

        Raises:
            AlbumcoreError: as for `handle`.
            CommandReused: a command of the same id had another content.
            Invalid: see `check_command`.
        """
        return self._in_turn(command, None, stream, decision, source, args, kwargs)

    def handle_projected(
        self,
        projection: Projection[E],
        stream: Stream[S],
        decision: Callable[Concatenate[S, Act, P], tuple[E, ...]],
        source: Source,
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> tuple[RecordedEvent[E], ...]:
        """Like `handle`, with a projection in the transaction that appends the events.

        The decision is called once, in that transaction, under the write lock of the store, on the present state. The
        projection is called after the append, with the recorded events; with none if the decision changes nothing.
        What it writes to the database of the store is committed together with the events; if it raises an error, both
        are rolled back.

        Raises:
            AlbumcoreError, OperationalError: as for `handle`; and the errors of the projection. An `IntegrityError`
                of the projection is an `IdTaken`, like one of the index rows.
        """
        return self._in_turn(None, projection, stream, decision, source, args, kwargs)

    def _in_turn(
        self,
        command: CommandKey | None,
        projection: Projection[E] | None,
        stream: Stream[S],
        decision: Callable[..., tuple[E, ...]],
        source: Source,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        undoes: int | None = None,
    ) -> tuple[RecordedEvent[E], ...]:
        user_id(source.user)
        key = command and check_command(command)
        if key is None and self.loses_replies:
            key = CommandKey(secrets.token_urlsafe(16))
        until = time.monotonic() + self._busy_seconds
        stream_lock = self._stream_locks[hash(stream.name) % _STREAM_LOCKS]
        if not stream_lock.acquire(timeout=self._busy_seconds):
            raise OperationalError("others kept changing this")
        try:
            return self._handled(
                key, projection, stream, decision, source, until, args, kwargs, undoes
            )
        finally:
            stream_lock.release()

    def _handled(
        self,
        key: CommandKey | None,
        projection: Projection[E] | None,
        stream: Stream[S],
        decision: Callable[..., tuple[E, ...]],
        source: Source,
        until: float,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        undoes: int | None,
    ) -> tuple[RecordedEvent[E], ...]:
        refused_at, met = -1, 0
        # The cached state may be stale, and the command handled before. Then the append refuses the events of the
        # decision; if it has none, the present state is read.
        there = None if projection is not None else self.states.cached(stream)
        while True:
            is_present = there is None
            is_write_locked = projection is not None or met == _TRIES
            recorded: tuple[RecordedEvent[E], ...] = ()
            stored: list[StoredEvent] = []
            try:
                with self._write_locked(until) if is_write_locked else _BY_VERSION:
                    if there is None:
                        there = self.states.current(stream)
                        # After the state is read: if it contains events of this command, they are found here.
                        if key is not None and (before := self.done_before(key)):
                            return before
                    act = Act(source, max(self._clock(), there.at), key, undoes)
                    decided = decision(there.state, act, *args, **kwargs)
                    if recorded := record(stream.name, there.version, act, decided):
                        stored = [self.mapper.to_stored_event(one) for one in recorded]
                        # Before the append: an event that cannot be applied would make its stream unreadable.
                        after = there.after(recorded, sum([len(one.state) for one in stored]))
                        changed = [change for one in recorded for change in changes(one)]
                        self.recorder.insert_events(stored, changes=changed)
                    if projection is not None:
                        projection(recorded)
            except AlbumcoreError:
                if is_present:
                    raise
                there = None
                continue
            except PersistenceError as error:
                if not self._was_stored(stored):
                    if there is None or not isinstance(error, IntegrityError):
                        raise
                    if is_present:
                        met += 1
                        self._meet(met, is_write_locked or there.version == refused_at, error)
                        refused_at = there.version
                    there = None
                    continue
            if there is None or not recorded:
                if is_present:
                    return ()
                there = None
                continue
            self._recorded_after(stream, there, after, recorded, stored)
            return recorded

    def _recorded_after(
        self,
        stream: Stream[S],
        before: StreamState[S],
        after: StreamState[S],
        recorded: tuple[RecordedEvent[Any], ...],
        stored: Sequence[StoredEvent],
    ) -> None:
        """Store a snapshot if one is due, cache the state after the events, and prompt followers."""
        if before.version // self._snapshot_every != after.version // self._snapshot_every:
            after = self.states.save(stream, after)
        self.states.put(stream, after)
        self.prompt(recorded, stored)

    def _meet(self, times: int, is_same: bool, error: Exception) -> None:
        """Wait after a conflict, before the command is decided again."""
        if is_same:
            # The stream did not change: the conflict is about the key of an index row, not about the version.
            raise IdTaken("an id or digest in it was used elsewhere in the store") from error
        if times < _TRIES:
            pause(times)

    def _write_locked(self, until: float) -> AbstractContextManager[None]:
        """A transaction that holds the write lock: its reads are still valid at its commit."""
        return self.index.write_transaction(max(until - time.monotonic(), 0.001))

    def done_before(self, command: CommandKey) -> tuple[RecordedEvent[Any], ...]:
        """The events that were recorded for a command; none if it is unknown.

        Where the content was erased, the id alone tells that the command is known.

        Raises:
            CommandReused: a command of the same id had another content.
        """
        if command.content is None:
            return ()
        for row in self.index.rows(CommandRow, {"command": command.id}):
            if row.content not in (command.content, None):
                raise CommandReused(
                    "a command of this id was handled before, and asked for something else"
                )
            return tuple(self._led_to(row))
        return ()

    def next_image_id(self) -> ImageId:
        """A new image id. If no event uses it, it stays unused."""
        return ImageId(self.index.next_number("image"))

    def with_image_id(self, handled: Callable[[ImageId], T]) -> T:
        """Carry out a command that needs a new image id.

        After a crash of the database the last ids may be returned a second time, while an upload still uses one of
        them; the command that comes second takes the next id.

        Args:
            handled: Carries out the command with an id; it is called again if the id is taken.

        Raises:
            IdTaken: a hundred ids in a row were taken.
        """
        for _ in range(_MOST_FORGOTTEN):
            with suppress(IdTaken):
                return handled(self.next_image_id())
        return handled(self.next_image_id())

    def _led_to(self, row: CommandRow) -> Iterator[RecordedEvent[Any]]:
        # One by one: the stream may be long, and most commands record one event.
        version = row.version
        while found := list(self.events.get(row.stream, gt=version - 1, lte=version)):
            one = cast(RecordedEvent[Any], found[0])
            if one.act.command is None or one.act.command.id != row.command:
                return
            yield one
            version += 1

    def _was_stored(self, sent: Sequence[StoredEvent]) -> bool:
        """Whether events are stored although their append seemed to fail; they carry the key of their command."""
        if not self.loses_replies or not sent:
            return False
        first, last = sent[0], sent[-1]
        there = self.recorder.select_events(
            first.originator_id, gt=first.originator_version - 1, lte=last.originator_version
        )
        return [(one.topic, one.state) for one in there] == [(one.topic, one.state) for one in sent]
