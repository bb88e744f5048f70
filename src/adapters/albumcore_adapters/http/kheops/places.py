"""The place that a request reads in: an album, the inbox of the caller, or all that they may read."""

from __future__ import annotations

from albumcore import Permission
from albumcore.errors import Forbidden, StudyNotFound
from albumcore.ids import AlbumId, SeriesUID
from albumcore_adapters.access.albums import permitted
from albumcore_adapters.access.holdings import Holdings
from albumcore_adapters.access.series import Place, confirmed_holdings, reach
from albumcore_adapters.directory.claims import Holding
from albumcore_adapters.http.kheops.parameters import BadQuery
from albumcore_adapters.http.kheops.request import ApiRequest


def place_of(request: ApiRequest, holdings: Holdings) -> Place:
    """The place that the query names. For a token of one album it is always that album.

    Raises:
        BadQuery: two places are named.
        Forbidden: the token is not for the inbox, or not for reading.
    """
    album, inbox = request.query.text("album"), request.query.text("inbox") is not None
    if album is not None and inbox:
        raise BadQuery("album", "at most one of album and inbox is expected")
    if inbox and not request.caller.inbox:
        raise Forbidden("the token is not for an inbox")
    if album is None and request.caller.album is not None:
        album = request.caller.album
        require_readable(request, holdings, album)
    return Place(None if album is None else AlbumId(album), inbox)


def require_readable(request: ApiRequest, holdings: Holdings, album: str) -> None:
    """Check that the caller may read the series of an album.

    Raises:
        AlbumNotFound, Forbidden: they may not.
    """
    permitted(holdings.albums, request.caller, album, Permission.READ_SERIES, holdings.clock())


def held_here(request: ApiRequest, holdings: Holdings, place: Place) -> list[Holding]:
    """The holdings of the study in the path in a place, claims included.

    Raises:
        StudyNotFound: there are none.
    """
    held = reach(holdings, request.caller, place, study=request.study)
    if not held:
        raise StudyNotFound("no such study, or you cannot see it")
    return held


def seen_series(request: ApiRequest, holdings: Holdings, place: Place) -> set[SeriesUID]:
    """The series of the study in the path whose images the caller may read in a place.

    Raises:
        StudyNotFound: the place holds no series of the study.
    """
    held = held_here(request, holdings, place)
    return {one.series for one in confirmed_holdings(holdings.claims, held)}
