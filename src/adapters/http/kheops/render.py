"""Entries of a feed as clients read them (Kheops API 7.1).

Absent is not null: what is unknown or does not apply has no key. The order of the keys is that of the
documentation's examples.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from attrs import frozen

from adapters.deployment import Deployment
from adapters.directory import Catalogue, Claims, People, Person, album_place
from adapters.http.kheops.modes import MODES, Mode
from albumcore import FeedPage, Kind, Source
from albumcore.albums.events import ReportAdded
from albumcore.feed import Entry, Standing
from albumcore.ids import AlbumId, CapabilityTokenId, ReportProviderId, SeriesUID, StudyUID, UserId

Json = dict[str, Any]


def render(
    page: FeedPage,
    album: AlbumId,
    people: People,
    catalogue: Catalogue,
    claims: Claims,
    mode: Mode,
) -> list[Json]:
    """The entries of a page as JSON objects, with everybody and everything on it looked up once."""
    entries = page.entries
    subs = {sub for one in entries for sub in (one.author, one.target) if sub is not None}
    studies = {one.study_uid for one in entries if one.study_uid is not None}
    series = {uid for one in entries for uid in one.series_uids if _tells_series(one, mode)}
    named = {uid for one in entries for uid in one.series_uids}
    claimed = {(one.study, one.series) for one in claims.of(named, {album_place(album)})}
    shown = {
        (known.study_uid, uid) for uid, known in catalogue.facts(named).items() if known.populated
    } - claimed
    rendering = _Rendering(
        mode,
        page.standing,
        people.people(subs),
        catalogue.study_descriptions(studies),
        catalogue.series_descriptions(series),
        frozenset(shown),
    )
    return [rendering.event(one) for one in entries]


_UPSTREAM_ALONE = frozenset({"ADD_FAV", "REMOVE_FAV"})
"""Mutations that the documentation's examples know nothing of. They have one form, in both ways of answering."""


def _lists_series(one: Entry, mode: Mode) -> bool:
    """Whether the series stand in a list inside the study."""
    return mode.series_in_study or one.line.mutation in _UPSTREAM_ALONE


def _tells_series(one: Entry, mode: Mode) -> bool:
    return one.line.series or _lists_series(one, mode)


@frozen
class _Rendering:
    """What the entries of one page are rendered with."""

    mode: Mode
    standing: Standing
    people: Mapping[UserId, Person]
    studies: Mapping[StudyUID, str]
    series: Mapping[SeriesUID, str]
    shown: frozenset[tuple[StudyUID, SeriesUID]]

    def event(self, one: Entry) -> Json:
        return present(
            event_type="Comment" if one.kind is Kind.COMMENT else "Mutation",
            source=self._source(one.recorded.act.source),
            comment=one.comment,
            post_date=self.mode.post_date(one.recorded.at),
            is_private=one.is_private if one.kind is Kind.COMMENT else None,
            target=None if one.target is None else self._person(one.target),
            mutation_type=self._mutation(one),
            study=self._study(one),
            series=self._one_series(one),
            report_provider=self._provider(one.provider_id),
        )

    def _source(self, source: Source) -> Json:
        person = self._person(source.user)
        if source.report_provider is not None and not self.mode.admin_behind_provider:
            person.pop("is_admin", None)
        return person | present(
            capability_token=self._token(source.capability_token),
            report_provider=self._provider(source.report_provider),
        )

    def _person(self, sub: UserId) -> Json:
        person = self.people.get(sub, Person(sub))
        is_admin = self.standing.admins.get(sub)
        return present(
            email=person.email,
            name=person.name,
            sub=sub,
            can_access=is_admin is not None,
            is_admin=is_admin,
        )

    # An album may be deleted between the reading of its page and of what holds now: its tokens and providers
    # are gone then, and have no key.

    def _token(self, token_id: CapabilityTokenId | None) -> Json | None:
        title = None if token_id is None else self.standing.tokens.get(token_id)
        return None if title is None else {"id": token_id, "title": title}

    def _provider(self, provider_id: ReportProviderId | None) -> Json | None:
        provider = None if provider_id is None else self.standing.providers.get(provider_id)
        if provider is None:
            return None
        return {
            "name": provider.name,
            "is_removed": provider.is_removed,
            self.mode.provider_id: provider_id,
        }

    def _mutation(self, one: Entry) -> str | None:
        is_report = isinstance(one.recorded.event, ReportAdded)
        return self.mode.report if is_report else one.line.mutation

    def _study(self, one: Entry) -> Json | None:
        if one.study_uid is None:
            return None
        return present(
            UID=one.study_uid,
            # Anybody may claim a series that is not there yet, of any study. That alone tells nothing of it.
            description=self.studies.get(one.study_uid)
            if any((one.study_uid, uid) in self.shown for uid in one.series_uids)
            else None,
            series=[
                self._series(one.study_uid, uid)
                | {"is_present_in_album": uid in self.standing.series}
                for uid in one.series_uids
            ]
            if _lists_series(one, self.mode)
            else None,
        )

    def _one_series(self, one: Entry) -> Json | None:
        if self.mode.series_in_study or not one.line.series or one.study_uid is None:
            return None
        return self._series(one.study_uid, one.series_uids[0])

    def _series(self, study: StudyUID, uid: SeriesUID) -> Json:
        is_shown = (study, uid) in self.shown
        return present(UID=uid, description=self.series.get(uid) if is_shown else None)


def render_comments(
    entries: Iterable[Entry], seen_by: Collection[UserId], deployment: Deployment
) -> list[Json]:
    """Comments on a study as JSON objects: who can see the study now has access, and nobody is an admin of it."""
    entries = tuple(entries)
    subs = {sub for one in entries for sub in (one.author, one.target) if sub is not None}
    known, mode = deployment.people.people(subs), MODES[deployment.settings.compat]

    def person(sub: UserId) -> Json:
        one = known.get(sub, Person(sub))
        return present(email=one.email, name=one.name, sub=sub, can_access=sub in seen_by)

    return [
        present(
            event_type="Comment",
            source=person(one.author),
            comment=one.comment,
            post_date=mode.post_date(one.recorded.at),
            is_private=one.is_private,
            target=None if one.target is None else person(one.target),
        )
        for one in entries
    ]


def present(**values: Any) -> Json:
    """An object of those values that are there."""
    return {name: value for name, value in values.items() if value is not None}


def people_of(members: Mapping[UserId, bool], people: People) -> list[Json]:
    """Members, each with whether he is an admin, by e-mail address, then sub; without an address, last."""
    known = people.people(members)
    persons = [known.get(sub, Person(sub)) for sub in members]
    persons.sort(key=lambda person: (person.email is None, person.email or "", person.sub))
    return [
        present(email=person.email, name=person.name, sub=person.sub, is_admin=members[person.sub])
        for person in persons
    ]
