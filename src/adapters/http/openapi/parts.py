"""The pieces that OpenAPI documents are written in here: operations, parameters, forms and answers, kept short."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

Json = dict[str, Any]
Schema = Mapping[str, Any]

TEXT: Schema = {"type": "string"}
INTEGER: Schema = {"type": "integer"}
COUNT: Schema = {"type": "integer", "minimum": 0}
FLAG: Schema = {"type": "boolean"}


def ref(name: str) -> Schema:
    """A schema of the document, by name."""
    return {"$ref": f"#/components/schemas/{name}"}


def array(items: Schema) -> Schema:
    """A list of things."""
    return {"type": "array", "items": items}


def record(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """An object with these keys and no others."""
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **(optional or {})},
        "additionalProperties": False,
    }


def text(shortest: int = 0, longest: int | None = None, **more: Any) -> Schema:
    """A text of so many characters."""
    least = {"minLength": shortest} if shortest else {}
    most = {} if longest is None else {"maxLength": longest}
    return {"type": "string", **least, **most, **more}


def one_of(*words: str) -> Schema:
    """One of some words."""
    return {"type": "string", "enum": list(words)}


@frozen
class Field:
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


Fields = Mapping[str, Field]


@frozen
class Answer:
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


@frozen
class Operation:
    """What one route takes and answers.

    Attributes:
        about: What it does, in one line.
        answers: What comes when all is well, by status.
        query: Values in the query string.
        headers: Values in headers of the request, beside the usual ones.
        form: Values in a form.
        body: A JSON body.
        errors: Statuses of errors that this operation has beside those of all.
    """

    about: str
    answers: Mapping[int, Answer]
    query: Fields = field(factory=dict)
    headers: Fields = field(factory=dict)
    form: Fields | None = None
    body: Schema | None = None
    errors: Sequence[int] = ()


def parameters(where: str, fields: Fields) -> list[Json]:
    """Values of a query string or of headers, as OpenAPI has them."""
    return [
        {
            "name": name,
            "in": where,
            "required": one.required,
            "description": one.about,
            "schema": array(one.schema) if one.repeated else one.schema,
            **({"style": "form", "explode": True} if one.repeated else {}),
        }
        for name, one in fields.items()
    ]


def form_body(fields: Fields) -> Json:
    """A form, as OpenAPI has it. Its fields may stand in the query string instead, so no body is needed."""
    required = [name for name, one in fields.items() if one.required]
    schema: Json = {
        "type": "object",
        "properties": {
            name: array(one.schema) if one.repeated else one.schema for name, one in fields.items()
        },
    }
    if required:
        schema["required"] = required
    return {"content": {"application/x-www-form-urlencoded": {"schema": schema}}}
