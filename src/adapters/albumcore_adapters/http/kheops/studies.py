"""Studies and series of an album (Kheops API 4.1 to 4.4)."""

from __future__ import annotations

from albumcore import (
    Albumcore,
    Permission,
    SeriesImported,
    SeriesRemoved,
    StudyImported,
    StudyRemoved,
    import_series,
    import_study,
    remove_series,
    remove_study,
)
from albumcore.errors import Forbidden, SeriesNotFound, StudyNotFound
from albumcore.ids import AlbumId
from albumcore_adapters.access.claims import put_in_album
from albumcore_adapters.access.holdings import Holdings
from albumcore_adapters.access.series import (
    Origin,
    Taken,
    origin_of,
    sendable,
    series_in_album,
    taken_from_inbox,
)
from albumcore_adapters.http.kheops.parameters import BadQuery
from albumcore_adapters.http.kheops.request import ApiRequest
from albumcore_adapters.http.kheops.shared_specs import ADDED, DONE, FROM, LENT
from albumcore_adapters.http.kheops.source_token import lent
from albumcore_adapters.http.response import CREATED, NO_CONTENT, Response
from albumcore_adapters.http.route import Callers, Route
from albumcore_adapters.identity.authentication import Authentication


def add_study(request: ApiRequest, holdings: Holdings, auth: Authentication) -> Response:
    """Add the series of a study that are in another album, in the caller's inbox, or lent (Kheops API 4.1)."""
    # The query is not read if a second token lends the series.
    found = lent(request, auth) or taken_by_query(request, holdings, "the origin")
    import_taken(request, holdings, request.album, found)
    return CREATED


def add_series(request: ApiRequest, holdings: Holdings, auth: Authentication) -> Response:
    """Add a series that the caller may claim, or that is lent (Kheops API 4.2). Idempotent."""
    origin, uids = origin_in(request, holdings, auth), (request.study, request.series)
    if origin is not None:
        put_in_album(holdings, request.source, request.album, import_series, origin, *uids)
    elif not is_in(request, holdings, request.album):
        raise SeriesNotFound("no such series, or you may not add it")
    return CREATED


def delete_study(request: ApiRequest, albums: Albumcore) -> Response:
    """Remove a study from the album; other albums and inboxes are unchanged (Kheops API 4.3)."""
    refuse_permanent(request)
    albums.handle(request.stream, remove_study, request.source, request.study)
    return NO_CONTENT


def delete_series(request: ApiRequest, albums: Albumcore) -> Response:
    """Remove a series from the album; other albums and inboxes are unchanged (Kheops API 4.4)."""
    refuse_permanent(request)
    albums.handle(request.stream, remove_series, request.source, request.study, request.series)
    return NO_CONTENT


# Where series come from


def origin_in(request: ApiRequest, holdings: Holdings, auth: Authentication) -> Origin | None:
    """The origin of the series in the path: the lender, or what the caller may take it from; None without one."""
    found = lent(request, auth)
    if found is not None:
        return found.holder if request.series in found.series else None
    return origin_of(holdings, request.caller, request.study, request.series)


def taken_by_query(request: ApiRequest, holdings: Holdings, what: str) -> Taken:
    """The series of the study in the path that are in the album of the query, or in the caller's inbox.

    Raises:
        BadQuery: not exactly one of ``album`` and ``inbox=true`` is given; ``what`` says for what.
        AlbumNotFound, Forbidden: see `sendable`.
    """
    album, inbox = request.query.text("album"), request.query.flag("inbox") is True
    if (album is not None) == inbox:
        raise BadQuery("album", f"exactly one of album and inbox=true is expected as {what}")
    if album is not None:
        return sendable(holdings, request.caller, album, request.study)
    return taken_from_inbox(holdings.inbox, request.caller.user, request.study)


def nonempty(found: Taken | None) -> Taken:
    """Series that are taken.

    Raises:
        StudyNotFound: there are none.
    """
    if found is None or not found.series:
        raise StudyNotFound("the study is not in the origin")
    return found


def is_in(request: ApiRequest, holdings: Holdings, album: AlbumId) -> bool:
    """Whether an album holds the series in the path."""
    return request.series in series_in_album(holdings.albums.index, album, request.study)


def import_taken(request: ApiRequest, holdings: Holdings, album: AlbumId, found: Taken) -> None:
    """Import series of the study in the path into an album.

    Raises:
        StudyNotFound: there are none.
    """
    source, study, taken = request.source, request.study, nonempty(found)
    put_in_album(holdings, source, album, import_study, taken.holder, study, taken.series)


def refuse_permanent(request: ApiRequest) -> None:
    """Refuse a permanent deletion: recorded events are not deleted.

    Raises:
        Forbidden: the request asks for one.
    """
    if request.header("Admin-Action") is not None:
        raise Forbidden("the header Admin-Action is not supported: recorded events are not deleted")


ROUTES = (
    Route(
        *("PUT", "/studies/{study}/albums/{album}", add_study, "Add a study to an album."),
        permission=Permission.ADD_SERIES,
        query_permission=Permission.SEND_SERIES,
        needs="the study is in the origin",
        records=(StudyImported,),
        query=FROM,
        headers=LENT,
        responses=ADDED,
    ),
    Route(
        *("DELETE", "/studies/{study}/albums/{album}", delete_study),
        summary="Remove a study from an album.",
        callers=Callers.ANY_TOKEN,
        permission=Permission.DELETE_SERIES,
        records=(StudyRemoved,),
        responses=DONE,
    ),
    Route(
        *("PUT", "/studies/{study}/series/{series}/albums/{album}", add_series),
        summary="Add a series to an album.",
        permission=Permission.ADD_SERIES,
        needs="the caller may claim the series, or it is lent",
        records=(SeriesImported,),
        headers=LENT,
        responses=ADDED,
    ),
    Route(
        *("DELETE", "/studies/{study}/series/{series}/albums/{album}", delete_series),
        summary="Remove a series from an album.",
        callers=Callers.ANY_TOKEN,
        permission=Permission.DELETE_SERIES,
        records=(SeriesRemoved,),
        responses=DONE,
    ),
)
