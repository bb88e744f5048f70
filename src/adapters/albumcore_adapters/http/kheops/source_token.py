"""``X-Authorization-Source``: a second token, which lends what its album holds (Kheops API 4 and 9)."""

from __future__ import annotations

from albumcore import Permission
from albumcore.errors import Forbidden, NotFound
from albumcore.ids import AlbumId, StudyUID
from albumcore_adapters.access.albums import permitted
from albumcore_adapters.access.series import Taken, taken_from_album
from albumcore_adapters.http.kheops.request import UnconvertedRequest as ApiRequest
from albumcore_adapters.identity.bearer import bearer
from albumcore_adapters.identity.callers import caller_of
from albumcore_adapters.identity.errors import Unauthorized

HEADER = "X-Authorization-Source"


def lends(request: ApiRequest) -> bool:
    """Whether the request names a lender."""
    return request.req.get_header(HEADER) is not None


def lent(request: ApiRequest, study: StudyUID) -> Taken:
    """The series of a study that the lender's album holds, and that may be taken from there.

    The history names the caller alone: the lender gives, but it does not act.

    Raises:
        Unauthorized: the header is malformed.
        Forbidden: it is not the token of an album that may be sent from.
    """
    return taken_from_album(request.service.albums.index, _lending_album(request), study)


def _lending_album(request: ApiRequest) -> AlbumId:
    header = request.req.get_header(HEADER) or ""
    if not header.lower().lstrip().startswith("bearer"):
        raise Unauthorized(f"{HEADER} is not Bearer with a token")
    token = bearer(header)
    try:
        lender = caller_of(request.service.auth, token)
    except (Unauthorized, NotFound):
        raise Forbidden(f"the token in {HEADER} is not good") from None
    if lender.album is None:
        raise Forbidden(f"the token in {HEADER} is not for an album")
    # Of the tokens for an album, only capability tokens ever hold it.
    service = request.service
    permitted(service.albums, lender, lender.album, Permission.SEND_SERIES, service.clock())
    return lender.album
