"""The application: an open store, with what takes commands below it, and here every way to read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, TypeVar, cast

from eventsourcing.persistence import OperationalError, PersistenceError, StoredEvent

from albumcore.albums import Album
from albumcore.codec import moment_of
from albumcore.commands import Commands
from albumcore.errors import AlbumcoreError, AlbumNotFound, ImageNotFound
from albumcore.feed import Entry, FeedPage, FeedQuery, album_status_of, entry, select
from albumcore.ids import AlbumId, ImageId, StudyUID, UserId, is_user_id
from albumcore.image_sets.image_set import ImageAdded
from albumcore.index import (
    AlbumOverview,
    Change,
    ImageRow,
    MemberRow,
    Versions,
    album_status_now,
    albums_of,
    changes,
    choices_of,
)
from albumcore.kernel import STORED, Event, RecordedEvent, Stream, fold, stored_name
from albumcore.streams import album_stream, named_stream, study_stream
from albumcore.times import in_utc
from albumcore.verification import CheckContent, Replay

StoreError = PersistenceError
"""The database did not do its part. Nothing of what was tried was recorded."""

StoreUnavailable = OperationalError
"""It may do so if asked again: it is busy for too long, full, or gone."""

S = TypeVar("S")
_AT_HAND = 2048
"""Events that are kept read, each of at most so many bytes:"""
_SMALL = 2048


class Albumcore(Commands):
    """An open store of albums and image sets; `albumcore.commands.Commands` says what it takes to open one."""

    name = "albumcore"

    # State

    def load(self, stream: Stream[S], version: int | None = None, at: datetime | None = None) -> S:
        """The state of a stream: now, as of a version, or as of a moment (inclusive).

        A stream, version or moment before the first event gives the initial state; a version past the last
        gives the present.

        Raises:
            Invalid: the moment has no zone.
        """
        if at is not None:
            reached = self._version_at(stream, in_utc("at", at))
            version = reached if version is None else min(version, reached)
        if version is None:
            return self.states.current(stream).state
        return self.states.as_of(stream, version).state

    def history(
        self, stream: Stream[S], after: int = 0, until: int | None = None
    ) -> Iterator[RecordedEvent[Event[S]]]:
        """The recorded events of a stream, oldest first, from past one version up to another."""
        return cast(
            Iterator[RecordedEvent[Event[S]]], self.events.get(stream.name, gt=after, lte=until)
        )

    def _version_at(self, stream: Stream[Any], at: datetime, *, before: bool = False) -> int:
        """The last version at or before a moment, or the last before it. Times never go back, so halving finds it."""

        def is_before(stored: StoredEvent) -> bool:
            found = moment_of(stored)
            return found < at or (found == at and not before)

        return self.index.last_version(stream.name, is_before)

    def _versions(
        self, stream: Stream[Any], since: datetime | None, until: datetime | None
    ) -> Versions:
        """The versions of the moments from one to another, both included."""
        return (
            0 if since is None else self._version_at(stream, since, before=True),
            None if until is None else self._version_at(stream, until),
        )

    # Albums

    def albums_of(self, user: UserId) -> list[AlbumOverview]:
        """Every album that a user is a member of now, with the membership, by album id.

        Someone who is a member of none, or whom nobody knows, has none.
        """
        return albums_of(self.index, user)

    # The feed

    def feed(
        self,
        album_id: AlbumId,
        viewer: UserId | None,
        query: FeedQuery | None = None,
        at: datetime | None = None,
    ) -> FeedPage:
        """A page of an album's feed as a member sees it: now, or as it was at a moment (inclusive).

        Without a viewer it is the whole feed, private comments included, of a deleted album too: for whoever
        keeps the store, never for a user. A past moment is seen with the rights of that moment: whoever answers
        a user with it checks first whether he may still look.

        Raises:
            AlbumNotFound: no such album, or the viewer is not a member of it (at that moment).
            Invalid: the moment has no zone.
        """
        wanted = query or FeedQuery()
        stream = album_stream(album_id)
        if at is not None or viewer is None:
            return self._past_feed(stream, viewer, wanted, at)
        if not is_user_id(viewer):
            raise AlbumNotFound("no such album, or you are not a member of it")
        entries, total = self._page(stream, viewer, wanted)
        # Asked after the page was read: who is a member now was one when it was.
        if not self.index.rows(MemberRow, {"album_id": album_id, "sub": viewer}):
            raise AlbumNotFound("no such album, or you are not a member of it")
        return FeedPage(entries, total, album_status_now(self.index, album_id, entries))

    def study_comments(
        self, study_uid: StudyUID, viewer: UserId, query: FeedQuery | None = None
    ) -> tuple[tuple[Entry, ...], int]:
        """A page of the comments on a study, newest first, and how many there are in all (Kheops API 7.3).

        Whoever answers with it checks first whether the viewer can see the study. `albumcore.feed.PUBLIC` is a
        viewer who sees the public comments alone.

        Raises:
            Invalid: the UID is none.
        """
        return self._page(study_stream(study_uid), viewer, query or FeedQuery())

    def _page(
        self, stream: Stream[Any], viewer: UserId, query: FeedQuery
    ) -> tuple[tuple[Entry, ...], int]:
        found, total = self.index.feed_page(
            stream.name,
            choices_of(viewer, query),
            self._versions(stream, query.since, query.until),
            query.limit,
            query.offset,
        )
        shown = map(entry, map(self._once_read, found))
        return tuple(one for one in shown if one is not None), total

    def _past_feed(
        self, stream: Stream[Album], viewer: UserId | None, query: FeedQuery, at: datetime | None
    ) -> FeedPage:
        until = None if at is None else self._version_at(stream, in_utc("at", at))
        history = tuple(self.history(stream, until=until))
        album = fold(stream.initial, history)
        if not history or (viewer is not None and viewer not in album.members):
            raise AlbumNotFound("no such album then, or you were not a member of it")
        entries, total = select(history, viewer, query)
        return FeedPage(entries, total, album_status_of(album))

    @cached_property
    def _once_read(self) -> Callable[[StoredEvent], RecordedEvent[Any]]:
        """Like `_recorded`. The same bytes are the same event for ever, and pages show the newest again and again."""
        read = cast(Callable[[StoredEvent], RecordedEvent[Any]], self.mapper.to_domain_event)
        remembered = lru_cache(_AT_HAND)(read)
        return lambda stored: (remembered if len(stored.state) <= _SMALL else read)(stored)

    def _recorded(self, stored: StoredEvent) -> RecordedEvent[Any]:
        return cast(RecordedEvent[Any], self.mapper.to_domain_event(stored))

    # Images

    def image(self, image_id: ImageId) -> tuple[ImageRow, ImageAdded]:
        """An image that can be shown: where it stands, and the event that added it.

        Raises:
            ImageNotFound: it never was, it was removed, or its patient was deleted.
        """
        for row in self.index.rows(ImageRow, {"image_id": image_id}):
            stored = self.recorder.select_events(
                f"images-{row.patient}", gt=row.version - 1, lte=row.version
            )
            return row, self._recorded(stored[0]).event
        raise ImageNotFound("no such image")

    # Following, rebuilding, verifying

    def follow(self, after: int = 0, limit: int = 1000) -> list[tuple[int, RecordedEvent[Any]]]:
        """The next recorded events of the whole store past a position, each with its own position.

        Ask again from the last position got, and every event comes once, in the order of recording, without
        a gap. Positions grow, but not by ones.
        """
        found = self.recorder.select_notifications(after, limit, inclusive_of_start=False)
        return [(one.id, self._recorded(one)) for one in found]

    def follow_only(
        self, kinds: Iterable[type[Any]], after: int = 0, limit: int = 1000
    ) -> list[tuple[int, RecordedEvent[Any] | AlbumcoreError | None]]:
        """Like `follow`, but with None for an event of no kind asked for, and with the error for an unreadable one.

        Such an error is an UnknownStoredEvent, of whatever kind that is, or a DamagedStoredEvent.
        """
        names = {stored_name(kind).name for kind in kinds}
        found = self.recorder.select_notifications(after, limit, inclusive_of_start=False)
        return [
            (one.id, self._readable(one) if one.topic in names or one.topic not in STORED else None)
            for one in found
        ]

    def _readable(self, stored: StoredEvent) -> RecordedEvent[Any] | AlbumcoreError:
        try:
            return self._recorded(stored)
        except AlbumcoreError as error:
            return error

    def rebuild(
        self,
        progress: Callable[[int], None] = lambda done: None,
        pass_over: Callable[[AlbumcoreError], None] | None = None,
    ) -> int:
        """Drop the index rows and snapshots, and make the rows again from the stream; the number of events read.

        Args:
            progress: Called with the number of events read so far.
            pass_over: Called for an event that cannot be read. Its stream is read up to there, and no further.

        Raises:
            UnknownStoredEvent, DamagedStoredEvent: a stored event cannot be read, and must not be passed over.
                The rows stay as they were.
        """
        seen = 0
        broken: set[str] = set()

        def changes_of(stored: StoredEvent) -> Iterable[Change]:
            nonlocal seen
            seen += 1
            progress(seen)
            stream = str(stored.originator_id)
            if stream in broken:
                return ()
            try:
                return changes(self._recorded(stored))
            except AlbumcoreError as error:
                if pass_over is None:
                    raise
                pass_over(error)
                broken.add(stream)
                return ()

        self.index.rebuild(changes_of)
        return seen

    def verify(
        self,
        check_content: CheckContent = lambda digest, length: None,
        progress: Callable[[int], None] = lambda done: None,
    ) -> list[str]:
        """Replay every stream, and compare what it says with the index rows and the image bytes.

        Args:
            check_content: Tells what is wrong with the bytes of a digest and length, or None where they are sound.
            progress: Called with the number of events read so far.

        Returns:
            A line for each thing that differs; none where all is well.
        """
        replay = Replay(check_content)
        seen = 0

        def changes_of(stored: StoredEvent) -> Iterable[Change]:
            nonlocal seen
            seen += 1
            progress(seen)
            stream = str(stored.originator_id)
            replay.arrive(stream, stored.originator_version)
            try:
                recorded = self._recorded(stored)
            except AlbumcoreError as error:
                replay.refuse(stream, error.detail)
                return ()
            return replay.follow(recorded)

        differences = self.index.differences(changes_of)
        for name, (version, state) in replay.states():
            # Read through the snapshot, which commands are decided on as well.
            if self.load(named_stream(name), version) != state:
                replay.problems.append(f"{name}: its snapshot is not what the history says")
        return replay.problems + differences
