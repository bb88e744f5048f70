"""The checks that every page makes before its responder is called; see `albumcore_adapters.http.router.Api`.

In this order: where a form comes from (403), the session (303 to the sign-in page), the CSRF token (403), the UIDs in
the path (400), whether the album of the path exists for the caller (404), and the permission in it (403).
"""

from __future__ import annotations

from collections.abc import Mapping

import falcon
from attrs import evolve, frozen

from albumcore.errors import Conflict
from albumcore_adapters.access.albums import admitted
from albumcore_adapters.base.multipart import FORM_DATA, MalformedBody, MediaType, read_parts
from albumcore_adapters.http.body import body_reader
from albumcore_adapters.http.kheops.forms import MAX_FORM, MAX_FORM_OF_ANYBODY, read_form
from albumcore_adapters.http.kheops.parameters import (
    BadQuery,
    Fields,
    instance_in,
    query_of,
    series_in,
    study_in,
)
from albumcore_adapters.http.response import NO_SNIFFING, Response
from albumcore_adapters.http.route import Callers, Route
from albumcore_adapters.http.router import Api, Bound
from albumcore_adapters.http.ui.csrf import FIELD, CsrfTokens, check_origin
from albumcore_adapters.http.ui.file_forms import has_files, read_file_form
from albumcore_adapters.http.ui.page_request import PageRequest
from albumcore_adapters.http.ui.session import SessionCookies
from albumcore_adapters.sql.database import Database

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""The Content-Security-Policy of the pages: nothing inline, and nothing from elsewhere."""

PAGE_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Vary": "Cookie, Accept-Language, HX-Request",
    **dict([NO_SNIFFING]),
}
"""The headers of every page, errors included."""

SIGN_IN = "/ui/sign-in"

FROM_DIALOG = "UI-Dialog"
"""The header of a form that script sends from a dialog: where it would lead to is in ``Location`` of a 204."""

_UIDS = (("study", study_in), ("series", series_in), ("instance", instance_in))
_EMPTY = Fields({}, BadQuery)


class PastIsReadOnly(Conflict):
    """A form of a page of the past: what was cannot be changed."""

    code = "past_is_read_only"


def prefix_of(req: falcon.Request, prefix: str | None) -> str:
    """What paths of pages begin with in the browser: where the application is mounted, and a prefix asked under."""
    paths = (f"{prefix}/ui", f"{prefix}/ohif", f"{prefix}/link/")
    return req.root_path + (prefix if prefix and req.path.startswith(paths) else "")


@frozen
class PageApi(Api):
    """The part of request handling that pages have for themselves."""

    database: Database
    cookies: SessionCookies
    csrf: CsrfTokens

    def headers(self, path: str) -> Mapping[str, str]:
        """The headers of every page."""
        return PAGE_HEADERS

    def handle(
        self, route: Route, respond: Bound, req: falcon.Request, path: Mapping[str, str]
    ) -> tuple[Response, bool]:
        """Check a request, and call its responder. A page is read in one read transaction, unless all may call it.

        Raises:
            Forbidden, NotFound, Invalid, Conflict, falcon.HTTPError: the request is refused.
        """
        if route.method == "GET" and route.callers is not Callers.ANYBODY:
            with self.database.read_snapshot():
                return self._answer(route, respond, req, path), False
        if route.method == "POST":
            check_origin(req)
        response = self._answer(route, respond, req, path)
        if response.status == 303 and req.get_header(FROM_DIALOG) == "true":
            # A redirect would be followed out of sight: the reader would be taken to have looked at the page.
            response = evolve(response, status=204)
        return response, False

    def _answer(
        self, route: Route, respond: Bound, req: falcon.Request, path: Mapping[str, str]
    ) -> Response:
        request = req.context.page = self.request(req, path)
        if not _is_signed_in(route, request):
            return _to_sign_in(request)
        if (address := _better_address(route, request)) is not None:
            return Response(303, headers={"Location": address})
        if route.method == "POST":
            if route.bodies:
                request = self._with_files(request)
            else:
                anybody = route.callers is Callers.ANYBODY
                request = self._with_form(request, MAX_FORM_OF_ANYBODY if anybody else MAX_FORM)
        for name, read in _UIDS:
            if name in path:
                read(path[name])
        if "album" in path:
            album = [(path["album"], route.permission)]
            auth = self.cookies.auth
            admitted(auth.albums, request.caller, album, auth.clock())
        response: Response = respond(request)
        return response

    def request(self, req: falcon.Request, path: Mapping[str, str]) -> PageRequest:
        """The request of a page, with its sessions, and without its form."""
        user, account = self.cookies.find(req, "kheops"), self.cookies.find(req, "tscharts")
        signed_in = user or account
        return PageRequest(
            req=req,
            path=path,
            query=query_of(req) if req.query_string else _EMPTY,
            form=_EMPTY,
            prefix=prefix_of(req, self.cookies.settings.kheops_prefix),
            user=user,
            account=account,
            csrf="" if signed_in is None else self.csrf.of(signed_in.id),
            now=self.cookies.clock(),
        )

    def unknown(self, req: falcon.Request) -> PageRequest:
        """A request that was refused before its caller was looked up: the page is as without one."""
        prefix = prefix_of(req, self.cookies.settings.kheops_prefix)
        return PageRequest(req, {}, _EMPTY, _EMPTY, prefix, None, None, "", self.cookies.clock())

    def _with_form(self, request: PageRequest, longest: int) -> PageRequest:
        """The request with its form.

        Raises:
            ForgedRequest: the CSRF token is missing, or that of another session.
            PastIsReadOnly: the form is of a page of the past.
        """
        files: Mapping[str, bytes] = {}
        if request.account is not None and has_files(request.req):
            form, files = read_file_form(request.req, self.cookies.settings.max_upload)
        else:
            form = read_form(request.req, longest)
        self._check_form(request, form.text(FIELD))
        if form.text("at"):
            raise PastIsReadOnly("what is past cannot be changed")
        request.req.context.page = evolve(request, form=form, files=files)
        found: PageRequest = request.req.context.page
        return found

    def _with_files(self, request: PageRequest) -> PageRequest:
        """The request with the parts of its form, of which the first is the CSRF token, and the others are files.

        Raises:
            ForgedRequest, PastIsReadOnly: as for `_with_form`.
            falcon.HTTPUnsupportedMediaType: the body is no form with files.
            falcon.HTTPBadRequest: it is malformed.
        """
        media_type = MediaType.of(request.req.content_type)
        if media_type.name != FORM_DATA:
            raise falcon.HTTPUnsupportedMediaType(description=f"{FORM_DATA} is expected")
        parts = read_parts(media_type, body_reader(request.req))
        try:
            first = next(parts, None)
            is_token = first is not None and first.name == FIELD
            given = next(first.pieces(), b"") if first is not None and is_token else b""
        except MalformedBody as error:
            raise falcon.HTTPBadRequest(description=error.reason) from None
        self._check_form(request, given.decode("latin-1"))
        return evolve(request, parts=parts)

    def _check_form(self, request: PageRequest, token: str | None) -> None:
        sessions = [one.id for one in (request.user, request.account) if one is not None]
        self.csrf.check(sessions, token)
        if request.at is not None:
            raise PastIsReadOnly("what is past cannot be changed")


def _is_signed_in(route: Route, request: PageRequest) -> bool:
    needed = {Callers.PERSON: request.user or request.link, Callers.ACCOUNT: request.account}
    return route.callers is Callers.ANYBODY or needed[route.callers] is not None


def _better_address(route: Route, request: PageRequest) -> str | None:
    """The address that a page is led to: without a moment that is empty, or that it does not know; else in UTC."""
    if "at" not in request.query.values or route.method != "GET":
        return None
    if route.callers is Callers.ANYBODY:
        return None  # which takes its query as it is
    if request.at is None or "at" not in route.query:
        return request.address_at(None)
    return request.address_in_utc


def _to_sign_in(request: PageRequest) -> Response:
    """A redirect to the sign-in page, which leads back to where the request was for."""
    back = request.here if request.req.method == "GET" and not request.is_fragment else None
    address = request.url(SIGN_IN, back=back)
    if request.is_fragment or request.req.get_header(FROM_DIALOG) == "true":
        return Response(401, headers={"HX-Redirect": address})
    return Response(303, headers={"Location": address})
