"""Request bodies taken as JSON."""

from __future__ import annotations

from typing import Any

import falcon
import orjson

from albumcore_adapters.http.body import read_body

MOST_VALUES = 100_000
"""Commas and opening brackets in a body. Each value in JSON has one before it, and may take 30 times its bytes."""


def json_object(req: falcon.Request, limit: int) -> dict[str, Any]:
    """Return the JSON object in the body, whatever Content-Type says.

    Of a key that is there twice, the last value counts.

    Args:
        req: The request.
        limit: Largest body, in bytes.

    Raises:
        falcon.HTTPContentTooLarge: the body is larger.
        falcon.HTTPBadRequest: it ended early, does not hold a JSON object, or holds more than `MOST_VALUES`.

    """
    try:
        value = orjson.loads(_plain(read_body(req, limit)))
    except orjson.JSONDecodeError as error:
        raise falcon.HTTPBadRequest(description=f"the body is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise falcon.HTTPBadRequest(description="the body is not a JSON object")
    return value


def _plain(body: bytes) -> bytes:
    """Return a body that is mostly the text of an image, as large ones are."""
    if len(body) > MOST_VALUES and sum(map(body.count, (b",", b"{", b"["))) > MOST_VALUES:
        raise falcon.HTTPBadRequest(description=f"the body holds more than {MOST_VALUES} values")
    return body
