"""Capability tokens over HTTP: make one, list them, show one, revoke one (Kheops API 10)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from attrs import fields_dict, frozen

from albumcore import (
    Album,
    CapabilityToken,
    Grants,
    Permission,
    Stream,
    UserTokens,
    album_stream,
    user_stream,
)
from albumcore.albums.events import CapabilityTokenIssued, CapabilityTokenRevoked
from albumcore.errors import CapabilityTokenNotFound, Forbidden, Invalid
from albumcore.ids import AlbumId, CapabilityTokenId, UserId
from albumcore.index import CapabilityTokenRow, MemberRow
from albumcore.streams import key_of, named_stream
from albumcore.times import local_time
from albumcore.user_tokens import UserTokenIssued, UserTokenRevoked
from albumcore.user_tokens.values import check_grants
from albumcore_adapters.directory import Person
from albumcore_adapters.http.kheops.common import PAGE, has, listed, shown
from albumcore_adapters.http.kheops.feed_json import Json, present
from albumcore_adapters.http.kheops.params import BadQuery, Fields, Page
from albumcore_adapters.http.kheops.request import UnconvertedRequest as ApiRequest
from albumcore_adapters.http.openapi.parts import TEXT, ParameterSpec, Schema, group, text
from albumcore_adapters.http.openapi.schemas import ALPHANUMERIC
from albumcore_adapters.http.openapi.values import MOMENT, PLAIN, TRUE, USER, WORD, any_case
from albumcore_adapters.http.route import Callers, Route
from albumcore_adapters.identity.capability_secrets import digest_of

ID_LENGTH = 10
SECRET_LENGTH = 22


class NotAdmin(Forbidden):
    """A member who is not an admin makes no tokens of the album."""

    code = "not_admin"


# Making


def create(request: ApiRequest) -> None:
    """Make a token, and show its secret, this once: what is kept of it is its digest."""
    form = request.form()
    scope = SCOPES.get((form.text("scope_type") or "").lower())
    if scope is None:
        raise Invalid("scope_type", "it is user or album")
    stream, issue = scope(request, form)
    token_id = CapabilityTokenId(request.service.make_id(ID_LENGTH))
    secret = request.service.make_id(SECRET_LENGTH)
    request.service.albums.handle(
        stream,
        issue,
        request.source,
        token_id=token_id,
        digest=digest_of(secret),
        title=form.text("title") or "",
        not_before=_time(form, "not_before_time"),
        expires_at=_time(form, "expiration_time"),
    )
    token = _one(request, {"digest": digest_of(secret)})
    request.answer(token | {"access_token": secret, "secret": secret}, 201)


Issue = tuple[Stream[Any], Callable[..., tuple[Any, ...]]]


def _of_user(request: ApiRequest, form: Fields) -> Issue:
    _grants(form)  # They mean nothing here, but what does not hang together is a mistake here too.
    return user_stream(request.caller.user), UserTokens.issue


def _of_album(request: ApiRequest, form: Fields) -> Issue:
    album = form.text("album")
    if not album:
        raise Invalid("album", "a token of scope album needs one")
    try:
        stream = request.permitted(album, Permission.MANAGE_CAPABILITY_TOKENS)
    except Forbidden as error:
        raise NotAdmin(error.detail) from None
    return stream, partial(Album.issue_capability_token, grants=_grants(form))


SCOPES: Mapping[str, Callable[[ApiRequest, Fields], Issue]] = {"user": _of_user, "album": _of_album}
"""Where a token is made, and by which decision, by its scope."""


def _grants(form: Fields) -> Grants:
    names = fields_dict(Grants)
    return check_grants(Grants(**{name: form.flag(f"{name}_permission") is True for name in names}))


_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(?:(Z)|([-+ ])(\d{2})(?::?(\d{2}))?)",
    re.IGNORECASE,
)


def _time(form: Fields, name: str) -> datetime | None:
    """A moment as ISO 8601 writes it, with its offset from UTC; None where there is none.

    The blank that a plus sign becomes, where a client forgot to encode it in a form, counts as that plus sign.
    """
    text = form.text(name)
    if text is None:
        return None
    if (match := _TIME.fullmatch(text)) is None:
        raise Invalid(name, "a time looks like 2026-01-31T12:00:00+01:00")
    local, utc, sign, hours, minutes = match.groups()
    offset = "+00:00" if utc else f"{'-' if sign == '-' else '+'}{hours}:{minutes or '00'}"
    try:
        return datetime.fromisoformat(local.upper() + offset)
    except ValueError:
        raise Invalid(name, "there is no such time") from None


# Listing, showing, revoking


def list_all(request: ApiRequest) -> None:
    """List one's own tokens, or all that an album has, newest first; with ``valid``, those not revoked nor expired."""
    page = Page.of(request.query)
    rows = request.service.albums.index.rows(CapabilityTokenRow, _wanted(request))
    if request.query.flag("valid") is True:
        at = request.service.clock()
        rows = [row for row in rows if not row.is_revoked and row.expires_at > at]
    rows.sort(key=lambda row: row.issued_at, reverse=True)
    request.answer(_tokens_json(request, rows[page.slice]), total=len(rows))


def _wanted(request: ApiRequest) -> dict[str, str]:
    album, creator = request.query.text("album"), request.query.text("user")
    if album is None:
        if creator is not None:
            raise BadQuery("user", "it chooses among the tokens of an album")
        return {"creator": request.caller.user}
    of_album = {"stream": album_stream(AlbumId(album)).name}
    return of_album if creator is None else of_album | {"creator": request.user_named(creator)}


def get(request: ApiRequest) -> None:
    """Show a token to its creator, or to an admin of its album."""
    request.answer(_one(request, _key(_seen(request))))


def revoke(request: ApiRequest) -> None:
    """Take a token back; its creator may, and the admins of its album. One revoked or expired stays as it is."""
    row = _seen(request)
    stream = named_stream(row.stream)
    decision: Callable[..., tuple[Any, ...]] = (
        Album.revoke_capability_token if isinstance(stream.initial, Album) else UserTokens.revoke
    )
    request.service.albums.handle(stream, decision, request.source, CapabilityTokenId(row.token_id))
    request.answer(_one(request, _key(row)))


def _seen(request: ApiRequest) -> CapabilityTokenRow:
    """The token in the path, if it is there for the caller.

    Raises:
        CapabilityTokenNotFound: no such token, or neither his own nor of an album whose admin he is.
    """
    wanted = {"token_id": request.path["capability"]}
    for row in request.service.albums.index.rows(CapabilityTokenRow, wanted):
        if row.creator == request.caller.user or _is_admin(request, row):
            return row
    raise CapabilityTokenNotFound("no such capability token")


def _is_admin(request: ApiRequest, row: CapabilityTokenRow) -> bool:
    if not isinstance(named_stream(row.stream).initial, Album):
        return False
    admin = {"album_id": key_of(row.stream), "sub": request.caller.user, "is_admin": True}
    return bool(request.service.albums.index.rows(MemberRow, admin))


def _key(row: CapabilityTokenRow) -> dict[str, str]:
    return {"digest": row.digest}


def _one(request: ApiRequest, where: Mapping[str, str]) -> Json:
    rows = request.service.albums.index.rows(CapabilityTokenRow, where)
    for token in _tokens_json(request, rows):
        return token
    raise CapabilityTokenNotFound("the album of the capability token was deleted a moment ago")


# As clients read them


@frozen
class _Held:
    """A token, and what holds it: an album, or its user's own stream."""

    token_id: CapabilityTokenId
    token: CapabilityToken
    album: tuple[str, Album] | None

    @property
    def people(self) -> set[UserId]:
        return {user for user in (self.token.creator, self.token.revoked_by) if user is not None}


def _held(request: ApiRequest, rows: Iterable[CapabilityTokenRow]) -> Iterable[_Held]:
    # A row may have outlived its token: the album can be deleted after it was read.
    states: dict[str, Any] = {}
    for row in rows:
        stream, token_id = named_stream(row.stream), CapabilityTokenId(row.token_id)
        if row.stream not in states:
            states[row.stream] = request.service.albums.load(stream)
        state = states[row.stream]
        if not isinstance(state, Album):
            yield _Held(token_id, state.tokens[token_id], None)
        elif token_id in state.capability_tokens:
            token = state.capability_tokens[token_id]
            yield _Held(token_id, token, (key_of(row.stream), state))


def _tokens_json(request: ApiRequest, rows: Iterable[CapabilityTokenRow]) -> list[Json]:
    held = list(_held(request, rows))
    known = request.service.people.people({user for one in held for user in one.people})
    used = request.service.token_uses.last_used(one.token_id for one in held)

    def person(user: UserId) -> Json:
        found = known.get(user, Person(user))
        return present(email=found.email, name=found.name, sub=user)

    def of_album(one: _Held, album_id: str, album: Album) -> Json:
        token = one.token
        grants = {f"{name}_permission": getattr(token.grants, name) for name in fields_dict(Grants)}
        # Who has left the album keeps his tokens on the list, and learns nothing new of the album.
        name = album.name if request.caller.user in album.members else None
        return grants | present(
            album=present(album_id=album_id, name=name),
            created_by=person(token.creator),
            revoked_by=None if token.revoked_by is None else person(token.revoked_by),
        )

    return [
        present(
            id=one.token_id,
            title=one.token.title,
            token_type="Bearer",  # noqa: S106
            issued_at_time=_utc(one.token.issued_at),
            not_before_time=_utc(one.token.not_before),
            expiration_time=_utc(one.token.expires_at),
            last_used=_utc(used.get(one.token_id)),
            revoked=one.token.revoked_at is not None,
            revoke_time=_utc(one.token.revoked_at),
            scope_type="user" if one.album is None else "album",
        )
        | ({} if one.album is None else of_album(one, *one.album))
        for one in held
    ]


def _utc(at: datetime | None) -> str | None:
    """A moment as tokens show it: UTC, and marked as that by a ``Z``."""
    return None if at is None else f"{local_time(at)}Z"


MAKER = "made the token, or is an admin of its album"

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
        "POST",
        "/capabilities",
        create,
        summary="Make a capability token; its secret is shown this once.",
        callers=Callers.PERSON,
        needs=f"for an album: `{Permission.MANAGE_CAPABILITY_TOKENS.value}` in it",
        records=(
            CapabilityTokenIssued,
            UserTokenIssued,
        ),
        form={
            "title": ParameterSpec(text(1, 255, **PLAIN), required=True),
            "scope_type": ParameterSpec(any_case("user", "album"), required=True),
            "album": ParameterSpec(TEXT, "With scope_type album alone; it is needed then."),
            **{f"{name}_permission": ParameterSpec(WORD) for name in fields_dict(Grants)},
            "expiration_time": ParameterSpec(MOMENT),
            "not_before_time": ParameterSpec(MOMENT),
        },
        form_rules=(_SCOPE_HAS_ITS_ALBUM, _GRANTS_HANG_TOGETHER),
        responses=shown("CapabilityToken", 201),
    ),
    Route(
        "GET",
        "/capabilities",
        list_all,
        summary="List one's own tokens, or those of an album.",
        callers=Callers.PERSON,
        query_permission=Permission.MANAGE_CAPABILITY_TOKENS,
        needs="otherwise it tells of the caller's own",
        query={
            **PAGE,
            "valid": ParameterSpec(WORD, "true: neither revoked nor expired."),
            "of": group(
                {
                    "album": ParameterSpec(ALPHANUMERIC),
                    "user": ParameterSpec(USER, "Who made them; with an album."),
                },
                {"dependentRequired": {"user": ["album"]}},
            ),
        },
        responses=listed("CapabilityToken"),
    ),
    Route(
        "GET",
        "/capabilities/{capability}",
        get,
        summary="Show a capability token.",
        needs=MAKER,
        responses=shown("CapabilityToken"),
    ),
    Route(
        "POST",
        "/capabilities/{capability}/revoke",
        revoke,
        summary="Take a capability token back.",
        callers=Callers.PERSON,
        needs=MAKER,
        records=(
            CapabilityTokenRevoked,
            UserTokenRevoked,
        ),
        responses=shown("CapabilityToken"),
    ),
)
