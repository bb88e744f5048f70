"""The page of an album: its timeline, its members and its studies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from albumcore import Albumcore, Permission
from albumcore.kernel import shown_text
from albumcore_adapters.access.holdings import Holdings
from albumcore_adapters.directory.album_looks import AlbumLooks
from albumcore_adapters.directory.catalogue import Catalogue
from albumcore_adapters.directory.claims import SeriesClaims
from albumcore_adapters.directory.people import People
from albumcore_adapters.http.kheops.album_overview import overview
from albumcore_adapters.http.kheops.comments import post_to_album
from albumcore_adapters.http.live import Live
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.ui.acts import acts_in
from albumcore_adapters.http.ui.album_then import AlbumThen, album_at
from albumcore_adapters.http.ui.changes import changes_since
from albumcore_adapters.http.ui.followed import album_events
from albumcore_adapters.http.ui.members import members_panel
from albumcore_adapters.http.ui.page_request import PageRequest
from albumcore_adapters.http.ui.pages import act, page
from albumcore_adapters.http.ui.past import album_card, members_then
from albumcore_adapters.http.ui.study import panel
from albumcore_adapters.http.ui.templates import HTML_PAGE, html, show
from albumcore_adapters.http.ui.timeline import TimelineSource
from albumcore_adapters.sql.database import Database


def album_page(
    request: PageRequest,
    holdings: Holdings,
    people: People,
    catalogue: Catalogue,
    claims: SeriesClaims,
    looks: AlbumLooks,
    database: Database,
    live: Live,
) -> Response:
    """Show an album, now or as of ``at``; or, for htmx with ``before``, older entries of its timeline."""
    albums, album, viewer = holdings.albums, request.api.album, request.signed_in.caller.user
    then = album_at(request, albums, Permission.LIST_USERS)
    source = TimelineSource(albums, people, catalogue, claims)
    looked = _looked(request, looks) if then is None else then.moment.version
    state = None if then is None else (then.moment.version, then.album)
    timeline = source.read(request, album, looked=looked, then=state)
    if request.is_fragment and request.query.text("before") is not None:
        return show(request, "album/older.html", album=album, timeline=timeline)
    values: dict[str, Any] = {
        "album": album,
        "timeline": timeline,
        "then": then,
        "changes": None,
        "followed": album_events(request, albums, live, then),
        "studies": panel(request, holdings, database, then),
        # A slider that is moved into the past stays as it is; in the present it has a stop for what came meanwhile.
        "card": None if request.is_fragment and then else album_card(request, albums, album, then),
    }
    if then is not None:
        if request.query.text("changes"):
            about = (albums, people, catalogue, claims)
            values["changes"] = changes_since(request, *about, then)
        return show(request, "album/album.html", **values, **_then(request, people, then))
    acts, one = acts_in(request, albums), overview(albums.index, viewer, album)
    values |= {
        "overview": one,
        "album_name": one.row.name,
        "album_description": one.row.description,
        "members": members_panel(request, albums, people),
        "may": {one.name for one in Permission if acts.may(one)},
    }

    def body() -> bytes:
        # After the read transaction.
        if timeline.newest > looked and timeline.show == "all":
            looks.record(viewer, album, timeline.newest)
        return html(request, "album/album.html", **values)

    return Response(200, body, HTML_PAGE)


def _looked(request: PageRequest, looks: AlbumLooks) -> int:
    """The version up to which the reader has looked at the album.

    Older entries follow a page by which they have looked at it: up to where they had before is in their address.
    """
    before = request.query.number("looked")
    if before is not None:
        return before
    return looks.of(request.signed_in.caller.user).get(request.api.album, 0)


def _then(request: PageRequest, people: People, then: AlbumThen) -> Mapping[str, Any]:
    """What the page of the past has in place of the present: no act among it."""
    return {
        "album_name": shown_text(then.album.name),
        "album_description": shown_text(then.album.description),
        "members": members_then(request, people, then),
        "may": frozenset(),
    }


def post_comment(request: PageRequest, albums: Albumcore, people: People) -> Response:
    """Post a comment, public or private, as the Kheops API does."""
    post_to_album(request.api_with(request.form.without_empty("to_user")), albums, people)
    return request.to(f"/ui/albums/{request.api.album}")


ROUTES = (
    page(
        "/ui/albums/{album}",
        album_page,
        "Show an album.",
        permission=Permission.READ_COMMENT,
        has_past=True,
    ),
    act(
        "/ui/albums/{album}/comments",
        post_comment,
        "Post a comment in an album.",
        permission=Permission.WRITE_COMMENT,
    ),
)
