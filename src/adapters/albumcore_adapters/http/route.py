"""A route: one row that describes an operation of either API completely.

The router checks requests by it. ``/openapi.json``, the reference page, the authorization matrix and the contract
tests are made from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any

from attrs import field, frozen

from albumcore import Permission, RecordedEvent
from albumcore_adapters.http.openapi.specs import Parameters, ResponseSpec, Schema
from albumcore_adapters.http.response import Response

Responder = Callable[..., Response]
"""Takes the request, and by annotation the components it uses; see `albumcore_adapters.http.binding.bind`."""


ANY_METHOD = "*"
"""The method of a route for every method that its path has no route for."""

REST_OF_PATH = "{bulk}"
"""The path parameter at the end of a path that is all the rest of it, slashes included."""


class Callers(Enum):
    """Who may call a route."""

    ANYBODY = "all clients, without a token"
    ANY_TOKEN = "a caller with any valid token"  # noqa: S105
    USER = "a user, or a capability token that acts as one"
    PERSON = "a user in person"
    ACCOUNT = "an account of the TSCharts API"


@frozen
class Route:
    """One operation: a method and a path.

    Attributes:
        method: The HTTP method, or `ANY_METHOD`.
        path: The path template, its parameters in braces.
        respond: The responder.
        summary: What the operation does, in one line.
        responses: Responses of a request that is not refused, by status.
        callers: Who may call it.
        permission: The permission the caller needs in the album of the path.
        query_permission: The permission the caller needs in the album of the query parameter ``album``, if it is
            given.
        needs: Further requirements, in words, for the reference page; the responder checks them. A route without a
            permission states its requirement here, unless its path names an album.
        records: The classes of events that it may record, in any stream.
        query: Query parameters.
        headers: Request headers, beside the usual ones.
        form: Form parameters; None if it takes no form.
        form_rules: Schemas that the form as a whole must match.
        body: Schema of a JSON body; None if it takes none.
        bodies: Schemas of bodies that are neither a form nor JSON, by media type.
        errors: Statuses of errors beside those of every route.
        from_store: Whether the response depends on the database alone, not on the clock or another server. It is
            then read in one read transaction, and cached until the next commit. A refusal, which is never cached, may
            depend on the clock.
        unless_live: The query parameter with which a response ``from_store`` is live, and may be waited for: it is
            neither cached nor read in one read transaction.
        idempotent: Makes the response to a replayed request, from the event that the first one recorded. A route
            without it ignores ``Idempotency-Key``.
        negotiates: Whether the responder chooses the media type of the response itself, by the parameters in ``Accept``
            or by the query.
        name: Method and path, as in ``GET /albums``.
        media_types: The media types of successful responses, the default first; none without a body.
    """

    method: str
    path: str
    respond: Responder
    summary: str
    responses: Mapping[int, ResponseSpec]
    callers: Callers = Callers.USER
    permission: Permission | None = None
    query_permission: Permission | None = None
    needs: str | None = None
    records: tuple[type[Any], ...] = ()
    query: Parameters = field(factory=dict)
    headers: Parameters = field(factory=dict)
    form: Parameters | None = None
    form_rules: Sequence[Schema] = ()
    body: Schema | None = None
    bodies: Mapping[str, Schema] = field(factory=dict)
    errors: Sequence[int] = ()
    from_store: bool = False
    unless_live: str | None = None
    idempotent: Callable[[RecordedEvent[Any]], Response] | None = None
    negotiates: bool = False
    name: str = field(init=False)
    media_types: tuple[str, ...] = field(init=False)

    @name.default
    def _name(self) -> str:
        return f"{self.method} {self.path}"

    @media_types.default
    def _media_types(self) -> tuple[str, ...]:
        successes = (spec for status, spec in self.responses.items() if status < 400)
        return tuple(dict.fromkeys(media for spec in successes for media in spec.content))
