"""The timeline of an album: its feed as days, with a sentence for each entry, comments in place, and runs folded."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import TypeAlias

from attrs import frozen
from markupsafe import Markup

from albumcore import Album, Albumcore, FeedPage, FeedQuery, album_stream, render_feed
from albumcore.feed import FEED, Entry, EntryKind, Family, FeedForm
from albumcore.ids import AlbumId, SeriesUID, StudyUID, UserId
from albumcore.index import SeriesRow
from albumcore.json_object import Json
from albumcore_adapters.directory.catalogue import Catalogue
from albumcore_adapters.directory.claims import SeriesClaims
from albumcore_adapters.directory.people import People
from albumcore_adapters.http.kheops.feed_json import descriptions
from albumcore_adapters.http.ui.data import DATA
from albumcore_adapters.http.ui.page_request import PageRequest
from albumcore_adapters.http.ui.sentences import ICONS, Sentences, other_in
from albumcore_adapters.http.ui.study_cards import present_series
from albumcore_adapters.http.ui.study_names import StudyNames

ENTRIES = 50
"""Entries on a page of the timeline."""

FORM = FeedForm(
    series_in_study=True,
    report="NEW_REPORT",
    provider_id="id",
    admin_behind_provider=False,
    in_whole_seconds=False,
)
"""The form of entries that sentences are made from: each study with its series."""

_RUN = timedelta(minutes=10)
_LEAST_RUN = 4
_MOST_THUMBNAILS = 4
_THUMBNAIL = "viewport=192,192"

_COMMENTS, _MUTATIONS = frozenset({EntryKind.COMMENT}), frozenset({EntryKind.MUTATION})


def _mutations(*families: Family | None) -> frozenset[str]:
    rows = [row for row in FEED.values() if row is not None and row.mutation is not None]
    return frozenset(str(row.mutation) for row in rows if row.family in families)


_ARRIVALS = frozenset({"IMPORT_STUDY", "IMPORT_SERIES"})
_FAVORITES = frozenset({"ADD_FAV", "REMOVE_FAV"})

TIMELINE_CHIPS: Mapping[str, FeedQuery] = {
    "all": FeedQuery(),
    "comments": FeedQuery(_COMMENTS),
    "studies": FeedQuery(_MUTATIONS, mutations=_mutations(Family.SENDING) | _FAVORITES),
    "members": FeedQuery(_MUTATIONS, mutations=_mutations(Family.USERS)),
    "settings": FeedQuery(
        _MUTATIONS,
        mutations=_mutations(Family.WEBHOOKS, Family.REPORT_PROVIDER, None) - _FAVORITES,
    ),
}
"""What each filter of the timeline selects, by its value of ``show``."""


@frozen
class Line:
    """One entry, as it is shown.

    Attributes:
        version: Its version in the album.
        at: When it was recorded (UTC).
        icon: The name of its icon.
        sentence: What it says.
        comment: The text of a comment.
        is_private: Whether it is a private comment.
        private_with: The other person of a private comment; empty otherwise.
        is_new: Whether it is new since the reader last looked.
        thumbnails: The addresses of up to four thumbnails of its series.
        run: What makes it part of a run: who, by what, did what with which study.
        together: Says a number of entries of its run together; None if it is never part of one.
    """

    version: int
    at: datetime
    icon: str
    sentence: Markup
    comment: str | None
    is_private: bool
    private_with: str
    is_new: bool
    thumbnails: Sequence[str]
    run: tuple[object, ...]
    together: Callable[[int], Markup] | None


@frozen
class Run:
    """More than three entries of the same kind by the same person within ten minutes, folded into one line.

    Attributes:
        sentence: What they say together.
        lines: The entries, newest first.
    """

    sentence: Markup
    lines: Sequence[Line]

    @property
    def is_new(self) -> bool:
        """Whether some of the entries are new."""
        return any(one.is_new for one in self.lines)


Item: TypeAlias = Line | Run


@frozen
class Day:
    """A day of the timeline.

    Attributes:
        name: The day in words.
        date: The day.
        entries: Its entries and runs, newest first.
        is_continued: Whether they go on below those of the same day that are shown already.
    """

    name: Markup
    date: date
    entries: Sequence[Item]
    is_continued: bool


@frozen
class Timeline:
    """A page of the timeline.

    Attributes:
        show: The filter, a key of `TIMELINE_CHIPS`.
        counts: How many entries each filter selects; empty for a part of a page.
        days: The entries by day, newest first.
        older: The version that the entries of the next page are before; None if there are none.
        looked: The version up to which the reader had looked, if entries of the next page may be after it; else None.
        newest: The version of the newest entry of the page; 0 without one.
    """

    show: str
    counts: Mapping[str, int]
    days: Sequence[Day]
    older: int | None
    looked: int | None
    newest: int

    @property
    def shown_types(self) -> Collection[str]:
        """What the filter shows, as the list of events names it: types of mutations, or comments; empty for all."""
        chosen = TIMELINE_CHIPS[self.show]
        if chosen.kinds == _COMMENTS:
            return ["Comment"]
        return sorted(chosen.mutations or ())


@frozen
class TimelineSource:
    """What timelines are read from."""

    albums: Albumcore
    people: People
    catalogue: Catalogue
    claims: SeriesClaims

    def read(
        self,
        request: PageRequest,
        album: AlbumId,
        *,
        looked: int,
        then: tuple[int, Album] | None = None,
    ) -> Timeline:
        """The page of the timeline that ``show`` of the query names: the newest entries, or those before ``before``.

        A version stays where it is while entries are added, and a number of entries from the newest does not.

        Args:
            request: The request of the page.
            album: The album; the reader is a member.
            looked: The version up to which the reader has looked at it; entries of others after it are new.
            then: The version as of which it is shown, and the album as of it; None for the present.

        Raises:
            BadQuery: ``before`` is no number.
            Invalid: it is no version of the album.
        """
        viewer = request.signed_in.caller.user
        show = request.query.text("show") or "all"
        show = show if show in TIMELINE_CHIPS else "all"
        before = request.query.number("before")
        version, state = then or (None, None)
        page = self.albums.feed(album, viewer, _page(show, ENTRIES, before), version=version)
        counts: dict[str, int] = {}
        above: datetime | None = None
        if before is not None and request.is_fragment:
            above = self.albums.moment(album_stream(album), version=before).at
        else:
            for name in TIMELINE_CHIPS:
                found = self.albums.feed(album, viewer, _page(name, 0), version=version)
                counts[name] = found.total
        held = self._held(album, page) if state is None else state.studies
        pictured = None if version is None else present_series(self.albums, album)
        lines = list(self._lines(request, album, page, held, looked, pictured))
        older = lines[-1].version if len(lines) < page.total else None
        return Timeline(
            show=show,
            counts=counts,
            days=list(_days(request, lines, above)),
            older=older,
            looked=looked if older is not None and looked < older else None,
            newest=max((one.version for one in lines), default=0),
        )

    def arrival(self, request: PageRequest, album: AlbumId, study: StudyUID) -> Line | None:
        """The newest entry of those by which series of a study came into an album; None without one."""
        viewer = request.signed_in.caller.user
        query = FeedQuery(_MUTATIONS, 1, studies=frozenset({study}), mutations=_ARRIVALS)
        page = self.albums.feed(album, viewer, query)
        held = self._held(album, page)
        return next(self._lines(request, album, page, held, 0, None), None)

    def _held(self, album: AlbumId, page: FeedPage) -> Mapping[StudyUID, Collection[SeriesUID]]:
        """The series of the studies of a page that the album has at present, by study."""
        where = {"album_id": album, "study_uid": page.studies}
        found: dict[StudyUID, list[SeriesUID]] = {}
        for row in self.albums.index.rows(SeriesRow, where) if page.studies else ():
            found.setdefault(StudyUID(row.study_uid), []).append(SeriesUID(row.series_uid))
        return found

    def _lines(
        self,
        request: PageRequest,
        album: AlbumId,
        page: FeedPage,
        held: Mapping[StudyUID, Collection[SeriesUID]],
        looked: int,
        pictured: Collection[str] | None,
    ) -> Iterator[Line]:
        """The entries of a page as lines; ``held`` has the studies that the album shows beside it."""
        viewer = request.signed_in.caller.user
        names, shown = self._named(request, album, page, held)
        sentences = Sentences(request, album, viewer, names, held.keys())
        for entry, json in zip(page.entries, shown, strict=True):
            version = entry.recorded.version
            yield Line(
                version=version,
                at=entry.recorded.at,
                icon=_icon(entry),
                sentence=sentences.say(entry, json),
                comment=entry.shown_comment,
                is_private=entry.is_private,
                private_with=other_in(entry, json, viewer) if entry.is_private else "",
                is_new=is_new(entry, viewer, looked),
                thumbnails=_thumbnails(request, album, entry, json.get("study") or {}, pictured),
                run=(entry.recorded.act.source, entry.type.mutation, entry.study_uid, entry.target),
                together=sentences.together(entry, json),
            )

    def _named(
        self,
        request: PageRequest,
        album: AlbumId,
        page: FeedPage,
        held: Mapping[StudyUID, Collection[SeriesUID]],
    ) -> tuple[StudyNames, list[Json]]:
        """What the studies of a page are called, and its entries as JSON objects.

        A study that is not there is called by the series of its entries.
        """
        series = {
            study: held.get(study)
            or {uid for one in page.entries if one.study_uid == study for uid in one.series_uids}
            for study in page.studies
        }
        named = {*page.series, *(uid for uids in series.values() for uid in uids)}
        about = (album, self.catalogue, self.claims)
        shown = descriptions(page.studies, named, page.series, *about)
        people = self.people.people(page.users)
        json = render_feed(page, people, shown.of_study, shown.of_series, FORM)
        return StudyNames.read(request, self.catalogue, shown, series), json


def is_new(one: Entry, reader: UserId, looked: int) -> bool:
    """Whether an entry is new to a reader who has looked at the album up to a version: by another, and after it."""
    return one.recorded.version > looked and one.author != reader


def _page(show: str, limit: int, before: int | None = None) -> FeedQuery:
    chosen = TIMELINE_CHIPS[show]
    return FeedQuery(chosen.kinds, limit, mutations=chosen.mutations, before=before)


def _icon(entry: Entry) -> str:
    if entry.type.mutation is None:
        return "lock" if entry.is_private else "say"
    return ICONS.get(entry.type.mutation, "user")


def _thumbnails(
    request: PageRequest,
    album: AlbumId,
    entry: Entry,
    study: Mapping[str, object],
    pictured: Collection[str] | None,
) -> list[str]:
    """Thumbnails of the series that an entry added and the album still has; none of what was removed, then or since.

    ``pictured`` has the series of which there are pictures; None for all that the album had then.
    """
    series = study.get("series")
    if entry.type.mutation not in _ARRIVALS or not isinstance(series, list):
        return []
    there = [
        one["UID"]
        for one in series
        if one["is_present_in_album"] and (pictured is None or one["UID"] in pictured)
    ]
    path = f"{DATA}/studies/{study['UID']}/series"
    return [
        f"{request.url(f'{path}/{uid}/thumbnail', album=album)}&{_THUMBNAIL}"
        for uid in there[:_MOST_THUMBNAILS]
    ]


def _days(request: PageRequest, lines: Sequence[Line], above: datetime | None) -> Iterator[Day]:
    """The entries by day of the reader's time zone, with their runs folded, below one that was at ``above``."""
    times = request.times
    for day, of_day in groupby(lines, key=lambda one: times.local(one.at).date()):
        found = list(of_day)
        at = found[0].at
        name = times.day(at)
        if day == times.local(request.now).date():
            name = request.say("timeline.today", day=name)
        is_continued = above is not None and times.local(above).date() == day
        yield Day(name, day, list(_folded(found)), is_continued)


def _folded(lines: Sequence[Line]) -> Iterator[Item]:
    for _, alike in groupby(lines, key=lambda one: one.run):
        found = list(alike)
        while found:
            run = [one for one in found if found[0].at - one.at <= _RUN]
            found = found[len(run) :]
            say = run[0].together
            if say is None or len(run) < _LEAST_RUN:
                yield from run
            else:
                yield Run(say(len(run)), run)
