"""Which media type of an answer the client asks for most."""

from __future__ import annotations

from collections.abc import Iterable

import falcon


def preferred(req: falcon.Request, media_types: Iterable[str]) -> str | None:
    """Of some media types, that which ``Accept`` asks for most; None where it leaves no room for any.

    Names of media types and of ``q`` are the same in any case (RFC 9110 sections 8.3.1 and 12.4.2), which falcon
    compares as they are written.
    """
    try:
        return falcon.mediatypes.best_match(media_types, req.accept.lower()) or None
    except ValueError:
        return None
