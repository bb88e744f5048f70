"""List, create, show, edit and delete albums (Kheops API 3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from albumcore import (
    Albumcore,
    AlbumCreated,
    AlbumDeleted,
    AlbumEdited,
    MemberFlags,
    NotificationsSet,
    Permission,
    RecordedEvent,
    album_stream,
    create_album,
    delete_album,
    edit_album,
)
from albumcore.errors import Forbidden
from albumcore.ids import AlbumId
from albumcore_adapters.access.albums import album_then, permitted
from albumcore_adapters.access.claims import keeping_images
from albumcore_adapters.access.holdings import Holdings
from albumcore_adapters.base.random_ids import MakeId
from albumcore_adapters.directory.people import People
from albumcore_adapters.http.accept import JSON
from albumcore_adapters.http.kheops.album_list import LIST_PARAMETERS, list_albums
from albumcore_adapters.http.kheops.album_overview import (
    album_json_then,
    brief_json,
    created_album_json,
    members_json,
    members_of,
    one_album_json,
)
from albumcore_adapters.http.kheops.parameters import Fields, asked_moment
from albumcore_adapters.http.kheops.request import ApiRequest
from albumcore_adapters.http.kheops.shared_specs import (
    ALBUM_THEN,
    DONE,
    LISTED,
    NOTHING,
    listed,
    shown,
)
from albumcore_adapters.http.openapi.specs import (
    Parameters,
    ParameterSpec,
    ResponseSpec,
    ref,
    text,
)
from albumcore_adapters.http.openapi.value_schemas import NAMED, PLAIN, WORD
from albumcore_adapters.http.response import NO_CONTENT, Response
from albumcore_adapters.http.route import Callers, Route
from albumcore_adapters.identity.callers import Caller

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


def list_all(request: ApiRequest, holdings: Holdings) -> Response:
    """List the albums that the caller is a member of (Kheops API 3.1)."""
    found, total = list_albums(holdings, request.caller.user, request.query)
    return Response.json(found, total=total)


def create(request: ApiRequest, albums: Albumcore, make_id: MakeId) -> Response:
    """Create an album whose only member is the caller, as an admin (Kheops API 3.3)."""
    form, album = request.form(), AlbumId(make_id(ALBUM_ID_LENGTH))
    about = form.text("name") or "", form.text("description") or "", MemberFlags(**_flags(form))
    [created] = albums.handle_once(
        request.command(form), album_stream(album), create_album, request.source, *about
    )
    return created_response(created)


def created_response(created: RecordedEvent[Any]) -> Response:
    """The album as it was created, without later changes."""
    return Response.json(created_album_json(created), 201)


def get(request: ApiRequest, holdings: Holdings, people: People) -> Response:
    """Show the album, with its members if ``includeUsers`` is true (Kheops API 3.2); or as of a moment of the past.

    A token of the album sees its name, its description, and its counts.
    """
    albums, album, caller = holdings.albums, request.album, request.caller
    with_users = request.query.flag("includeUsers") is True
    if with_users:
        _require_list_users(albums, caller, album, holdings.clock())
    moment = asked_moment(request.query, albums, request.stream, holdings.clock)
    if moment is not None:
        then = album_then(albums, caller, album, Permission.READ_SERIES, moment)
        shown = album_json_then(holdings, caller, album, then, moment.version)
        return Response.json(shown | ({"users": members_of(then, people)} if with_users else {}))
    found = (
        one_album_json(holdings, caller.user, album)
        if caller.acts_as_user
        else brief_json(holdings, album)
    )
    users = {"users": members_json(albums.index, people, album)} if with_users else {}
    return Response.json(found | users)


class UsersForbidden(Forbidden):
    """Only members see the members of an album."""

    code = "include_users_forbidden"


def _require_list_users(albums: Albumcore, caller: Caller, album: AlbumId, at: datetime) -> None:
    try:
        permitted(albums, caller, album, Permission.LIST_USERS, at)
    except Forbidden as error:
        raise UsersForbidden(error.detail, rule=error.rule) from None


def edit(request: ApiRequest, albums: Albumcore, holdings: Holdings) -> Response:
    """Change the fields that are in the form (Kheops API 3.4)."""
    form = request.form()
    albums.handle(
        request.stream,
        edit_album,
        request.source,
        form.text("name"),
        form.text("description"),
        _flags(form),
        form.flag("notificationNewSeries"),
        form.flag("notificationNewComment"),
    )
    return Response.json(one_album_json(holdings, request.caller.user, request.album))


def delete(request: ApiRequest, holdings: Holdings) -> Response:
    """Delete the album for all its members (Kheops API 3.5). Its images stay in the caller's inbox."""
    keeping_images(holdings, request.caller, request.album, delete_album)
    return NO_CONTENT


def _flags(form: Fields) -> dict[str, bool]:
    given = {flag: form.flag(field) for field, flag in FLAGS.items()}
    return {flag: value for flag, value in given.items() if value is not None}


_FLAGS: Parameters = {name: ParameterSpec(WORD) for name in FLAGS}

ROUTES = (
    Route(
        *("GET", "/albums", list_all, "List the albums that the caller is a member of."),
        needs=LISTED,
        query=LIST_PARAMETERS,
        responses=listed("Album"),
        from_store=True,
    ),
    Route(
        *("POST", "/albums", create, "Create an album."),
        needs=NOTHING,
        records=(AlbumCreated,),
        form={
            "name": ParameterSpec(text(1, 255, **NAMED), required=True),
            "description": ParameterSpec(text(0, 2048, **PLAIN)),
            **_FLAGS,
        },
        responses=shown("Album", 201),
        idempotent=created_response,
    ),
    Route(
        *("GET", "/albums/{album}", get),
        summary="Show an album; a token of the album sees it in brief.",
        callers=Callers.ANY_TOKEN,
        query={"includeUsers": ParameterSpec(WORD, "true: with its members."), **ALBUM_THEN},
        responses={
            200: ResponseSpec("The album.", {JSON: {"oneOf": [ref("Album"), ref("AlbumInBrief")]}})
        },
        from_store=True,
    ),
    Route(
        *("PATCH", "/albums/{album}", edit, "Change the fields of an album that are in the form."),
        permission=Permission.EDIT_ALBUM,
        needs="a plain member may change their own notifications only",
        records=(AlbumEdited, NotificationsSet),
        form={
            "name": ParameterSpec(text(1, 255, **NAMED)),
            "description": ParameterSpec(text(0, 2048, **PLAIN)),
            **_FLAGS,
            "notificationNewSeries": ParameterSpec(WORD),
            "notificationNewComment": ParameterSpec(WORD),
        },
        responses=shown("Album"),
    ),
    Route(
        *("DELETE", "/albums/{album}", delete, "Delete an album for all its members."),
        callers=Callers.ANY_TOKEN,
        permission=Permission.DELETE_ALBUM,
        records=(AlbumDeleted,),
        responses=DONE,
    ),
)
