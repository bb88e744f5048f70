"""Studies and series of an album, and which of them are favourites: the decisions (Kheops API 4 and 6)."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from albumcore.albums import events as happened
from albumcore.albums.events import Decided
from albumcore.albums.state import AlbumState, no_provider
from albumcore.albums.values import Permission
from albumcore.errors import Forbidden, SeriesNotFound
from albumcore.ids import SeriesUID, StudyUID
from albumcore.kernel import Act


@frozen(slots=False)
class Studies(AlbumState):
    """What can be decided about the studies of an album."""

    def import_study(
        self, act: Act, study_uid: StudyUID, series_uids: Iterable[SeriesUID]
    ) -> Decided:
        """Put series of a study into the album; those already there are passed over (Kheops API 4.1).

        Raises:
            AlbumNotFound, Forbidden: see `require`; what a report provider brings is a report.
            Invalid: a UID is none.
            SeriesInAnotherStudy: the album holds one of the series in another study.
        """
        self.require(act, Permission.ADD_SERIES)
        no_provider(act)
        new = self.new_series(study_uid, series_uids)
        return (happened.StudyImported(study_uid, new),) if new else ()

    def import_series(self, act: Act, study_uid: StudyUID, series_uid: SeriesUID) -> Decided:
        """Put one series into the album (Kheops API 4.2). One already there changes nothing.

        Raises:
            AlbumNotFound, Forbidden: see `require`; what a report provider brings is a report.
            Invalid: a UID is none.
            SeriesInAnotherStudy: the album holds the series in another study.
        """
        self.require(act, Permission.ADD_SERIES)
        no_provider(act)
        new = self.new_series(study_uid, [series_uid])
        return (happened.SeriesImported(study_uid, series_uid),) if new else ()

    def add_report(self, act: Act, study_uid: StudyUID, series_uid: SeriesUID) -> Decided:
        """Put a report, one series, into the album through a report provider (Kheops API 4.5).

        Raises:
            AlbumNotFound, Forbidden: see `require`; the source does not act through a report provider.
            Invalid: a UID is none.
            SeriesInAnotherStudy: the album holds the series in another study.
        """
        self.require(act, Permission.ADD_SERIES)
        if act.source.report_provider is None:
            raise Forbidden("reports come from report providers")
        new = self.new_series(study_uid, [series_uid])
        return (happened.ReportAdded(study_uid, series_uid),) if new else ()

    def remove_study(self, act: Act, study_uid: StudyUID) -> Decided:
        """Take every series of a study out of the album (Kheops API 4.3).

        Raises:
            AlbumNotFound, Forbidden: see `require`.
            SeriesNotFound: the album holds nothing of the study.
        """
        self.require(act, Permission.DELETE_SERIES)
        if study_uid not in self.studies:
            raise SeriesNotFound("no series of this study is in the album")
        return (happened.StudyRemoved(study_uid, tuple(sorted(self.studies[study_uid]))),)

    def remove_series(self, act: Act, study_uid: StudyUID, series_uid: SeriesUID) -> Decided:
        """Take one series out of the album (Kheops API 4.4).

        Raises:
            AlbumNotFound, Forbidden: see `require`.
            SeriesNotFound: it is not in the album.
        """
        self.require(act, Permission.DELETE_SERIES)
        if series_uid not in self.studies.get(study_uid, ()):
            raise SeriesNotFound("this series is not in the album")
        return (happened.SeriesRemoved(study_uid, series_uid),)

    def add_favorite(
        self, act: Act, study_uid: StudyUID, series_uid: SeriesUID | None = None
    ) -> Decided:
        """Make a study of the album, or one series of it, a favourite of all members (Kheops API 6).

        It is recorded even when it was one before: the contract wants it.

        Raises:
            AlbumNotFound, Forbidden: see `require`.
            SeriesNotFound: it is not in the album.
        """
        return (happened.FavoriteAdded(study_uid, self._favorable(act, study_uid, series_uid)),)

    def remove_favorite(
        self, act: Act, study_uid: StudyUID, series_uid: SeriesUID | None = None
    ) -> Decided:
        """Make a study of the album, or one series of it, a favourite no more (Kheops API 6).

        It is recorded even when it was none before: the contract wants it.

        Raises:
            AlbumNotFound, Forbidden: see `require`.
            SeriesNotFound: it is not in the album.
        """
        return (happened.FavoriteRemoved(study_uid, self._favorable(act, study_uid, series_uid)),)

    def _favorable(
        self, act: Act, study_uid: StudyUID, series_uid: SeriesUID | None
    ) -> tuple[SeriesUID, ...]:
        self.require(act, Permission.EDIT_FAVORITES)
        there = self.studies.get(study_uid, frozenset())
        if not there or (series_uid is not None and series_uid not in there):
            raise SeriesNotFound("it is not in the album")
        return tuple(sorted(there)) if series_uid is None else (series_uid,)
