"""The application: load, decide, append, and decide again on a conflict; and every way to read.

It holds no rule of the domain, no JSON and no HTTP. Clock and ids come in by argument, and the store behind it
is named by the environment it is given (``PERSISTENCE_MODULE``).
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.persistence import EventStore, IntegrityError, Mapper, StoredEvent
from eventsourcing.utils import Environment, EnvType

from albumcore.albums import Album
from albumcore.carrier import StreamCarrier, project
from albumcore.codec import Codec, Snapshot, SnapshotStore
from albumcore.errors import (
    AlbumcoreError,
    AlbumNotFound,
    ConcurrentChange,
    IdTaken,
    ImageNotFound,
)
from albumcore.feed import Entry, FeedPage, FeedQuery, chosen, entry, select, standing_of
from albumcore.ids import AlbumId, ImageId, StudyUID, UserId, is_user_id, user_id
from albumcore.imagesets.events import ImageAdded
from albumcore.index import Change, ImageRow, Index, MemberRow, Versions, changes, standing_now
from albumcore.kernel import Act, Event, Recorded, Source, Stream, fold, record, stored_name
from albumcore.streams import album_stream, named_stream, study_stream
from albumcore.verification import CheckContent, Replay

S = TypeVar("S")
E = TypeVar("E", bound=Event[Any])
P = ParamSpec("P")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_log = logging.getLogger(__name__)


def utc_now() -> datetime:
    """The present moment, aware and in UTC."""
    return datetime.now(UTC)


def pause(attempt: int) -> None:
    """Wait a random moment before deciding again, up to 50 ms, so that writers who met part ways."""
    time.sleep(random.uniform(0, min(0.05, 0.001 * 2**attempt)))


class Albumcore(Application[str]):
    """An open store of albums and image sets.

    Args:
        env: The library's settings; ``adapters.store`` has functions that fill them in.
        clock: Tells the present moment, aware and in UTC.
        retries: How many times a command that met a newer version is decided again before it gives up.
        snapshot_every: A snapshot of a stream is kept at every multiple of this version.

    Raises:
        ValueError: ``retries`` is negative, or ``snapshot_every`` is not positive.
    """

    name = "albumcore"

    def __init__(
        self,
        env: Mapping[str, str],
        *,
        clock: Callable[[], datetime] = utc_now,
        retries: int = 20,
        snapshot_every: int = 500,
    ) -> None:
        if retries < 0 or snapshot_every < 1:
            raise ValueError("retries is 0 or more, snapshot_every 1 or more")
        super().__init__({"ORIGINATOR_ID_TYPE": "text", "IS_SNAPSHOTTING_ENABLED": "y", **env})
        self._clock = clock
        self._retries = retries
        self._snapshot_every = snapshot_every

    def construct_env(self, name: str, env: EnvType | None = None) -> Environment:
        """What the code was given, and nothing of the process environment, where our settings have like names."""
        return Environment(name, env)

    def construct_mapper(self) -> Mapper[str]:
        """Our codec, whatever the environment says."""
        return Codec()

    def construct_snapshot_store(self) -> EventStore[str]:
        """A snapshot store that passes over stale snapshots."""
        return SnapshotStore(self.mapper, self.factory.aggregate_recorder(purpose="snapshots"))

    @property
    def index(self) -> Index:
        """The rows that are looked up without replaying."""
        return cast(Index, self.recorder)

    # Commands

    def handle(
        self,
        stream: Stream[S],
        decision: Callable[Concatenate[S, Act, P], tuple[E, ...]],
        source: Source,
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> tuple[Recorded[E], ...]:
        """Let a decision be taken on a stream, and record what it leads to.

        When another command got in between, the decision is taken again on what is there by then. The moment of
        the act is the clock's, but never earlier than the stream's last.

        Returns:
            The recorded events; none where the decision changes nothing.

        Raises:
            AlbumcoreError: whatever the decision refuses with.
            Invalid: the source's user is no sub.
            IdTaken: an image id or a token digest, unique in the store, is there in another stream.
            ConcurrentChange: others kept getting in between, too many times. Nothing was recorded.
        """
        user_id(source.user)
        refused_at = -1
        for attempt in range(self._retries + 1):
            if attempt:
                pause(attempt)
            version, last_at, state = self._present(stream)
            act = Act(source, max(self._clock(), last_at).astimezone(UTC))
            recorded = record(stream.name, version, act, decision(state, act, *args, **kwargs))
            if not recorded:
                return ()
            try:
                self._append(recorded)
            except IntegrityError as error:
                if version == refused_at:
                    # Nobody got in between: it is not the version that is refused, but the key of a row.
                    raise IdTaken(
                        "an id or digest in it was used elsewhere in the store"
                    ) from error
                refused_at = version
                continue
            self._keep_snapshot(stream, version, version + len(recorded))
            return recorded
        raise ConcurrentChange("others keep changing this; try again")

    def _present(self, stream: Stream[S]) -> tuple[int, datetime, S]:
        try:
            carrier: StreamCarrier = self.repository.get(stream.name, projector_func=project)
        except AggregateNotFoundError:
            return 0, EPOCH, stream.initial
        return carrier.position

    def _append(self, recorded: tuple[Recorded[Any], ...]) -> None:
        rows = [change for one in recorded for change in changes(one)]
        self.events.put(recorded, changes=rows)

    def _keep_snapshot(self, stream: Stream[Any], before: int, after: int) -> None:
        if before // self._snapshot_every == after // self._snapshot_every:
            return
        assert self.snapshots is not None
        try:
            version, at, state = self._present(stream)
            self.snapshots.put([Snapshot(stream.name, version, at, state)])
        except Exception:
            # Whatever it is, the command that it follows is stored, and must not seem to fail.
            _log.warning("no snapshot of %s was kept", stream.name, exc_info=True)

    def next_image_id(self) -> ImageId:
        """An image id never given before. One that no event comes to carry stays unused."""
        return ImageId(self.index.next_number("image"))

    # State

    def load(self, stream: Stream[S], version: int | None = None, at: datetime | None = None) -> S:
        """The state of a stream: now, as of a version, or as of a moment (inclusive).

        A stream, version or moment before the first event gives the initial state; a version past the last
        gives the present.
        """
        if at is not None:
            reached = self._version_at(stream, at)
            version = reached if version is None else min(version, reached)
        if version is None:
            return self._present(stream)[2]
        try:
            carrier: StreamCarrier = self.repository.get(
                stream.name, version=version, projector_func=project
            )
        except AggregateNotFoundError:
            return stream.initial
        state: S = carrier.position[2]
        return state

    def history(
        self, stream: Stream[S], after: int = 0, until: int | None = None
    ) -> Iterator[Recorded[Event[S]]]:
        """The recorded events of a stream, oldest first, from past one version up to another."""
        return cast(Iterator[Recorded[Event[S]]], self.events.get(stream.name, gt=after, lte=until))

    def _version_at(self, stream: Stream[Any], at: datetime, *, before: bool = False) -> int:
        """The last version at or before a moment, or the last before it. Times never go back, so halving finds it."""
        last = self.recorder.select_events(stream.name, desc=True, limit=1)
        low, high = 0, last[0].originator_version if last else 0
        while low < high:
            middle = (low + high + 1) // 2
            [one] = self.recorder.select_events(stream.name, gt=middle - 1, lte=middle)
            found = self._recorded(one).at
            if found < at or (found == at and not before):
                low = middle
            else:
                high = middle - 1
        return low

    def _versions(
        self, stream: Stream[Any], since: datetime | None, until: datetime | None
    ) -> Versions:
        """The versions of the moments from one to another, both included."""
        return (
            0 if since is None else self._version_at(stream, since, before=True),
            None if until is None else self._version_at(stream, until),
        )

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
        return FeedPage(entries, total, standing_now(self.index, album_id, entries))

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
            chosen(viewer, query),
            self._versions(stream, query.since, query.until),
            query.limit,
            query.offset,
        )
        shown = map(entry, map(self._recorded, found))
        return tuple(one for one in shown if one is not None), total

    def _past_feed(
        self, stream: Stream[Album], viewer: UserId | None, query: FeedQuery, at: datetime | None
    ) -> FeedPage:
        until = None if at is None else self._version_at(stream, at)
        history = tuple(self.history(stream, until=until))
        album = fold(stream.initial, history)
        if not history or (viewer is not None and viewer not in album.members):
            raise AlbumNotFound("no such album then, or you were not a member of it")
        entries, total = select(history, viewer, query)
        return FeedPage(entries, total, standing_of(album))

    def _recorded(self, stored: StoredEvent) -> Recorded[Any]:
        return cast(Recorded[Any], self.mapper.to_domain_event(stored))

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

    def follow(self, after: int = 0, limit: int = 1000) -> list[tuple[int, Recorded[Any]]]:
        """The next recorded events of the whole store past a position, each with its own position.

        Ask again from the last position got, and every event comes once, in the order of recording, without
        a gap. Positions grow, but not by ones.
        """
        found = self.recorder.select_notifications(after, limit, inclusive_of_start=False)
        return [(one.id, self._recorded(one)) for one in found]

    def follow_only(
        self, kinds: Iterable[type[Any]], after: int = 0, limit: int = 1000
    ) -> list[tuple[int, Recorded[Any] | AlbumcoreError | None]]:
        """Like `follow`, but with None for an event of no kind asked for, and with the error for an unreadable one.

        Such an error is an UnknownStoredEvent or a DamagedStoredEvent.
        """
        names = {stored_name(kind).name for kind in kinds}
        found = self.recorder.select_notifications(after, limit, inclusive_of_start=False)
        return [(one.id, self._readable(one) if one.topic in names else None) for one in found]

    def _readable(self, stored: StoredEvent) -> Recorded[Any] | AlbumcoreError:
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
