"""Inboxes, sending, and uploads through tokens of an album (Kheops API 4.5 and 9).

A token of an album imports into that album and removes from it; a user does so with their inbox. Inboxes have no
events: only changes of an album are recorded.
"""

from __future__ import annotations

from albumcore import (
    Album,
    Permission,
    ReportAdded,
    SeriesImported,
    SeriesRemoved,
    Stream,
    StudyImported,
    StudyRemoved,
    add_report,
    import_series,
    remove_series,
    remove_study,
)
from albumcore.errors import Forbidden, SeriesNotFound, StudyNotFound
from albumcore.ids import AlbumId, UserId
from albumcore_adapters.access.albums import may, permitted
from albumcore_adapters.access.claims import put_in_album, put_in_inbox
from albumcore_adapters.access.holdings import Holdings
from albumcore_adapters.access.series import (
    Claim,
    Origin,
    Place,
    Taken,
    confirmed_holdings,
    origin_of,
    reach,
    reachable,
    sendable,
    taken_from_inbox,
)
from albumcore_adapters.directory.claims import inbox_holder
from albumcore_adapters.directory.people import People
from albumcore_adapters.http.kheops.album_overview import contents_of
from albumcore_adapters.http.kheops.comments import NotSeen
from albumcore_adapters.http.kheops.parameters import BadQuery, user_named
from albumcore_adapters.http.kheops.request import ApiRequest
from albumcore_adapters.http.kheops.shared_specs import ADDED, DONE, FROM, LENT, LISTED, shown
from albumcore_adapters.http.kheops.source_token import lends, lent
from albumcore_adapters.http.kheops.studies import (
    import_taken,
    is_in,
    nonempty,
    origin_in,
    refuse_permanent,
    taken_by_query,
)
from albumcore_adapters.http.openapi.schemas import ALPHANUMERIC
from albumcore_adapters.http.openapi.specs import ParameterSpec
from albumcore_adapters.http.response import CREATED, NO_CONTENT, Response
from albumcore_adapters.http.route import Callers, Route
from albumcore_adapters.identity.authentication import Authentication

# Taking


def take_study(request: ApiRequest, holdings: Holdings, auth: Authentication) -> Response:
    """Put a study of an album, or one that is lent, into the token's album or the caller's inbox."""
    album, own = request.query.text("album"), request.caller.album
    if album is not None and lends(request):
        raise BadQuery(
            "album", "it is not allowed with X-Authorization-Source, which names the origin"
        )
    if own is not None:
        _import_study(request, holdings, auth, own, album)
    else:
        _require_user(request)
        _collect_study(request, holdings, auth, album)
    return CREATED


def _import_study(
    request: ApiRequest, holdings: Holdings, auth: Authentication, own: AlbumId, album: str | None
) -> None:
    _permitted(request, holdings, own, Permission.ADD_SERIES)
    if not _is_meant(request):
        raise StudyNotFound("the token is for another study")
    found = lent(request, auth) or _sendable(request, holdings, album)
    if found is None:
        raise BadQuery("album", "it or X-Authorization-Source is required to name the origin")
    import_taken(request, holdings, own, found)


def _collect_study(
    request: ApiRequest, holdings: Holdings, auth: Authentication, album: str | None
) -> None:
    found = lent(request, auth)
    if found is None:
        if not reachable(holdings, request.caller, request.study):
            raise NotSeen("no such study, or you cannot see it")
        found = _sendable(request, holdings, album)
    _put(request, holdings, request.caller.user, nonempty(found))


def _sendable(request: ApiRequest, holdings: Holdings, album: str | None) -> Taken | None:
    return None if album is None else sendable(holdings, request.caller, album, request.study)


def take_series(request: ApiRequest, holdings: Holdings, auth: Authentication) -> Response:
    """Put a series into the token's album, or into the caller's inbox (Kheops API 4.5)."""
    if request.caller.album is not None:
        _import_series(request, holdings, auth, request.caller.album)
        return CREATED
    _require_user(request)
    origin = origin_in(request, holdings, auth)
    if origin is None:
        raise SeriesNotFound("no such series, or you may not take it")
    put_in_inbox(holdings, request.caller.user, origin, request.study, [request.series])
    return CREATED


def _import_series(
    request: ApiRequest, holdings: Holdings, auth: Authentication, own: AlbumId
) -> None:
    caller, is_lent = request.caller, lends(request)
    is_there = is_in(request, holdings, own) and not is_lent
    adds = is_lent or may(auth.albums, caller, own, Permission.ADD_SERIES, auth.clock())
    origin = origin_in(request, holdings, auth) if adds else None
    if not (_is_meant(request) and (origin is not None or is_there)):
        raise SeriesNotFound("no such series, or this token may not add it")
    _permitted(request, holdings, own, Permission.ADD_SERIES)
    if origin is not None:
        add = add_report if caller.source.report_provider else import_series
        uids = request.study, request.series
        put_in_album(holdings, request.source, own, add, origin, *uids)


def _is_meant(request: ApiRequest) -> bool:
    """Whether the token reaches the study in the path."""
    return request.caller.studies is None or request.study in request.caller.studies


# Removing


def leave_study(request: ApiRequest, holdings: Holdings) -> Response:
    """Remove a study from the token's album, or from the caller's inbox."""
    refuse_permanent(request)
    caller, inbox, study = request.caller, holdings.inbox, request.study
    if caller.album is not None:
        stream = _permitted(request, holdings, caller.album, Permission.DELETE_SERIES)
        holdings.albums.handle(stream, remove_study, request.source, study)
    else:
        _require_user(request)
        found = nonempty(taken_from_inbox(inbox, caller.user, study))
        inbox.remove(caller.user, study, found.series)
    return NO_CONTENT


def leave_series(request: ApiRequest, holdings: Holdings) -> Response:
    """Remove a series from the token's album, or from the caller's inbox."""
    refuse_permanent(request)
    caller, study, series = request.caller, request.study, request.series
    if caller.album is not None:
        stream = _permitted(request, holdings, caller.album, Permission.DELETE_SERIES)
        holdings.albums.handle(stream, remove_series, request.source, study, series)
    else:
        _require_user(request)
        if not holdings.inbox.remove(caller.user, study, [series]):
            raise SeriesNotFound("the series is not in your inbox")
    return NO_CONTENT


# Sending


def send_study(request: ApiRequest, people: People, holdings: Holdings) -> Response:
    """Put a study of an album, or of the caller's inbox, into a user's inbox, which may be the caller's own."""
    found = _sent(request, holdings)
    target = user_named(people, request.path["user"])
    if found.holder == inbox_holder(target):
        raise BadQuery("inbox", "the study is in your inbox already")
    _put(request, holdings, target, nonempty(found))
    return CREATED


def _sent(request: ApiRequest, holdings: Holdings) -> Taken:
    own = request.caller.album
    if own is None:
        _require_user(request)
        return taken_by_query(request, holdings, "the origin")
    if request.query.flag("inbox") is True:
        raise BadQuery("inbox", "this token is for an album")
    return sendable(holdings, request.caller, own, request.study)


def send_series(request: ApiRequest, people: People, holdings: Holdings) -> Response:
    """Put a series into a user's inbox: one of the caller's own, or of an album that they may send from."""
    origin = _sent_from(request, holdings)
    # A claim without a source: no holder has the series from which the caller may take it.
    if origin is None or (isinstance(origin, Claim) and origin.source is None):
        raise SeriesNotFound("no such series, or you may not send it")
    target = user_named(people, request.path["user"])
    put_in_inbox(holdings, target, origin, request.study, [request.series])
    return CREATED


def _sent_from(request: ApiRequest, holdings: Holdings) -> Origin | None:
    caller = request.caller
    if caller.album is not None:
        found = sendable(holdings, caller, caller.album, request.study)
        return found.holder if request.series in found.series else None
    _require_user(request)
    return origin_of(holdings, caller, request.study, request.series)


def _permitted(
    request: ApiRequest, holdings: Holdings, own: AlbumId, permission: Permission
) -> Stream[Album]:
    return permitted(holdings.albums, request.caller, own, permission, holdings.clock())


def _require_user(request: ApiRequest) -> None:
    if not request.caller.acts_as_user:
        raise Forbidden("this token is for viewing a study only")


def _put(request: ApiRequest, holdings: Holdings, user: UserId, found: Taken) -> None:
    put_in_inbox(holdings, user, found.holder, request.study, found.series)


# Contents


def info(request: ApiRequest, holdings: Holdings) -> Response:
    """Show the modalities in the caller's inbox, and the numbers of studies, series and instances (Kheops API 9)."""
    held = reach(holdings, request.caller, Place(inbox=True))
    series = {one.series for one in confirmed_holdings(holdings.claims, held)}
    contents = contents_of(series, holdings.catalogue.series(series))
    return Response.json(
        {
            "modalities": contents.modalities,
            "number_of_studies": contents.studies,
            "number_of_series": contents.series,
            "number_of_instances": contents.instances,
        }
    )


INBOX_OR_ALBUM = (
    f"it is in the inbox; a token of an album: `{Permission.DELETE_SERIES.value}` in it"
)

ROUTES = (
    Route(
        *(
            "GET",
            "/inboxinfo",
            info,
            "Show the numbers of studies, series and instances in the caller's inbox.",
        ),
        needs=LISTED,
        responses=shown("Contents"),
        from_store=True,
    ),
    Route(
        *("PUT", "/studies/{study}", take_study),
        summary="Add a study to the inbox, or to the token's album.",
        callers=Callers.ANY_TOKEN,
        query_permission=Permission.SEND_SERIES,
        needs=f"the caller sees the study, or it is lent; a token of an album: `{Permission.ADD_SERIES.value}` in it",
        records=(StudyImported,),
        query={
            "album": ParameterSpec(
                ALPHANUMERIC, "The album that is the origin, without X-Authorization-Source."
            )
        },
        headers=LENT,
        responses=ADDED,
    ),
    Route(
        *("DELETE", "/studies/{study}", leave_study),
        summary="Remove a study from the inbox, or from the token's album.",
        callers=Callers.ANY_TOKEN,
        needs=INBOX_OR_ALBUM,
        records=(StudyRemoved,),
        responses=DONE,
    ),
    Route(
        *("PUT", "/studies/{study}/series/{series}", take_series),
        summary="Add a series to the inbox, or to the token's album.",
        callers=Callers.ANY_TOKEN,
        needs=(
            "the caller may claim the series, or it is lent; "
            f"a token of an album: `{Permission.ADD_SERIES.value}` in it"
        ),
        records=(SeriesImported, ReportAdded),
        headers=LENT,
        responses=ADDED,
    ),
    Route(
        *("DELETE", "/studies/{study}/series/{series}", leave_series),
        summary="Remove a series from the inbox, or from the token's album.",
        callers=Callers.ANY_TOKEN,
        needs=INBOX_OR_ALBUM,
        records=(SeriesRemoved,),
        responses=DONE,
    ),
    Route(
        *("PUT", "/studies/{study}/users/{user}", send_study, "Send a study to a user's inbox."),
        callers=Callers.ANY_TOKEN,
        query_permission=Permission.SEND_SERIES,
        needs=f"a token of an album: `{Permission.SEND_SERIES.value}` in it",
        query=FROM,
        responses=ADDED,
    ),
    Route(
        *("PUT", "/studies/{study}/series/{series}/users/{user}", send_series),
        summary="Send a series to a user's inbox.",
        callers=Callers.ANY_TOKEN,
        needs=f"the caller may claim the series; a token of an album: `{Permission.SEND_SERIES.value}` in it",
        responses=ADDED,
    ),
)
