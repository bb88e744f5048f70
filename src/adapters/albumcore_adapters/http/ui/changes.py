"""What changed in an album since a moment of the past: members, studies, the album itself, and what was said."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cached_property

from attrs import field, fields, frozen
from markupsafe import Markup

from albumcore import Album, Albumcore, FeedPage, FeedQuery
from albumcore.albums import MemberFlags
from albumcore.feed import Entry, EntryKind, Person
from albumcore.ids import SeriesUID, StudyUID, UserId
from albumcore.kernel import shown_text
from albumcore.past import AlbumDifference, difference
from albumcore_adapters.base.time_texts import exact_text
from albumcore_adapters.directory.catalogue import Catalogue
from albumcore_adapters.directory.claims import SeriesClaims
from albumcore_adapters.directory.people import People
from albumcore_adapters.http.kheops.albums import FLAGS
from albumcore_adapters.http.kheops.feed_json import descriptions
from albumcore_adapters.http.ui.album_then import AlbumThen
from albumcore_adapters.http.ui.page_request import PageRequest
from albumcore_adapters.http.ui.sentences import Sentences, bold, name_of
from albumcore_adapters.http.ui.study_names import StudyNames
from albumcore_adapters.http.ui.timeline import ENTRIES
from albumcore_adapters.webhooks.json_values import person_json

MOST_READ = 500
"""The entries since then that are read: a change before them has no link, and what came and went is not shown."""


@frozen
class ChangeLine:
    """One net change.

    Attributes:
        sign: ``added``, ``removed``, or ``both`` for what came and went.
        text: What changed.
        entry: The address of its newest entry, if it is among those that were read.
    """

    sign: str
    text: Markup
    entry: str | None = None


@frozen
class Changes:
    """The changes since a moment.

    Attributes:
        groups: The lines of each group, by the last part of the key of its name; empty groups are left out.
        total: How many entries there are since then.
    """

    groups: Mapping[str, Sequence[ChangeLine]]
    total: int


def changes_since(
    request: PageRequest,
    albums: Albumcore,
    people: People,
    catalogue: Catalogue,
    claims: SeriesClaims,
    then: AlbumThen,
) -> Changes:
    """The net changes between a moment and the present."""
    album, viewer = request.api.album, request.signed_in.caller.user
    since = then.moment.at + timedelta(microseconds=1)
    page = albums.feed(album, viewer, FeedQuery(limit=MOST_READ, since=since))
    comments = FeedQuery(frozenset({EntryKind.COMMENT}), limit=0, since=since)
    now = albums.load(request.api.stream)
    found = _Found(request, then.album, now, page, people, catalogue, claims)
    groups = {
        "members": [*found.members()],
        "studies": [*found.studies()],
        "album": [*found.album()],
        "said": [*found.said(albums.feed(album, viewer, comments).total)],
    }
    return Changes({name: lines for name, lines in groups.items() if lines}, page.total)


@frozen(slots=False)
class _Found:
    """The two states, and the entries between them."""

    request: PageRequest = field(repr=False)
    then: Album
    now: Album
    page: FeedPage
    people: People
    catalogue: Catalogue
    claims: SeriesClaims

    @cached_property
    def difference(self) -> AlbumDifference:
        return difference(self.then, self.now)

    def members(self) -> Iterator[ChangeLine]:
        found = self.difference.members
        gone = [
            one.target
            for one in self._newest("ADD_USER", "ADD_ADMIN")
            if one.target and not {*self.then.members, *self.now.members} & {one.target}
        ]
        known = self.people.people({*found.added, *found.removed, *found.changed, *gone})

        def line(sign: str, key: str, user: UserId) -> ChangeLine:
            name = name_of(person_json(known.get(user) or Person(user)))
            text = self.request.say(f"changes.{key}", who=bold(name))
            return ChangeLine(sign, text, self._entry_about(user))

        for user, is_admin in found.added.items():
            yield line("added", "new_admin" if is_admin else "new_member", user)
        for user in found.removed:
            yield line("removed", "no_member", user)
        for user, is_admin in found.changed.items():
            yield line("added" if is_admin else "removed", "admin" if is_admin else "plain", user)
        for target in dict.fromkeys(gone):
            yield line("both", "came_and_went", target)

    def studies(self) -> Iterator[ChangeLine]:
        found = self.difference
        whole = {*found.added_studies, *found.removed_studies}
        known = {*self.then.studies, *self.now.studies}
        gone = {
            one.study_uid: one
            for one in self._newest("IMPORT_STUDY", "IMPORT_SERIES")
            if one.study_uid and one.study_uid not in known
        }
        added, removed = _by_study(found.added_series), _by_study(found.removed_series)
        line = self._study_line({*added, *removed, *whole, *gone}, gone)
        for study in found.added_studies:
            yield line("added", "study_added", study, len(added[study]))
        for study in found.removed_studies:
            yield line("removed", "study_removed", study, len(removed[study]))
        for sign, key, series in (
            ("added", "series_added", added),
            ("removed", "series_removed", removed),
        ):
            for study, uids in series.items():
                if study not in whole:
                    yield line(sign, key, study, len(uids))
        for study in gone:
            yield line("both", "study_came_and_went", study, 0)

    def _study_line(
        self, studies: Collection[StudyUID], gone: Mapping[StudyUID, Entry]
    ) -> Callable[[str, str, StudyUID, int], ChangeLine]:
        request, album = self.request, self.request.api.album
        series = {
            uid: study
            for state in (self.then, self.now)
            for study in studies
            for uid in state.studies.get(study, ())
        }
        series |= {uid: study for study, entry in gone.items() for uid in entry.series_uids}
        about = (album, self.catalogue, self.claims)
        shown = descriptions(studies, [*series], [], *about)
        by_study = _by_study([(study, uid) for uid, study in series.items()])
        held = {study: self.now.studies.get(study, uids) for study, uids in by_study.items()}
        names = StudyNames.read(request, self.catalogue, shown, held)
        sentences = Sentences(request, album, request.signed_in.caller.user, names)

        def line(sign: str, key: str, study: StudyUID, number: int) -> ChangeLine:
            name = names.phrase(study, by_study[study])
            count = request.say("timeline.series", n=number)
            at = None if study in self.now.studies else request.at
            at = exact_text(gone[study].recorded.at) if study in gone else at
            text = request.say(
                f"changes.{key}", study=sentences.study(study, name, at), count=count
            )
            return ChangeLine(sign, text, self._entry_about(study))

        return line

    def album(self) -> Iterator[ChangeLine]:
        found, say = self.difference, self.request.say
        for name, change in (("name", found.name), ("description", found.description)):
            if change is None:
                continue
            for sign, text in zip(("removed", "added"), change, strict=True):
                if text:
                    yield ChangeLine(
                        sign, say(f"changes.{name}", text=text), self._entry("EDIT_ALBUM")
                    )
        fields_by_flag = {flag: name for name, flag in FLAGS.items()}
        for flag in fields(MemberFlags):
            before, after = (getattr(one.flags, flag.name) for one in (self.then, self.now))
            if before != after:
                what = say(f"album.settings.flag.{fields_by_flag[flag.name]}")
                text = say("changes.flag", what=what)
                sign = "added" if after else "removed"
                yield ChangeLine(sign, text, self._entry("EDIT_ALBUM"))
        before, after = (
            {
                one: found.name
                for one, found in state.report_providers.items()
                if not found.is_removed
            }
            for state in (self.then, self.now)
        )
        for sign, some, others in (("added", after, before), ("removed", before, after)):
            for provider, called in some.items():
                if provider not in others:
                    text = say("changes.provider", name=shown_text(called))
                    yield ChangeLine(sign, text)

    def said(self, comments: int) -> Iterator[ChangeLine]:
        if comments:
            entry = next((one for one in self.page.entries if one.type.mutation is None), None)
            text = self.request.say("changes.comments", n=comments)
            yield ChangeLine("added", text, None if entry is None else self._address(entry))

    def _newest(self, *mutations: str) -> list[Entry]:
        return [one for one in self.page.entries if one.type.mutation in mutations]

    def _entry(self, *mutations: str) -> str | None:
        found = self._newest(*mutations)
        return self._address(found[0]) if found else None

    def _entry_about(self, what: str) -> str | None:
        for one in self.page.entries:
            if one.type.mutation is not None and what in (
                one.target or one.author,
                one.study_uid,
            ):
                return self._address(one)
        return None

    def _address(self, entry: Entry) -> str:
        """The address of an entry in the timeline of the present."""
        place = self.page.entries.index(entry) // ENTRIES * ENTRIES
        path = f"/ui/albums/{self.request.api.album}"
        address = self.request.url(path, offset=place or None)
        return f"{address}#entry-{entry.recorded.version}"


def _by_study(series: Iterable[tuple[StudyUID, SeriesUID]]) -> dict[StudyUID, list[SeriesUID]]:
    found: dict[StudyUID, list[SeriesUID]] = {}
    for study, uid in series:
        found.setdefault(study, []).append(uid)
    return found
