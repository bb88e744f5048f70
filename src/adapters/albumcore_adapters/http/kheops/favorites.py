"""Favourite studies and series, of an album or of one's inbox, over HTTP (Kheops API 6).

Those of an album are all its members', and recorded; those of an inbox are its owner's, and not.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from albumcore import Album, album_stream
from albumcore.errors import Forbidden, SeriesNotFound
from albumcore.ids import AlbumId, SeriesUID
from albumcore_adapters.access.series import reachable, taken_from_inbox
from albumcore_adapters.http.kheops.comments import NotSeen
from albumcore_adapters.http.kheops.params import BadQuery
from albumcore_adapters.http.kheops.request import ApiRequest


class SeriesNotSeen(Forbidden):
    """The caller cannot see the series."""

    code = "series_not_seen"


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


add = partial(_set, is_favorite=True)
"""Make a study, or a series of it, a favourite."""

remove = partial(_set, is_favorite=False)
"""Make a study, or a series of it, a favourite no more."""
