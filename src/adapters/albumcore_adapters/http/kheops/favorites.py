"""Favourite studies and series, of an album or of one's inbox, over HTTP (Kheops API 6).

Those of an album are all its members', and recorded; those of an inbox are its owner's, and not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from albumcore import Album, Permission, album_stream
from albumcore.albums.events import FavoriteAdded, FavoriteRemoved, FavoriteSet
from albumcore.errors import Forbidden, SeriesNotFound
from albumcore.ids import AlbumId, SeriesUID
from albumcore_adapters.access.series import reachable, taken_from_inbox
from albumcore_adapters.http.kheops.comments import NotSeen
from albumcore_adapters.http.kheops.common import DONE, IN_ONE, SEEN
from albumcore_adapters.http.kheops.params import BadQuery
from albumcore_adapters.http.kheops.request import UnconvertedRequest as ApiRequest
from albumcore_adapters.http.route import Route


class SeriesNotSeen(Forbidden):
    """The caller cannot see the series."""

    code = "series_not_seen"


def set_favorite(request: ApiRequest) -> None:
    """Make the album one of the caller's favourites (Kheops API 6)."""
    request.decide(Album.set_favorite, True)
    request.done()


def unset_favorite(request: ApiRequest) -> None:
    """Make the album one of the caller's favourites no more (Kheops API 6)."""
    request.decide(Album.set_favorite, False)
    request.done()


def _set(request: ApiRequest, *, is_favorite: bool) -> None:
    """Make a study, or a series of it, a favourite or none."""
    album, inbox = request.query.text("album"), request.query.text("inbox") is not None
    if (album is not None) == inbox:
        raise BadQuery("album", "either it or inbox says whose favourite it is")
    series = request.series if "series" in request.path else None
    _require_held(request, series)
    if album is not None:
        decision: Callable[..., tuple[Any, ...]] = (
            Album.add_favorite if is_favorite else Album.remove_favorite
        )
        stream = album_stream(AlbumId(album))
        request.service.albums.handle(stream, decision, request.source, request.study, series)
    else:
        there = taken_from_inbox(request.service.inbox, request.caller.user, request.study).series
        chosen = [one for one in there if series in (None, one)]
        if not chosen:
            raise SeriesNotFound("it is not in your inbox")
        request.service.inbox.set_favorites(
            request.caller.user, request.study, chosen, is_favorite=is_favorite
        )
    request.done()


def _require_held(request: ApiRequest, series: SeriesUID | None) -> None:
    held = reachable(request.service.holdings, request.caller, request.study)
    if not held:
        raise NotSeen("no such study, or you cannot see it")
    if series not in {None, *held}:
        raise SeriesNotSeen("no such series, or you cannot see it")


def add(request: ApiRequest) -> None:
    """Make a study, or a series of it, a favourite."""
    _set(request, is_favorite=True)


def remove(request: ApiRequest) -> None:
    """Make a study, or a series of it, a favourite no more."""
    _set(request, is_favorite=False)


ROUTES = (
    Route(
        "PUT",
        "/albums/{album}/favorites",
        set_favorite,
        summary="Make an album one's favourite.",
        records=(FavoriteSet,),
        responses=DONE,
    ),
    Route(
        "DELETE",
        "/albums/{album}/favorites",
        unset_favorite,
        summary="Undo that.",
        records=(FavoriteSet,),
        responses=DONE,
    ),
    Route(
        "PUT",
        "/studies/{study}/favorites",
        add,
        summary="Make a study a favourite.",
        query_permission=Permission.EDIT_FAVORITES,
        needs=SEEN,
        records=(FavoriteAdded,),
        query=IN_ONE,
        responses=DONE,
    ),
    Route(
        "DELETE",
        "/studies/{study}/favorites",
        remove,
        summary="Undo that.",
        query_permission=Permission.EDIT_FAVORITES,
        needs=SEEN,
        records=(FavoriteRemoved,),
        query=IN_ONE,
        responses=DONE,
    ),
    Route(
        "PUT",
        "/studies/{study}/series/{series}/favorites",
        add,
        summary="Make a series a favourite.",
        query_permission=Permission.EDIT_FAVORITES,
        needs=SEEN,
        records=(FavoriteAdded,),
        query=IN_ONE,
        responses=DONE,
    ),
    Route(
        "DELETE",
        "/studies/{study}/series/{series}/favorites",
        remove,
        summary="Undo that.",
        query_permission=Permission.EDIT_FAVORITES,
        needs=SEEN,
        records=(FavoriteRemoved,),
        query=IN_ONE,
        responses=DONE,
    ),
)
