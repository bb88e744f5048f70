"""Favourite albums, studies and series (Kheops API 6).

The favourites of an album are shared by its members, and recorded as events. Those of an inbox belong to its owner, and
are not recorded as events.
"""

from __future__ import annotations

from functools import partial

from albumcore import (
    Albumcore,
    FavoriteAdded,
    FavoriteRemoved,
    FavoriteSet,
    Permission,
    add_favorite,
    album_stream,
    remove_favorite,
    set_favorite,
)
from albumcore.errors import Forbidden, SeriesNotFound
from albumcore.ids import AlbumId
from albumcore_adapters.access.holdings import Holdings
from albumcore_adapters.access.series import reachable, taken_from_inbox
from albumcore_adapters.http.kheops.comments import NotSeen
from albumcore_adapters.http.kheops.parameters import BadQuery
from albumcore_adapters.http.kheops.request import ApiRequest
from albumcore_adapters.http.kheops.shared_specs import DONE, IN_ONE, SEEN
from albumcore_adapters.http.response import NO_CONTENT, Response
from albumcore_adapters.http.route import Route


class SeriesNotSeen(Forbidden):
    """The caller cannot see the series."""

    code = "series_not_seen"


def add_album(request: ApiRequest, albums: Albumcore) -> Response:
    """Make the album one of the caller's favourites."""
    albums.handle(request.stream, set_favorite, request.source, True)
    return NO_CONTENT


def remove_album(request: ApiRequest, albums: Albumcore) -> Response:
    """Remove the album from the caller's favourites."""
    albums.handle(request.stream, set_favorite, request.source, False)
    return NO_CONTENT


def add(request: ApiRequest, holdings: Holdings) -> Response:
    """Make a study, or a series of it, a favourite."""
    return _set(request, holdings, is_favorite=True)


def remove(request: ApiRequest, holdings: Holdings) -> Response:
    """Remove a study, or a series of it, from the favourites."""
    return _set(request, holdings, is_favorite=False)


def _set(request: ApiRequest, holdings: Holdings, *, is_favorite: bool) -> Response:
    album, inbox = request.query.text("album"), request.query.text("inbox") is not None
    if (album is not None) == inbox:
        raise BadQuery("album", "exactly one of album and inbox is expected")
    study, series = request.study, request.series if "series" in request.path else None
    held = reachable(holdings, request.caller, study)
    if not held:
        raise NotSeen("no such study, or you cannot see it")
    if series not in {None, *held}:
        raise SeriesNotSeen("no such series, or you cannot see it")
    if album is not None:
        decision = add_favorite if is_favorite else remove_favorite
        stream = album_stream(AlbumId(album))
        holdings.albums.handle(stream, decision, request.source, study, series)
        return NO_CONTENT
    there = taken_from_inbox(holdings.inbox, request.caller.user, study).series
    chosen = [one for one in there if series in (None, one)]
    if not chosen:
        raise SeriesNotFound("it is not in your inbox")
    holdings.inbox.set_favorites(request.caller.user, study, chosen, is_favorite=is_favorite)
    return NO_CONTENT


_of_album = partial(Route, path="/albums/{album}/favorites", records=(FavoriteSet,), responses=DONE)
_shared = partial(
    Route, query_permission=Permission.EDIT_FAVORITES, needs=SEEN, query=IN_ONE, responses=DONE
)
_ADDED, _REMOVED = (FavoriteAdded,), (FavoriteRemoved,)
_STUDY, _SERIES = "/studies/{study}/favorites", "/studies/{study}/series/{series}/favorites"

ROUTES = (
    _of_album("PUT", respond=add_album, summary="Make an album a favourite of the caller."),
    _of_album(
        "DELETE", respond=remove_album, summary="Remove an album from the favourites of the caller."
    ),
    _shared("PUT", _STUDY, add, summary="Make a study a favourite.", records=_ADDED),
    _shared(
        "DELETE", _STUDY, remove, summary="Remove a study from the favourites.", records=_REMOVED
    ),
    _shared("PUT", _SERIES, add, summary="Make a series a favourite.", records=_ADDED),
    _shared(
        "DELETE", _SERIES, remove, summary="Remove a series from the favourites.", records=_REMOVED
    ),
)
