"""JSON request bodies."""

from __future__ import annotations

from typing import Any

import falcon
import orjson

from albumcore_adapters.http.body import read_body

MOST_VALUES = 100_000
"""Limit of commas and opening brackets in a body. One precedes each JSON value, which may take 30 times its bytes."""


def json_object(req: falcon.Request, limit: int) -> dict[str, Any]:
    """Parse the JSON object in the body. Content-Type is ignored; of a repeated key, the last value counts.

    Args:
        req: The request.
        limit: Largest body, in bytes.

    Raises:
        falcon.HTTPContentTooLarge: the body is larger.
        falcon.HTTPBadRequest: the body ended early, is not a JSON object, or has more than `MOST_VALUES` values.
        falcon.HTTPError: 408, the body came too slowly.
    """
    try:
        value = orjson.loads(_checked(read_body(req, limit)))
    except orjson.JSONDecodeError as error:
        raise falcon.HTTPBadRequest(description=f"the body is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise falcon.HTTPBadRequest(description="the body is not a JSON object")
    return value


def _checked(body: bytes) -> bytes:
    if len(body) > MOST_VALUES and sum(map(body.count, (b",", b"{", b"["))) > MOST_VALUES:
        raise falcon.HTTPBadRequest(description=f"the body holds more than {MOST_VALUES} values")
    return body
