"""The request as the responders of pages see it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from urllib.parse import quote, urlencode

import falcon
from attrs import field, frozen
from markupsafe import Markup

from albumcore import Source
from albumcore.times import local_time
from albumcore_adapters.base.multipart import BodyPart
from albumcore_adapters.http.kheops.parameters import BadQuery, Fields, query_of
from albumcore_adapters.http.kheops.request import ApiRequest
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.tscharts.request import TSChartsRequest
from albumcore_adapters.http.ui.local_times import LocalTimes, zone_named
from albumcore_adapters.http.ui.session import SignedIn
from albumcore_adapters.http.ui.texts import PageTexts, chosen_language, texts_in
from albumcore_adapters.identity.callers import Caller
from albumcore_adapters.identity.errors import Unauthorized

KEYS_COOKIE = "keys"
"""The cookie that is ``off`` where keys of a single letter are turned off."""


_TO_ITS_END = timedelta(seconds=59)


def moment_text(at: datetime) -> str:
    """A moment as in addresses: in UTC, exact to the microsecond unless it is a whole second."""
    return f"{local_time(at)}Z"


def neighbours(offset: int, size: int, total: int) -> tuple[int | None, int | None]:
    """The offsets of the pages before and after one of so many things of a total; None where there is none."""
    after = offset + size
    return None if offset == 0 else max(0, offset - size), after if after < total else None


def _address(path: str, query: Mapping[str, str | int | None]) -> str:
    given = {name: value for name, value in query.items() if value is not None}
    return path + (f"?{urlencode(given)}" if given else "")


@frozen
class _FormRequest(ApiRequest):
    """A request whose form was read before it was checked."""

    given: Fields = field(kw_only=True)
    asked: Fields | None = field(kw_only=True, default=None)

    @cached_property
    def query(self) -> Fields:
        """The query parameters: those that the page gave, or those of the request."""
        return query_of(self.req) if self.asked is None else self.asked

    def form(self) -> Fields:
        """The form parameters."""
        return self.given


@frozen
class Link:
    """A link that a page is asked for through.

    Attributes:
        path: The path that its pages are below, with its token.
        caller: Who asks, by the token.
    """

    path: str = field(repr=False)
    caller: Caller


@frozen(slots=False)
class PageRequest:
    """A request for a page, or of a form on one, that has passed the checks of its route.

    Attributes:
        req: The request as Falcon parsed it.
        path: The parameters in its path, by name.
        query: The parameters of its query string.
        form: The fields of its form; empty for a page, and for a form whose files are read as they arrive.
        files: The files of its form, by the name of the field; none of a field that was left empty.
        parts: The parts of a form whose files are read as they arrive; none otherwise.
        link: The link that it came through, in place of a session; None for all others.
        prefix: What its path begins with, before that of the page, such as ``/api``; links carry it on.
        user: The session of a user of albums, if there is one.
        account: The session of an account of the TSCharts API, if there is one.
        csrf: The token for the forms of the page; empty without a session.
        now: The present (UTC).
    """

    req: falcon.Request = field(repr=False)
    path: Mapping[str, str]
    query: Fields
    form: Fields
    prefix: str
    user: SignedIn | None
    account: SignedIn | None
    csrf: str
    now: datetime
    files: Mapping[str, bytes] = field(factory=dict, repr=False)
    parts: Iterator[BodyPart] = field(factory=lambda: iter(()), repr=False)
    link: Link | None = None

    # Who asks

    @property
    def signed_in(self) -> SignedIn:
        """Who is signed in at albums.

        Raises:
            Unauthorized: no user is; the check of the route has seen to it.
        """
        if self.user is None:
            raise Unauthorized("you are not signed in")
        return self.user

    @property
    def caller(self) -> Caller:
        """Who reads albums: the token of the link, or the user who is signed in.

        Raises:
            Unauthorized: there is neither.
        """
        return self.signed_in.caller if self.link is None else self.link.caller

    @property
    def api(self) -> ApiRequest:
        """The request as a responder of the Kheops API takes it: with the path, the query and the form of this one."""
        return self.api_with()

    def api_with(
        self, form: Fields | None = None, query: Mapping[str, str] | None = None, **path: str
    ) -> ApiRequest:
        """`api` with more parameters in its path, and with another form or query if there is one."""
        given = self.form if form is None else form
        asked = None
        if query is not None:
            asked = Fields({name: [value] for name, value in query.items()}, BadQuery)
        path = {**self.path, **path}
        return _FormRequest(self.req, self.caller, path, given=given, asked=asked)

    @property
    def source(self) -> Source:
        """Who acts."""
        return self.signed_in.caller.source

    @property
    def account_api(self) -> TSChartsRequest:
        """The request as a responder of the TSCharts API takes it, for the picture of the path.

        Raises:
            Unauthorized: no account is signed in; the check of the route has seen to it.
        """
        if self.account is None:
            raise Unauthorized("you are not signed in")
        path = {"key": self.path.get("picture", "")}
        return TSChartsRequest(self.req, self.req.context.route, self.account.caller.source, path)

    @property
    def is_fragment(self) -> bool:
        """Whether htmx asks for a part of a page."""
        return self.req.get_header("HX-Request") == "true"

    @property
    def at(self) -> str | None:
        """The moment of the past that is shown, as in the address; None for the present."""
        return self.query.text("at") or None

    @property
    def address_in_utc(self) -> str | None:
        """The same address with ``at`` in UTC, if it is as a date field has it: in the reader's time zone.

        Such an address shows the same to all. A minute counts to its end, and that of now is the present.
        """
        text = self.at or ""
        try:
            is_local = "T" in text and datetime.fromisoformat(text).tzinfo is None
            at = self.times.read(text) if is_local else None
        except ValueError:
            return None
        if at is None:
            return None
        if self.times.field(at) == self.times.field(self.now):
            return self.address_at(None)
        is_minute = len(text) == len("YYYY-MM-DDThh:mm")
        return self.address_at(moment_text(at + _TO_ITS_END * is_minute))

    def address_at(self, at: str | None) -> str:
        """The same address as of another moment; None for the present."""
        query = {name: self.query.text(name) or None for name in self.query.values} | {"at": at}
        return _address(quote(self.here_path), query)

    # How it is shown

    @cached_property
    def texts(self) -> PageTexts:
        """The texts in the language of the reader: of the cookie ``lang``, else ``Accept-Language``."""
        accepted = self.req.get_header("Accept-Language")
        return texts_in(chosen_language(self.req.cookies.get("lang"), accepted))

    @cached_property
    def times(self) -> LocalTimes:
        """Times in the reader's time zone: of the cookie ``tz``, else UTC."""
        return LocalTimes(self.texts, zone_named(self.req.cookies.get("tz")), self.now)

    @property
    def has_keys(self) -> bool:
        """Whether keys of a single letter act on the page."""
        return self.req.cookies.get(KEYS_COOKIE) != "off"

    @property
    def here_path(self) -> str:
        """The path of the request, as the browser has it."""
        return self.req.root_path + self.req.path

    @property
    def here(self) -> str:
        """The path and query of the request, as the browser has them."""
        query = self.req.query_string
        return self.here_path + (f"?{query}" if query else "")

    def say(self, key: str, **places: object) -> Markup:
        """A text in the language of the reader; see `PageTexts.say`."""
        return self.texts.say(key, **places)

    def url(self, path: str, /, **query: str | int | None) -> str:
        """The address of a path of this service, under the prefix of the request, and below its link if it has one.

        None leaves a parameter out.
        """
        below = self.prefix if self.link is None else self.prefix + self.link.path
        return _address(below + path, query)

    def to(self, path: str, /, *cookies: str, **query: str | int | None) -> Response:
        """A redirect to a page, after a form (303)."""
        return Response(303, headers={"Location": self.url(path, **query)}, cookies=cookies)
