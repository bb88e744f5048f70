"""Pages of a feed as JSON objects, in the form that Kheops documents (Kheops API 7.1 and 7.3).

Events have only ids of people, studies and series; the application supplies their names. A key whose value is unknown
or does not apply is absent, never null. The order of keys is that of the documentation's examples.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime

from attrs import frozen

from albumcore.albums.studies import ReportAdded
from albumcore.feed.entries import Entry, EntryKind
from albumcore.feed.page import AlbumStatus, FeedPage
from albumcore.ids import (
    CapabilityTokenId,
    ReportProviderId,
    SeriesUID,
    StudyUID,
    UserId,
)
from albumcore.json_object import Json, present
from albumcore.kernel import Source
from albumcore.times import local_time

StudyDescription = Callable[[StudyUID, Sequence[SeriesUID]], str | None]
"""Description of a study, in an entry about some of its series; None if unknown, or not for the viewer."""

SeriesDescription = Callable[[StudyUID, SeriesUID], str | None]
"""Description of a series of a study; None if unknown, or not for the viewer."""


@frozen
class Person:
    """A person, as others see them.

    Attributes:
        sub: Subject identifier given by the identity provider, opaque and permanent. Events may name the user by
            another id.
        email: Lower case, without surrounding blanks, unique.
        name: As the identity provider gives it.
    """

    sub: str
    email: str | None = None
    name: str | None = None


@frozen
class FeedForm:
    """A form of entries on the wire: as documented, or as upstream.

    Attributes:
        series_in_study: Whether the series of a mutation stand inside its ``study``, each with whether it is in
            the album now, and on study mutations too; otherwise a series mutation has one ``series`` beside it.
        report: The name of the mutation that a report provider's upload shows as.
        provider_id: The key that holds the id of a report provider.
        admin_behind_provider: Whether a source who acted through a report provider has ``is_admin``.
        in_whole_seconds: Whether ``post_date`` has no fraction of a second, as in every example of the documentation.
    """

    series_in_study: bool
    report: str
    provider_id: str
    admin_behind_provider: bool
    in_whole_seconds: bool

    def shown_as(self, mutation: str) -> str:
        """The ``mutation_type`` of a mutation."""
        return self.report if mutation == "NEW_REPORT" else mutation

    def post_date(self, at: datetime) -> str:
        """The ``post_date`` of a time."""
        return local_time(at, in_whole_seconds=self.in_whole_seconds)

    def describes_series(self, one: Entry) -> bool:
        """Whether an entry shows descriptions of its series."""
        return one.type.series or self.lists_series(one)

    def lists_series(self, one: Entry) -> bool:
        """Whether the series of an entry stand in a list inside its study."""
        return self.series_in_study or one.type.mutation in _UPSTREAM_ALONE


DOCUMENTED = FeedForm(
    series_in_study=False,
    report="NEW_REPORT",
    provider_id="id",
    admin_behind_provider=False,
    in_whole_seconds=True,
)
"""As the documentation of Kheops has it."""

UPSTREAM = FeedForm(
    series_in_study=True,
    report="IMPORT_SERIES",
    provider_id="client_id",
    admin_behind_provider=True,
    in_whole_seconds=False,
)
"""As the source code of Kheops has it."""

_UPSTREAM_ALONE = frozenset({"ADD_FAV", "REMOVE_FAV"})
"""Mutations without an example in the documentation: their upstream form is used in both forms."""


def render_feed(
    page: FeedPage,
    people: Mapping[UserId, Person],
    study_description: StudyDescription = lambda study_uid, series_uids: None,
    series_description: SeriesDescription = lambda study_uid, series_uid: None,
    form: FeedForm = DOCUMENTED,
    versions: bool = False,
) -> list[Json]:
    """The entries of a page as JSON objects, newest first: what ``GET /albums/{album}/events`` answers with.

    Args:
        page: The page; look up its ``users``, ``studies`` and ``series`` before.
        people: The known ones of its users, by the ids that events name them by. Any other is shown by that id.
        study_description: StudyDescription, (0008,1030), of a study.
        series_description: SeriesDescription, (0008,103E), of a series.
        form: The form.
        versions: Whether each entry has its ``version``, and the version that it takes back, ``undoes``, if any.
    """
    rendering = _Rendering(form, page.album_status, people, study_description, series_description)
    shown = [rendering.event(one) for one in page.entries]
    if versions:
        for one, entry in zip(page.entries, shown, strict=True):
            entry |= present(version=one.recorded.version, undoes=one.recorded.act.undoes)
    return shown


def render_study_comments(
    entries: Iterable[Entry],
    people: Mapping[UserId, Person],
    seen_by: Collection[UserId],
    form: FeedForm = DOCUMENTED,
) -> list[Json]:
    """Comments on a study as JSON objects. Users who can see the study now have access; a study has no admins.

    Args:
        entries: The comments.
        people: The known ones of their authors and targets, by the ids that events name them by.
        seen_by: The ones of them who can see the study.
        form: The form.
    """

    def person(user: UserId) -> Json:
        one = people.get(user) or Person(user)
        return present(email=one.email, name=one.name, sub=one.sub, can_access=user in seen_by)

    return [
        present(
            event_type="Comment",
            source=person(one.author),
            comment=one.shown_comment,
            post_date=form.post_date(one.recorded.at),
            is_private=one.is_private,
            target=None if one.target is None else person(one.target),
        )
        for one in entries
    ]


@frozen
class _Rendering:
    """Renders the entries of one page."""

    form: FeedForm
    status: AlbumStatus
    people: Mapping[UserId, Person]
    study_description: StudyDescription
    series_description: SeriesDescription

    def event(self, one: Entry) -> Json:
        return present(
            event_type="Comment" if one.kind is EntryKind.COMMENT else "Mutation",
            source=self._source(one.recorded.act.source),
            comment=one.shown_comment,
            post_date=self.form.post_date(one.recorded.at),
            is_private=one.is_private if one.kind is EntryKind.COMMENT else None,
            target=None if one.target is None else self._person(one.target),
            mutation_type=self._mutation(one),
            study=self._study(one),
            series=self._one_series(one),
            report_provider=self._provider(one.provider_id),
        )

    def _source(self, source: Source) -> Json:
        person = self._person(source.user)
        if source.report_provider is not None and not self.form.admin_behind_provider:
            person.pop("is_admin", None)
        return person | present(
            capability_token=self._token(source.capability_token),
            report_provider=self._provider(source.report_provider),
        )

    def _person(self, user: UserId) -> Json:
        person = self.people.get(user) or Person(user)
        is_admin = self.status.admins.get(user)
        return present(
            email=person.email,
            name=person.name,
            sub=person.sub,
            can_access=is_admin is not None,
            is_admin=is_admin,
        )

    # The album may be deleted between the query of the page and that of the status: its tokens and providers are
    # gone then, and have no key.

    def _token(self, token_id: CapabilityTokenId | None) -> Json | None:
        title = None if token_id is None else self.status.tokens.get(token_id)
        return None if title is None else {"id": token_id, "title": title}

    def _provider(self, provider_id: ReportProviderId | None) -> Json | None:
        provider = None if provider_id is None else self.status.providers.get(provider_id)
        if provider is None:
            return None
        return {
            "name": provider.name,
            "is_removed": provider.is_removed,
            self.form.provider_id: provider_id,
        }

    def _mutation(self, one: Entry) -> str | None:
        is_report = isinstance(one.recorded.event, ReportAdded)
        return self.form.report if is_report else one.type.mutation

    def _study(self, one: Entry) -> Json | None:
        study = one.study_uid
        if study is None:
            return None
        return present(
            UID=study,
            description=self.study_description(study, one.series_uids),
            series=[
                self._series(study, uid) | {"is_present_in_album": uid in self.status.series}
                for uid in one.series_uids
            ]
            if self.form.lists_series(one)
            else None,
        )

    def _one_series(self, one: Entry) -> Json | None:
        if self.form.series_in_study or not one.type.series or one.study_uid is None:
            return None
        return self._series(one.study_uid, one.series_uids[0])

    def _series(self, study: StudyUID, uid: SeriesUID) -> Json:
        return present(UID=uid, description=self.series_description(study, uid))
