"""Queries of an open store: states now and as of a past version or time, histories, feeds, images, positions.

Commands are handled in `albumcore.commands`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, TypeVar, cast

from attrs import evolve
from eventsourcing.persistence import OperationalError, PersistenceError, StoredEvent

from albumcore.albums import Album
from albumcore.codec import has_sealed_part, moment_of
from albumcore.errors import AlbumcoreError, AlbumNotFound, ImageNotFound, Invalid
from albumcore.feed import (
    Entry,
    EntryKind,
    FeedPage,
    FeedQuery,
    album_status_of,
    entry,
    select,
    with_withdrawn,
)
from albumcore.ids import AlbumId, ImageId, PatientId, StudyUID, UserId, is_user_id
from albumcore.image_sets.image_set import ImageAdded
from albumcore.index import (
    SHOWN,
    AddedImageRow,
    AlbumOverview,
    AlbumRow,
    Change,
    ImageRow,
    MemberRow,
    UndoneRow,
    album_status_now,
    album_status_then,
    albums_of,
    changes,
    choices_of,
    latest_terms,
)
from albumcore.kernel import ERASED, STORED, Event, RecordedEvent, Stream, fold, stored_name
from albumcore.past import AlbumCounts, Moment
from albumcore.streams import album_stream, named_stream, patient_stream, study_stream
from albumcore.times import in_utc
from albumcore.undoing import Undoing
from albumcore.verification import CheckImage, Replay

StoreError = PersistenceError
"""The database failed; nothing was recorded."""

StoreUnavailable = OperationalError
"""The database was busy for too long, is full, or cannot be reached; a retry may succeed."""

S = TypeVar("S")
_NOT_THEN = "no such album then, or you were not a member of it"
_MOST_VERSIONS = 2**31
_AT_HAND = 2048
"""Size of the cache of decoded events; only events of at most `_SMALL` bytes are cached."""
_SMALL = 2048


class Albumcore(Undoing):
    """An open store of albums and image sets. The options are those of `albumcore.commands.Commands`."""

    name = "albumcore"

    # State

    def load(self, stream: Stream[S], version: int | None = None, at: datetime | None = None) -> S:
        """The state of a stream: the present one, or as of a version or a time (inclusive).

        Before the first event it is the initial state; a version after the last gives the present state.

        Raises:
            Invalid: the time has no time zone.
        """
        if at is not None:
            version = self._earlier(stream, version, at)
        if version is None:
            return self.states.current(stream).state
        return self.states.as_of(stream, version).state

    def history(
        self, stream: Stream[S], after: int = 0, until: int | None = None
    ) -> Iterator[RecordedEvent[Event[S]]]:
        """The recorded events of a stream, oldest first: after one version, and up to another."""
        return cast(
            Iterator[RecordedEvent[Event[S]]], self.events.get(stream.name, gt=after, lte=until)
        )

    def moment(
        self, stream: Stream[Any], at: datetime | None = None, version: int | None = None
    ) -> Moment:
        """The moment of a time, or of a version; one of the two is given.

        Raises:
            Invalid: the time has no time zone, or the stream has no event of the version.
        """
        if at is not None:
            return Moment(self._version_at(stream, in_utc(at)), in_utc(at))
        if version is not None and 0 < version < _MOST_VERSIONS:
            for stored in self.recorder.select_events(stream.name, gt=version - 1, lte=version):
                return Moment(version, moment_of(stored))
        raise Invalid("version", "the history has no such version", rule="no_such_version")

    def _earlier(self, stream: Stream[Any], version: int | None, at: datetime) -> int:
        """The version of a time, or a version if that is earlier."""
        reached = self._version_at(stream, in_utc(at))
        return reached if version is None else min(version, reached)

    def _version_at(self, stream: Stream[Any], at: datetime, *, before: bool = False) -> int:
        """The last version at or before a time, or before it: a binary search, because times never decrease."""

        def is_before(stored: StoredEvent) -> bool:
            found = moment_of(stored)
            return found < at or (found == at and not before)

        return self.index.last_version(stream.name, is_before)

    # Albums

    def albums_of(self, user: UserId) -> list[AlbumOverview]:
        """Every album of which a user is a member now, with the membership, by album id; none for an unknown user."""
        return albums_of(self.index, user)

    # The feed

    def feed(
        self,
        album_id: AlbumId,
        viewer: UserId | None,
        query: FeedQuery | None = None,
        at: datetime | None = None,
        version: int | None = None,
    ) -> FeedPage:
        """A page of an album's feed as a member sees it: the present feed, or as of a time or version (inclusive).

        Neither the cost of the present nor that of the past grows with the album, unless it was deleted or there is no
        viewer: then the history is replayed.

        Without a viewer it is the whole feed, private comments included, also of a deleted album: for the operator of
        the store, never for a user. The past is shown with the permissions of that time: check that the viewer is a
        member now before you show it.

        Raises:
            AlbumNotFound: the album does not exist, or the viewer was not a member (then).
            Invalid: the time has no time zone.
        """
        wanted = query or FeedQuery()
        stream = album_stream(album_id)
        if viewer is not None and not is_user_id(viewer):
            raise AlbumNotFound("no such album, or you are not a member of it")
        if at is not None:
            version = self._earlier(stream, version, at)
        is_deleted = version is not None and not self.index.rows(AlbumRow, {"album_id": album_id})
        if viewer is None or is_deleted:
            return self._replayed_feed(stream, viewer, wanted, version)
        if version is not None:
            return self._past_feed(album_id, viewer, wanted, version)
        page = self._album_page(stream, viewer, wanted)
        # After the page was read: a member now was a member then.
        if not self.index.rows(MemberRow, {"album_id": album_id, "sub": viewer}):
            raise AlbumNotFound("no such album, or you are not a member of it")
        return evolve(page, album_status=album_status_now(self.index, album_id, page))

    def study_comments(
        self, study_uid: StudyUID, viewer: UserId, query: FeedQuery | None = None
    ) -> tuple[tuple[Entry, ...], int]:
        """A page of the comments on a study, newest first, and the number of all (Kheops API 7.3).

        Check first that the viewer can see the study. The viewer `albumcore.feed.PUBLIC` sees public comments only.

        Raises:
            Invalid: the UID is malformed.
        """
        return self._page(study_stream(study_uid), viewer, query or FeedQuery())

    def album_counts(self, album_id: AlbumId, viewer: UserId, version: int) -> AlbumCounts:
        """What an album object shows beside the state, as of a version. The album exists, then and now."""
        stream = album_stream(album_id)
        comments = FeedQuery(frozenset({EntryKind.COMMENT}), limit=0)
        last = self.index.latest(stream.name, latest_terms(), version)
        newest = self.moment(stream, version=max(found for found, _ in last.values()))
        return AlbumCounts(self._page(stream, viewer, comments, version)[1], newest.at)

    def _page(
        self, stream: Stream[Any], viewer: UserId, query: FeedQuery, until: int | None = None
    ) -> tuple[tuple[Entry, ...], int]:
        after, is_oldest_first = query.after or 0, query.after is not None
        if query.since is not None:
            after = max(after, self._version_at(stream, query.since, before=True))
        if query.until is not None:
            until = self._earlier(stream, until, query.until)
        if query.before is not None:
            last = query.before - 1
            until = last if until is None else min(last, until)
        within, page = (after, until), (query.limit, query.offset, is_oldest_first)
        found, total = self.index.feed_page(stream.name, choices_of(viewer, query), within, *page)
        shown = map(entry, map(self._once_read, found))
        return tuple(one for one in shown if one is not None), total

    def _album_page(
        self, stream: Stream[Album], viewer: UserId, query: FeedQuery, until: int | None = None
    ) -> FeedPage:
        """A page of an album's feed, with the comments withdrawn that were so by a version."""
        entries, total = self._page(stream, viewer, query, until)
        comments = [one.recorded.version for one in entries if one.type.mutation is None]
        if comments:
            rows = self.index.rows(UndoneRow, {"stream": stream.name, "undone": comments})
            undone = {row.undone for row in rows if until is None or row.version <= until}
            entries = with_withdrawn(entries, undone) if undone else entries
        return FeedPage(entries, total)

    def _past_feed(
        self, album_id: AlbumId, viewer: UserId, query: FeedQuery, version: int
    ) -> FeedPage:
        page = self._album_page(album_stream(album_id), viewer, query, version)
        status = album_status_then(self.index, album_id, version, viewer, page, self._once_read)
        if viewer not in status.admins:
            raise AlbumNotFound(_NOT_THEN)
        return evolve(page, album_status=status)

    def _replayed_feed(
        self, stream: Stream[Album], viewer: UserId | None, query: FeedQuery, until: int | None
    ) -> FeedPage:
        history = tuple(self.history(stream, until=until))
        album = fold(stream.initial, history)
        if not history or (viewer is not None and viewer not in album.members):
            raise AlbumNotFound("no such album" if viewer is None else _NOT_THEN)
        entries, total = select(history, viewer, query)
        return FeedPage(entries, total, album_status_of(album))

    @cached_property
    def _once_read(self) -> Callable[[StoredEvent], RecordedEvent[Any]]:
        """`_recorded` with a cache: equal bytes are equal events, and most pages show the newest ones."""
        read = cast(Callable[[StoredEvent], RecordedEvent[Any]], self.mapper.to_domain_event)
        remembered = lru_cache(_AT_HAND)(read)
        return lambda stored: (remembered if len(stored.state) <= _SMALL else read)(stored)

    def _recorded(self, stored: StoredEvent) -> RecordedEvent[Any]:
        return cast(RecordedEvent[Any], self.mapper.to_domain_event(stored))

    # Images

    def image(self, image_id: ImageId) -> tuple[ImageRow, ImageAdded]:
        """An image that can be shown: its row, and the event that added it.

        Raises:
            ImageNotFound: it was never added, was removed or erased, or its patient was deleted.
        """
        for row in self.index.rows(ImageRow, {"image_id": image_id, **SHOWN}):
            added = self.added_image(row)
            if added.content.length is not ERASED:
                return row, added
        raise ImageNotFound("no such image")

    def added_image(self, row: ImageRow | AddedImageRow) -> ImageAdded:
        """The event that added an image, which may have been erased or removed since."""
        stream = patient_stream(PatientId(row.patient)).name
        [stored] = self.recorder.select_events(stream, gt=row.version - 1, lte=row.version)
        added: ImageAdded = self._recorded(stored).event
        return added

    # Following, rebuilding, verifying

    def follow(self, after: int = 0, limit: int = 1000) -> list[tuple[int, RecordedEvent[Any]]]:
        """The next recorded events of the whole store after a position, each with its position.

        Called again from the last position, it returns every event once, in the order of recording, without a gap.
        Positions increase, but not by one.
        """
        found = self.recorder.select_notifications(after, limit, inclusive_of_start=False)
        return [(one.id, self._recorded(one)) for one in found]

    def follow_only(
        self, kinds: Iterable[type[Any]], after: int = 0, limit: int = 1000
    ) -> list[tuple[int, RecordedEvent[Any] | AlbumcoreError | None]]:
        """Like `follow`, with None for events of other classes, and with the error for an event that cannot be read.

        The error is an UnknownStoredEvent or a DamagedStoredEvent.
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
        """Drop the index rows and snapshots, and rebuild the rows from the events; returns how many were read.

        Args:
            progress: Called with the number of events read so far.
            pass_over: Called for an event that cannot be read; the rest of its stream is skipped.

        Raises:
            UnknownStoredEvent, DamagedStoredEvent: a stored event cannot be read, and there is no ``pass_over``.
                The rows stay unchanged.
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
        check_image: CheckImage = lambda added: None,
        progress: Callable[[int], None] = lambda done: None,
        count_erased: Callable[[int], None] = lambda number: None,
    ) -> list[str]:
        """Replay every stream, and compare the result with the index rows, the snapshots and the image bytes.

        An event that was erased, as its history says, is no difference, unless its key is there again.

        Args:
            check_image: Returns what is wrong with the stored bytes of an image; None if they are intact.
            progress: Called with the number of events read so far.
            count_erased: Called with the number of erased events.

        Returns:
            One line for each difference.
        """
        assert self.snapshots is not None
        versions: Callable[[], Mapping[str, Collection[int]]]
        versions = cast(Any, self.snapshots.recorder).snapshot_versions
        replay = Replay(check_image, versions())
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
            if getattr(stored, "key", None) is None and has_sealed_part(stored):
                replay.miss_key(stream, stored.originator_version)
            return replay.follow(recorded)

        differences = self.index.differences(changes_of)
        reached = ((name, version, state) for name, (version, state) in replay.states())
        wrong = {
            # Loaded through the snapshot, as for a command.
            f"{name}: its snapshot is not what the history says": None
            for name, version, state in (*reached, *replay.at_snapshots())
            if self.states.as_of(named_stream(name), version, saves=False).state != state
        }
        count_erased(len(replay.erased()))
        return [
            *replay.problems,
            *wrong,
            *replay.lost_keys(),
            *self._keys_again(replay),
            *differences,
        ]

    def _keys_again(self, replay: Replay) -> Iterator[str]:
        """One line for each erased event whose key is there, as after the restore of an older backup."""
        for stream, version in sorted(replay.erased()):
            for stored in self.recorder.select_events(stream, gt=version - 1, lte=version):
                if getattr(stored, "key", None) is not None:
                    yield f"{stream} version {version}: it was erased, and its key is there again"
