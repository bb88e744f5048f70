"""The inbox of the reader: their studies, those first that are in none of their albums, to be taken into one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from albumcore.ids import StudyUID
from albumcore.index import SeriesRow
from albumcore_adapters.access.holdings import Holdings
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.ui.page_request import PageRequest
from albumcore_adapters.http.ui.pages import page
from albumcore_adapters.http.ui.study import albums_to_add_to
from albumcore_adapters.http.ui.study_cards import Shelf, list_studies
from albumcore_adapters.http.ui.templates import show
from albumcore_adapters.sql.database import Database


def inbox_page(request: PageRequest, holdings: Holdings, database: Database) -> Response:
    """Show the inbox: the studies that are in no album, all, or the favourites."""
    shelf = Shelf(request, holdings, None)
    taken, favorites = _in_albums(request, holdings, shelf), shelf.favorites()
    filters: Mapping[str, Callable[[StudyUID], bool]] = {
        "waiting": lambda uid: uid not in taken,
        "all": lambda uid: True,
        "favorites": lambda uid: bool(favorites.get(uid)),
    }
    return show(
        request,
        "inbox.html",
        shelf=shelf,
        listing=list_studies(shelf, database, filters),
        albums=albums_to_add_to(request, holdings, shelf),
    )


def _in_albums(request: PageRequest, holdings: Holdings, shelf: Shelf) -> Collection[StudyUID]:
    """The studies of the inbox of which a series is in an album of the reader."""
    albums = [one.album_id for one in holdings.albums.albums_of(request.signed_in.caller.user)]
    wanted = {"album_id": albums, "study_uid": [*shelf.visible()]}
    return {StudyUID(row.study_uid) for row in holdings.albums.index.rows(SeriesRow, wanted)}


ROUTES = (page("/ui/inbox", inbox_page, "Show the inbox."),)
