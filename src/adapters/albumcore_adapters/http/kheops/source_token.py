"""``X-Authorization-Source``: a second token, whose album is the origin of series (Kheops API 4 and 9).

The album lends its series: the caller may take them as if they could send from that album.
"""

from __future__ import annotations

from albumcore import Permission
from albumcore.errors import Forbidden, NotFound
from albumcore.ids import AlbumId
from albumcore_adapters.access.albums import permitted
from albumcore_adapters.access.series import Taken, taken_from_album
from albumcore_adapters.http.kheops.request import ApiRequest
from albumcore_adapters.identity.authentication import Authentication
from albumcore_adapters.identity.bearer import bearer
from albumcore_adapters.identity.callers import caller_of
from albumcore_adapters.identity.errors import Unauthorized

_HEADER = "X-Authorization-Source"


def lends(request: ApiRequest) -> bool:
    """Whether the request has the header."""
    return request.header(_HEADER) is not None


def lent(request: ApiRequest, auth: Authentication) -> Taken | None:
    """The series of the study in the path that the album of the second token lends; None without the header.

    Events name the caller only: the second token lends, but it does not act.

    Raises:
        Unauthorized: the header is malformed.
        Forbidden: it is not the token of an album with the permission to send from there.
    """
    header = request.header(_HEADER)
    if header is None:
        return None
    album = _lending_album(auth, header)
    return taken_from_album(auth.albums.index, album, request.study)


def _lending_album(auth: Authentication, header: str) -> AlbumId:
    if not header.lower().lstrip().startswith("bearer"):
        raise Unauthorized(f"{_HEADER} is not Bearer with a token")
    token = bearer(header)
    try:
        lender = caller_of(auth, token)
    except (Unauthorized, NotFound):
        raise Forbidden(f"the token in {_HEADER} is not valid") from None
    if lender.album is None:
        raise Forbidden(f"the token in {_HEADER} is not for an album")
    # Of the tokens for an album, only capability tokens ever have this permission.
    permitted(auth.albums, lender, lender.album, Permission.SEND_SERIES, auth.clock())
    return lender.album
