"""Entries of a feed as JSON objects, with the people, studies and series they name (Kheops API 7.1)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from attrs import field, frozen

from albumcore import FeedPage, render_feed, render_study_comments
from albumcore.feed import Entry, FeedForm, Person
from albumcore.ids import AlbumId, SeriesUID, StudyUID, UserId
from albumcore.json_object import Json
from albumcore_adapters.directory.catalogue import Catalogue
from albumcore_adapters.directory.claims import SeriesClaims, album_holder
from albumcore_adapters.directory.people import People
from albumcore_adapters.webhooks.json_values import person_json


@frozen
class AlbumDescriptions:
    """What an album shows of studies and series from their images; read once for all that is shown together.

    Any user may claim a series without images, of any study: a claim alone shows nothing.

    Attributes:
        kinds: The modality of each series that shows its study, by study and series; None if it has none.
        studies: The descriptions of studies.
        series: The descriptions of series.
    """

    kinds: Mapping[tuple[StudyUID, SeriesUID], str | None] = field(factory=dict)
    studies: Mapping[StudyUID, str] = field(factory=dict)
    series: Mapping[SeriesUID, str] = field(factory=dict)

    def shows(self, study: StudyUID, uids: Iterable[SeriesUID]) -> bool:
        """Whether one of some series shows its study."""
        return any((study, uid) in self.kinds for uid in uids)

    def of_study(self, study: StudyUID, uids: Iterable[SeriesUID]) -> str | None:
        """The description of a study, by some series of it; None if it has none, or it is not shown."""
        return self.studies.get(study) if self.shows(study, uids) else None

    def of_series(self, study: StudyUID, uid: SeriesUID) -> str | None:
        """The description of a series; None if it has none, or it is not shown."""
        return self.series.get(uid) if self.shows(study, [uid]) else None

    def modalities(self, study: StudyUID, uids: Iterable[SeriesUID]) -> list[str]:
        """The modalities of those of some series of a study that show it."""
        return sorted({kind for uid in uids if (kind := self.kinds.get((study, uid)))})


def render(
    page: FeedPage,
    album: AlbumId,
    people: People,
    catalogue: Catalogue,
    claims: SeriesClaims,
    form: FeedForm,
    *,
    versions: bool = False,
) -> list[Json]:
    """The entries of a page as JSON objects. What they name is read once for the whole page."""
    named = page.series
    described = {
        uid for one in page.entries if form.describes_series(one) for uid in one.series_uids
    }
    shown = descriptions(page.studies, named, described, album, catalogue, claims)
    known = people.people(page.users)
    return render_feed(page, known, shown.of_study, shown.of_series, form, versions)


def descriptions(
    studies: Collection[StudyUID],
    named: Collection[SeriesUID],
    described: Collection[SeriesUID],
    album: AlbumId,
    catalogue: Catalogue,
    claims: SeriesClaims,
) -> AlbumDescriptions:
    """What an album shows of studies and series.

    Args:
        studies: The studies that are described.
        named: The series by which the album shows a study.
        described: The series that are described themselves.
        album: The album.
        catalogue: What the images say.
        claims: Which holdings are claims.
    """
    claimed = {(one.study, one.series) for one in claims.on_series(named, {album_holder(album)})}
    kinds = {
        (known.study_uid, uid): known.modality
        for uid, known in catalogue.series(named).items()
        if known.populated and (known.study_uid, uid) not in claimed
    }
    return AlbumDescriptions(
        kinds, catalogue.study_descriptions(studies), catalogue.series_descriptions(described)
    )


def render_comments(
    entries: Sequence[Entry], seen_by: Collection[UserId], people: People, form: FeedForm
) -> list[Json]:
    """Comments on a study as JSON objects. Users who see the study now have access, and none is an admin."""
    users = {user for one in entries for user in (one.author, one.target) if user is not None}
    return render_study_comments(entries, people.people(users), seen_by, form)


def people_of(members: Mapping[UserId, bool], people: People) -> list[Json]:
    """Members, each with whether they are an admin, by e-mail address, then sub; those without an address last."""
    known = people.people(members)
    persons = [(known.get(user) or Person(user), admin) for user, admin in members.items()]
    persons.sort(key=lambda one: (one[0].email is None, one[0].email or "", one[0].sub))
    return [person_json(person) | {"is_admin": admin} for person, admin in persons]
