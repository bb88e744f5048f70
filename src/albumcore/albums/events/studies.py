"""Events of the studies and series of an album."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from albumcore.albums.values import Study
from albumcore.ids import SeriesUID, StudyUID
from albumcore.kernel import Act, changed, stored
from albumcore.persistent_map import added, removed

if TYPE_CHECKING:
    from albumcore.albums.album import Album


@stored("album.study_imported")
@frozen
class StudyImported:
    """Series of one study came into the album; only those that were not in it."""

    study_uid: StudyUID
    series_uids: tuple[SeriesUID, ...]

    def evolve(self, state: Album, act: Act) -> Album:
        """The study is in the album, with these series too."""
        return _with_series(state, self.study_uid, self.series_uids)


@stored("album.series_imported")
@frozen
class SeriesImported:
    """One series came into the album."""

    study_uid: StudyUID
    series_uid: SeriesUID

    def evolve(self, state: Album, act: Act) -> Album:
        """The series is in the album."""
        return _with_series(state, self.study_uid, (self.series_uid,))


@stored("album.report_added")
@frozen
class ReportAdded:
    """A report provider put a report, one series, into the album."""

    study_uid: StudyUID
    series_uid: SeriesUID

    def evolve(self, state: Album, act: Act) -> Album:
        """The report's series is in the album."""
        return _with_series(state, self.study_uid, (self.series_uid,))


@stored("album.study_removed")
@frozen
class StudyRemoved:
    """A study went out of the album, with every series of it that was there."""

    study_uid: StudyUID
    series_uids: tuple[SeriesUID, ...]

    def evolve(self, state: Album, act: Act) -> Album:
        """The study is not in the album."""
        return _without_series(state, self.study_uid, state.studies[self.study_uid])


@stored("album.series_removed")
@frozen
class SeriesRemoved:
    """One series went out of the album."""

    study_uid: StudyUID
    series_uid: SeriesUID

    def evolve(self, state: Album, act: Act) -> Album:
        """The series is not in the album; nor is its study, if this was its last."""
        return _without_series(state, self.study_uid, frozenset({self.series_uid}))


@stored("album.favorite_added")
@frozen
class FavoriteAdded:
    """Series of one study became favourites of the album, for all its members."""

    study_uid: StudyUID
    series_uids: tuple[SeriesUID, ...]

    def evolve(self, state: Album, act: Act) -> Album:
        """They are favourites."""
        return changed(state, favorites=state.favorites.union(self.series_uids))


@stored("album.favorite_removed")
@frozen
class FavoriteRemoved:
    """Series of one study are favourites of the album no more."""

    study_uid: StudyUID
    series_uids: tuple[SeriesUID, ...]

    def evolve(self, state: Album, act: Act) -> Album:
        """They are none."""
        return changed(state, favorites=state.favorites.difference(self.series_uids))


def _with_series(state: Album, study_uid: StudyUID, series_uids: tuple[SeriesUID, ...]) -> Album:
    there = state.studies.get(study_uid, frozenset())
    return changed(state, studies=added(state.studies, study_uid, there.union(series_uids)))


def _without_series(state: Album, study_uid: StudyUID, gone: Study) -> Album:
    left = state.studies[study_uid] - gone
    return changed(
        state,
        studies=added(state.studies, study_uid, left)
        if left
        else removed(state.studies, study_uid),
        favorites=state.favorites - gone,
    )
