"""Inboxes, sending, and uploads through tokens of an album, over HTTP (Kheops API 4.5 and 9).

What a token that is for one album does to a study happens to that album; what a user does, to the user's inbox.
No inbox has a history: nothing here is recorded but what happens to an album.
"""

from __future__ import annotations

from albumcore import (
    Permission,
    ReportAdded,
    SeriesImported,
    SeriesRemoved,
    StudyImported,
    StudyRemoved,
    add_report,
    import_series,
    import_study,
    remove_series,
    remove_study,
)
from albumcore.errors import Forbidden, SeriesNotFound, StudyNotFound
from albumcore.ids import AlbumId, UserId
from albumcore_adapters.access.albums import may
from albumcore_adapters.access.claims import put_in_album, put_in_inbox
from albumcore_adapters.access.series import (
    Claim,
    Origin,
    Taken,
    confirmed_holdings,
    origin_of,
    reach,
    reachable,
    sendable,
    series_in_album,
    taken_from_inbox,
)
from albumcore_adapters.http.kheops.album_overview import contents_of
from albumcore_adapters.http.kheops.comments import NotSeen
from albumcore_adapters.http.kheops.common import ADDED, DONE, FROM, LENT, LISTED, shown
from albumcore_adapters.http.kheops.params import BadQuery
from albumcore_adapters.http.kheops.request import UnconvertedRequest as ApiRequest
from albumcore_adapters.http.kheops.source_token import lends, lent
from albumcore_adapters.http.kheops.studies import origin_in, refuse_permanent
from albumcore_adapters.http.openapi.parts import ParameterSpec
from albumcore_adapters.http.openapi.schemas import ALPHANUMERIC
from albumcore_adapters.http.route import Callers, Route

# Taking


def take_study(request: ApiRequest) -> None:
    """Take a study into the token's album, or into the caller's inbox, from an album or a lender."""
    album = request.query.text("album")
    if lends(request) and album is not None:
        raise BadQuery("album", "X-Authorization-Source names what is taken from already")
    if request.caller.album is not None:
        _import_study(request, request.caller.album, album)
    else:
        _require_user(request)
        _collect_study(request, album)
    request.done(201)


def _import_study(request: ApiRequest, own: AlbumId, album: str | None) -> None:
    request.permitted(own, Permission.ADD_SERIES)
    if not _is_meant(request):
        raise StudyNotFound("the token is for another study")
    if lends(request):
        found = lent(request, request.study)
    elif album is not None:
        found = sendable(request.service.holdings, request.caller, album, request.study)
    else:
        raise BadQuery("album", "it, or X-Authorization-Source, names what is taken from")
    _require_study(found)
    put_in_album(
        request.service.holdings,
        request.source,
        own,
        import_study,
        found.holder,
        request.study,
        found.series,
    )


def _collect_study(request: ApiRequest, album: str | None) -> None:
    if lends(request):
        found = lent(request, request.study)
    else:
        if not reachable(request.service.holdings, request.caller, request.study):
            raise NotSeen("no such study, or you cannot see it")
        if album is None:
            raise StudyNotFound(_NOWHERE)
        found = sendable(request.service.holdings, request.caller, album, request.study)
    _require_study(found)
    _put(request, request.caller.user, found)


def take_series(request: ApiRequest) -> None:
    """Take a series into the token's album, or into the caller's inbox; one new to us is noted (Kheops API 4.5)."""
    if request.caller.album is not None:
        _import_series(request, request.caller.album)
    else:
        _require_user(request)
        _collect_series(request)
    request.done(201)


def _import_series(request: ApiRequest, own: AlbumId) -> None:
    caller = request.caller
    is_there = request.series in series_in_album(request.service.albums.index, own, request.study)
    adds = lends(request) or may(
        request.service.albums, caller, own, Permission.ADD_SERIES, request.service.clock()
    )
    origin = origin_in(request) if adds else None
    if not (_is_meant(request) and (origin is not None or (is_there and not lends(request)))):
        raise SeriesNotFound("no such series, or it is not for this token to add")
    request.permitted(own, Permission.ADD_SERIES)
    if origin is not None:
        add = add_report if caller.source.report_provider else import_series
        put_in_album(
            request.service.holdings,
            request.source,
            own,
            add,
            origin,
            request.study,
            request.series,
        )


def _is_meant(request: ApiRequest) -> bool:
    """Whether the token is for the study in the path."""
    return request.caller.studies is None or request.study in request.caller.studies


def _collect_series(request: ApiRequest) -> None:
    user = request.caller.user
    origin = origin_in(request)
    if origin is None:
        raise SeriesNotFound("no such series, or it is not yours to take")
    put_in_inbox(request.service.holdings, user, origin, request.study, [request.series])


# Leaving


def leave_study(request: ApiRequest) -> None:
    """Take a study out of the token's album, or out of the caller's inbox."""
    refuse_permanent(request)
    if request.caller.album is not None:
        stream = request.permitted(request.caller.album, Permission.DELETE_SERIES)
        request.service.albums.handle(stream, remove_study, request.source, request.study)
    else:
        _require_user(request)
        found = taken_from_inbox(request.service.inbox, request.caller.user, request.study)
        _require_study(found)
        request.service.inbox.remove(request.caller.user, request.study, found.series)
    request.done()


def leave_series(request: ApiRequest) -> None:
    """Take a series out of the token's album, or out of the caller's inbox."""
    refuse_permanent(request)
    uids = request.study, request.series
    if request.caller.album is not None:
        stream = request.permitted(request.caller.album, Permission.DELETE_SERIES)
        request.service.albums.handle(stream, remove_series, request.source, *uids)
    else:
        _require_user(request)
        if not request.service.inbox.remove(request.caller.user, request.study, [request.series]):
            raise SeriesNotFound("the series is not in your inbox")
    request.done()


# Sending


def send_study(request: ApiRequest) -> None:
    """Put a study of an album, or of the caller's inbox, into somebody's inbox, the caller's too."""
    found = _sent(request)
    target = request.user()
    if (
        target == request.caller.user
        and request.query.text("album") is None
        and request.caller.acts_as_user
    ):
        raise BadQuery("inbox", "the study is in your inbox already")
    _require_study(found)
    _put(request, target, found)
    request.done(201)


def _sent(request: ApiRequest) -> Taken:
    caller, album, inbox = (
        request.caller,
        request.query.text("album"),
        request.query.flag("inbox") is True,
    )
    if caller.album is not None:
        if inbox:
            raise BadQuery("inbox", "this token is for an album")
        return sendable(request.service.holdings, caller, caller.album, request.study)
    _require_user(request)
    if (album is not None) == inbox:
        raise BadQuery("album", "either it or inbox=true names where the study is sent from")
    if album is not None:
        return sendable(request.service.holdings, caller, album, request.study)
    return taken_from_inbox(request.service.inbox, caller.user, request.study)


def send_series(request: ApiRequest) -> None:
    """Put one series into somebody's inbox: one of the caller's own, or of an album he may send from."""
    origin = _sent_from(request)
    # What is held nowhere that the caller may take it from is not there to be sent.
    if origin is None or (isinstance(origin, Claim) and origin.source is None):
        raise SeriesNotFound("no such series, or it is not yours to send")
    put_in_inbox(request.service.holdings, request.user(), origin, request.study, [request.series])
    request.done(201)


def _sent_from(request: ApiRequest) -> Origin | None:
    caller = request.caller
    if caller.album is not None:
        found = sendable(request.service.holdings, caller, caller.album, request.study)
        return found.holder if request.series in found.series else None
    _require_user(request)
    return origin_of(request.service.holdings, caller, request.study, request.series)


def _put(request: ApiRequest, user: UserId, found: Taken) -> None:
    put_in_inbox(request.service.holdings, user, found.holder, request.study, found.series)


_NOWHERE = "the study is not where it is to be taken from"


def _require_study(found: Taken) -> None:
    if not found.series:
        raise StudyNotFound(_NOWHERE)


def _require_user(request: ApiRequest) -> None:
    if not request.caller.acts_as_user:
        raise Forbidden("this token is for looking at a study alone")


def info(request: ApiRequest) -> None:
    """Tell what is in the caller's inbox: its modalities, and how much of what (Kheops API 9)."""
    holdings = reach(request.service.holdings, request.caller, inbox=True)
    series = {one.series for one in confirmed_holdings(request.service.claims, holdings)}
    held = contents_of(series, request.service.catalogue.series(series))
    request.answer(
        {
            "modalities": held.modalities,
            "number_of_studies": held.studies,
            "number_of_series": held.series,
            "number_of_instances": held.instances,
        }
    )


INBOX_OR_ALBUM = (
    f"it is in the inbox; of a token of an album: `{Permission.DELETE_SERIES.value}` in it"
)

ROUTES = (
    Route(
        *("GET", "/inboxinfo", info, "Tell what is in the caller's inbox."),
        needs=LISTED,
        responses=shown("Contents"),
        from_store=True,
    ),
    Route(
        *("PUT", "/studies/{study}", take_study),
        summary="Take a study into the inbox, or into the token's album.",
        callers=Callers.ANY_TOKEN,
        query_permission=Permission.SEND_SERIES,
        needs=f"the study is seen, or lent; of a token of an album: `{Permission.ADD_SERIES.value}` in it",
        records=(StudyImported,),
        query={
            "album": ParameterSpec(ALPHANUMERIC, "The album it is taken from, if nothing is lent.")
        },
        headers=LENT,
        responses=ADDED,
    ),
    Route(
        *("DELETE", "/studies/{study}", leave_study),
        summary="Take a study out of the inbox, or out of the token's album.",
        callers=Callers.ANY_TOKEN,
        needs=INBOX_OR_ALBUM,
        records=(StudyRemoved,),
        responses=DONE,
    ),
    Route(
        *("PUT", "/studies/{study}/series/{series}", take_series),
        summary="Take a series into the inbox, or into the token's album.",
        callers=Callers.ANY_TOKEN,
        needs=f"the series may be claimed, or is lent; of a token of an album: `{Permission.ADD_SERIES.value}` in it",
        records=(
            SeriesImported,
            ReportAdded,
        ),
        headers=LENT,
        responses=ADDED,
    ),
    Route(
        *("DELETE", "/studies/{study}/series/{series}", leave_series),
        summary="Take a series out of the inbox, or out of the token's album.",
        callers=Callers.ANY_TOKEN,
        needs=INBOX_OR_ALBUM,
        records=(SeriesRemoved,),
        responses=DONE,
    ),
    Route(
        *("PUT", "/studies/{study}/users/{user}", send_study, "Send a study to somebody's inbox."),
        callers=Callers.ANY_TOKEN,
        query_permission=Permission.SEND_SERIES,
        needs=f"of a token of an album: `{Permission.SEND_SERIES.value}` in it",
        query=FROM,
        responses=ADDED,
    ),
    Route(
        *("PUT", "/studies/{study}/series/{series}/users/{user}", send_series),
        summary="Send a series to somebody's inbox.",
        callers=Callers.ANY_TOKEN,
        needs=f"the series may be claimed; of a token of an album: `{Permission.SEND_SERIES.value}` in it",
        responses=ADDED,
    ),
)
