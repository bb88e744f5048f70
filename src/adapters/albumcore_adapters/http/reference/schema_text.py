"""JSON schemas as the words of a reference: what a value is, in one line."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup, escape

from albumcore_adapters.http.openapi.specs import Schema

SCHEMA_PREFIX = "#/components/schemas/"
_LONGEST_PATTERN = 60
"""Characters of a regular expression that is shown; a longer one helps no reader, and its description says the rule."""
_SINGULARS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "object",
    "null": "null",
}


def schema_text(schema: Schema) -> Markup:
    """Say in one line of HTML what a value of a schema is; a schema of the document by name is a link to it."""
    if "$ref" in schema:
        name = str(schema["$ref"]).removeprefix(SCHEMA_PREFIX)
        return Markup('<a href="#schema-{}">{}</a>').format(name, name)
    for alternatives in ("oneOf", "anyOf"):
        if alternatives in schema and "properties" not in schema:
            return Markup(" or ").join(schema_text(one) for one in schema[alternatives])
    if "enum" in schema:
        values = (Markup("<code>{}</code>").format(value) for value in schema["enum"])
        return Markup("one of ") + Markup(", ").join(values)
    kinds = schema.get("type", "any value")
    if kinds == "array":
        return Markup("array of ") + schema_text(schema.get("items", {}))
    words = kinds if isinstance(kinds, list) else [kinds]
    text = Markup(" or ").join(
        _SINGULARS[word] if word in _SINGULARS else str(word) for word in words
    )
    return text + Markup("").join(_limits(schema))


def _limits(schema: Schema) -> Iterator[Markup]:
    unit = " characters"
    for least, most, of in (("minLength", "maxLength", unit), ("minimum", "maximum", "")):
        low, high = schema.get(least), schema.get(most)
        if low is not None and high is not None:
            yield escape(f", {low} to {high}{of}")
        elif low:
            yield escape(f", at least {low}{of}")
        elif high is not None:
            yield escape(f", at most {high}{of}")
    if len(pattern := schema.get("pattern", "")) in range(1, _LONGEST_PATTERN):
        yield Markup(", <code>{}</code>").format(pattern)
    if "format" in schema:
        yield escape(f", {schema['format']}")
