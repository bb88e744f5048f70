"""What the machines over albums and over image sets share: two stores side by side, and what must hold in both."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import rule

from albumcore import Albumcore, CommandKey, ImageAdded, Stream, fold
from albumcore.errors import AlbumcoreError
from albumcore.testing import Command, History, StoreMachine
from albumcore_adapters.store import open_memory, open_postgres, open_sqlite
from support.facts import rows_meant, rows_of
from support.postgres import StoreDatabases
from support.templates import IS_ON_POSTGRES

S = TypeVar("S")
SNAPSHOT_EVERY = 3


class Known(AlbumcoreError):
    """A refusal that was compared already."""


class TwoStores(StoreMachine[S]):
    """Every command goes to a store in memory, to one in SQLite or PostgreSQL, and to a model; then all is compared.

    Attributes:
        durable: The store that stays, beside ``store`` in memory.
        turn: The number of the step, by which checks take turns that would be slow together.
        compared: How long the history was when everything was compared last; -1 makes the next step do it again.
    """

    @staticmethod
    def open_store(clock: Callable[[], datetime]) -> Albumcore:
        """Open the store in memory, a sealed one. It keeps no snapshots."""
        return open_memory(clock=clock, sealed=True)

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.database = _databases().take() if IS_ON_POSTGRES else None
        self.durable = self.open_durable()
        self.turn = 0
        self.compared = -1
        self.followed = 0
        self.positions = [0, 0]

    def open_durable(self) -> Albumcore:
        """Open the store that stays, with snapshots so close that most loads start from one."""
        if self.database is not None:
            return open_postgres(self.database, clock=self.clock, snapshot_every=SNAPSHOT_EVERY)
        path = Path(self.folder.name) / "store.sqlite"
        return open_sqlite(path, clock=self.clock, snapshot_every=SNAPSHOT_EVERY)

    @property
    def stores(self) -> list[Albumcore]:
        """Both stores."""
        return [self.store, self.durable]

    def teardown(self) -> None:
        """Close what is open."""
        self.durable.close()
        if self.database is not None:
            _databases().give_back(self.database)
        self.folder.cleanup()
        super().teardown()

    def predict(self, stream: Stream[S], command: Command[S], at: datetime) -> str | int:
        """To be said by the model: the code of the refusal, or how many events are recorded."""
        raise NotImplementedError

    def handle(self, stream: Stream[S], command: Command[S]) -> History[S]:
        """Both stores answer alike, and as the model says they will."""
        past = [one.at for one in self.history if one.stream == stream.name]
        predicted = self.predict(stream, command, max([self.clock(), *past[-1:]]))
        # Every third has a key, and comes twice. A store that can lose replies would give the others ids of its own.
        again = None if self.tries % 3 else CommandKey(f"try-{self.tries}", "ab" * 32)
        if again is None and IS_ON_POSTGRES:
            again = CommandKey(f"try-{self.tries}")
        in_memory, on_disk = [_outcome(store, stream, command, again) for store in self.stores]
        assert in_memory == on_disk
        if again and again.content and not isinstance(in_memory, str) and in_memory:
            for store in self.stores:
                assert _outcome(store, stream, command, again) == in_memory
        if isinstance(in_memory, str):
            assert in_memory == predicted, command
            raise Known(in_memory)
        assert len(in_memory) == predicted, (command, in_memory)
        return in_memory

    @rule()
    def restart(self) -> None:
        """The process ends, and another opens the store."""
        self.durable.close()
        self.durable = self.open_durable()
        self.compared = -1

    @rule()
    def rebuild(self) -> None:
        """The rows of the store that stays are dropped and made again; nobody may notice."""
        assert self.durable.rebuild() == len(self.history)
        self.compared = -1

    @rule(limit=st.integers(1, 5))
    def follow(self, limit: int) -> None:
        """A reader polls both stores from where it got to, and gets the next few events, each once."""
        expected = list(self.history[self.followed : self.followed + limit])
        for number, store in enumerate(self.stores):
            found = store.follow(self.positions[number], limit)
            assert [one for _, one in found] == expected
            positions = [self.positions[number], *(position for position, _ in found)]
            assert positions == sorted(set(positions))
            self.positions[number] = positions[-1]
        self.followed += len(expected)

    def check(self) -> None:
        """After every step both stores hold the history that they acknowledged, and its rows; no more and no less.

        What can be asked of them is compared once for each such history.
        """
        self.turn += 1
        kept = rows_of(self.durable)
        assert kept == rows_of(self.store) == rows_meant(self.history)
        for store in self.stores:
            assert [one for _, one in store.follow(0, 10_000)] == list(self.history)
        if self.compared != len(self.history):
            self.compared = len(self.history)
            assert self.durable.verify(self.check_image) == []
            self.store.rebuild()
            assert rows_of(self.store) == kept
            self.compare()

    def check_image(self, added: ImageAdded) -> str | None:
        """What is wrong with the bytes behind an image; where none are kept, nothing is."""
        return None

    def compare(self) -> None:
        """To be given by a subclass: ask the stores everything, and the model too."""

    def check_state(self, stream: Stream[S]) -> S:
        """State is the fold of the history: from its start, from any version on, and as the stores load it."""
        history: History[S] = tuple(one for one in self.history if one.stream == stream.name)
        assert [one.version for one in history] == [*range(1, len(history) + 1)]
        assert [one.at for one in history] == sorted(one.at for one in history)
        whole: S = fold(stream.initial, history)
        cut = self.turn % (len(history) + 1)
        prefix = fold(stream.initial, history[:cut])
        assert fold(prefix, history[cut:]) == whole
        for store in self.stores:
            assert tuple(store.history(stream)) == history
            assert tuple(store.history(stream, after=cut)) == history[cut:]
            assert store.load(stream) == whole
            assert store.load(stream, version=cut) == prefix
        return whole


@cache
def _databases() -> StoreDatabases:
    return StoreDatabases(lambda url: open_postgres(url).close())


def _outcome(
    store: Albumcore, stream: Stream[S], command: Command[S], key: CommandKey | None
) -> History[S] | str:
    """What a store recorded, or the code it refused with."""
    try:
        return store.handle_once(key, stream, command.decision, command.source, *command.args)
    except AlbumcoreError as error:
        return error.code
