"""Content negotiation: which of the media types of a route the client prefers (RFC 9110 section 12.5.1)."""

from __future__ import annotations

from collections.abc import Iterable

import falcon

JSON = falcon.MEDIA_JSON
DICOM_JSON = "application/dicom+json"
DICOM = "application/dicom"
OCTETS = "application/octet-stream"
MULTIPART = "multipart/related"
HTML = "text/html"


def preferred(req: falcon.Request, media_types: Iterable[str]) -> str | None:
    """The media type that ``Accept`` gives the highest quality; None if it accepts none of them.

    Media types and ``q`` are case-insensitive (RFC 9110 sections 8.3.1 and 12.4.2); falcon compares them as written.
    """
    try:
        return falcon.mediatypes.best_match(media_types, req.accept.lower()) or None
    except ValueError:
        return None
