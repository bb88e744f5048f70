"""Where series are, and who may put them into an album (Kheops API 4.2, 14)."""

from __future__ import annotations

from collections.abc import Callable

from adapters.deployment import Deployment
from adapters.http.kheops.access import may
from albumcore import Act, Album, Permission, Source
from albumcore.albums.events import AlbumEvent
from albumcore.ids import AlbumId, SeriesUID, StudyUID, UserId
from albumcore.index import MemberRow, SeriesRow


def series_in_album(deployment: Deployment, album: AlbumId, study: StudyUID) -> list[SeriesUID]:
    """The series of a study that are in an album, by UID."""
    wanted = {"album_id": album, "study_uid": study}
    return [SeriesUID(row.series_uid) for row in deployment.albums.index.rows(SeriesRow, wanted)]


def series_in_inbox(deployment: Deployment, user: UserId, study: StudyUID) -> list[SeriesUID]:
    """The series of a study that are in a user's inbox, by UID."""
    return sorted(deployment.catalogue.inbox_series(user, study))


def is_claimable(
    deployment: Deployment, source: Source, study: StudyUID, series: SeriesUID
) -> bool:
    """Whether a user may put a series into an album that he may add to, without naming where it is taken from.

    He may if it is in his inbox, or in an album of his that he may send from, or in no album and no inbox at
    all: it is new to us then, or an orphan. A series that is known to be of another study is not this one.
    """
    catalogue, rows = deployment.catalogue, deployment.albums.index.rows
    held = rows(SeriesRow, {"series_uid": series})
    known = catalogue.facts([series]).get(series)
    homes = {row.study_uid for row in held} | ({known.study_uid} if known else set())
    if homes - {study}:
        return False
    if catalogue.in_inbox(source.user, series):
        return True
    if not held:
        return not catalogue.in_any_inbox(series)
    # The rows spare us loading albums that he is not in; the album itself says whether he may send from it.
    mine = rows(MemberRow, {"album_id": [row.album_id for row in held], "sub": source.user})
    return any(may(deployment, source, row.album_id, Permission.SEND_SERIES) for row in mine)


def claiming(
    deployment: Deployment,
) -> Callable[[Album, Act, StudyUID, SeriesUID], tuple[AlbumEvent, ...]]:
    """The decision to import a series, which also makes the series known to the catalogue.

    That happens when the decision is taken and before it is recorded. So a refused import leaves nothing, not
    even a placeholder; and no album holds a series that the catalogue could give to another study.
    """

    def decide(
        album: Album, act: Act, study: StudyUID, series: SeriesUID
    ) -> tuple[AlbumEvent, ...]:
        decided = album.import_series(act, study, series)
        if decided:
            deployment.catalogue.claim(study, series)
        return decided

    return decide
