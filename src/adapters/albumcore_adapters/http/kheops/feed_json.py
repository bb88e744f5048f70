"""Entries of a feed as JSON objects, with the people, studies and series they name (Kheops API 7.1)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from albumcore import FeedPage, render_feed, render_study_comments
from albumcore.feed import Entry, FeedForm, Person
from albumcore.ids import AlbumId, SeriesUID, StudyUID, UserId
from albumcore.json_object import Json
from albumcore_adapters.directory.catalogue import Catalogue
from albumcore_adapters.directory.claims import SeriesClaims, album_holder
from albumcore_adapters.directory.people import People
from albumcore_adapters.webhooks.json_values import person_json


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
    of_study, of_series = descriptions(page.studies, named, described, album, catalogue, claims)
    return render_feed(page, people.people(page.users), of_study, of_series, form, versions)


def descriptions(
    studies: Collection[StudyUID],
    named: Collection[SeriesUID],
    described: Collection[SeriesUID],
    album: AlbumId,
    catalogue: Catalogue,
    claims: SeriesClaims,
) -> tuple[
    Callable[[StudyUID, Sequence[SeriesUID]], str | None],
    Callable[[StudyUID, SeriesUID], str | None],
]:
    """The descriptions of studies and series, as far as an album shows them; read once for all.

    Args:
        studies: The studies that are described.
        named: The series by which the album shows a study.
        described: The series that are described themselves.
        album: The album.
        catalogue: What the images say.
        claims: Which holdings are claims.

    Returns:
        The description of a study, by some series of it in the album; and that of a series. None: it has none, or it
        is not shown.
    """
    claimed = {(one.study, one.series) for one in claims.on_series(named, {album_holder(album)})}
    shown = {
        (known.study_uid, uid) for uid, known in catalogue.series(named).items() if known.populated
    } - claimed
    of_studies = catalogue.study_descriptions(studies)
    series = catalogue.series_descriptions(described)

    def of_study(study: StudyUID, uids: Sequence[SeriesUID]) -> str | None:
        # Any user may claim a series without images, of any study. A claim alone does not show its description.
        return of_studies.get(study) if any((study, uid) in shown for uid in uids) else None

    def of_series(study: StudyUID, uid: SeriesUID) -> str | None:
        return series.get(uid) if (study, uid) in shown else None

    return of_study, of_series


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
