"""The interface of the event library's `Application`, where streams differ from the library's aggregates.

Followers of the library work: they are prompted after each append, see `albumcore.following`. What cannot work raises
NotImplementedError.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NoReturn, cast

from eventsourcing.application import Application, Repository
from eventsourcing.persistence import (
    ApplicationRecorder,
    EventStore,
    Mapper,
    Recording,
    StoredEvent,
)
from eventsourcing.utils import Environment, EnvType

from albumcore.codec import Codec, SnapshotStore
from albumcore.index import Index
from albumcore.kernel import RecordedEvent
from albumcore.sealing import KeyedNotification


class StreamsOnly(Repository[str]):
    """A repository without aggregates: the class of a state follows from the stream, not from its events."""

    def get(self, *_: Any, **__: Any) -> NoReturn:
        """Never returns.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError(
            "albumcore has no aggregates of the event library: "
            "Albumcore.load gives the state of a stream, as in store.load(album_stream(album_id))"
        )


class LibraryApplication(Application[str]):
    """An application of the event library whose events are decided by `albumcore.commands`, and not by aggregates."""

    def construct_env(self, name: str, env: EnvType | None = None) -> Environment:
        """The environment without the variables of the process, some of which have the names of the library's."""
        return Environment(name, env)

    def construct_mapper(self) -> Mapper[str]:
        """Our codec; the environment does not choose it."""
        return Codec()

    def construct_recorder(self) -> ApplicationRecorder:
        """The recorder. That of a sealed store has a sealer, which our codec takes."""
        recorder = super().construct_recorder()
        self.mapper = Codec(sealer=getattr(recorder, "sealer", None))
        return recorder

    def construct_snapshot_store(self) -> EventStore[str]:
        """A snapshot store that skips stale snapshots."""
        return SnapshotStore(self.mapper, self.factory.aggregate_recorder(purpose="snapshots"))

    def construct_repository(self) -> Repository[str]:
        """A repository whose error names what to use instead."""
        return StreamsOnly(self.events)

    def save(self, *_: Any, **__: Any) -> NoReturn:
        """Never returns.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError(
            "albumcore records what decisions lead to, with the index rows in the same transaction: "
            "Albumcore.handle takes a decision, as in store.handle(stream, create_album, source, name)"
        )

    def take_snapshot(self, *_: Any, **__: Any) -> NoReturn:
        """Never returns.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError(
            "albumcore takes the snapshots of its streams itself: the option snapshot_every says how often"
        )

    @cached_property
    def index(self) -> Index:
        """The index rows."""
        return cast(Index, self.recorder)

    def prompt(
        self, recorded: tuple[RecordedEvent[Any], ...], stored: Sequence[StoredEvent]
    ) -> None:
        """Notify the followers of this application, if it has any, that events were appended.

        Args:
            recorded: The events.
            stored: Their stored form, as it was appended.

        An error of a follower that works in this thread is raised; the events stay recorded.
        """
        if type(self)._notify is Application._notify:
            return
        first, last = recorded[0], recorded[-1]
        # Read from the store: an append on PostgreSQL does not wait for them.
        positions = self.index.positions(first.stream, first.version, last.version)
        # Others may have appended meanwhile, so followers read up to these events first.
        self.previous_max_notification_id = None
        self._notify(
            [
                Recording(
                    event,
                    KeyedNotification(
                        one.originator_id,
                        one.originator_version,
                        one.topic,
                        one.state,
                        position,
                        getattr(one, "key", None),
                    ),
                )
                for event, one, position in zip(recorded, stored, positions, strict=True)
            ]
        )
