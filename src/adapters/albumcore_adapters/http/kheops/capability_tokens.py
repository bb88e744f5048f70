"""Capability tokens: create, list, show and revoke (Kheops API 10)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from attrs import fields_dict

from albumcore import (
    Album,
    Albumcore,
    CapabilityTokenIssued,
    CapabilityTokenRevoked,
    Grants,
    Permission,
    Stream,
    UserTokenIssued,
    UserTokenRevoked,
    album_stream,
    issue_capability_token,
    issue_user_token,
    revoke_capability_token,
    revoke_user_token,
    user_stream,
)
from albumcore.errors import CapabilityTokenNotFound, Forbidden, Invalid
from albumcore.ids import AlbumId, CapabilityTokenId, UserId
from albumcore.index import CapabilityTokenRow, Index, MemberRow
from albumcore.json_object import Json
from albumcore.streams import key_of, named_stream
from albumcore.times import Clock, time_in
from albumcore.user_tokens.values import check_grants
from albumcore_adapters.access.albums import permitted
from albumcore_adapters.base.random_ids import MakeId
from albumcore_adapters.directory.people import People
from albumcore_adapters.directory.token_last_use import TokenLastUses
from albumcore_adapters.http.kheops.capability_token_json import tokens_json
from albumcore_adapters.http.kheops.parameters import BadQuery, Fields, Page, user_named
from albumcore_adapters.http.kheops.request import ApiRequest
from albumcore_adapters.http.kheops.shared_specs import PAGE, has, listed, shown
from albumcore_adapters.http.openapi.schemas import ALPHANUMERIC
from albumcore_adapters.http.openapi.specs import TEXT, ParameterSpec, Schema, group, text
from albumcore_adapters.http.openapi.value_schemas import MOMENT, PLAIN, TRUE, USER, WORD, any_case
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.route import Callers, Route
from albumcore_adapters.identity.capability_secrets import digest_of

_ID_LENGTH = 10
_SECRET_LENGTH = 22

_Decision = Callable[..., tuple[Any, ...]]


class NotAdmin(Forbidden):
    """Only an admin creates tokens of an album."""

    code = "not_admin"


# Create


def create(
    request: ApiRequest,
    albums: Albumcore,
    people: People,
    token_last_uses: TokenLastUses,
    clock: Clock,
    make_id: MakeId,
) -> Response:
    """Create a token. Only this response shows the secret; its digest is stored."""
    about = (albums, people, token_last_uses, clock, make_id)
    return Response.json(new_token_json(request, *about), 201)


def new_token_json(
    request: ApiRequest,
    albums: Albumcore,
    people: People,
    token_last_uses: TokenLastUses,
    clock: Clock,
    make_id: MakeId,
) -> Json:
    """Create a token as the form says; return it as a JSON object with its secret, which is shown this once.

    Raises:
        NotAdmin, AlbumNotFound, Invalid: see `_scope`, and the decision.
    """
    form = request.form()
    stream, issue = _scope(request, form, albums, clock)
    token_id, secret = CapabilityTokenId(make_id(_ID_LENGTH)), make_id(_SECRET_LENGTH)
    digest = digest_of(secret)
    albums.handle(
        stream,
        issue,
        request.source,
        token_id=token_id,
        digest=digest,
        title=form.text("title") or "",
        not_before=_time(form, "not_before_time"),
        expires_at=_time(form, "expiration_time"),
    )
    token = _token_json(digest, request.caller.user, albums, people, token_last_uses)
    return token | {"access_token": secret, "secret": secret}


def _scope(
    request: ApiRequest, form: Fields, albums: Albumcore, clock: Clock
) -> tuple[Stream[Any], _Decision]:
    """The stream that a token is issued in, and the decision, by ``scope_type``.

    Raises:
        NotAdmin: the caller is not an admin of the album.
        AlbumNotFound: they are not a member of it.
        Invalid: there is no such scope, the album is missing, or the permissions of the token are inconsistent.
    """
    match (form.text("scope_type") or "").lower():
        case "user":
            _grants(form)  # Not used, but inconsistent grants are an error all the same.
            return user_stream(request.caller.user), issue_user_token
        case "album":
            album, permission = form.text("album"), Permission.MANAGE_CAPABILITY_TOKENS
            if not album:
                raise Invalid("album", "it is required for the scope album")
            try:
                stream = permitted(albums, request.caller, album, permission, clock())
            except Forbidden as error:
                raise NotAdmin(error.detail, rule=error.rule) from None
            return stream, partial(issue_capability_token, grants=_grants(form))
        case _:
            raise Invalid("scope_type", "user or album is expected")


def _grants(form: Fields) -> Grants:
    names = fields_dict(Grants)
    return check_grants(Grants(**{name: form.flag(f"{name}_permission") is True for name in names}))


def _time(form: Fields, name: str) -> datetime | None:
    """A time in ISO 8601 with its offset from UTC; None without the field."""
    text = form.text(name)
    return None if text is None else time_in(text, name)


# List, show, revoke


def list_all(
    request: ApiRequest,
    albums: Albumcore,
    people: People,
    token_last_uses: TokenLastUses,
    clock: Clock,
) -> Response:
    """List the caller's tokens, or those of an album, newest first; with ``valid``, only the usable ones."""
    page = Page.of(request.query)
    rows = albums.index.rows(CapabilityTokenRow, _wanted(request, people))
    if request.query.flag("valid") is True:
        at = clock()
        rows = [row for row in rows if not row.is_revoked and row.expires_at > at]
    rows.sort(key=lambda row: row.issued_at, reverse=True)
    shown = tokens_json(rows[page.slice], request.caller.user, albums, people, token_last_uses)
    return Response.json(shown, total=len(rows))


def _wanted(request: ApiRequest, people: People) -> dict[str, str]:
    album, creator = request.query.text("album"), request.query.text("user")
    if album is None:
        if creator is not None:
            raise BadQuery("user", "it is allowed together with album only")
        return {"creator": request.caller.user}
    of_album = {"stream": album_stream(AlbumId(album)).name}
    return of_album if creator is None else of_album | {"creator": user_named(people, creator)}


def get(
    request: ApiRequest, albums: Albumcore, people: People, token_last_uses: TokenLastUses
) -> Response:
    """Show a token to its creator, or to an admin of its album."""
    user = request.caller.user
    row = _visible(albums.index, user, request.path["capability"])
    return Response.json(_token_json(row.digest, user, albums, people, token_last_uses))


def revoke(
    request: ApiRequest, albums: Albumcore, people: People, token_last_uses: TokenLastUses
) -> Response:
    """Revoke a token; its creator may, and the admins of its album. Idempotent."""
    user = request.caller.user
    row = _visible(albums.index, user, request.path["capability"])
    stream = named_stream(row.stream)
    decision: _Decision = (
        revoke_capability_token if isinstance(stream.initial, Album) else revoke_user_token
    )
    albums.handle(stream, decision, request.source, CapabilityTokenId(row.token_id))
    return Response.json(_token_json(row.digest, user, albums, people, token_last_uses))


def _visible(index: Index, user: UserId, token_id: str) -> CapabilityTokenRow:
    """The row of a token that the user created, or that is of an album they are an admin of.

    Raises:
        CapabilityTokenNotFound: there is no such token for the user.
    """
    for row in index.rows(CapabilityTokenRow, {"token_id": token_id}):
        if row.creator == user or _is_admin(index, user, row):
            return row
    raise CapabilityTokenNotFound("no such capability token")


def _is_admin(index: Index, user: UserId, row: CapabilityTokenRow) -> bool:
    if not isinstance(named_stream(row.stream).initial, Album):
        return False
    admin = {"album_id": key_of(row.stream), "sub": user, "is_admin": True}
    return bool(index.rows(MemberRow, admin))


def _token_json(
    digest: str, viewer: UserId, albums: Albumcore, people: People, token_last_uses: TokenLastUses
) -> Json:
    rows = albums.index.rows(CapabilityTokenRow, {"digest": digest})
    for token in tokens_json(rows, viewer, albums, people, token_last_uses):
        return token
    raise CapabilityTokenNotFound("the album of the capability token was just deleted")


_NEEDS = "the caller created the token, or is an admin of its album"

_GRANTS_HANG_TOGETHER: Schema = {
    "if": {"anyOf": [has(f"{name}_permission", TRUE) for name in ("download", "appropriate")]},
    "then": has("read_permission", TRUE),
}
_SCOPE_HAS_ITS_ALBUM: Schema = {
    "if": has("scope_type", any_case("album")),
    "then": has("album", text(1)),
}

ROUTES = (
    Route(
        *("POST", "/capabilities", create),
        summary="Create a capability token; only this response shows its secret.",
        callers=Callers.PERSON,
        needs=f"for a token of an album: `{Permission.MANAGE_CAPABILITY_TOKENS.value}` in it",
        records=(CapabilityTokenIssued, UserTokenIssued),
        form={
            "title": ParameterSpec(text(1, 255, **PLAIN), required=True),
            "scope_type": ParameterSpec(any_case("user", "album"), required=True),
            "album": ParameterSpec(TEXT, "Required for scope_type album, not allowed otherwise."),
            **{f"{name}_permission": ParameterSpec(WORD) for name in fields_dict(Grants)},
            "expiration_time": ParameterSpec(MOMENT),
            "not_before_time": ParameterSpec(MOMENT),
        },
        form_rules=(_SCOPE_HAS_ITS_ALBUM, _GRANTS_HANG_TOGETHER),
        responses=shown("CapabilityToken", 201),
    ),
    Route(
        *(
            "GET",
            "/capabilities",
            list_all,
            "List the caller's capability tokens, or those of an album.",
        ),
        callers=Callers.PERSON,
        query_permission=Permission.MANAGE_CAPABILITY_TOKENS,
        needs="without an album, the list has the caller's own tokens",
        query={
            **PAGE,
            "valid": ParameterSpec(WORD, "true: neither revoked nor expired."),
            "of": group(
                {
                    "album": ParameterSpec(ALPHANUMERIC),
                    "user": ParameterSpec(
                        USER, "The creator of the tokens; together with album only."
                    ),
                },
                {"dependentRequired": {"user": ["album"]}},
            ),
        },
        responses=listed("CapabilityToken"),
    ),
    Route(
        *("GET", "/capabilities/{capability}", get, "Show a capability token."),
        needs=_NEEDS,
        responses=shown("CapabilityToken"),
    ),
    Route(
        *("POST", "/capabilities/{capability}/revoke", revoke, "Revoke a capability token."),
        callers=Callers.PERSON,
        needs=_NEEDS,
        records=(CapabilityTokenRevoked, UserTokenRevoked),
        responses=shown("CapabilityToken"),
    ),
)
