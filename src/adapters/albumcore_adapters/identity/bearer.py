"""The token in an ``Authorization`` header: Bearer (RFC 6750), or the password of Basic (RFC 7617)."""

from __future__ import annotations

import base64
import re

from albumcore_adapters.identity.errors import Unauthorized

_HEADER = re.compile(r"[ \t]*(bearer|basic)[ \t]+([!-~]+)[ \t]*", re.IGNORECASE)


def bearer(header: str | None) -> str:
    """Return the token in an ``Authorization`` header: of Bearer, or the password of Basic.

    Raises:
        Unauthorized: there is no header, its scheme is another one, or it is malformed.
    """
    if header is None:
        raise Unauthorized("there is no Authorization header")
    if not (match := _HEADER.fullmatch(header)):
        raise Unauthorized("the Authorization header is not Bearer or Basic with one value")
    if match[1].lower() == "bearer":
        return match[2]
    try:
        _, token = base64.b64decode(match[2], validate=True).decode("latin-1").split(":")
    except ValueError:
        raise Unauthorized(
            "Basic does not contain a user and a token, joined by one colon"
        ) from None
    if not re.fullmatch(r"[!-~]+", token):
        raise Unauthorized("the password of Basic is not a token")
    return token
