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
    "user": USER,
    "client": ALPHANUMERIC,
    "capability": ALPHANUMERIC,
    "webhook": ALPHANUMERIC,
    "key": {"type": "string", "pattern": "^[0-9]{1,9}$"},
}
"""The schemas of path parameters, by name."""

ERRORS: Mapping[int, str] = {
    400: "A value breaks its rule; the detail names it.",
    401: "Nobody is authenticated.",
    403: "The caller may not do this.",
    404: "It is not there, or not for the caller.",
    405: "The address does not take the method.",
    406: "Accept leaves no room for the answer.",
    408: "The body came too slowly.",
    409: "It does not fit what is there by now.",
    413: "The body is too large.",
    415: "The body is of another media type.",
    429: "Too many logins failed, or are under way; Retry-After says when to try again.",
    500: "A fault of this service, such as damaged bytes of an image; the detail has the log id.",
    502: "Another server did not do its part.",
    503: "The store is busy, full or replaced, there are no keys, or other servers are being asked already; try again.",
}


REPORT_PROVIDER: Schema = {
    "type": "oauth2",
    "description": "How a report provider gets its token; it is sent as a bearer token.",
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
        "The same key with the same request is the same request again; with another one it is 409.",
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


OPTIONS = "Tell which methods the address takes."


def options_of(routes: Iterable[Route], callers: Callers) -> Iterable[Route]:
    """The OPTIONS route of each path of some routes."""
    allowed = ResponseSpec("They are in Allow, separated by commas.", headers={"Allow": TEXT})
    for path in dict.fromkeys(route.path for route in routes):
        # A part with a slash in it is no path of the API.
        errors = (404,) if "{" in path else ()
        yield Route("OPTIONS", path, _no_content, OPTIONS, {200: allowed}, callers, errors=errors)


def _no_content(request: object) -> Response:
    return Response()


def openapi_document(sections: Iterable[Section], prefix: str | None) -> Json:
    """The whole document, of a service that answers under a prefix too."""
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
            "(TSCharts image API), whose history is complete. Every GET answers HEAD too, without the body.",
        },
        # The TSCharts routes answer at the root alone.
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
    described["security"] = [{scheme: []} for scheme in section.security(route)]
    described["tags"] = [section.tag]
    if not route.responses:
        described["deprecated"] = True
    return described


def _path_parameters(route: Route) -> list[Json]:
    names = [part.strip("{}") for part in route.path.split("/") if part.startswith("{")]
    # OPTIONS is about the path template alone: any value will do.
    schemas = dict.fromkeys(names, text(1)) if route.method == "OPTIONS" else PATH_PARAMETERS
    return [
        {"name": name, "in": "path", "required": True, "schema": schemas[name]} for name in names
    ]


def _error(status: int, content: Mapping[str, Schema]) -> Json:
    return ResponseSpec(ERRORS[status], content).document()
