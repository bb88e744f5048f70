"""Erasing: keys of events and rows beside them are deleted, and the histories say so, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from attrs import field, frozen

from albumcore import (
    Act,
    Albumcore,
    RecordedEvent,
    Source,
)
from albumcore.codec import moment_of
from albumcore.erasures import ErasureKind, ErasureRecorded, erasure_notice
from albumcore.errors import AlbumcoreError
from albumcore.ids import UserId
from albumcore.index import changes
from albumcore.kernel import Event, stored_name
from albumcore.sealing import CHANGING_NO_STATE
from albumcore.state_cache import EPOCH
from albumcore.streams import erasures_stream, named_stream
from albumcore_adapters.base.retention import Retention
from albumcore_adapters.erasure.erasure_list import ListedErasure, append_erasure
from albumcore_adapters.sql.database import MAX_INTEGER, Cursor, Database
from albumcore_adapters.store import is_store_sealed
from albumcore_adapters.store.rows import condition_of, in_chunks

OPERATOR = UserId("operator")
"""Who acts in the events of an erasure."""

_WRITE_SECONDS = 30.0
_RETENTION_OF: Mapping[str, str] = {
    "album": "albums",
    "images": "patient_images",
    "study": "study_comments",
}
"""The kind of retention of each kind of stream that has one."""

_CHANGING_NO_STATE = {stored_name(cls).name for cls in CHANGING_NO_STATE}


class ErasureRefused(Exception):
    """Nothing was erased; the message says why."""


class StoreInClear(ErasureRefused):
    """The store is in clear: the texts are in the events themselves."""


class KeptUntil(ErasureRefused):
    """It must be stored for longer.

    Attributes:
        until: The time (UTC) from which on it may be erased without a legal basis.
    """

    def __init__(self, kind: str, until: datetime) -> None:
        super().__init__(
            f"{kind} in it must be stored until {until.date()} (ALBUMCORE_KEEP_AT_LEAST); "
            "--basis names a legal basis for erasing it earlier"
        )
        self.until = until


@frozen
class EventKey:
    """The key of an event, by the place of the event."""

    stream: str
    version: int


@frozen
class ErasureResult:
    """The result of an erasure.

    Attributes:
        events: How many events were erased.
        streams: How many streams they are in.
        rows: How many rows beside the events were deleted or emptied.
        notes: Sentences for a person to act on: what may say something still, and is not found by a program.
    """

    events: int = 0
    streams: int = 0
    rows: int = 0
    notes: tuple[str, ...] = ()

    @property
    def is_nothing(self) -> bool:
        """Whether there was nothing to erase."""
        return not self.events and not self.rows


@frozen
class Eraser:
    """What erasures need.

    Attributes:
        albums: The events.
        database: Their database, with the tables beside them.
        clock: Returns the present time, aware and in UTC.
        retention: How long some kinds must be stored.
        file: The list of erasures; None for an erasure that is in the list already. The store records such a one even
            if there is nothing to erase: a later restore then knows that it was made.
    """

    albums: Albumcore = field(repr=False)
    database: Database = field(repr=False)
    clock: Callable[[], datetime]
    retention: Retention
    file: Path | None


@frozen
class ErasureTargets:
    """What an erasure found.

    Attributes:
        keys: The keys of events to be deleted.
        forget: Deletes rows beside the events, and returns how many there were.
        stored: When what is in those rows was stored last (UTC), by kind of retention.
    """

    keys: Sequence[EventKey]
    forget: Callable[[Cursor], int] = lambda cursor: 0
    stored: Mapping[str, datetime] = field(factory=dict)


def erase(
    eraser: Eraser, listed: ListedErasure, find: Callable[[Cursor], ErasureTargets]
) -> ErasureResult:
    """Erase what is found, in one transaction: after an error nothing is erased. Idempotent.

    Args:
        eraser: The context.
        listed: What is erased, as the store and the list record it.
        find: Finds it in the transaction that erases it.

    Raises:
        StoreInClear: the store is not sealed, and more than instances is erased: these are sealed in every store.
        KeptUntil: some of it must be stored for longer, and there is no legal basis.
        StoreError: the database fails.
        OSError: the list of erasures cannot be written.
    """
    if listed.kind is not ErasureKind.INSTANCES:
        require_sealed(eraser.albums)
    with _erasing(eraser) as cursor:
        found = find(cursor)
        by_stream = _by_stream(found.keys)
        if listed.basis is None:
            _refuse_too_early(eraser, by_stream, found.stored, listed.at)
        rows = found.forget(cursor)
        erased = ErasureResult(len(found.keys), len(by_stream), rows)
        if erased.is_nothing and eraser.file is not None:
            return erased
        for stream, versions in by_stream.items():
            _delete_keys(cursor, stream, versions)
            cursor.execute("DELETE FROM stored_snapshots WHERE originator_id = ?", (stream,))
            _append_notice(eraser, cursor, stream, versions, listed.at)
        what = ErasureRecorded(listed.kind, listed.key, listed.version, listed.basis)
        _append(eraser, erasures_stream().name, what, listed.at)
        if eraser.file is not None:
            # Before the commit: an erasure without its line would be undone by a restore.
            append_erasure(eraser.file, listed)
    return erased


def require_sealed(albums: Albumcore) -> None:
    """Check that the events of a store can be erased.

    Raises:
        StoreInClear: it is not sealed.
    """
    if not is_store_sealed(albums):
        raise StoreInClear(
            "the store is in clear, so that its events cannot be erased: make a sealed one of it with "
            "`albumcore copy --seal`"
        )


def erased_people(albums: Albumcore) -> frozenset[UserId]:
    """The pseudonyms of the people who were erased. A record that cannot be read is passed over."""
    found: set[UserId] = set()
    for stored in albums.recorder.select_events(erasures_stream().name):
        with suppress(AlbumcoreError):
            said = albums.mapper.to_domain_event(stored).event  # type: ignore[attr-defined]
            if isinstance(said, ErasureRecorded) and said.kind is ErasureKind.PERSON:
                found.add(UserId(said.identifier))
    return frozenset(found)


def keys_of_subject(cursor: Cursor, subject: str) -> list[EventKey]:
    """The keys that are erased with a person, a patient or an album."""
    return _keys(cursor, "subject = ?", subject)


def keys_of_stream(cursor: Cursor, stream: str) -> list[EventKey]:
    """The keys of all events of a stream."""
    return _keys(cursor, "stream = ?", stream)


def key_of_event(cursor: Cursor, stream: str, version: int) -> list[EventKey]:
    """The key of one event; none if it has none, or was erased."""
    return _keys(cursor, "stream = ? AND version = ?", stream, version)


def _keys(cursor: Cursor, condition: str, *values: str | int) -> list[EventKey]:
    cursor.execute(
        f"SELECT stream, version FROM directory_event_key WHERE {condition} ORDER BY stream, version",  # noqa: S608
        values,
    )
    return [EventKey(row["stream"], row["version"]) for row in cursor.fetchall()]


@contextmanager
def _erasing(eraser: Eraser) -> Any:
    recorder: Any = eraser.albums.recorder
    whole: AbstractContextManager[None] = recorder.exclusive_transaction(_WRITE_SECONDS)
    with whole, eraser.database.transaction(commit=True) as cursor:
        yield cursor


def _by_stream(keys: Iterable[EventKey]) -> dict[str, tuple[int, ...]]:
    ordered = sorted(keys, key=lambda key: (key.stream, key.version))
    return {
        stream: tuple([key.version for key in of_stream])
        for stream, of_stream in groupby(ordered, key=lambda key: key.stream)
    }


def _refuse_too_early(
    eraser: Eraser,
    by_stream: Mapping[str, Sequence[int]],
    stored: Mapping[str, datetime],
    now: datetime,
) -> None:
    """Refuse if an event or a row must be stored for longer."""
    latest: tuple[datetime, str] | None = None
    for kind, last in (*_last_events(eraser, by_stream), *stored.items()):
        period = eraser.retention.get(kind)
        until = now if period is None else period.end(last)
        if until > now and (latest is None or latest[0] < until):
            latest = until, kind
    if latest is not None:
        raise KeptUntil(latest[1], latest[0])


def _last_events(
    eraser: Eraser, by_stream: Mapping[str, Sequence[int]]
) -> Iterator[tuple[str, datetime]]:
    """The kind of retention of each stream, and the time of its last event: in a stream, times never decrease."""
    for stream, versions in by_stream.items():
        kind = _RETENTION_OF.get(stream.partition("-")[0], "")
        if kind in eraser.retention:
            select = eraser.albums.recorder.select_events
            [last] = select(stream, gt=versions[-1] - 1, lte=versions[-1])
            yield kind, moment_of(last)


def _delete_keys(cursor: Cursor, stream: str, versions: Sequence[int]) -> None:
    cursor.executemany(
        "DELETE FROM directory_event_key WHERE stream = ? AND version = ?",
        [(stream, version) for version in versions],
    )


def _append_notice(
    eraser: Eraser, cursor: Cursor, stream: str, versions: tuple[int, ...], now: datetime
) -> None:
    """Record in a stream which of its events were erased. Their keys and the snapshots are deleted by now."""
    state = named_stream(stream).initial
    if not _topics(cursor, stream, versions) <= _CHANGING_NO_STATE:
        whole = eraser.albums.states.as_of(named_stream(stream), MAX_INTEGER, saves=False)
        state = whole.state
    _append(eraser, stream, erasure_notice(state, versions), now)


def _topics(cursor: Cursor, stream: str, versions: Sequence[int]) -> set[str]:
    found: set[str] = set()
    for piece in in_chunks({"originator_id": stream, "originator_version": versions}):
        condition, matched = condition_of(piece)
        cursor.execute(f"SELECT DISTINCT topic FROM stored_events WHERE {condition}", matched)  # noqa: S608
        found |= {row["topic"] for row in cursor.fetchall()}
    return found


def _append(eraser: Eraser, stream: str, event: Event[Any], now: datetime) -> None:
    """Append an event to a stream, with the changes of index rows that it leads to."""
    albums = eraser.albums
    version, at = 0, EPOCH
    for last in albums.recorder.select_events(stream, desc=True, limit=1):
        version, at = last.originator_version, moment_of(last)
    recorded = RecordedEvent(stream, version + 1, Act(Source(OPERATOR), max(now, at)), event)
    stored = albums.mapper.to_stored_event(recorded)
    albums.recorder.insert_events([stored], changes=changes(recorded))
