"""What a route is, and the checks that every route makes before its responder is asked.

They come in the order of the documented API: who it is (401), the UIDs in the path (400), whether he acts as a
user (403), whether the albums that are named are there for him (404), whether he may do this (403), and only
then what was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any

import falcon
from attrs import field, frozen

from adapters.deployment import Deployment
from adapters.http.auth import Unauthorized
from adapters.http.kheops.access import permitted, reached, series_in, study_in
from adapters.http.kheops.ask import Ask
from adapters.http.kheops.callers import Caller, authenticate
from adapters.http.kheops.params import query_of
from albumcore import Permission, Source
from albumcore.errors import Forbidden
from albumcore.ids import UserId

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
    """

    method: str
    path: str
    respond: Callable[[Ask], None]
    callers: Callers = Callers.USER
    permission: Permission | None = None
    query_permission: Permission | None = None
    records: tuple[type[Any], ...] = ()
    answers: tuple[str, ...] = field(default=())
    needs: str | None = None

    def check(self, deployment: Deployment, req: falcon.Request, path: Mapping[str, str]) -> Caller:
        """The caller, if this may be asked of us by him.

        Raises:
            Unauthorized: it is nobody, or not a user in person where that is needed.
            BadQuery: a UID in the path is none.
            Forbidden: he does not act as a user where that is needed, or lacks the permission.
            AlbumNotFound: an album that path or query name is not there for him.
            falcon.HTTPNotAcceptable: ``Accept`` leaves no room for the answer.
        """
        anybody = self.callers is Callers.ANYBODY
        caller = NOBODY if anybody else self._admitted(deployment, req, path)
        if self.answers and not any(map(req.client_accepts, self.answers)):
            told = f"the answer is {' or '.join(self.answers)}, which Accept leaves no room for"
            raise falcon.HTTPNotAcceptable(description=told)
        return caller

    def _admitted(
        self, deployment: Deployment, req: falcon.Request, path: Mapping[str, str]
    ) -> Caller:
        caller = authenticate(deployment, req)
        if self.callers is Callers.PERSON and not caller.in_person:
            raise Unauthorized("only a user in person does this, by the identity provider's token")
        for name, read in (("study", study_in), ("series", series_in)):
            if name in path:
                read(path[name])
        if self.callers is Callers.USER and not caller.acts_as_user:
            raise Forbidden("only a user does this, or a capability token that acts as one")
        named = path.get("album"), query_of(req).text("album")
        for album in named:
            if album is not None:
                reached(deployment, caller, album)
        for album, permission in zip(named, (self.permission, self.query_permission), strict=True):
            if album is not None and permission is not None:
                permitted(deployment, caller, album, permission)
        return caller


def resources(deployment: Deployment, routes: Iterable[Route]) -> Iterable[tuple[str, object]]:
    """The addresses of some routes, each once, and the resource that answers there."""
    by_path: dict[str, dict[str, Route]] = {}
    for route in routes:
        by_path.setdefault(route.path, {})[route.method] = route
    for path, by_method in by_path.items():
        responders = {
            f"on_{method.lower()}": staticmethod(_responder(deployment, route))
            for method, route in by_method.items()
        }
        # Falcon looks for responders by these names.
        yield path, type("Resource", (), responders)()


def _responder(deployment: Deployment, route: Route) -> Callable[..., None]:
    def respond(req: falcon.Request, resp: falcon.Response, **path: str) -> None:
        req.context.route = route
        caller = route.check(deployment, req, path)
        route.respond(Ask(deployment, req, resp, caller, path))

    return respond
