"""What a route is, and the checks that every route makes before its responder is asked.

They come in the order of the documented API: who it is (401), the UIDs in the path (400), whether he acts as a
user (403), whether the albums that are named are there for him (404), whether he may do this (403), and only
then what was sent. A request that was answered before, and comes again, is answered again once it is known whose
it is: the other checks are of the present, and the answer is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any

import falcon
from attrs import field, frozen

from albumcore import Permission, RecordedEvent, Source
from albumcore.errors import Forbidden
from albumcore.ids import UserId
from albumcore_adapters.access.albums import admitted
from albumcore_adapters.http.accept import preferred
from albumcore_adapters.http.idempotency import IdempotencyKey
from albumcore_adapters.http.kheops.forms import MAX_FORM, MAX_FORM_OF_ANYBODY
from albumcore_adapters.http.kheops.params import query_of, series_in, study_in
from albumcore_adapters.http.kheops.request import ApiRequest
from albumcore_adapters.http.response_cache import Answer, in_its_own_block
from albumcore_adapters.identity.callers import Caller, authenticate
from albumcore_adapters.identity.jwt import Unauthorized, bearer
from albumcore_adapters.service import Service

JSON = "application/json"
DICOM_JSON = "application/dicom+json"


class Callers(Enum):
    """Who may ask at all."""

    ANYBODY = "anybody, with a token or without"
    ANY_TOKEN = "any token"  # noqa: S105
    USER = "a user, or a capability token that acts as one"
    PERSON = "a user in person"


NOBODY = Caller(Source(UserId("nobody")), inbox=False, albums=False, studies=frozenset())
"""Who asks where no token is asked for; reaches nothing."""


@frozen
class Route:
    """One operation of the API: a method and an address, and all there is to know of it before it is read.

    Attributes:
        method: The HTTP method.
        path: The address, with the parts that vary in braces.
        respond: What answers.
        callers: Who may ask at all.
        permission: What the caller must hold in the album that the path names.
        query_permission: What the caller must hold in the album that ``album`` in the query names, if it does.
        records: The classes of events it can lead to, in any album.
        answers: The media types of the answer that ``Accept`` must leave room for one of; none for no body.
        needs: What else must hold, in words, for the documentation; the responder sees to it. A route that asks
            for no permission says here what it asks for instead, unless it names an album that must be reached.
        from_store: Whether the answer comes from the database alone, and not from the clock or from elsewhere: it
            is then read in one moment, and kept for whoever asks the same before anything is written.
        again: What answers when the same request comes again, by the event that it led to. A route that has none
            ignores ``Idempotency-Key``.
    """

    method: str
    path: str
    respond: Callable[[ApiRequest], None]
    callers: Callers = Callers.USER
    permission: Permission | None = None
    query_permission: Permission | None = None
    records: tuple[type[Any], ...] = ()
    answers: tuple[str, ...] = field(default=())
    needs: str | None = None
    from_store: bool = False
    again: Callable[[ApiRequest, RecordedEvent[Any]], None] | None = None

    def caller(self, service: Service, req: falcon.Request) -> Caller:
        """Whose request it is.

        Raises:
            Unauthorized: it is nobody's, or not a user's in person where that is needed.
        """
        if self.callers is Callers.ANYBODY:
            return NOBODY
        caller = authenticate(service.auth, req.get_header("Authorization"))
        if self.callers is Callers.PERSON and not caller.in_person:
            raise Unauthorized("only a user in person does this, by the identity provider's token")
        return caller

    def key(self, req: falcon.Request, caller: Caller) -> IdempotencyKey | None:
        """By which the request is known again if it comes again; None where nothing is to be known by.

        Raises:
            falcon.HTTPBadRequest: ``Idempotency-Key`` is malformed.
        """
        if self.again is None:
            return None
        return IdempotencyKey.of(
            req, "kheops", f"{self.method} {self.path}", caller.user, caller.shown
        )

    def accept(self, req: falcon.Request) -> None:
        """See to it that the answer will be read.

        Raises:
            falcon.HTTPNotAcceptable: ``Accept`` leaves no room for the answer.
        """
        if self.answers and preferred(req, self.answers) is None:
            told = f"the answer is {' or '.join(self.answers)}, which Accept leaves no room for"
            raise falcon.HTTPNotAcceptable(description=told)

    def admit(self, request: ApiRequest) -> None:
        """See to it that this may be asked of us by the caller.

        Raises:
            BadQuery: a UID in the path is none.
            Forbidden: he does not act as a user where that is needed, or lacks the permission.
            AlbumNotFound: an album that path or query name is not there for him.
        """
        if self.callers is Callers.ANYBODY:
            return
        service, caller, path = request.service, request.caller, request.path
        for name, read in (("study", study_in), ("series", series_in)):
            if name in path:
                read(path[name])
        if self.callers is Callers.USER and not caller.acts_as_user:
            raise Forbidden("only a user does this, or a capability token that acts as one")
        named = path.get("album"), query_of(request.req).text("album")
        needed = zip(named, (self.permission, self.query_permission), strict=True)
        wanted = [(album, permission) for album, permission in needed if album is not None]
        admitted(service.albums, caller, wanted, service.clock())


def resources(service: Service, routes: Iterable[Route]) -> Iterable[tuple[str, object]]:
    """The addresses of some routes, each once, and the resource that answers there."""
    by_path: dict[str, dict[str, Route]] = {}
    for route in routes:
        by_path.setdefault(route.path, {})[route.method] = route
    for path, by_method in by_path.items():
        responders = {
            f"on_{method.lower()}": staticmethod(_responder(service, route))
            for method, route in by_method.items()
        }
        # Falcon looks for responders by these names.
        yield path, type("Resource", (), responders)()


def _responder(service: Service, route: Route) -> Callable[..., None]:
    def respond(req: falcon.Request, resp: falcon.Response, **path: str) -> None:
        req.context.route = route
        if route.from_store:
            _from_store(service, route, req, resp, path)
        else:
            _answered(service, route, req, resp, path)

    return respond


def _answered(
    service: Service,
    route: Route,
    req: falcon.Request,
    resp: falcon.Response,
    path: Mapping[str, str],
) -> Caller:
    caller = route.caller(service, req)
    longest = MAX_FORM_OF_ANYBODY if route.callers is Callers.ANYBODY else MAX_FORM
    request = ApiRequest(service, req, resp, caller, path, route.key(req, caller), longest)
    # What a user was answered is not for a token that he lent for something narrower.
    may_know = route.callers is not Callers.USER or caller.acts_as_user
    before = request.done_before() if may_know else ()
    if not before:
        route.admit(request)
    route.accept(req)
    if before and route.again is not None:
        route.again(request, before[0])
    else:
        route.respond(request)
    return caller


_HEADERS_THAT_MATTER = (
    "Accept",
    "Authorization",
    "X-Authorization-Source",
    "X-Link-Authorization",
)


def _from_store(
    service: Service,
    route: Route,
    req: falcon.Request,
    resp: falcon.Response,
    path: Mapping[str, str],
) -> None:
    question = (
        req.method,
        req.path,
        req.query_string,
        *(req.get_header(name) for name in _HEADERS_THAT_MATTER),
    )
    mark = service.database.data_version()
    kept: Answer | None = service.response_cache.get(question, mark)
    if kept is not None:
        # The one thing that changes without a word in the database: the token may have expired. To end all tokens
        # of a user is written there, so no answer is at hand after it.
        service.verifier.verify(bearer(req.get_header("Authorization")))
        resp.status, resp.data = kept.status, kept.body
        resp.set_headers(kept.headers)
        return
    with service.database.read_snapshot():
        caller = _answered(service, route, req, resp, path)
    if caller.in_person:
        answer = Answer(resp.status, resp.headers, in_its_own_block(resp.data or b""))
        service.response_cache.put(question, mark, answer, len(answer.body))
