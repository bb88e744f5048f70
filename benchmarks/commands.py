"""Commands and replay, through the library."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from datetime import timedelta
from itertools import count, islice
from typing import Any

from attrs import evolve
from eventsourcing.persistence import StoredEvent

from albumcore import Album, Albumcore, Source, album_stream, post_comment
from albumcore.index import changes
from albumcore_adapters.base.data_directory import DATABASE_FILE
from albumcore_adapters.service import Service
from albumcore_adapters.store import database_of, open_sqlite
from albumcore_adapters.store.recorder import EVENT
from albumcore_adapters.store.rows import statements_of
from benchmarks.bench import Bench, milliseconds
from benchmarks.equal import EqualAlbum, EqualAlbums, fill_equal
from benchmarks.figures import Taken, by_cpu
from benchmarks.history import ALBUM, VIEWERS
from benchmarks.stores import fill_album

STREAM = album_stream(ALBUM)
WRITER = Source(VIEWERS[5])
COMMENT = "No change since the first study, compare with the series of last spring, slice 42."
PRAGMAS = (
    "page_size",
    "journal_mode",
    "wal_autocheckpoint",
    "cache_size",
    "journal_size_limit",
    "secure_delete",
    "mmap_size",
    "temp_store",
)
"""What the raw connection has as the store's has it, beside ``synchronous``: that is FULL, as the store promises."""
_INSERT = f"INSERT INTO stored_events ({', '.join(EVENT)}) VALUES (?, ?, ?, ?)"


def comment(service: Service) -> None:
    """One durable command."""
    service.albums.handle(STREAM, post_comment, WRITER, COMMENT)


def _stored_comment(service: Service) -> StoredEvent:
    """A comment as the store has it."""
    comment(service)
    [stored] = service.albums.recorder.select_events(STREAM.name, desc=True, limit=1)
    return stored


def durable(bench: Bench) -> Taken:
    """Comments through the library, and the same bytes by sqlite3 alone, a transaction for each."""
    store = bench.store(bench.scale.middle)
    number = 10
    with store.opened() as service:
        albums = service.albums
        stored = _stored_comment(service)
        raw = _raw(albums, bench.directory().with_suffix(".sqlite"))
        versions = count(stored.originator_version + 1)

        def insert() -> None:
            raw.execute("BEGIN")
            row = (stored.originator_id, next(versions), stored.topic, stored.state)
            raw.execute(_INSERT, row)
            raw.execute("COMMIT")

        costs: dict[str, list[float]] = {"ours": [], "other": []}

        def side(name: str, act: Callable[[], object]) -> float:
            before = time.process_time()
            rate = per_second(number, act)
            costs[name].append((time.process_time() - before) / number * 1e6)
            return rate

        seen = bench.alternate(
            {
                "ours": lambda: side("ours", lambda: comment(service)),
                "other": lambda: side("other", insert),
            },
            turns=bench.scale.commands // number,
        )
        raw.close()
    return Taken(seen["ours"], seen["other"], by_cpu(costs, "command"))


def durable_whole(bench: Bench) -> Taken:
    """Comments through the library, and all rows that each of them writes by sqlite3 alone: event and index."""
    store = bench.store(bench.scale.middle)
    number = 10
    with store.opened() as service:
        albums = service.albums
        stored = _stored_comment(service)
        raw = sqlite3.connect(bench.directory().with_suffix(".sqlite"), isolation_level=None)
        with closing(sqlite3.connect(store.path / DATABASE_FILE)) as whole:
            whole.backup(raw)
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            raw.execute(f"PRAGMA {pragma}")
        recorded: Any = albums.mapper.to_domain_event(stored)
        versions = count(recorded.version + 1)

        def event_of(version: int) -> Any:
            # Each a millisecond after the last: SQLite would not write a row again that stays as it is.
            at = recorded.at + timedelta(milliseconds=version)
            return evolve(recorded, version=version, act=evolve(recorded.act, at=at))

        def write(rows: list[tuple[str, Any]]) -> None:
            raw.execute("BEGIN IMMEDIATE")
            for statement, values in rows:
                raw.execute(statement, values)
            raw.execute("COMMIT")

        def other() -> float:
            # Made beforehand: what it costs to know them is the library's own.
            planned = iter(
                [_rows_of(albums, event_of(version)) for version in islice(versions, number)]
            )
            return per_second(number, lambda: write(next(planned)))

        seen = bench.alternate(
            {
                "ours": lambda: per_second(number, lambda: comment(service)),
                "other": other,
            },
            turns=bench.scale.commands // number,
        )
        raw.close()
    return Taken(seen["ours"], seen["other"])


def _rows_of(albums: Albumcore, recorded: Any) -> list[tuple[str, Any]]:
    stored = albums.mapper.to_stored_event(recorded)
    row = (stored.originator_id, stored.originator_version, stored.topic, stored.state)
    event = (_INSERT, row)
    return [event, *(one for change in changes(recorded) for one in statements_of(change))]


def _raw(albums: Albumcore, path: Any) -> sqlite3.Connection:
    """A database with the table of the events, as the store has it, the album's events, and the same pragmas."""
    raw = sqlite3.connect(path, isolation_level=None)
    with database_of(albums).transaction(commit=False) as cursor:
        for pragma in PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
            [row] = cursor.fetchall()
            raw.execute(f"PRAGMA {pragma}={row[pragma]}")
        raw.execute("PRAGMA synchronous=FULL")
        cursor.execute(
            "SELECT sql FROM sqlite_master WHERE tbl_name = 'stored_events' AND sql <> ''"
        )
        for row in cursor.fetchall():
            raw.execute(row["sql"])
    raw.execute("BEGIN")
    raw.executemany(
        _INSERT,
        (
            (one.originator_id, one.originator_version, one.topic, one.state)
            for one in albums.recorder.select_events(STREAM.name)
        ),
    )
    raw.execute("COMMIT")
    return raw


def per_second(number: int, act: Callable[[], object]) -> float:
    """How often something can be done in a second, by doing it so many times."""
    began = time.perf_counter()
    for _ in range(number):
        act()
    return number / (time.perf_counter() - began)


def growth(bench: Bench) -> Taken:
    """A comment on an album that is in memory, by the number of its events."""
    sizes = [size for size in bench.scale.sizes if size < bench.scale.long]
    sizes += [bench.scale.long, *({bench.scale.greatest} - {bench.scale.long})]
    with ExitStack() as stack:
        opened = {size: stack.enter_context(bench.store(size).opened()) for size in sizes}

        def side(service: Service) -> Callable[[], float]:
            return lambda: milliseconds(lambda: comment(service), seconds=0.005, least=10)

        seen = bench.alternate(
            {f"{size:,}": side(one) for size, one in opened.items()},
            turns=bench.scale.commands // 10,
        )
    curve = {size: seen[f"{size:,}"] for size in sizes}
    return Taken(curve[bench.scale.long], curve[bench.scale.least], curve=curve)


def cold(bench: Bench) -> Taken:
    """The first comment on an album after the store was opened."""
    store = bench.store(bench.scale.long)

    def first() -> float:
        with store.opened() as service:
            began = time.perf_counter()
            comment(service)
            return (time.perf_counter() - began) * 1e3

    return Taken(bench.alternate({"first command": first}, bench.scale.rounds * 2)["first command"])


def replay(bench: Bench) -> Taken:
    """Microseconds an event: an album read from SQLite without a snapshot, and an equal one by the library's defaults.

    It is the processor's time, all of it spent in this process: the files are in the page cache.
    """
    size = bench.scale.middle
    directory = bench.directory()
    directory.mkdir()
    bench.say("writing the albums to replay")
    albums = open_sqlite(directory / DATABASE_FILE)
    fill_album(albums, STREAM, size)
    expected = albums.load(STREAM)
    albums.rebuild()  # which drops the snapshots
    albums.close()
    equals = EqualAlbums({"SQLITE_DBNAME": str(directory / "equal.sqlite")})
    equal_id = fill_equal(equals, size)
    numbers = count()

    def ours() -> float:
        # A copy, opened anew: whatever is kept of it, in memory or as a snapshot, must not answer the next time.
        copy = directory / f"{next(numbers)}.sqlite"
        shutil.copyfile(directory / DATABASE_FILE, copy)
        opened = open_sqlite(copy)
        began = time.process_time()
        album: Album = opened.load(STREAM, version=size)
        took = time.process_time() - began
        opened.close()
        assert album == expected
        return took / size * 1e6

    def other() -> float:
        began = time.process_time()
        equal: EqualAlbum = equals.repository.get(equal_id)
        took = time.process_time() - began
        assert equal.version == size
        assert set(equal.members) == set(expected.members)
        assert {k: frozenset(v) for k, v in equal.studies.items()} == dict(expected.studies)
        return took / size * 1e6

    seen = bench.alternate({"ours": ours, "defaults": other}, bench.scale.rounds * 2)
    equals.close()
    return Taken(seen["ours"], seen["defaults"])


def replay_faster(bench: Bench) -> Taken:
    """The same, turned round: how many events are replayed in a second."""
    taken = bench.once("replay", replay)
    assert taken.other is not None
    return Taken([1e6 / one for one in taken.ours], [1e6 / one for one in taken.other])


def replay_alone(bench: Bench) -> Taken:
    """The same, as the time of one event, by itself."""
    return Taken(bench.once("replay", replay).ours)
