"""The inbox of the reader: their studies, those first that are in none of their albums, to be taken into one."""

from __future__ import annotations

from collections.abc import Collection

from albumcore.ids import StudyUID
from albumcore.index import SeriesRow
from albumcore_adapters.access.holdings import Holdings
from albumcore_adapters.directory.study_search import StudyQuery
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.ui.page_request import PageRequest
from albumcore_adapters.http.ui.pages import page
from albumcore_adapters.http.ui.study import albums_to_add_to
from albumcore_adapters.http.ui.study_cards import Shelf, study_cards
from albumcore_adapters.http.ui.templates import show
from albumcore_adapters.sql.database import Database

_PAGE = 50
_FILTERS = ("waiting", "all", "favorites")


def inbox_page(request: PageRequest, holdings: Holdings, database: Database) -> Response:
    """Show the inbox: the studies that are in no album, all, or the favourites."""
    shelf = Shelf(request, holdings, None)
    offset, chosen = request.query.number("offset") or 0, request.query.text("show")
    chosen = chosen if chosen in _FILTERS else "waiting"
    taken = _in_albums(request, holdings, shelf)
    found = {
        name: study_cards(
            shelf,
            database,
            StudyQuery(limit=_PAGE if name == chosen else 0, offset=offset, with_description=True),
            favorite=name == "favorites",
            without=taken if name == "waiting" else (),
        )
        for name in _FILTERS
    }
    cards, total = found[chosen]
    return show(
        request,
        "inbox.html",
        shelf=shelf,
        cards=cards,
        counts={name: number for name, (_, number) in found.items()},
        chosen=chosen,
        newer=None if offset == 0 else max(0, offset - _PAGE),
        older=offset + _PAGE if offset + _PAGE < total else None,
        albums=albums_to_add_to(request, holdings, shelf),
    )


def _in_albums(request: PageRequest, holdings: Holdings, shelf: Shelf) -> Collection[StudyUID]:
    """The studies of the inbox of which a series is in an album of the reader."""
    albums = [one.album_id for one in holdings.albums.albums_of(request.signed_in.caller.user)]
    wanted = {"album_id": albums, "study_uid": [*shelf.visible()]}
    return {StudyUID(row.study_uid) for row in holdings.albums.index.rows(SeriesRow, wanted)}


ROUTES = (page("/ui/inbox", inbox_page, "Show the inbox."),)
