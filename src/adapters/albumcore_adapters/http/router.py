"""Falcon resources for routes: response cache, checks of the API, responder, and writing of the response.

And the router that finds the resource of a path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import chain
from types import SimpleNamespace
from typing import Any, Protocol

import falcon
from falcon.routing import CompiledRouter, map_http_methods, set_default_responders

from albumcore_adapters.http.binding import Components, bind
from albumcore_adapters.http.conditional import ETAG, asked_range, is_unchanged
from albumcore_adapters.http.errors import refusing
from albumcore_adapters.http.request_log import log_fault
from albumcore_adapters.http.response import (
    NO_SNIFFING,
    BodyStream,
    RangedBody,
    Response,
    TypedBody,
)
from albumcore_adapters.http.response_cache import ResponseCache
from albumcore_adapters.http.route import ANY_METHOD, REST_OF_PATH, Route
from albumcore_adapters.sql.database import Database

VARYING = (
    "HTTP_ACCEPT",
    "HTTP_AUTHORIZATION",
    "HTTP_X_AUTHORIZATION_SOURCE",
    "HTTP_X_LINK_AUTHORIZATION",
)
"""The request headers that a response may depend on, beside path and query, as WSGI names them."""

Bound = Callable[[Any], Response]


class Api(Protocol):
    """The part of request handling in which the APIs differ, each of them a subclass."""

    def headers(self, path: str) -> Mapping[str, str]:
        """The headers of every response of a path template, errors included."""

    def handle(
        self, route: Route, respond: Bound, req: falcon.Request, path: Mapping[str, str]
    ) -> tuple[Response, bool]:
        """Check a request, and call its responder.

        Args:
            route: The route it is for.
            respond: The responder, bound to its components.
            req: The request.
            path: The parameters in its path.

        Returns:
            The response, and whether it may be cached.
        """

    def revalidate(self, req: falcon.Request) -> None:
        """Check what may change without a commit, before a cached response is returned: nothing, unless an API says so.

        Raises:
            Unauthorized: the token has expired.
        """
        return


class Resource(SimpleNamespace):
    """The responders of a path, as Falcon looks for them: ``on_get``, ``on_post``, ..."""


def resources(
    api: Api, routes: Iterable[Route], components: Components
) -> Iterable[tuple[str, object]]:
    """A Falcon resource for each path of some routes, of which those for `ANY_METHOD` come last.

    Raises:
        MissingComponent: a responder names a component that does not exist.
    """
    by_path: dict[str, dict[str, Callable[..., None]]] = {}
    for route in routes:
        responder = _responder(api, route, components)
        responders = by_path.setdefault(route.path, {})
        is_for_all = route.method == ANY_METHOD
        for method in falcon.COMBINED_METHODS if is_for_all else (route.method,):
            responders.setdefault(f"on_{method.lower()}", responder)
    for path, responders in by_path.items():
        template = path.replace(REST_OF_PATH, f"{REST_OF_PATH[:-1]}:path}}")
        yield template, Resource(**responders)


def _responder(api: Api, route: Route, components: Components) -> Callable[..., None]:
    respond = bind(route.respond, components)
    database: Database = components[Database]  # type: ignore[assignment]
    cache: ResponseCache = components[ResponseCache]  # type: ignore[assignment]
    # One by one: falcon sets several at a higher cost.
    headers = tuple(api.headers(route.path).items())
    live = route.unless_live

    def on_request(req: falcon.Request, resp: falcon.Response, **path: str) -> None:
        req.context.route = route
        for name, value in headers:
            resp.set_header(name, value)
        response, _ = api.handle(route, respond, req, path)
        _write(response, req, resp)

    def on_request_from_store(req: falcon.Request, resp: falcon.Response, **path: str) -> None:
        if live is not None and live in req.params:
            on_request(req, resp, **path)
            return
        req.context.route = route
        for name, value in headers:
            resp.set_header(name, value)
        key = (req.path, req.query_string, *map(req.env.get, VARYING))
        version = database.data_version()
        response: Response | None = cache.get(key, version)
        if response is not None:
            api.revalidate(req)
        else:
            with database.read_snapshot():
                response, is_cacheable = api.handle(route, respond, req, path)
            body = response.body
            if is_cacheable and not isinstance(body, BodyStream):
                size = len(body) if isinstance(body, bytes) else response.memory
                cache.put(key, version, response, size)
        _write(response, req, resp)

    return on_request_from_store if route.from_store else on_request


def _write(response: Response, req: falcon.Request, resp: falcon.Response) -> None:
    etag = response.headers.get(ETAG)
    status, body, media_type = response.status, response.body, response.media_type
    if etag is not None and status == 200 and is_unchanged(req, etag):
        status, body = 304, b""
    elif callable(body):
        body = body()
    if isinstance(body, TypedBody):
        media_type, body = body.media_type, body.content
    if isinstance(body, RangedBody):
        part = asked_range(req, body.length, etag)
        start, stop = part or (0, body.length)
        if part is not None:
            status = 206
            resp.set_header("Content-Range", f"bytes {start}-{stop - 1}/{body.length}")
        resp.set_header("Accept-Ranges", "bytes")
        body = BodyStream(body.open(start, stop), stop - start)
    if isinstance(body, BodyStream):
        _write_stream(body, req, resp)
    else:
        resp.data = body
    resp.status = status
    if media_type is not None and status != 304:
        resp.content_type = media_type
    if response.headers:
        resp.set_headers(response.headers)
        for cookie in response.cookies:
            resp.append_header("Set-Cookie", cookie)


def _write_stream(body: BodyStream, req: falcon.Request, resp: falcon.Response) -> None:
    """Read the first piece, so that an error in it has a status of its own, and have the rest sent as it is made."""
    first = next(body.pieces, b"")
    # What users have stored is of the type that it is sent with, whatever it looks like.
    resp.set_header(*NO_SNIFFING)
    if body.length is not None:
        resp.content_length = body.length
    resp.stream = _sent(chain([first], body.pieces), body.length, req)


def _sent(pieces: Iterator[bytes], length: int | None, req: falcon.Request) -> Iterator[bytes]:
    """Yield the pieces; one that cannot be made is logged, and breaks the connection.

    It refers to none that it has yielded: a client that reads slowly takes up no more than what waits for it.

    Raises:
        ConnectionAbortedError: the rest of the body cannot be made.
    """
    sent = 0

    def counted(piece: bytes) -> bytes:
        nonlocal sent
        sent += len(piece)
        return piece

    try:
        yield from map(counted, pieces)
        if length not in (None, sent):  # the client would wait for the rest
            raise ValueError(f"a body of {sent} bytes was to have {length}")
    except Exception as error:
        log_fault(req, error)
        raise ConnectionAbortedError("the rest of the response cannot be made") from error


class Router(CompiledRouter):
    """Falcon's router, with every responder `refusing`. Applications with the same paths share one tree of them."""

    def __init__(self) -> None:
        super().__init__()
        self._resources: dict[str, object] = {}
        self._responders: dict[str, dict[str, Any]] = {}
        self._tree: CompiledRouter | None = None

    def add_route(self, uri_template: str, resource: object, **kwargs: Any) -> None:
        """Add a path, or give it another resource."""
        self._resources[uri_template] = resource
        self._responders.pop(uri_template, None)
        self._tree = None

    def find(
        self, uri: str, req: falcon.Request | None = None
    ) -> tuple[object, dict[str, Any], dict[str, Any], str] | None:
        """The resource of a path, its responders by method, the parameters in the path, and its template."""
        if self._tree is None:
            self._tree = _tree(tuple(self._resources))
        found: tuple[Any, Any, dict[str, Any], Any] | None = self._tree.find(uri)
        if found is None:
            return None
        _, _, params, template = found
        resource = self._resources[template]
        responders = self._responders.get(template)
        if responders is None:
            responders = self._responders[template] = _responders_of(resource)
        return resource, responders, params, template


def _responders_of(resource: object) -> dict[str, Any]:
    methods: dict[str, Any] = map_http_methods(resource)
    responders: dict[str, Any] = {method: refusing(one) for method, one in methods.items()}
    set_default_responders(responders)
    return responders


@lru_cache(8)
def _tree(templates: tuple[str, ...]) -> CompiledRouter:
    """Falcon's router with each template as the resource of its path: compiling it takes longer than the rest."""
    tree = CompiledRouter()
    for one in templates:
        tree.add_route(one, one)
    return tree
