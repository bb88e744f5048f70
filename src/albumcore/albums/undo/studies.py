"""Taking back imports, removals and favourites of series."""

from __future__ import annotations

from typing import Any

from albumcore.albums.album import Album, Permission
from albumcore.albums.studies import (
    FavoriteAdded,
    FavoriteRemoved,
    ReportAdded,
    SeriesImported,
    SeriesRemoved,
    StudyImported,
    StudyRemoved,
    import_series,
    import_study,
    remove_series,
    remove_study,
)
from albumcore.albums.undo.past import Events, Past, Superseded
from albumcore.ids import SeriesUID, StudyUID
from albumcore.kernel import Act

_IMPORTED = (StudyImported, SeriesImported, ReportAdded)
_REMOVED = (StudyRemoved, SeriesRemoved)
_FAVORED = (FavoriteAdded, FavoriteRemoved)


def series_of(event: Any) -> tuple[StudyUID, tuple[SeriesUID, ...]]:
    """The study that an event of studies is about, and those of its series."""
    series = getattr(event, "series_uids", None)
    return event.study_uid, (event.series_uid,) if series is None else series


def series_imported(album: Album, act: Act, past: Past) -> Events:
    """Remove the event's series that are still there.

    Raises:
        Forbidden: the permission DELETE_SERIES is missing.
        Superseded: none of them is there any more.
    """
    album.require(act, Permission.DELETE_SERIES)
    event = past.recorded.event
    study, series = series_of(event)
    held = album.studies.get(study, frozenset())
    there = [uid for uid in series if uid in held]
    if not there:
        raise Superseded(_REMOVED, {"series": set(series)})
    if isinstance(event, StudyImported) and len(there) == len(held):
        return remove_study(album, act, study)
    return tuple(one for uid in there for one in remove_series(album, act, study, uid))


def series_removed(album: Album, act: Act, past: Past) -> Events:
    """Import the event's series that are still missing, and make favourites of those that were.

    Raises:
        Forbidden: the permission ADD_SERIES is missing, or EDIT_FAVORITES where one was a favourite.
        Superseded: none of them is missing any more.
    """
    album.require(act, Permission.ADD_SERIES)
    event = past.recorded.event
    study, series = series_of(event)
    missing = tuple(uid for uid in series if uid not in album.studies.get(study, ()))
    if not missing:
        raise Superseded(_IMPORTED, {"series": set(series)})
    favorites = tuple(uid for uid in missing if uid in past.before.favorites)
    if favorites:
        album.require(act, Permission.EDIT_FAVORITES)
    return (
        *(
            import_study(album, act, study, missing)
            if isinstance(event, StudyRemoved)
            else import_series(album, act, study, *missing)
        ),
        *((FavoriteAdded(study, favorites),) if favorites else ()),
    )


def favorites_changed(album: Album, act: Act, past: Past) -> Events:
    """Set the flags back that the event changed and that are still so.

    Raises:
        Forbidden: the permission EDIT_FAVORITES is missing.
        Superseded: every flag was changed again, or its series removed.
    """
    album.require(act, Permission.EDIT_FAVORITES)
    event = past.recorded.event
    study, series = series_of(event)
    before, after = past.before.favorites, past.after.favorites
    changed = [uid for uid in series if (uid in before) != (uid in after)]
    held = album.studies.get(study, frozenset())
    still = [uid for uid in changed if uid in held and (uid in album.favorites) == (uid in after)]
    if changed and not still:
        raise Superseded((*_FAVORED, *_REMOVED), {"series": set(changed)})
    inverse = FavoriteRemoved if isinstance(event, FavoriteAdded) else FavoriteAdded
    return (inverse(study, tuple(still)),) if still else ()
