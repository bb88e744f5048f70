"""Undo on an open store: finds the event and the states around it, and records the events of its inverse.

The inverses are in `albumcore.albums.undo`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from albumcore.albums import Album
from albumcore.albums.undo import Events, Past, Superseded, undo
from albumcore.commands import Commands, Projection
from albumcore.errors import AlbumNotFound, ChangedSince, EventNotFound
from albumcore.feed import FEED, PUBLIC, EntryKind, FeedQuery, entry, visible_to
from albumcore.ids import AlbumId, ReportProviderId
from albumcore.index import UndoneRow, choices_of
from albumcore.kernel import Act, Event, RecordedEvent, Source, Stream
from albumcore.streams import album_stream

S = TypeVar("S")
E = TypeVar("E", bound=Event[Any])
P = ParamSpec("P")
_PAGE = 50
"""Entries that are read at a time where the event is searched for that changed something."""

_MOST_SEARCHED = 1000
"""Entries that are read at most in that search, so that its cost does not grow with the album."""


def project_nothing(recorded: tuple[RecordedEvent[Any], ...]) -> None:
    """The projection of an undo from which nothing follows beside the events."""


class Undoing(Commands):
    """Commands, and undo of the events of albums. The options are those of `albumcore.commands.Commands`."""

    def undo(
        self,
        album_id: AlbumId,
        version: int,
        source: Source,
        *,
        decision: Callable[[Album, Act, Past], Events] = undo,
        projection: Projection[Any] = project_nothing,
        new_provider: ReportProviderId | None = None,
    ) -> tuple[RecordedEvent[Any], ...]:
        """Take back an event that the source sees in the feed of an album, by the rules of `albumcore.albums.undo`.

        Idempotent: an event that was taken back already is left alone. The decision is called under the write lock of
        the store.

        Args:
            album_id: The album.
            version: The version of the event.
            source: Who takes it back; they need the permission of the inverse.
            decision: Wraps the decision, where more than the album decides: whether series may be sent, for example.
            projection: As for `handle_projected`.
            new_provider: The id of a report provider that is created anew; by default a random one.

        Returns:
            The recorded events; none if it was taken back already, or changed nothing.

        Raises:
            AlbumNotFound: the album does not exist, or the source is not a member.
            EventNotFound: there is no event of this version, or the source does not see it.
            Forbidden: the source lacks the permission.
            NotUndoable: see `albumcore.albums.undo.undo`.
            ChangedSince: nothing of what the event changed holds any more.
            AlbumcoreError, OperationalError: as for `handle`.
        """
        stream = album_stream(album_id)
        provider = new_provider or ReportProviderId(secrets.token_hex(11))
        past = self._past(stream, version, source, provider)

        def decide(album: Album, act: Act) -> Events:
            # Under the write lock: an undo that comes at the same time has its row here, or comes later.
            if self.index.rows(UndoneRow, {"stream": stream.name, "undone": version}):
                return ()
            return decision(album, act, past)

        try:
            return self.handle_undo(version, projection, stream, decide, source)
        except Superseded as superseded:
            raise self._changed_since(stream, version, superseded) from None

    def handle_undo(
        self,
        undoes: int,
        projection: Projection[E],
        stream: Stream[S],
        decision: Callable[Concatenate[S, Act, P], tuple[E, ...]],
        source: Source,
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> tuple[RecordedEvent[E], ...]:
        """Like `handle_projected`, for a decision that takes back the event of a version: its events name it.

        `undo` checks that there is such an event, and chooses the decision.

        Raises:
            AlbumcoreError, OperationalError: as for `handle_projected`.
        """
        return self._in_turn(None, projection, stream, decision, source, args, kwargs, undoes)

    def _past(
        self, stream: Stream[Album], version: int, source: Source, provider: ReportProviderId
    ) -> Past:
        now = self.states.current(stream)
        if source.user not in now.state.members:
            raise AlbumNotFound("no such album, or you are not a member of it")
        is_there = 0 < version <= now.version
        found = self.events.get(stream.name, gt=version - 1, lte=version) if is_there else ()
        for one in cast(Iterable[RecordedEvent[Any]], found):
            shown = entry(one)
            if shown is not None and visible_to(source.user, shown):
                before = self.states.as_of(stream, version - 1).state
                return Past(one, before, one.event.evolve(before, one.act), provider)
        raise EventNotFound("the feed shows you no event of this version")

    def _changed_since(
        self, stream: Stream[Album], version: int, superseded: Superseded
    ) -> ChangedSince:
        """The error that names the newest event that changed what the event of a version changed.

        It names none if the last `_MOST_SEARCHED` mutations of that kind changed something else.
        """
        names = {cls: row.mutation for cls in superseded.by if (row := FEED[cls]) is not None}
        about: dict[str, Any] = {**superseded.about, "mutations": {*names.values()}}
        choices = choices_of(PUBLIC, FeedQuery(frozenset({EntryKind.MUTATION}), **about))
        until: int | None = None
        for _ in range(0, _MOST_SEARCHED, _PAGE):
            found, _ = self.index.feed_page(stream.name, choices, (version, until), _PAGE, 0)
            read = map(self.mapper.to_domain_event, found)
            for recorded in cast(Iterable[RecordedEvent[Any]], read):
                if superseded.touches(recorded.event, recorded.act):
                    return ChangedSince(recorded.version, names[type(recorded.event)])
                until = recorded.version - 1
            if len(found) < _PAGE:
                break
        return ChangedSince()
