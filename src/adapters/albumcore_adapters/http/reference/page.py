"""The page of the reference: the OpenAPI document as HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import groupby

from attrs import frozen
from markupsafe import Markup

from albumcore.json_object import Json
from albumcore_adapters.http.openapi.specs import Schema
from albumcore_adapters.http.reference.schema_text import schema_text
from albumcore_adapters.http.template_environment import template_environment

_SCHEMES: Mapping[str, str] = {
    "bearer": "a bearer token",
    "basic": "a token as the password of Basic authentication",
    "token": "the token of an account (Authorization: Token ...)",
    "reportProvider": "the access token of a report provider",
}
"""What the security schemes of the document are to a reader."""
_IN = {"path": "path", "query": "query", "header": "header"}


@frozen
class Value:
    """A named value: a parameter, a field of a form, a header of a response, or a property of an object.

    Attributes:
        name: Its name.
        place: Where it is sent: in the path, the query, a header, or the body.
        kind: What it is.
        is_required: Whether it must be there.
        about: What it means.
    """

    name: str
    place: str
    kind: Markup
    is_required: bool
    about: str


@frozen
class Answer:
    """A response of an operation: its status, when it is sent, its headers, and its body by media type."""

    status: str
    about: str
    headers: list[Value]
    bodies: list[tuple[str, Markup]]


@frozen
class Operation:
    """A method on a path, as a reader looks it up."""

    anchor: str
    method: str
    path: str
    summary: str
    needs: str
    is_deprecated: bool
    values: list[Value]
    bodies: list[tuple[str, Markup]]
    answers: list[Answer]


@frozen
class ApiReference:
    """The operations of one API, in groups of paths that begin alike."""

    name: str
    anchor: str
    groups: list[tuple[str, list[Operation]]]


def reference_html(document: Json, links: Mapping[str, str]) -> str:
    """Write an OpenAPI document as a page of HTML.

    Args:
        document: The document.
        links: The addresses of ``style``, ``script`` and ``openapi``, the document itself.
    """
    schemas = document["components"]["schemas"]
    named = {
        name: (schema_text(schema), list(_properties(schema))) for name, schema in schemas.items()
    }
    template = template_environment(__package__).get_template("reference.html")
    return template.render(
        info=document["info"], apis=list(_apis(document)), schemas=named, links=links
    )


def _apis(document: Json) -> Iterator[ApiReference]:
    found = [
        (operation["tags"][0], path, _operation(method, path, operation))
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method != "options"  # every path has it, and the page says so once
    ]
    for name, ofapi in groupby(found, key=lambda one: one[0]):
        groups: dict[str, list[Operation]] = {}
        for _, path, operation in ofapi:
            groups.setdefault(_group(path), []).append(operation)
        yield ApiReference(name, _anchor(name), list(groups.items()))


def _group(path: str) -> str:
    """The first words of a path: ``/albums``, or ``/tscharts/v1/image``."""
    depth = 4 if path.startswith("/tscharts/") else 2
    return "/".join(path.split("/")[:depth])


def _anchor(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _operation(method: str, path: str, operation: Json) -> Operation:
    schemes = [_SCHEMES[name] for scheme in operation["security"] for name in scheme]
    content = operation.get("requestBody", {}).get("content", {})
    values = [value for one in operation["parameters"] for value in _parameter(one)]
    for body in content.values():
        values += _properties(body["schema"])
    return Operation(
        _anchor(f"{method} {path}"),
        method.upper(),
        path,
        operation["summary"],
        " or ".join(schemes) or "nothing: it is public",
        operation.get("deprecated", False),
        values,
        _bodies(content),
        [_answer(status, response) for status, response in operation["responses"].items()],
    )


def _parameter(parameter: Json) -> Iterator[Value]:
    """A parameter, or those of a group that stands for several."""
    schema, place = parameter["schema"], _IN[parameter["in"]]
    if place == "query" and "properties" in schema:
        yield from _properties(schema, place)
        return
    about = parameter.get("description", schema.get("description", ""))
    yield Value(parameter["name"], place, schema_text(schema), parameter["required"], about)


def _properties(schema: Schema, place: str = "body") -> Iterator[Value]:
    required = schema.get("required", ())
    for name, one in schema.get("properties", {}).items():
        yield Value(name, place, schema_text(one), name in required, one.get("description", ""))


def _bodies(content: Json) -> list[tuple[str, Markup]]:
    return [
        (media_type, schema_text(body.get("schema", {}))) for media_type, body in content.items()
    ]


def _answer(status: str, response: Json) -> Answer:
    headers = [
        Value(
            name, "header", schema_text(one["schema"]), False, one["schema"].get("description", "")
        )
        for name, one in response.get("headers", {}).items()
    ]
    return Answer(status, response["description"], headers, _bodies(response.get("content", {})))
