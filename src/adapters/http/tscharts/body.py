"""Request bodies taken as JSON."""

from __future__ import annotations

from typing import Any

import falcon
import orjson

from adapters.http.body import read_body


def json_object(req: falcon.Request, limit: int) -> dict[str, Any]:
    """Return the JSON object in the body, whatever Content-Type says.

    Of a key that is there twice, the last value counts.

    Args:
        req: The request.
        limit: Largest body, in bytes.

    Raises:
        falcon.HTTPContentTooLarge: the body is larger.
        falcon.HTTPBadRequest: it ended early, or does not hold a JSON object.

    """
    try:
        value = orjson.loads(read_body(req, limit))
    except orjson.JSONDecodeError as error:
        raise falcon.HTTPBadRequest(description=f"the body is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise falcon.HTTPBadRequest(description="the body is not a JSON object")
    return value
