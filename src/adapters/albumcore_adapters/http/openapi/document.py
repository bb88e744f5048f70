"""The OpenAPI document, made from routes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version

from attrs import frozen

from albumcore.json_object import Json
from albumcore_adapters.http.openapi.schemas import ALPHANUMERIC, SCHEMAS, UID
from albumcore_adapters.http.openapi.specs import (
    TEXT,
    Parameters,
    ParameterSpec,
    ResponseSpec,
    Schema,
    form_body,
    parameter_list,
    text,
)
from albumcore_adapters.http.openapi.value_schemas import IDEMPOTENCY_KEY, USER
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.route import Callers, Route

PATH_PARAMETERS: Mapping[str, Schema] = {
    "album": ALPHANUMERIC,
    "study": UID,
    "series": UID,
    "instance": UID,
    "frames": {"type": "string", "pattern": "^[1-9][0-9]{0,5}(,[1-9][0-9]{0,5}){0,9}$"},
    "bulk": {"type": "string", "pattern": "^[0-9A-F]{8}$"},
    "user": USER,
    "client": ALPHANUMERIC,
    "capability": ALPHANUMERIC,
    "webhook": ALPHANUMERIC,
    "version": {"type": "string", "pattern": "^[0-9]{1,18}$"},
    "key": {"type": "string", "pattern": "^[0-9]{1,9}$"},
}
"""The schemas of path parameters, by name."""

ERRORS: Mapping[int, str] = {
    400: "A value is invalid; the detail names it.",
    401: "Authentication failed, or is missing.",
    403: "The caller lacks a permission.",
    404: "The resource does not exist, or not for the caller.",
    405: "The address does not support the method.",
    406: "Accept does not allow the media type of the response.",
    408: "The body arrived too slowly.",
    409: "The request conflicts with the present state.",
    410: "It was removed too long ago to be restored, its data were erased, or a cursor is of another history.",
    413: "The body is too large.",
    415: "The media type of the body is not supported.",
    416: "The body has no such range of bytes.",
    429: "Too many logins failed, or are in progress; Retry-After has the time to wait, in seconds.",
    500: "A fault of the service, such as damaged bytes of an image; the detail has the log id.",
    502: "Another server failed, or sent an invalid response.",
    503: "The store is busy, full or replaced, no keys are available, DICOM files cannot be read, or too many "
    "outbound requests, or requests that wait for events, are in progress; try again.",
    504: "The existing archive did not answer in time.",
}


REPORT_PROVIDER: Schema = {
    "type": "oauth2",
    "description": "The flow by which a report provider gets its access token, which is sent as a bearer token.",
    "flows": {
        "authorizationCode": {
            "authorizationUrl": "/report",
            "tokenUrl": "/token",
            "scopes": {"read": "Read the studies.", "write": "Add a report to them."},
        }
    },
}

IDEMPOTENCY: Parameters = {
    "Idempotency-Key": ParameterSpec(
        IDEMPOTENCY_KEY,
        "A repeated request with the same key gets the first response again; with another request, the key is 409.",
    )
}
"""The request header of routes that are idempotent."""


@frozen
class Section:
    """The routes of one API, and what their descriptions have in common.

    Attributes:
        tag: The name of the API.
        routes: The routes, in the order of the document.
        errors: The statuses of errors that a route may have.
        error_content: The content of an error response, by media type.
        security: The security schemes of a route, each an alternative; none for a public one.
    """

    tag: str
    routes: Iterable[Route]
    errors: Callable[[Route], set[int]]
    error_content: Mapping[str, Schema]
    security: Callable[[Route], Iterable[str]]


OPTIONS = "List the methods that the address supports."


def options_of(routes: Iterable[Route], callers: Callers) -> Iterable[Route]:
    """The OPTIONS route of each path of some routes."""
    allowed = ResponseSpec("Allow has the methods, separated by commas.", headers={"Allow": TEXT})
    for path in dict.fromkeys(route.path for route in routes):
        # A path parameter with a slash in it leads to no route.
        errors = (404,) if "{" in path else ()
        yield Route("OPTIONS", path, _no_content, OPTIONS, {200: allowed}, callers, errors=errors)


def _no_content(request: object) -> Response:
    return Response()


def openapi_document(sections: Iterable[Section], prefix: str | None) -> Json:
    """The whole document; ``prefix`` is a second address of the Kheops routes, if any."""
    paths: dict[str, Json] = {}
    for section in sections:
        for route in section.routes:
            paths.setdefault(route.path, {})[route.method.lower()] = _operation(section, route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "albumcore",
            "version": version("albumcore"),
            "description": "Albums of medical images (Kheops album API) and patient image sets "
            "(TSCharts image API), with their complete history. Every GET also supports HEAD. Every path of the "
            "Kheops album API is also available below /link/{token}, without a header.",
        },
        # The TSCharts routes are at the root only.
        "servers": [{"url": url} for url in ("/", prefix) if url],
        "paths": paths,
        "components": {
            "schemas": dict(SCHEMAS),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic"},
                "token": {"type": "apiKey", "in": "header", "name": "Authorization"},
                "reportProvider": REPORT_PROVIDER,
            },
        },
    }


def _operation(section: Section, route: Route) -> Json:
    headers = route.headers if route.idempotent is None else {**route.headers, **IDEMPOTENCY}
    errors = sorted(section.errors(route) - set(route.responses))
    described: Json = {
        "summary": route.summary,
        "parameters": [
            *_path_parameters(route),
            *parameter_list("query", route.query),
            *parameter_list("header", headers),
        ],
        "responses": {
            **{str(status): spec.document() for status, spec in route.responses.items()},
            **{str(status): _error(status, section.error_content) for status in errors},
        },
    }
    if route.form is not None:
        described["requestBody"] = form_body(route.form, route.form_rules)
    if route.body is not None:
        described["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": route.body}},
        }
    if route.bodies:
        content = {media_type: {"schema": schema} for media_type, schema in route.bodies.items()}
        described["requestBody"] = {"required": True, "content": content}
    described["security"] = [{scheme: []} for scheme in section.security(route)]
    described["tags"] = [section.tag]
    if not route.responses:
        described["deprecated"] = True
    return described


def _path_parameters(route: Route) -> list[Json]:
    names = [part.strip("{}") for part in route.path.split("/") if part.startswith("{")]
    # OPTIONS is about the path template: any value is valid.
    schemas = dict.fromkeys(names, text(1)) if route.method == "OPTIONS" else PATH_PARAMETERS
    return [
        {"name": name, "in": "path", "required": True, "schema": schemas[name]} for name in names
    ]


def _error(status: int, content: Mapping[str, Schema]) -> Json:
    return ResponseSpec(ERRORS[status], content).document()
