"""The form in the body of a request (Kheops API, conventions)."""

from __future__ import annotations

from collections.abc import Mapping

import falcon

from albumcore.errors import Invalid
from albumcore_adapters.http.body import read_body
from albumcore_adapters.http.kheops.parameters import Fields, query_of

MAX_FORM = 1024 * 1024
"""Largest form body, in bytes: enough for the UIDs of more than 10,000 series."""

MAX_FORM_OF_ANYBODY = 64 * 1024
"""The same for routes without authentication: a server may buffer it without occupying a thread."""

CHARSETS: Mapping[str, str] = {
    charset: charset for charset in ("utf-8", "us-ascii", "iso-8859-1")
} | {"utf8": "utf-8"}
"""The accepted character sets of a form; the default is UTF-8."""


def read_form(req: falcon.Request, longest: int = MAX_FORM) -> Fields:
    """The fields of a form: of the body, or of the query string if the body is empty.

    Args:
        req: The request.
        longest: Largest body, in bytes.

    Raises:
        falcon.HTTPUnsupportedMediaType: the body is not a form, or in a character set that is not accepted.
        falcon.HTTPContentTooLarge: the body is larger.
        falcon.HTTPBadRequest: the body ended early.
        Invalid: it is malformed.
    """
    charset = _charset(req)
    body = read_body(req, longest)
    if not body:
        return query_of(req, Invalid)
    if charset is None:
        raise falcon.HTTPUnsupportedMediaType(description="the body has no Content-Type")
    return Fields.parse(body, "form", Invalid, charset)


def _charset(req: falcon.Request) -> str | None:
    """The character set of the form; None if the request is not declared as a form."""
    if not req.content_type:
        return None
    kind, parameters = falcon.parse_header(req.content_type)
    charset = CHARSETS.get(parameters.get("charset", "utf-8").lower())
    if kind.lower() != falcon.MEDIA_URLENCODED or charset is None:
        raise falcon.HTTPUnsupportedMediaType(
            description=f"the body must be {falcon.MEDIA_URLENCODED}, in UTF-8"
        )
    return charset
