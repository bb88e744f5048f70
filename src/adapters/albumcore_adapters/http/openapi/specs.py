"""The pieces that OpenAPI documents are made of: schemas, parameters, forms and responses."""

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


def ref(name: str) -> Schema:
    """A schema of the document, by name."""
    return {"$ref": f"#/components/schemas/{name}"}


def array(items: Schema) -> Schema:
    """A list."""
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
    """A text with a number of characters in a range."""
    least = {"minLength": shortest} if shortest else {}
    most = {} if longest is None else {"maxLength": longest}
    return {"type": "string", **least, **most, **more}


def one_of(*words: str) -> Schema:
    """One of some words."""
    return {"type": "string", "enum": list(words)}


@frozen
class ParameterSpec:
    """A named value of a query or a form.

    Attributes:
        schema: What it looks like.
        about: What it is for.
        required: Whether it has to be there.
        repeated: Whether it may come more than once.
    """

    schema: Schema
    about: str = ""
    required: bool = False
    repeated: bool = False

    @property
    def listed(self) -> Schema:
        """Its schema, or that of a list of such values where there may be more than one."""
        return array(self.schema) if self.repeated else self.schema

    @property
    def is_exploded(self) -> bool:
        """Whether it is more than one parameter on the wire."""
        return self.repeated or self.schema.get("type") in ("array", "object")


Parameters = Mapping[str, ParameterSpec]


def exactly_one(*names: str) -> Schema:
    """A rule of a group or a form: one of these is there, and no other of them."""
    return {"oneOf": [{"required": [name]} for name in names]}


def at_most_one(one: str, other: str) -> Schema:
    """A rule of a group or a form: the two are not there both."""
    return {"not": {"required": [one, other]}}


def group(fields: Parameters, *rules: Schema, required: bool = False) -> ParameterSpec:
    """Values of a query string whose presence hangs together: an object, whose members are the parameters.

    Args:
        fields: The parameters, by name.
        rules: What the object must keep. They stand in ``allOf``: machines that make clients of the document take
            the members from beside it.
        required: Whether one of them has to be there.
    """
    members = {
        name: {**one.schema, **({"description": one.about} if one.about else {})}
        for name, one in fields.items()
    }
    schema = {"type": "object", "properties": members, "allOf": [*rules]}
    return ParameterSpec(schema, "These stand in the query string by their own names.", required)


@frozen
class ResponseSpec:
    """One answer to an operation.

    Attributes:
        about: When it comes.
        content: What the body is, by media type; none for no body.
        headers: What is told beside it, by name.
    """

    about: str
    content: Mapping[str, Schema] = field(factory=dict)
    headers: Mapping[str, Schema] = field(factory=dict)

    def document(self) -> Json:
        """Itself, as OpenAPI has it."""
        found: Json = {"description": self.about}
        if self.headers:
            found["headers"] = {name: {"schema": one} for name, one in self.headers.items()}
        if self.content:
            found["content"] = {media: {"schema": one} for media, one in self.content.items()}
        return found


def parameter_list(where: str, parameters: Parameters) -> list[Json]:
    """Values of a query string or of headers, as OpenAPI has them."""
    return [
        {
            "name": name,
            "in": where,
            "required": one.required,
            "description": one.about,
            "schema": one.listed,
            # An object that is exploded is its members, each a parameter of its own.
            **({"style": "form", "explode": True} if one.is_exploded else {}),
        }
        for name, one in parameters.items()
    ]


def form_body(fields: Parameters, rules: Sequence[Schema] = ()) -> Json:
    """A form, as OpenAPI has it. Its fields may stand in the query string instead, where the body is empty."""
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
