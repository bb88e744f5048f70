"""The OpenAPI document of both APIs, served at ``/openapi.json``.

What an operation takes and answers is written down by hand, for forms, odd queries and DICOM have no types in the
code to take it from. Which errors every operation shares is taken from its row of the route table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import version
from typing import Any

import falcon
import orjson
from attrs import evolve

from albumcore_adapters.base.settings import Compat, Settings
from albumcore_adapters.http.kheops.routes import ROUTES
from albumcore_adapters.http.kheops.routing import Callers, Route
from albumcore_adapters.http.openapi import kheops, tscharts
from albumcore_adapters.http.openapi.common import IDEMPOTENCY
from albumcore_adapters.http.openapi.methods import OPTIONS, REFUSED
from albumcore_adapters.http.openapi.parts import (
    Json,
    Operation,
    Schema,
    form_body,
    parameters,
    ref,
    text,
)
from albumcore_adapters.http.openapi.schemas import ALPHANUMERIC, SCHEMAS, UID
from albumcore_adapters.http.openapi.values import USER

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
"""What the parts of addresses look like."""

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


KHEOPS = "Kheops album API"


def document(prefix: str | None, compat: Compat = "documented") -> Json:
    """The whole document, of a service that answers under a prefix too, and as what ``compat`` says."""
    paths: dict[str, Json] = {}
    for route in ROUTES:
        operation = kheops.OPERATIONS[route.method, route.path]
        if route.again is not None:
            operation = evolve(operation, headers={**operation.headers, **IDEMPOTENCY})
        made = _operation(operation, route.path, _errors(route, operation), _kheops_error)
        made["security"] = (
            [] if route.callers is Callers.ANYBODY else [{"bearer": []}, {"basic": []}]
        )
        made["tags"] = [KHEOPS]
        paths.setdefault(route.path, {})[route.method.lower()] = made
    for path, by_method in paths.items():
        # A part with a slash in it names no address.
        made = _operation(OPTIONS, path, {404} if "{" in path else (), _kheops_error)
        made["security"] = []
        made["tags"] = [KHEOPS]
        by_method["options"] = made
    _add_tscharts(paths, compat)
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


def _add_tscharts(paths: dict[str, Json], compat: Compat) -> None:
    addresses = dict.fromkeys(path for _, path in tscharts.OPERATIONS)
    operations = {
        **tscharts.OPERATIONS,
        **(tscharts.UPSTREAM if compat == "upstream" else {}),
        **REFUSED,
        **{("OPTIONS", path): OPTIONS for path in addresses},
    }
    for (method, path), operation in operations.items():
        errors = {401, 503, *operation.errors}
        if method == "OPTIONS" and "{" in path:
            errors.add(404)
        if operation.body is not None:
            errors.add(408)
        made = _operation(operation, path, errors, _tscharts_error)
        made["security"] = [] if path.endswith(("/login", "/logout")) else [{"token": []}]
        made["tags"] = ["TSCharts image API"]
        if not operation.answers:
            made["deprecated"] = True
        paths.setdefault(path, {})[method.lower()] = made


def _errors(route: Route, operation: Operation) -> set[int]:
    found = {400, 503, *operation.errors}
    if route.callers is not Callers.ANYBODY:
        found |= {401, 403, 404}
    if route.answers:
        found.add(406)
    if route.records:
        found.add(409)
    if operation.form is not None:
        found |= {408, 413, 415}
    return found - set(operation.answers)


def _operation(operation: Operation, path: str, errors: Iterable[int], error: Any) -> Json:
    # OPTIONS is of the address alone: it does not ask what is there.
    looks = dict.fromkeys(PATH_PARAMETERS, text(1)) if operation is OPTIONS else PATH_PARAMETERS
    names = [part.strip("{}") for part in path.split("/") if part.startswith("{")]
    made: Json = {
        "summary": operation.about,
        "parameters": [
            *(
                {"name": name, "in": "path", "required": True, "schema": looks[name]}
                for name in names
            ),
            *parameters("query", operation.query),
            *parameters("header", operation.headers),
        ],
        "responses": {
            **{str(status): one.document() for status, one in operation.answers.items()},
            **{str(status): error(status) for status in sorted(errors)},
        },
    }
    if operation.form is not None:
        made["requestBody"] = form_body(operation.form, operation.form_rules)
    if operation.body is not None:
        made["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": operation.body}},
        }
    return made


def _kheops_error(status: int) -> Json:
    return {
        "description": ERRORS[status],
        "content": {"application/json": {"schema": ref("Error")}},
    }


def _tscharts_error(status: int) -> Json:
    return {"description": ERRORS[status]}


@cache
def _written(prefix: str | None, compat: Compat) -> bytes:
    return orjson.dumps(document(prefix, compat))


class OpenApi:
    """``/openapi.json``: the document, to anybody."""

    def __init__(self, settings: Settings) -> None:
        self._document = _written(settings.kheops_prefix, settings.compat)

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Show the document."""
        resp.content_type = falcon.MEDIA_JSON
        resp.data = self._document
