"""Erasures between all other decisions, by another process: nobody sees what was erased, and everything else stays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from albumcore import Album, Albumcore, album_stream, fold
from albumcore.erasures import ErasureKind, is_erased
from albumcore.ids import AlbumId
from albumcore.testing import ALBUMS, AlbumMachine
from albumcore_adapters.erasure.erasing import (
    Eraser,
    ErasureTargets,
    erase,
    keys_of_stream,
)
from albumcore_adapters.erasure.erasure_list import ListedErasure
from albumcore_adapters.sql.database import Cursor
from albumcore_adapters.store import database_of, open_postgres, open_sqlite
from support.facts import rows_of
from support.postgres import StoreDatabases
from support.templates import IS_ON_POSTGRES

SNAPSHOT_EVERY = 3


@cache
def _databases() -> StoreDatabases:
    return StoreDatabases(lambda url: open_postgres(url, sealed=True).close())


class Erasing(AlbumMachine):
    """The store has states, rows and snapshots from before each erasure, which another handle of the store makes.

    Attributes:
        other: The store once more, as another process has it open.
        gone: Stream and version of what was erased.
    """

    def __init__(self) -> None:
        self.turn = 0
        self.gone: set[tuple[str, int]] = set()
        super().__init__()
        self.other = type(self).open_again(self.store, self.clock)

    @staticmethod
    def open_store(clock: Callable[[], datetime]) -> Albumcore:
        """A sealed store, with snapshots so close that most loads start from one."""
        if IS_ON_POSTGRES:
            url = _databases().take()
            store = open_postgres(url, clock=clock, snapshot_every=SNAPSHOT_EVERY, sealed=True)
            store.place = url  # type: ignore[attr-defined]
            return store
        folder = TemporaryDirectory()
        path = Path(folder.name) / "store.sqlite"
        store = open_sqlite(path, clock=clock, snapshot_every=SNAPSHOT_EVERY, sealed=True)
        store.place = folder  # type: ignore[attr-defined]
        return store

    @staticmethod
    def open_again(store: Albumcore, clock: Callable[[], datetime]) -> Albumcore:
        """The same store, by a handle with caches of its own."""
        place = store.place  # type: ignore[attr-defined]
        if IS_ON_POSTGRES:
            return open_postgres(place, clock=clock)
        return open_sqlite(Path(place.name) / "store.sqlite", clock=clock)

    def teardown(self) -> None:
        """Close both, and remove the store."""
        self.other.close()
        super().teardown()
        if IS_ON_POSTGRES:
            _databases().give_back(self.store.place)  # type: ignore[attr-defined]
        else:
            self.store.place.cleanup()  # type: ignore[attr-defined]

    @precondition(lambda self: len(self.history) > SNAPSHOT_EVERY)
    @rule(album=st.sampled_from(ALBUMS), data=st.data())
    def erase(self, album: AlbumId, data: st.DataObject) -> None:
        """Erase some events of an album, or all."""
        stream = album_stream(album).name
        with database_of(self.other).transaction(commit=False) as cursor:
            there = keys_of_stream(cursor, stream)
        if not there:
            return
        chosen = [*data.draw(st.sets(st.sampled_from(there), min_size=1))]

        def find(cursor: Cursor) -> ErasureTargets:
            return ErasureTargets(chosen)

        eraser = Eraser(self.other, database_of(self.other), self.clock, {}, None)
        erase(eraser, ListedErasure(self.clock(), ErasureKind.ALBUM, album), find)
        self.gone |= {(key.stream, key.version) for key in chosen}

    @rule()
    def rebuild(self) -> None:
        """Rows that erasures changed are those that the history leads to."""
        before = rows_of(self.store)
        self.other.rebuild()
        assert rows_of(self.store) == before

    def check(self) -> None:
        """Both handles have the state of a replay, in which exactly what was erased has no text."""
        self.turn += 1
        for album in ALBUMS:
            stream = album_stream(album)
            history = tuple(self.store.history(stream))
            whole: Album = fold(stream.initial, history)
            for store in (self.store, self.other):
                assert store.load(stream) == whole
            cut = self.turn % (len(history) + 1)
            assert self.store.load(stream, version=cut) == fold(stream.initial, history[:cut])
            erased = {
                (one.stream, one.version)
                for one in history
                if is_erased(one.event) or (one.act.command and is_erased(one.act.command))
            }
            assert erased == {one for one in self.gone if one[0] == stream.name}
        if self.turn % 5 == 0:
            numbers: list[int] = []
            assert self.other.verify(count_erased=numbers.append) == []
            assert numbers == [len(self.gone)]


TestErasing = Erasing.TestCase
