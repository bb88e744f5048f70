"""The checks that every route makes before its responder is called.

In this order: authentication (401), the UIDs in the path (400), whether the caller acts as a user (403), whether the
albums of path and query exist for the caller (404), the permissions in them (403), ``Accept`` (406), and only then
the form. They read the database in one read transaction.

A replayed request, recognized by its idempotency key, gets the response of the first one right after authentication:
the other checks are about the present state, and the response is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import falcon
from attrs import frozen

from albumcore import Source
from albumcore.errors import Forbidden
from albumcore.ids import UserId
from albumcore.index import CommandRow
from albumcore_adapters.access.albums import admitted
from albumcore_adapters.http.accept import preferred
from albumcore_adapters.http.idempotency_key import IdempotencyKey
from albumcore_adapters.http.kheops.forms import MAX_FORM, MAX_FORM_OF_ANYBODY
from albumcore_adapters.http.kheops.parameters import instance_in, series_in, study_in
from albumcore_adapters.http.kheops.request import ApiRequest
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.route import Callers, Route
from albumcore_adapters.http.router import Api, Bound
from albumcore_adapters.identity.authentication import Authentication
from albumcore_adapters.identity.bearer import bearer
from albumcore_adapters.identity.callers import Caller, caller_of
from albumcore_adapters.identity.errors import Unauthorized
from albumcore_adapters.sql.database import Database

ANONYMOUS = Caller(Source(UserId("nobody")), inbox=False, albums=False, studies=frozenset())
"""The caller of a route that needs no token; nothing is within their reach."""

_UIDS = (("study", study_in), ("series", series_in), ("instance", instance_in))
_HEADERS = {"cache-control": "no-cache"}


@frozen
class KheopsApi(Api):
    """The Kheops API's part of request handling."""

    database: Database
    auth: Authentication

    def headers(self, path: str) -> Mapping[str, str]:
        """The headers of every response."""
        return _HEADERS

    def revalidate(self, req: falcon.Request) -> None:
        """Check that the token has not expired. Everything else about it is in the database.

        Raises:
            Unauthorized: it has.
        """
        self.auth.verifier.verify(bearer(req.get_header("Authorization")))

    def handle(
        self, route: Route, respond: Bound, req: falcon.Request, path: Mapping[str, str]
    ) -> tuple[Response, bool]:
        """Check a request, and call its responder.

        Responses to a user in person may be cached. Tokens of other kinds expire, and their use is recorded.

        Raises:
            Unauthorized, Forbidden, NotFound, Invalid, Conflict, falcon.HTTPError: the request is refused.
        """
        with self.database.read_snapshot():
            caller = self.caller(route, req)
            key = None
            if route.idempotent is not None:
                key = IdempotencyKey.of(req, "kheops", route.name, caller.user, caller.shown)
            max_form = MAX_FORM_OF_ANYBODY if route.callers is Callers.ANYBODY else MAX_FORM
            request = ApiRequest(req, caller, path, key, max_form, partial(self.caller, route, req))
            is_replay = key is not None and self._is_replay(route, key, caller)
            if not is_replay and route.callers is not Callers.ANYBODY:
                self._admit(route, request)
        if is_replay:
            return self._replayed(route, request), False
        _accept(route, req)
        return respond(request), caller.in_person

    def caller(self, route: Route, req: falcon.Request) -> Caller:
        """Who makes a request, by the token in it.

        Raises:
            Unauthorized, Forbidden, UserNotFound, KeysUnavailable: see `caller_of`; or the token is not in person.
        """
        if route.callers is Callers.ANYBODY:
            return ANONYMOUS
        caller = caller_of(self.auth, bearer(req.get_header("Authorization")))
        if route.callers is Callers.PERSON and not caller.in_person:
            raise Unauthorized("this needs a token of the identity provider, of a user in person")
        return caller

    def _is_replay(self, route: Route, key: IdempotencyKey, caller: Caller) -> bool:
        """Whether a command was handled under the key before.

        A user's token that reaches less does not get the response to the user.
        """
        rows = self.auth.albums.index.rows
        is_meant = route.callers is not Callers.USER or caller.acts_as_user
        return is_meant and bool(rows(CommandRow, {"command": key.id}))

    def _replayed(self, route: Route, request: ApiRequest) -> Response:
        """The response to a replayed request.

        Raises:
            CommandReused: the key was used with another request.
        """
        command = request.command(request.form())
        assert command is not None
        assert route.idempotent is not None
        recorded = self.auth.albums.done_before(command)
        _accept(route, request.req)
        return route.idempotent(recorded[0])

    def _admit(self, route: Route, request: ApiRequest) -> None:
        """Check path, albums and permissions.

        Raises:
            BadQuery: a UID in the path is invalid.
            Forbidden: the route needs a user and the caller does not act as one, or a permission is missing.
            AlbumNotFound: an album of path or query does not exist for the caller.
        """
        caller, path = request.caller, request.path
        for name, read in _UIDS:
            if name in path:
                read(path[name])
        if route.callers is Callers.USER and not caller.acts_as_user:
            raise Forbidden("this needs a user, or a capability token that acts as one")
        named = [(path.get("album"), route.permission)]
        if request.req.query_string:
            named.append((request.query.text("album"), route.query_permission))
        wanted = [(album, permission) for album, permission in named if album is not None]
        admitted(self.auth.albums, caller, wanted, self.auth.clock())


def _accept(route: Route, req: falcon.Request) -> None:
    """Check that the client accepts a media type of the response.

    Raises:
        falcon.HTTPNotAcceptable: it accepts none.
    """
    media_types = route.media_types
    if media_types and not route.negotiates and preferred(req, media_types) is None:
        accepted = " or ".join(media_types)
        description = f"the response is {accepted}, which Accept does not allow"
        raise falcon.HTTPNotAcceptable(description=description)
