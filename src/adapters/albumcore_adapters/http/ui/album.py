"""The page of an album: its timeline, its members and its studies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from albumcore import Albumcore, Permission
from albumcore_adapters.access.holdings import Holdings
from albumcore_adapters.directory.album_looks import AlbumLooks
from albumcore_adapters.directory.catalogue import Catalogue
from albumcore_adapters.directory.claims import SeriesClaims
from albumcore_adapters.directory.people import People
from albumcore_adapters.http.kheops.album_overview import overview
from albumcore_adapters.http.kheops.comments import post_to_album
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.ui.acts import acts_in
from albumcore_adapters.http.ui.members import members_panel
from albumcore_adapters.http.ui.page_request import PageRequest
from albumcore_adapters.http.ui.pages import act, page
from albumcore_adapters.http.ui.sentences import name_of
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
) -> Response:
    """Show an album; or, for htmx with ``offset``, older entries of its timeline."""
    album, viewer = request.api.album, request.signed_in.caller.user
    source = TimelineSource(holdings.albums, people, catalogue, claims)
    looked = looks.of(viewer).get(album, 0)
    timeline = source.read(request, album, looked=looked)
    if request.is_fragment and request.query.text("offset") is not None:
        return show(request, "album/older.html", album=album, timeline=timeline)
    acts, one = acts_in(request, holdings.albums), overview(holdings.albums.index, viewer, album)
    values: Mapping[str, Any] = {
        "album": album,
        "overview": one,
        "timeline": timeline,
        "members": members_panel(request, holdings.albums, people),
        "may": {one.name for one in Permission if acts.may(one)},
        "studies": panel(request, holdings, database),
        "name_of": name_of,
    }

    def body() -> bytes:
        # After the read transaction.
        if timeline.newest > looked and timeline.show == "all":
            looks.record(viewer, album, timeline.newest)
        return html(request, "album/album.html", **values)

    return Response(200, body, HTML_PAGE)


def post_comment(request: PageRequest, albums: Albumcore, people: People) -> Response:
    """Post a comment, public or private, as the Kheops API does."""
    if not request.form.text("to_user"):
        request.form.values.pop("to_user", None)  # type: ignore[attr-defined]
    post_to_album(request.api, albums, people)
    return request.to(f"/ui/albums/{request.api.album}")


ROUTES = (
    page("/ui/albums/{album}", album_page, "Show an album.", permission=Permission.READ_COMMENT),
    act(
        "/ui/albums/{album}/comments",
        post_comment,
        "Post a comment in an album.",
        permission=Permission.WRITE_COMMENT,
    ),
)
