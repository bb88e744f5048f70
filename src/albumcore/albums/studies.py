"""Studies and series of an album, and which of them are its favourites (Kheops API 4 and 6)."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from albumcore import ids
from albumcore.albums.album import Album, Permission
from albumcore.albums.values import Study
from albumcore.errors import Forbidden, SeriesInAnotherStudy, SeriesNotFound
from albumcore.ids import SeriesUID, StudyUID
from albumcore.kernel import Act, changed, stored
from albumcore.persistent_map import added, removed

__all__ = [
    "FavoriteAdded",
    "FavoriteRemoved",
    "ReportAdded",
    "SeriesImported",
    "SeriesRemoved",
    "StudyImported",
    "StudyRemoved",
    "add_favorite",
    "add_report",
    "import_series",
    "import_study",
    "remove_favorite",
    "remove_series",
    "remove_study",
]


@stored("album.study_imported")
@frozen
class StudyImported:
    """Series of one study were added to the album; only those that were not in it."""

    study_uid: StudyUID
    series_uids: tuple[SeriesUID, ...]

    def evolve(self, album: Album, act: Act) -> Album:
        """The series are in the album."""
        return _with_series(album, self.study_uid, self.series_uids)


@stored("album.series_imported")
@frozen
class SeriesImported:
    """One series was added to the album."""

    study_uid: StudyUID
    series_uid: SeriesUID

    def evolve(self, album: Album, act: Act) -> Album:
        """The series is in the album."""
        return _with_series(album, self.study_uid, (self.series_uid,))


@stored("album.report_added")
@frozen
class ReportAdded:
    """A report provider added a report, one series, to the album."""

    study_uid: StudyUID
    series_uid: SeriesUID

    def evolve(self, album: Album, act: Act) -> Album:
        """The report's series is in the album."""
        return _with_series(album, self.study_uid, (self.series_uid,))


@stored("album.study_removed")
@frozen
class StudyRemoved:
    """A study was removed from the album, with every series of it that was there."""

    study_uid: StudyUID
    series_uids: tuple[SeriesUID, ...]

    def evolve(self, album: Album, act: Act) -> Album:
        """No series of the study is in the album."""
        return _without_series(album, self.study_uid, album.studies[self.study_uid])


@stored("album.series_removed")
@frozen
class SeriesRemoved:
    """One series was removed from the album."""

    study_uid: StudyUID
    series_uid: SeriesUID

    def evolve(self, album: Album, act: Act) -> Album:
        """The series is not in the album; nor is its study, if this was its last series."""
        return _without_series(album, self.study_uid, frozenset({self.series_uid}))


@stored("album.favorite_added")
@frozen
class FavoriteAdded:
    """Series of one study became favourites of the album, for all its members."""

    study_uid: StudyUID
    series_uids: tuple[SeriesUID, ...]

    def evolve(self, album: Album, act: Act) -> Album:
        """The series are favourites."""
        return changed(album, favorites=album.favorites.union(self.series_uids))


@stored("album.favorite_removed")
@frozen
class FavoriteRemoved:
    """Series of one study are no longer favourites of the album."""

    study_uid: StudyUID
    series_uids: tuple[SeriesUID, ...]

    def evolve(self, album: Album, act: Act) -> Album:
        """The series are no favourites."""
        return changed(album, favorites=album.favorites.difference(self.series_uids))


def _with_series(album: Album, study_uid: StudyUID, series_uids: tuple[SeriesUID, ...]) -> Album:
    study = album.studies.get(study_uid, frozenset())
    return changed(album, studies=added(album.studies, study_uid, study.union(series_uids)))


def _without_series(album: Album, study_uid: StudyUID, gone: Study) -> Album:
    left = album.studies[study_uid] - gone
    studies = added(album.studies, study_uid, left) if left else removed(album.studies, study_uid)
    return changed(album, studies=studies, favorites=album.favorites - gone)


def import_study(
    album: Album, act: Act, study_uid: StudyUID, series_uids: Iterable[SeriesUID]
) -> tuple[StudyImported, ...]:
    """Add series of a study; series that are in the album already are left out (Kheops API 4.1).

    Raises:
        AlbumNotFound, Forbidden: see `Album.require`; a report provider adds reports only.
        Invalid: a UID breaks the rule of UIDs.
        SeriesInAnotherStudy: the album holds one of the series in another study.
    """
    _require_import(album, act)
    new = _new_series(album, study_uid, series_uids)
    return (StudyImported(study_uid, new),) if new else ()


def import_series(
    album: Album, act: Act, study_uid: StudyUID, series_uid: SeriesUID
) -> tuple[SeriesImported, ...]:
    """Add one series (Kheops API 4.2). Idempotent.

    Raises:
        AlbumNotFound, Forbidden: see `Album.require`; a report provider adds reports only.
        Invalid: a UID breaks the rule of UIDs.
        SeriesInAnotherStudy: the album holds the series in another study.
    """
    _require_import(album, act)
    new = _new_series(album, study_uid, [series_uid])
    return (SeriesImported(study_uid, series_uid),) if new else ()


def add_report(
    album: Album, act: Act, study_uid: StudyUID, series_uid: SeriesUID
) -> tuple[ReportAdded, ...]:
    """Add a report, one series, through a report provider (Kheops API 4.5). Idempotent.

    Raises:
        AlbumNotFound, Forbidden: see `Album.require`; the source does not act through a report provider.
        Invalid: a UID breaks the rule of UIDs.
        SeriesInAnotherStudy: the album holds the series in another study.
    """
    album.require(act, Permission.ADD_SERIES)
    if act.source.report_provider is None:
        raise Forbidden("reports come from report providers")
    new = _new_series(album, study_uid, [series_uid])
    return (ReportAdded(study_uid, series_uid),) if new else ()


def remove_study(album: Album, act: Act, study_uid: StudyUID) -> tuple[StudyRemoved, ...]:
    """Remove every series of a study from the album (Kheops API 4.3).

    Raises:
        AlbumNotFound, Forbidden: see `Album.require`.
        SeriesNotFound: the album holds no series of the study.
    """
    album.require(act, Permission.DELETE_SERIES)
    if study_uid not in album.studies:
        raise SeriesNotFound("no series of this study is in the album")
    return (StudyRemoved(study_uid, tuple(sorted(album.studies[study_uid]))),)


def remove_series(
    album: Album, act: Act, study_uid: StudyUID, series_uid: SeriesUID
) -> tuple[SeriesRemoved, ...]:
    """Remove one series from the album (Kheops API 4.4).

    Raises:
        AlbumNotFound, Forbidden: see `Album.require`.
        SeriesNotFound: it is not in the album.
    """
    album.require(act, Permission.DELETE_SERIES)
    if series_uid not in album.studies.get(study_uid, ()):
        raise SeriesNotFound("this series is not in the album")
    return (SeriesRemoved(study_uid, series_uid),)


def add_favorite(
    album: Album, act: Act, study_uid: StudyUID, series_uid: SeriesUID | None = None
) -> tuple[FavoriteAdded, ...]:
    """Make a study, or one series of it, a favourite of the album, for all members (Kheops API 6).

    The event is recorded even if it is a favourite already, as the API wants.

    Raises:
        AlbumNotFound, Forbidden: see `Album.require`.
        SeriesNotFound: it is not in the album.
    """
    return (FavoriteAdded(study_uid, _favorites(album, act, study_uid, series_uid)),)


def remove_favorite(
    album: Album, act: Act, study_uid: StudyUID, series_uid: SeriesUID | None = None
) -> tuple[FavoriteRemoved, ...]:
    """Remove a study, or one series of it, from the favourites of the album (Kheops API 6).

    The event is recorded even if it is no favourite, as the API wants.

    Raises:
        AlbumNotFound, Forbidden: see `Album.require`.
        SeriesNotFound: it is not in the album.
    """
    return (FavoriteRemoved(study_uid, _favorites(album, act, study_uid, series_uid)),)


def _require_import(album: Album, act: Act) -> None:
    album.require(act, Permission.ADD_SERIES)
    if act.source.report_provider is not None:
        raise Forbidden("what a report provider brings is a report")


def _new_series(
    album: Album, study_uid: StudyUID, series_uids: Iterable[SeriesUID]
) -> tuple[SeriesUID, ...]:
    """The series that are not in the album yet, each once, in the order they were named.

    Raises:
        Invalid: a UID breaks the rule of UIDs.
        SeriesInAnotherStudy: the album holds one of them in another study; a series has one, (0020,000E).
    """
    study = album.studies.get(ids.study_uid(study_uid), frozenset())
    named = dict.fromkeys(map(ids.series_uid, series_uids))
    new = tuple(uid for uid in named if uid not in study)
    for other, held in album.studies.items():
        if other != study_uid and not held.isdisjoint(new):
            raise SeriesInAnotherStudy("the album holds one of these series in another study")
    return new


def _favorites(
    album: Album, act: Act, study_uid: StudyUID, series_uid: SeriesUID | None
) -> tuple[SeriesUID, ...]:
    album.require(act, Permission.EDIT_FAVORITES)
    study = album.studies.get(study_uid, frozenset())
    if not study or (series_uid is not None and series_uid not in study):
        raise SeriesNotFound("it is not in the album")
    return tuple(sorted(study)) if series_uid is None else (series_uid,)
