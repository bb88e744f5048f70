"""Erasures between all other decisions, by another process: now and in the past, all is as a naive model says."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from albumcore import Album, Albumcore, Source, Stream, album_stream, fold
from albumcore.erasures import ErasureKind, is_erased
from albumcore.errors import AlbumcoreError
from albumcore.ids import AlbumId
from albumcore.testing import ALBUMS, AlbumMachine, Command, History
from albumcore_adapters.erasure.erasing import (
    Eraser,
    ErasureTargets,
    EventKey,
    erase,
    keys_of_stream,
)
from albumcore_adapters.erasure.erasure_list import ListedErasure
from albumcore_adapters.sql.database import Cursor
from albumcore_adapters.store import database_of, open_postgres, open_sqlite
from support.check_feed import check_feed
from support.facts import facts_of, facts_predicted, row_facts, row_facts_predicted, rows_of
from support.naive_undo import NaiveUndo
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
        naive: The model of each album.
        known: What each model was after the last event of a time.
    """

    def __init__(self) -> None:
        self.turn = 0
        self.gone: set[tuple[str, int]] = set()
        self.naive = {album: NaiveUndo() for album in ALBUMS}
        self.known: dict[AlbumId, dict[datetime, NaiveUndo]] = {album: {} for album in ALBUMS}
        super().__init__()
        self.other = type(self).open_again(self.store, self.clock)

    def handle(self, stream: Stream[Album], command: Command[Album]) -> History[Album]:
        """The store answers as the model says."""
        album = next(album for album in ALBUMS if album_stream(album) == stream)
        predicted = self.predict(album, command.name, command.source, command.args)
        return self.as_predicted(predicted, lambda: super(Erasing, self).handle(stream, command))

    def handle_undo(self, album: AlbumId, version: int, source: Source) -> History[Album]:
        """The store answers as the model says, to whom what was erased is no more either."""
        provider = f"anew{len(self.history)}"
        predicted = self.predict(album, "undo", source, (version, provider))
        return self.as_predicted(
            predicted, lambda: super(Erasing, self).handle_undo(album, version, source)
        )

    def predict(self, album: AlbumId, name: str, source: Source, args: tuple[Any, ...]) -> Any:
        """Ask the model, at the time of the next event."""
        at = max([self.clock(), *self.known[album]])
        predicted = self.naive[album].predict(name, source, at, args)
        if predicted and not isinstance(predicted, str):
            self.known[album][at] = deepcopy(self.naive[album])
        return predicted

    @staticmethod
    def as_predicted(predicted: Any, tried: Callable[[], History[Album]]) -> History[Album]:
        """The same refusal, or as many events."""
        if isinstance(predicted, str):
            with pytest.raises(AlbumcoreError) as refusal:
                tried()
            assert refusal.value.code == predicted
            return ()
        recorded = tried()
        assert len(recorded) == len(predicted)
        return recorded

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
        if there := self.keys_in(album):
            self.forget(album, [*data.draw(st.sets(st.sampled_from(there), min_size=1))])

    @precondition(lambda self: len(self.history) > SNAPSHOT_EVERY)
    @rule(album=st.sampled_from(ALBUMS), source=AlbumMachine.any_source, back=st.integers(0, 10))
    def erase_before_undo(self, album: AlbumId, source: Source, back: int) -> None:
        """Erase all before one of the last events, and take that event back."""
        version = len(self.naive[album].moments) - back
        if before := [key for key in self.keys_in(album) if key.version < version]:
            self.forget(album, before)
        with suppress(AlbumcoreError):
            self.history += self.handle_undo(album, version, source)

    def keys_in(self, album: AlbumId) -> list[EventKey]:
        """The keys of the events of an album."""
        with database_of(self.other).transaction(commit=False) as cursor:
            return keys_of_stream(cursor, album_stream(album).name)

    def forget(self, album: AlbumId, chosen: list[EventKey]) -> None:
        """Erase events, in the store and in the model."""

        def find(cursor: Cursor) -> ErasureTargets:
            return ErasureTargets(chosen)

        eraser = Eraser(self.other, database_of(self.other), self.clock, {}, None)
        erase(eraser, ListedErasure(self.clock(), ErasureKind.ALBUM, album), find)
        self.gone |= {(key.stream, key.version) for key in chosen}
        versions = {key.version for key in chosen}
        at = max([self.clock(), *self.known[album]])
        for before in self.known[album].values():
            before.lose_texts(versions)
        self.naive[album].erase(versions)
        self.known[album][at] = deepcopy(self.naive[album])

    @rule()
    def rebuild(self) -> None:
        """Rows that erasures changed are those that the history leads to."""
        before = rows_of(self.store)
        self.other.rebuild()
        assert rows_of(self.store) == before

    def check(self) -> None:
        """Both handles have the state of a replay and of the model, in which exactly what was erased has no text."""
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
            naive, store = self.naive[album], (self.store, self.other)[self.turn % 2]
            assert facts_of(whole) == facts_predicted(naive)
            assert row_facts(store, album) == row_facts_predicted(naive)
            check_feed(store, album, naive, self.turn)
            self.check_past(store, album)
        if self.turn % 5 == 0:
            numbers: list[int] = []
            assert self.other.verify(count_erased=numbers.append) == []
            assert numbers == [len(self.gone)]

    def check_past(self, store: Albumcore, album: AlbumId) -> None:
        """State and feed as of a time are what was true then, but for the texts that were erased since."""
        if known := self.known[album]:
            at = [*known][self.turn % len(known)]
            assert facts_of(store.load(album_stream(album), at=at)) == facts_predicted(known[at])
            check_feed(store, album, known[at], self.turn, at)


TestErasing = Erasing.TestCase
