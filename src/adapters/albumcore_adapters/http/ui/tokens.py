"""The capability tokens of an album, and those by which programs act as the reader: made, shown once, and revoked."""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import evolve, fields_dict

from albumcore import Albumcore, Grants, Permission, album_stream, user_stream
from albumcore.errors import Invalid
from albumcore.ids import AlbumId
from albumcore.index import CapabilityTokenRow
from albumcore.times import Clock
from albumcore_adapters.base.random_ids import MakeId
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.directory.people import People
from albumcore_adapters.directory.token_last_use import TokenLastUses
from albumcore_adapters.http.kheops.album_overview import overview
from albumcore_adapters.http.kheops.capability_token_json import tokens_json
from albumcore_adapters.http.kheops.capability_tokens import new_token_json, revoke
from albumcore_adapters.http.kheops.parameters import Fields
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.ui.page_request import PageRequest
from albumcore_adapters.http.ui.pages import act, page
from albumcore_adapters.http.ui.reasons import refusal_of
from albumcore_adapters.http.ui.sentences import name_of
from albumcore_adapters.http.ui.templates import show

OFFERED_GRANTS = tuple(fields_dict(Grants))
"""What a token may be for, in the order of the form."""

_DEFAULT_LIFE = timedelta(days=7)
_TIMES = ("not_before_time", "expiration_time")


def tokens_page(
    request: PageRequest, albums: Albumcore, people: People, token_last_uses: TokenLastUses
) -> Response:
    """Show the tokens, the usable ones first."""
    viewer, album = request.signed_in.caller.user, _album(request)
    stream = user_stream(viewer) if album is None else album_stream(album)
    rows = albums.index.rows(CapabilityTokenRow, {"stream": stream.name})
    rows.sort(key=lambda row: row.issued_at, reverse=True)
    rows.sort(key=lambda row: row.is_revoked or row.expires_at <= request.now)
    return show(
        request,
        "tokens.html",
        album=album,
        name=None if album is None else overview(albums.index, viewer, album).row.name,
        here_path=_here(request),
        tokens=tokens_json(rows, viewer, albums, people, token_last_uses),
        name_of=name_of,
        moment_of=datetime.fromisoformat,
        grants=OFFERED_GRANTS,
    )


def new_token_page(request: PageRequest) -> Response:
    """Show the form of a new token."""
    return _form_page(request)


def _form_page(request: PageRequest, refused: Invalid | None = None) -> Response:
    """The form of a new token: empty, or as it was filled in and why it was refused."""
    album, form = _album(request), request.form
    return show(
        request,
        "new_token.html",
        status=200 if refused is None else 400,
        album=album,
        here_path=_here(request),
        grants=() if album is None else OFFERED_GRANTS,
        chosen=[one for one in OFFERED_GRANTS if form.flag(f"{one}_permission")] or ["read"],
        title=form.text("title") or "",
        starts=form.text("not_before_time") or request.times.field(request.now),
        ends=form.text("expiration_time") or request.times.field(request.now + _DEFAULT_LIFE),
        **refusal_of(request, refused),
    )


def make_token(
    request: PageRequest,
    albums: Albumcore,
    people: People,
    token_last_uses: TokenLastUses,
    clock: Clock,
    make_id: MakeId,
    settings: Settings,
) -> Response:
    """Make a token, and show its secret this once; a refused form is shown again with the reason."""
    try:
        form = _form(request)
        about = (albums, people, token_last_uses, clock, make_id)
        token = new_token_json(request.api_with(form), *about)
    except Invalid as error:
        return _form_page(request, error)
    return show(
        request,
        "token_made.html",
        album=_album(request),
        here_path=_here(request),
        token=token,
        link=f"{settings.api_url}/link/{token['secret']}",
        expires=datetime.fromisoformat(token["expiration_time"]),
    )


def _form(request: PageRequest) -> Fields:
    """The form as the API takes it: with the scope, and with times that have an offset.

    Raises:
        Invalid: a time is none.
    """
    values = {name: list(found) for name, found in request.form.values.items()}
    album = _album(request)
    values |= (
        {"scope_type": ["user"]} if album is None else {"scope_type": ["album"], "album": [album]}
    )
    for name in _TIMES:
        text = request.form.text(name)
        values.pop(name, None)
        if text:
            try:
                values[name] = [request.times.read(text).isoformat()]
            except ValueError:
                raise Invalid(name, "a date and a time are expected", rule="time") from None
    start = values.get("not_before_time")
    if start and datetime.fromisoformat(start[0]) <= request.now:
        del values["not_before_time"]  # The minute of the form has begun: it is usable at once.
    return evolve(request.form, values=values)


def revoke_token(
    request: PageRequest, albums: Albumcore, people: People, token_last_uses: TokenLastUses
) -> Response:
    """Revoke a token."""
    token = request.api_with(capability=request.form.text("token") or "")
    revoke(token, albums, people, token_last_uses)
    return request.to(_here(request))


def _album(request: PageRequest) -> AlbumId | None:
    """The album whose tokens are shown; None for those by which programs act as the reader."""
    return None if "album" not in request.path else request.api.album


def _here(request: PageRequest) -> str:
    album = _album(request)
    return _MINE if album is None else f"/ui/albums/{album}/tokens"


_HERE, _MINE = "/ui/albums/{album}/tokens", "/ui/settings/tokens"

ROUTES = (
    page(
        _HERE,
        tokens_page,
        "Show the capability tokens of an album.",
        permission=Permission.MANAGE_CAPABILITY_TOKENS,
    ),
    page(
        f"{_HERE}/new",
        new_token_page,
        "Show the form of a new capability token of an album.",
        permission=Permission.MANAGE_CAPABILITY_TOKENS,
    ),
    act(
        _HERE,
        make_token,
        "Make a capability token of an album, and show its secret.",
        permission=Permission.MANAGE_CAPABILITY_TOKENS,
    ),
    act(
        f"{_HERE}/revoke",
        revoke_token,
        "Revoke a capability token of an album.",
        permission=Permission.MANAGE_CAPABILITY_TOKENS,
    ),
    page(_MINE, tokens_page, "Show the tokens by which programs act as the reader."),
    page(f"{_MINE}/new", new_token_page, "Show the form of such a token."),
    act(_MINE, make_token, "Make such a token, and show its secret."),
    act(f"{_MINE}/revoke", revoke_token, "Revoke such a token."),
)
