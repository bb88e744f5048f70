"""Requests for what has changed, and for a part of a body (RFC 9110 sections 13 and 14)."""

from __future__ import annotations

import re
from hashlib import sha256

import falcon

ETAG = "ETag"

_RANGE = re.compile(r"bytes[ \t]*=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*")


def etag_of(*named: str | bytes, is_weak: bool = False) -> str:
    """The entity tag of what some texts identify, such as digests and a media type, or of a body.

    Args:
        named: The texts, or the body.
        is_weak: Whether two responses with it may differ in their bytes, as the boundaries of multipart messages do.
    """
    sha = sha256()
    for one in named:
        sha.update(one.encode() if isinstance(one, str) else one)
        sha.update(b"\n")
    digest = sha.hexdigest()[:32]
    return f'W/"{digest}"' if is_weak else f'"{digest}"'


def is_unchanged(req: falcon.Request, etag: str) -> bool:
    """Whether ``If-None-Match`` names an entity tag, weak or strong: the client has the response already.

    Args:
        req: The request, a GET.
        etag: The entity tag of the response, quoted.
    """
    header: str | None = req.env.get("HTTP_IF_NONE_MATCH")
    if header is None:
        return False
    named = {one.strip().removeprefix("W/") for one in header.split(",")}
    return "*" in named or etag.removeprefix("W/") in named


def asked_range(req: falcon.Request, length: int, etag: str | None) -> tuple[int, int] | None:
    """The first byte that ``Range`` asks for, and the one after the last; None for the whole.

    The whole is sent where several ranges are named, where the header is malformed, and where ``If-Range`` names
    another version than the present one.

    Args:
        req: The request.
        length: Length of the body, in bytes.
        etag: The entity tag of the response; None without one.

    Raises:
        falcon.HTTPRangeNotSatisfiable: the body has none of these bytes.
    """
    header: str | None = req.env.get("HTTP_RANGE")
    match = None if header is None else _RANGE.fullmatch(header)
    if match is None or req.env.get("HTTP_IF_RANGE", etag) != etag:
        return None
    first, last = match.groups()
    if not (first or last):
        return None
    if not first:  # so many at the end
        start, stop = max(0, length - int(last)), length
    else:
        start, stop = int(first), length if not last else min(int(last) + 1, length)
        if last and int(last) < start:
            return None
    if start >= stop:
        raise falcon.HTTPRangeNotSatisfiable(length)
    return start, stop
