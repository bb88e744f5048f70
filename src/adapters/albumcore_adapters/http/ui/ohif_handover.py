"""How a reader comes from the pages to OHIF at an origin of its own: with a code, once, for a cookie there.

The address that leads there has no token that stays in it: the code is used up before a page is shown, and ends after
a minute. It and the cookie stand for the session of the pages, by its digest. So they end with it, however it ends,
nothing more is stored, and any worker of any machine accepts them.
"""

from __future__ import annotations

from urllib.parse import quote, urlencode, urlsplit

from albumcore_adapters.base.random_ids import MakeId
from albumcore_adapters.directory.sessions import session_digest
from albumcore_adapters.directory.single_use import SingleUseTokens
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.ui.page_api import SIGN_IN
from albumcore_adapters.http.ui.page_request import PageRequest
from albumcore_adapters.http.ui.session import SessionCookies
from albumcore_adapters.http.ui.templates import show
from albumcore_adapters.identity.errors import Unauthorized
from albumcore_adapters.identity.service_tokens import (
    OHIF_CODE,
    Issuer,
    ohif_token,
    read_ohif_token,
)

CODE = "handover"
"""The query parameter with the code."""

USED = "used"
"""What is in the place of the code after a cookie was made for it: the next request has the cookie, or never will."""


def has_link(request: PageRequest) -> bool:
    """Whether OHIF is given a link, with which it needs no session."""
    return bool(request.query.text("url"))


def to_ohif(request: PageRequest, origin: str, issuer: Issuer, make_id: MakeId) -> Response:
    """Lead from the pages to the same address at the origin of OHIF, or to the sign-in page.

    Any site can have a browser do this: the reader then looks at a study, which no one else sees.

    Where the browser comes back from there without the cookie that it was just given, a page says so: it would come
    back without it for ever.
    """
    if has_link(request):
        return led_to(request, origin)
    if request.user is None:
        return request.to(SIGN_IN)
    if request.query.text(CODE) == USED:
        again, host = address_of(request, request.req.root_path), urlsplit(origin).netloc
        return show(request, "ohif_without_cookie.html", status=403, again=again, host=host)
    session = session_digest(request.user.id)
    code = ohif_token(issuer, OHIF_CODE, session, make_id(22), request.now)
    return led_to(request, origin, code=code)


def with_session(
    request: PageRequest, origin: str, cookies: SessionCookies, single_use: SingleUseTokens
) -> Response:
    """Begin what stands for the session at the origin of OHIF, and lead to the address without the code.

    It is led to by way of the address with `USED`, where the cookie is there or is missed.

    Without a good code, there is no cookie: the same address then leads back to the pages, and from there here again.

    A site can have a browser use a code of another user. That is accepted: the reader then sees what that user sees,
    and nothing that is done in the viewer is stored.
    """
    given, issuer = request.query.text(CODE) or "", cookies.auth.issuer
    if given == USED:
        came = request.user is not None
        return (
            led_to(request, origin) if came else led_to(request, cookies.settings.root, code=USED)
        )
    try:
        code = read_ohif_token(issuer, OHIF_CODE, given, request.now)
    except Unauthorized:
        return led_to(request, origin)
    if not single_use.consume("ohif", code.number, ends_at=code.ends_at, at=request.now):
        return led_to(request, origin)
    return led_to(request, origin, cookies.begin_at_ohif(code, request.prefix), code=USED)


def led_to(request: PageRequest, root: str, *cookies: str, code: str | None = None) -> Response:
    """A redirect to the same path and query at another root, with this code or without one."""
    headers = {"Location": address_of(request, root, code)}
    return Response(303, headers=headers, cookies=cookies)


def address_of(request: PageRequest, root: str, code: str | None = None) -> str:
    """The address of the same path and query at a root, with this code or without one."""
    query = {name: given for name, given in request.query.values.items() if name != CODE}
    if code is not None:
        query[CODE] = [code]
    asked = f"?{urlencode(query, doseq=True)}" if query else ""
    return root + quote(request.req.path) + asked
