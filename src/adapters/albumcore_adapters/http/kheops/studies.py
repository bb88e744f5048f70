"""Studies and series of an album over HTTP (Kheops API 4.1 to 4.4)."""

from __future__ import annotations

from albumcore import (
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
from albumcore_adapters.access.claims import put_in_album
from albumcore_adapters.access.series import (
    Origin,
    Taken,
    origin_of,
    sendable,
    series_in_album,
    taken_from_inbox,
)
from albumcore_adapters.http.kheops.common import ADDED, DONE, FROM, LENT
from albumcore_adapters.http.kheops.params import BadQuery
from albumcore_adapters.http.kheops.request import UnconvertedRequest as ApiRequest
from albumcore_adapters.http.kheops.source_token import lends, lent
from albumcore_adapters.http.route import Callers, Route


def add_study(request: ApiRequest) -> None:
    """Add the series of a study that are in another album, in the caller's inbox, or lent (Kheops API 4.1)."""
    found = taken(request)
    put_in_album(
        request.service.holdings,
        request.source,
        request.album,
        import_study,
        found.holder,
        request.study,
        found.series,
    )
    request.done(201)


def add_series(request: ApiRequest) -> None:
    """Add a series that the caller may claim, or that is lent (Kheops API 4.2); one already there changes nothing."""
    origin = origin_in(request)
    if origin is not None:
        put_in_album(
            request.service.holdings,
            request.source,
            request.album,
            import_series,
            origin,
            request.study,
            request.series,
        )
    elif request.series not in series_in_album(
        request.service.albums.index, request.album, request.study
    ):
        raise SeriesNotFound("no such series, or it is not yours to add")
    request.done(201)


def origin_in(request: ApiRequest) -> Origin | None:
    """What the series in the path comes from: a lender, or what the caller may take it from; None where it may not."""
    if lends(request):
        found = lent(request, request.study)
        return found.holder if request.series in found.series else None
    return origin_of(request.service.holdings, request.caller, request.study, request.series)


def delete_study(request: ApiRequest) -> None:
    """Take a study out of the album; it stays wherever else it is (Kheops API 4.3)."""
    refuse_permanent(request)
    request.decide(remove_study, request.study)
    request.done()


def delete_series(request: ApiRequest) -> None:
    """Take a series out of the album; it stays wherever else it is (Kheops API 4.4)."""
    refuse_permanent(request)
    request.decide(remove_series, request.study, request.series)
    request.done()


def taken(request: ApiRequest) -> Taken:
    """The series of the study in the path that the request takes: from a lender, an album, or the caller's inbox.

    A lender settles it: what the query says of the source is not asked for then.

    Raises:
        BadQuery: there is no lender, and not exactly one of ``album`` and ``inbox=true``.
        StudyNotFound: the study is not there.
    """
    album, inbox = request.query.text("album"), request.query.flag("inbox") is True
    if lends(request):
        found = lent(request, request.study)
    elif (album is not None) == inbox:
        raise BadQuery("album", "either it or inbox=true names what is taken from")
    elif album is not None:
        found = sendable(request.service.holdings, request.caller, album, request.study)
    else:
        found = taken_from_inbox(request.service.inbox, request.caller.user, request.study)
    if not found.series:
        raise StudyNotFound("the study is not where it is to be taken from")
    return found


def refuse_permanent(request: ApiRequest) -> None:
    """Refuse to delete for good, rather than do something else: what is recorded stays.

    Raises:
        Forbidden: the request asks for it.
    """
    if request.req.get_header("Admin-Action") is not None:
        raise Forbidden("the header Admin-Action is not supported: nothing recorded is deleted")


ROUTES = (
    Route(
        *("PUT", "/studies/{study}/albums/{album}", add_study, "Add a study to an album."),
        permission=Permission.ADD_SERIES,
        query_permission=Permission.SEND_SERIES,
        needs="the study is where it is taken from",
        records=(StudyImported,),
        query=FROM,
        headers=LENT,
        responses=ADDED,
    ),
    Route(
        *("DELETE", "/studies/{study}/albums/{album}", delete_study),
        summary="Take a study out of an album.",
        callers=Callers.ANY_TOKEN,
        permission=Permission.DELETE_SERIES,
        records=(StudyRemoved,),
        responses=DONE,
    ),
    Route(
        *("PUT", "/studies/{study}/series/{series}/albums/{album}", add_series),
        summary="Add a series to an album.",
        permission=Permission.ADD_SERIES,
        needs="the series may be claimed, or is lent",
        records=(SeriesImported,),
        headers=LENT,
        responses=ADDED,
    ),
    Route(
        *("DELETE", "/studies/{study}/series/{series}/albums/{album}", delete_series),
        summary="Take a series out of an album.",
        callers=Callers.ANY_TOKEN,
        permission=Permission.DELETE_SERIES,
        records=(SeriesRemoved,),
        responses=DONE,
    ),
)
