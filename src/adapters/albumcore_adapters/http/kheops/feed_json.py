"""Entries of a feed as clients read them, with everybody and everything on it looked up (Kheops API 7.1)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from albumcore import FeedPage, render_feed, render_study_comments
from albumcore.feed import Entry, FeedForm
from albumcore.feed.rendering import Json, present
from albumcore.ids import AlbumId, SeriesUID, StudyUID, UserId
from albumcore_adapters.directory import Catalogue, Claims, People, Person, album_place

__all__ = ["Json", "people_of", "present", "render", "render_comments"]


def render(
    page: FeedPage,
    album: AlbumId,
    people: People,
    catalogue: Catalogue,
    claims: Claims,
    form: FeedForm,
) -> list[Json]:
    """The entries of a page as JSON objects, with everybody and everything on it looked up once."""
    named = page.series
    described = {
        uid for one in page.entries if form.describes_series(one) for uid in one.series_uids
    }
    claimed = {(one.study, one.series) for one in claims.of(named, {album_place(album)})}
    shown = {
        (known.study_uid, uid) for uid, known in catalogue.facts(named).items() if known.populated
    } - claimed
    studies = catalogue.study_descriptions(page.studies)
    series = catalogue.series_descriptions(described)

    def of_study(study: StudyUID, uids: Sequence[SeriesUID]) -> str | None:
        # Anybody may claim a series that is not there yet, of any study. That alone tells nothing of it.
        return studies.get(study) if any((study, uid) in shown for uid in uids) else None

    def of_series(study: StudyUID, uid: SeriesUID) -> str | None:
        return series.get(uid) if (study, uid) in shown else None

    return render_feed(page, people.people(page.users), of_study, of_series, form)


def render_comments(
    entries: Sequence[Entry], seen_by: Collection[UserId], people: People, form: FeedForm
) -> list[Json]:
    """Comments on a study as JSON objects: users who can see the study now have access, and none is an admin."""
    subs = {sub for one in entries for sub in (one.author, one.target) if sub is not None}
    return render_study_comments(entries, people.people(subs), seen_by, form)


def people_of(members: Mapping[UserId, bool], people: People) -> list[Json]:
    """Members, each with whether he is an admin, by e-mail address, then sub; without an address, last."""
    known = people.people(members)
    persons = [known.get(sub, Person(sub)) for sub in members]
    persons.sort(key=lambda person: (person.email is None, person.email or "", person.sub))
    return [
        present(email=person.email, name=person.name, sub=person.sub, is_admin=members[person.sub])
        for person in persons
    ]
