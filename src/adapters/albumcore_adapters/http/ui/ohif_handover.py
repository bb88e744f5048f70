"""How a reader comes from the pages to OHIF at an origin of its own: with a code, once, for a cookie there.

The address that leads there has no token that stays in it: the code is used up before a page is shown, and ends after
a minute. It and the cookie stand for the session of the pages, by its digest. So they end with it, however it ends,
nothing more is stored, and any worker of any machine accepts them.
"""

from __future__ import annotations

from urllib.parse import quote, urlencode

from albumcore_adapters.base.random_ids import MakeId
from albumcore_adapters.directory.sessions import session_digest
from albumcore_adapters.directory.single_use import SingleUseTokens
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.ui.page_api import SIGN_IN
from albumcore_adapters.http.ui.page_request import PageRequest
from albumcore_adapters.http.ui.session import SessionCookies
from albumcore_adapters.identity.errors import Unauthorized
from albumcore_adapters.identity.service_tokens import (
    OHIF_CODE,
    Issuer,
    ohif_token,
    read_ohif_token,
)

CODE = "handover"
"""The query parameter with the code."""


def has_link(request: PageRequest) -> bool:
    """Whether OHIF is given a link, with which it needs no session."""
    return bool(request.query.text("url"))


def to_ohif(request: PageRequest, origin: str, issuer: Issuer, make_id: MakeId) -> Response:
    """Lead from the pages to the same address at the origin of OHIF, or to the sign-in page.

    Any site can have a browser do this: the reader then looks at a study, which no one else sees.
    """
    if has_link(request):
        return led_to(request, origin)
    if request.user is None:
        return request.to(SIGN_IN)
    session = session_digest(request.user.id)
    code = ohif_token(issuer, OHIF_CODE, session, make_id(22), request.now)
    return led_to(request, origin, code=code)


def with_session(
    request: PageRequest, origin: str, cookies: SessionCookies, single_use: SingleUseTokens
) -> Response:
    """Begin what stands for the session at the origin of OHIF, and lead to the address without the code.

    Without a good code, there is no cookie: the same address then leads back to the pages, and from there here again.

    A site can have a browser use a code of another user. That is accepted: the reader then sees what that user sees,
    and nothing that is done in the viewer is stored.
    """
    made = []
    given, issuer = request.query.text(CODE) or "", cookies.auth.issuer
    try:
        code = read_ohif_token(issuer, OHIF_CODE, given, request.now)
        if single_use.consume("ohif", code.number, ends_at=code.ends_at, at=request.now):
            made.append(cookies.begin_at_ohif(code, request.prefix))
    except Unauthorized:
        pass
    return led_to(request, origin, *made)


def led_to(request: PageRequest, root: str, *cookies: str, code: str | None = None) -> Response:
    """A redirect to the same path and query at another root, with this code or without one."""
    query = {name: given for name, given in request.query.values.items() if name != CODE}
    if code is not None:
        query[CODE] = [code]
    asked = f"?{urlencode(query, doseq=True)}" if query else ""
    address = root + quote(request.req.path) + asked
    return Response(303, headers={"Location": address}, cookies=cookies)
