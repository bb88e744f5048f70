"""The settings of an album: what it is called, what members may do, notifications of the reader, and deletion."""

from __future__ import annotations

from attrs import asdict

from albumcore import Albumcore, Permission, delete_album, edit_album
from albumcore.errors import Invalid
from albumcore_adapters.access.holdings import Holdings
from albumcore_adapters.http.kheops.album_overview import overview
from albumcore_adapters.http.kheops.albums import FLAGS, delete, edit
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.ui.acts import acts_in
from albumcore_adapters.http.ui.page_request import PageRequest
from albumcore_adapters.http.ui.pages import act, page
from albumcore_adapters.http.ui.reasons import refusal_of
from albumcore_adapters.http.ui.templates import show


def settings_of_album(request: PageRequest, albums: Albumcore) -> Response:
    """Show the settings of an album: to an admin all of them, to any other member their own."""
    return _show(request, albums)


def _show(request: PageRequest, albums: Albumcore, refused: Invalid | None = None) -> Response:
    acts, album = acts_in(request, albums), request.api.album
    one = overview(albums.index, request.signed_in.caller.user, album)
    name, description = (request.form.text(field) for field in ("name", "description"))
    return show(
        request,
        "album/settings.html",
        status=200 if refused is None else 400,
        album=album,
        overview=one,
        album_name=one.row.name if name is None else name,
        album_description=one.row.description if description is None else description,
        flags={field: asdict(one.row)[flag] for field, flag in FLAGS.items()},
        can_edit=acts.can(edit_album, one.row.name),
        can_delete=acts.can(delete_album),
        may={permission.name for permission in Permission if acts.may(permission)},
        **refusal_of(request, refused),
        saved=request.query.text("saved"),
    )


def edit_settings(request: PageRequest, albums: Albumcore, holdings: Holdings) -> Response:
    """Change what is in the form; a refused one is shown again with the reason."""
    try:
        edit(request.api, albums, holdings)
    except Invalid as error:
        return _show(request, albums, error)
    return request.to(f"/ui/albums/{request.api.album}/settings", saved=1)


def delete_this_album(request: PageRequest, holdings: Holdings) -> Response:
    """Delete the album for all its members."""
    delete(request.api, holdings)
    return request.to("/ui/albums")


_HERE = "/ui/albums/{album}/settings"

ROUTES = (
    page(
        _HERE,
        settings_of_album,
        "Show the settings of an album.",
        permission=Permission.EDIT_ALBUM,
    ),
    act(
        _HERE,
        edit_settings,
        "Change the settings of an album.",
        permission=Permission.EDIT_ALBUM,
    ),
    act(
        "/ui/albums/{album}/delete",
        delete_this_album,
        "Delete an album.",
        permission=Permission.DELETE_ALBUM,
    ),
)
