"""Favourite studies and series, of an album or of one's inbox, over HTTP (Kheops API 6).

Those of an album are all its members', and recorded; those of an inbox are its owner's, and not.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from adapters.http.kheops.ask import Ask
from adapters.http.kheops.comments import NotSeen
from adapters.http.kheops.params import BadQuery
from adapters.http.kheops.series import reachable, taken_from_inbox
from albumcore import Album, album_stream
from albumcore.errors import Forbidden, SeriesNotFound
from albumcore.ids import AlbumId, SeriesUID


class SeriesNotSeen(Forbidden):
    """The caller cannot see the series."""

    code = "series_not_seen"


def _set(ask: Ask, *, is_favorite: bool) -> None:
    """Make a study, or a series of it, a favourite or none."""
    album, inbox = ask.query.text("album"), ask.query.text("inbox") is not None
    if (album is not None) == inbox:
        raise BadQuery("album", "either it or inbox says whose favourite it is")
    series = ask.series if "series" in ask.path else None
    _require_held(ask, series)
    if album is not None:
        decision: Callable[..., tuple[Any, ...]] = (
            Album.add_favorite if is_favorite else Album.remove_favorite
        )
        stream = album_stream(AlbumId(album))
        ask.deployment.albums.handle(stream, decision, ask.source, ask.study, series)
    else:
        there = taken_from_inbox(ask.deployment, ask.caller.user, ask.study).series
        chosen = [one for one in there if series in (None, one)]
        if not chosen:
            raise SeriesNotFound("it is not in your inbox")
        ask.deployment.inbox.set_favorites(
            ask.caller.user, ask.study, chosen, is_favorite=is_favorite
        )
    ask.done()


def _require_held(ask: Ask, series: SeriesUID | None) -> None:
    held = reachable(ask.deployment, ask.caller, ask.study)
    if not held:
        raise NotSeen("no such study, or you cannot see it")
    if series not in {None, *held}:
        raise SeriesNotSeen("no such series, or you cannot see it")


add = partial(_set, is_favorite=True)
"""Make a study, or a series of it, a favourite."""

remove = partial(_set, is_favorite=False)
"""Make a study, or a series of it, a favourite no more."""
