"""Building blocks of the OpenAPI document: schemas, parameters, forms and responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

from albumcore.json_object import Json

Schema = Mapping[str, Any]

TEXT: Schema = {"type": "string"}
INTEGER: Schema = {"type": "integer"}
COUNT: Schema = {"type": "integer", "minimum": 0}
FLAG: Schema = {"type": "boolean"}


def binary(*media_types: str) -> Mapping[str, Schema]:
    """The content of a response that is bytes, of one of some media types."""
    return {one: {"type": "string", "contentMediaType": one} for one in media_types}


def ref(name: str) -> Schema:
    """A schema of the document, by name."""
    return {"$ref": f"#/components/schemas/{name}"}


def array(items: Schema) -> Schema:
    """An array."""
    return {"type": "array", "items": items}


def closed_object(
    required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None
) -> Schema:
    """An object with these keys and no others."""
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **(optional or {})},
        "additionalProperties": False,
    }


def text(shortest: int = 0, longest: int | None = None, **more: Any) -> Schema:
    """A text with a length between the two, in characters."""
    least = {"minLength": shortest} if shortest else {}
    most = {} if longest is None else {"maxLength": longest}
    return {"type": "string", **least, **most, **more}


def one_of(*words: str) -> Schema:
    """One of the words."""
    return {"type": "string", "enum": list(words)}


@frozen
class ParameterSpec:
    """A parameter of a query, a form or a header.

    Attributes:
        schema: Its schema.
        about: Its description.
        required: Whether it is required.
        repeated: Whether it may be repeated.
    """

    schema: Schema
    about: str = ""
    required: bool = False
    repeated: bool = False

    @property
    def listed(self) -> Schema:
        """Its schema, or that of an array of such values if it may be repeated."""
        return array(self.schema) if self.repeated else self.schema

    @property
    def is_exploded(self) -> bool:
        """Whether it is more than one parameter on the wire."""
        return self.repeated or self.schema.get("type") in ("array", "object")


Parameters = Mapping[str, ParameterSpec]


def exactly_one(*names: str) -> Schema:
    """A rule of a group or a form: exactly one of these is present."""
    return {"oneOf": [{"required": [name]} for name in names]}


def at_most_one(one: str, other: str) -> Schema:
    """A rule of a group or a form: at most one of the two is present."""
    return {"not": {"required": [one, other]}}


def group(fields: Parameters, *rules: Schema, required: bool = False) -> ParameterSpec:
    """Query parameters with rules about their presence: an object whose properties are the parameters.

    Args:
        fields: The parameters, by name.
        rules: The rules of the object. They are in ``allOf``, because generators of clients read the properties beside
            it.
        required: Whether one of the parameters is required.
    """
    members = {
        name: {**one.schema, **({"description": one.about} if one.about else {})}
        for name, one in fields.items()
    }
    schema = {"type": "object", "properties": members, "allOf": [*rules]}
    return ParameterSpec(schema, "Each is a query parameter under its own name.", required)


@frozen
class ResponseSpec:
    """One response of an operation.

    Attributes:
        about: Its description.
        content: The schema of the body, by media type; empty without a body.
        headers: The schemas of its headers, by name.
    """

    about: str
    content: Mapping[str, Schema] = field(factory=dict)
    headers: Mapping[str, Schema] = field(factory=dict)

    def document(self) -> Json:
        """The response object of OpenAPI."""
        found: Json = {"description": self.about}
        if self.headers:
            found["headers"] = {name: {"schema": one} for name, one in self.headers.items()}
        if self.content:
            found["content"] = {media: {"schema": one} for media, one in self.content.items()}
        return found


def parameter_list(where: str, parameters: Parameters) -> list[Json]:
    """The parameter objects of OpenAPI for a query string or for headers."""
    return [
        {
            "name": name,
            "in": where,
            "required": one.required,
            "description": one.about,
            "schema": one.listed,
            # An exploded object stands for its properties, each of which is a parameter.
            **({"style": "form", "explode": True} if one.is_exploded else {}),
        }
        for name, one in parameters.items()
    ]


def form_body(fields: Parameters, rules: Sequence[Schema] = ()) -> Json:
    """The request body of OpenAPI for a form. If the body is empty, the fields may be in the query string."""
    required = [name for name, one in fields.items() if one.required]
    schema: Json = {
        "type": "object",
        "properties": {name: one.listed for name, one in fields.items()},
    }
    if required:
        schema["required"] = required
    if rules:
        schema["allOf"] = [*rules]
    return {
        "required": bool(required),
        "content": {"application/x-www-form-urlencoded": {"schema": schema}},
    }
