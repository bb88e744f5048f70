"""Albums over HTTP: list, get, create, edit, delete, and one's own favourites (Kheops API 3 and 6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from albumcore import Album, MemberFlags, Permission, RecordedEvent, album_stream
from albumcore.errors import Forbidden
from albumcore.ids import AlbumId
from albumcore_adapters.access.claims import keeping_images
from albumcore_adapters.http.kheops.album_list import list_albums
from albumcore_adapters.http.kheops.album_overview import (
    brief_json,
    created_album_json,
    members_json,
    one_album_json,
)
from albumcore_adapters.http.kheops.params import Fields
from albumcore_adapters.http.kheops.request import ApiRequest

FLAGS: Mapping[str, str] = {
    "addUser": "add_user",
    "downloadSeries": "download_series",
    "sendSeries": "send_series",
    "deleteSeries": "delete_series",
    "addSeries": "add_series",
    "writeComments": "write_comments",
}
"""Member flags, by the names of their form fields."""

ALBUM_ID_LENGTH = 10


def list_all(request: ApiRequest) -> None:
    """List the albums that the caller is a member of (Kheops API 3.1)."""
    found, total = list_albums(request.service, request.caller.user, request.query)
    request.answer(found, total=total)


def create(request: ApiRequest) -> None:
    """Create an album, of which the caller is the only member, and an admin (Kheops API 3.3)."""
    service, form = request.service, request.form()
    album = AlbumId(service.make_id(ALBUM_ID_LENGTH))
    about = form.text("name") or "", form.text("description") or "", MemberFlags(**_flags(form))
    [created] = service.albums.handle_once(
        request.command(form), album_stream(album), Album.create, request.source, *about
    )
    answer_created(request, created)


def answer_created(request: ApiRequest, created: RecordedEvent[Any]) -> None:
    """Show an album as it was when it was created, whatever became of it."""
    request.answer(created_album_json(created), 201)


def get(request: ApiRequest) -> None:
    """Show the album, with its members if ``includeUsers`` is true (Kheops API 3.2).

    A token that is for the album alone is shown its name, its description, and what is in it.
    """
    with_users = request.query.flag("includeUsers") is True
    if with_users:
        _require_users(request)
    if request.caller.acts_as_user:
        found = one_album_json(request.service, request.caller.user, request.album)
    else:
        found = brief_json(request.service, request.album)
    if with_users:
        found["users"] = members_json(request.service, request.album)
    request.answer(found)


class UsersForbidden(Forbidden):
    """The members of an album are shown to members alone."""

    code = "include_users_forbidden"


def _require_users(request: ApiRequest) -> None:
    try:
        request.permitted(request.album, Permission.LIST_USERS)
    except Forbidden as error:
        raise UsersForbidden(error.detail) from None


def edit(request: ApiRequest) -> None:
    """Change what the form holds, and leave the rest as it is (Kheops API 3.4)."""
    form = request.form()
    request.decide(
        Album.edit,
        form.text("name"),
        form.text("description"),
        _flags(form),
        form.flag("notificationNewSeries"),
        form.flag("notificationNewComment"),
    )
    request.answer(one_album_json(request.service, request.caller.user, request.album))


def delete(request: ApiRequest) -> None:
    """Delete the album for everybody (Kheops API 3.5). Its images stay with the caller."""
    request.decide(
        keeping_images(request.service.holdings, request.caller, request.album, Album.delete)
    )
    request.done()


def set_favorite(request: ApiRequest) -> None:
    """Make the album one of the caller's favourites (Kheops API 6)."""
    request.decide(Album.set_favorite, True)
    request.done()


def unset_favorite(request: ApiRequest) -> None:
    """Make the album one of the caller's favourites no more (Kheops API 6)."""
    request.decide(Album.set_favorite, False)
    request.done()


def _flags(form: Fields) -> dict[str, bool]:
    given = {flag: form.flag(field) for field, flag in FLAGS.items()}
    return {flag: value for flag, value in given.items() if value is not None}
