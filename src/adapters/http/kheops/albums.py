"""Albums over HTTP: list, get, create, edit, delete, and one's own favourites (Kheops API 3 and 6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.http.kheops.ask import Ask
from adapters.http.kheops.listing import list_albums
from adapters.http.kheops.overview import (
    brief_json,
    created_album_json,
    members_json,
    one_album_json,
)
from adapters.http.kheops.params import Fields
from adapters.http.kheops.putting import keeping_images
from albumcore import Album, MemberFlags, Permission, Recorded, album_stream
from albumcore.errors import Forbidden
from albumcore.ids import AlbumId

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


def list_all(ask: Ask) -> None:
    """List the albums that the caller is a member of (Kheops API 3.1)."""
    found, total = list_albums(ask.deployment, ask.caller.user, ask.query)
    ask.answer(found, total=total)


def create(ask: Ask) -> None:
    """Create an album, of which the caller is the only member, and an admin (Kheops API 3.3)."""
    deployment, form = ask.deployment, ask.form()
    album = AlbumId(deployment.make_id(ALBUM_ID_LENGTH))
    about = form.text("name") or "", form.text("description") or "", MemberFlags(**_flags(form))
    [created] = deployment.albums.handle_once(
        ask.command(form), album_stream(album), Album.create, ask.source, *about
    )
    answer_created(ask, created)


def answer_created(ask: Ask, created: Recorded[Any]) -> None:
    """Show an album as it was when it was created, whatever became of it."""
    ask.answer(created_album_json(created), 201)


def get(ask: Ask) -> None:
    """Show the album, with its members if ``includeUsers`` is true (Kheops API 3.2).

    A token that is for the album alone is shown its name, its description, and what is in it.
    """
    with_users = ask.query.flag("includeUsers") is True
    if with_users:
        _require_users(ask)
    if ask.caller.acts_as_user:
        found = one_album_json(ask.deployment, ask.caller.user, ask.album)
    else:
        found = brief_json(ask.deployment, ask.album)
    if with_users:
        found["users"] = members_json(ask.deployment, ask.album)
    ask.answer(found)


class UsersForbidden(Forbidden):
    """The members of an album are shown to members alone."""

    code = "include_users_forbidden"


def _require_users(ask: Ask) -> None:
    try:
        ask.permitted(ask.album, Permission.LIST_USERS)
    except Forbidden as error:
        raise UsersForbidden(error.detail) from None


def edit(ask: Ask) -> None:
    """Change what the form holds, and leave the rest as it is (Kheops API 3.4)."""
    form = ask.form()
    ask.decide(
        Album.edit,
        form.text("name"),
        form.text("description"),
        _flags(form),
        form.flag("notificationNewSeries"),
        form.flag("notificationNewComment"),
    )
    ask.answer(one_album_json(ask.deployment, ask.caller.user, ask.album))


def delete(ask: Ask) -> None:
    """Delete the album for everybody (Kheops API 3.5). Its images stay with the caller."""
    ask.decide(keeping_images(ask.deployment, ask.caller, ask.album, Album.delete))
    ask.done()


def set_favorite(ask: Ask) -> None:
    """Make the album one of the caller's favourites (Kheops API 6)."""
    ask.decide(Album.set_favorite, True)
    ask.done()


def unset_favorite(ask: Ask) -> None:
    """Make the album one of the caller's favourites no more (Kheops API 6)."""
    ask.decide(Album.set_favorite, False)
    ask.done()


def _flags(form: Fields) -> dict[str, bool]:
    given = {flag: form.flag(field) for field, flag in FLAGS.items()}
    return {flag: value for flag, value in given.items() if value is not None}
