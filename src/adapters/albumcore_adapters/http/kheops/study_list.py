"""The study list: studies, their series and their metadata, as DICOM JSON (Kheops API 12; DICOM PS3.18 chapter 10)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from albumcore import Album, Permission, album_stream, study_stream
from albumcore.errors import SeriesNotFound
from albumcore.feed import PUBLIC, EntryKind, scopes_of
from albumcore.ids import AlbumId, SeriesUID, StudyUID, is_uid
from albumcore.index import Index, SeriesRow
from albumcore_adapters.access.albums import album_then
from albumcore_adapters.access.holdings import Holdings
from albumcore_adapters.access.series import (
    EVERYWHERE,
    Place,
    by_study,
    confirmed_holdings,
    holdings_then,
    reach,
)
from albumcore_adapters.base.dicom_json import element, sorted_by_tag
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.directory.claims import Holding
from albumcore_adapters.directory.study_search import search_studies, series_of_study
from albumcore_adapters.http.accept import DICOM_JSON, JSON
from albumcore_adapters.http.kheops.parameters import MOMENT_NAMES, BadQuery, Page, asked_moment
from albumcore_adapters.http.kheops.places import held_here, place_of, require_readable, seen_series
from albumcore_adapters.http.kheops.request import ApiRequest
from albumcore_adapters.http.kheops.shared_specs import (
    ALBUM_THEN,
    OK,
    PAGE,
    PAGE_OF_SOME,
    SEEN,
    dicom,
    in_place,
)
from albumcore_adapters.http.kheops.study_query import (
    COMMENTS,
    FAVORITES,
    SERIES_PARAMETERS,
    STUDY_PARAMETERS,
    included_fields,
    series_query,
    study_query,
)
from albumcore_adapters.http.links import public_root
from albumcore_adapters.http.openapi.schemas import ALPHANUMERIC, UID
from albumcore_adapters.http.openapi.specs import ParameterSpec, array
from albumcore_adapters.http.openapi.value_schemas import WORD, any_case
from albumcore_adapters.http.response import TOTAL, BodyStream, Response, json_bytes
from albumcore_adapters.http.route import Callers, Route
from albumcore_adapters.instances.fetching import SeriesFetcher
from albumcore_adapters.sql.database import Database

RETRIEVE_URL = "00081190"
"""The address of a study, series or instance, (0008,1190)."""


def list_studies(request: ApiRequest, holdings: Holdings, database: Database) -> Response:
    """List the studies in an album, in the inbox, or in both and all albums; 204 if there are none.

    Of an album also those of a moment of the past, with the attributes and the comments of the present.
    """
    place, query = place_of(request, holdings), request.query
    past = _past_of(request, holdings, place)
    fields = included_fields(query)
    wanted, favorite = study_query(query, fields), query.flag("favorite")
    if favorite is False:
        raise BadQuery("favorite", "only true is expected here")
    needed = favorite or FAVORITES in fields
    if past is None:
        favorites = _favorites(request, holdings, place, needed=needed)
        held = reach(holdings, request.caller, place)
    else:
        album, then = past
        favorites = {study: {*(uids & then.favorites)} for study, uids in then.studies.items()}
        held = holdings_then(request.caller, album, then)
    visible = by_study(confirmed_holdings(holdings.claims, held))
    if favorite:
        visible = {uid: series for uid, series in visible.items() if favorites.get(uid)}
    found, total = search_studies(database, visible, wanted)
    index, uids = holdings.albums.index, [one.study_uid for one in found]
    comments = _count_comments(request, index, uids) if COMMENTS in fields else {}
    for one in found:
        if FAVORITES in fields:
            number = len(favorites.get(one.study_uid, set()) & one.series_uids)
            one.attributes[FAVORITES] = element("IS", number)
        if COMMENTS in fields:
            one.attributes[COMMENTS] = element("IS", comments[one.study_uid])
    more = total > wanted.offset + len(found)
    return dicom_list(request, [one.attributes for one in found], total, more=more)


def _past_of(request: ApiRequest, holdings: Holdings, place: Place) -> tuple[AlbumId, Album] | None:
    """The album of a place as of the moment that is asked for; None for the present.

    Raises:
        BadQuery: the place is no album: the history of an inbox is not recorded.
        AlbumNotFound: see `album_then`.
    """
    query, albums = request.query, holdings.albums
    album = place.album
    if album is None:
        for name in MOMENT_NAMES:
            if query.text(name) is not None:
                raise BadQuery(name, "it needs album")
        return None
    moment = asked_moment(query, albums, album_stream(album), holdings.clock)
    if moment is None:
        return None
    return album, album_then(albums, request.caller, album, Permission.READ_SERIES, moment)


def list_series(
    request: ApiRequest, holdings: Holdings, database: Database, settings: Settings
) -> Response:
    """List the series of a study that the caller may read; 204 if the filters match none."""
    place, query, study = place_of(request, holdings), request.query, request.study
    favorite, fields = query.flag("favorite"), included_fields(query)
    needed = favorite is not None or FAVORITES in fields
    favorites = _favorites(request, holdings, place, needed=needed).get(study, set())
    page, wanted = Page.of(query), series_query(query)
    visible = seen_series(request, holdings, place)
    total = len(series_of_study(database, study, visible))
    if favorite is not None:
        visible = {uid for uid in visible if (uid in favorites) is favorite}
    found = series_of_study(database, study, visible, wanted)[page.slice]
    url = f"{public_root(request, settings)}/studies/{study}/series"
    for one in found:
        one.attributes[RETRIEVE_URL] = element("UR", f"{url}/{one.series_uid}")
        if FAVORITES in fields:
            is_favorite = "true" if one.series_uid in favorites else "false"
            one.attributes[FAVORITES] = element("SH", is_favorite)
    return dicom_list(request, [one.attributes for one in found], total)


def fetch(request: ApiRequest, holdings: Holdings, fetcher: SeriesFetcher) -> Response:
    """Add what an existing archive has of those series of a study whose images the caller may read.

    Without such an archive it does nothing: the metadata of a study are up to date with every upload.
    """
    held = held_here(request, holdings, EVERYWHERE)
    series = _fetchable(request, holdings, held)
    fetcher.fetch(request.study, series, request.caller.source)
    return Response()


def fetch_series(request: ApiRequest, holdings: Holdings, fetcher: SeriesFetcher) -> Response:
    """Add what an existing archive has of some series, as far as the caller may read their images.

    Raises:
        Invalid: a UID is malformed.
        SeriesNotFound: the caller may not read one of the series.
    """
    form = request.form()
    if album := form.text("album"):
        require_readable(request, holdings, album)
    series = form.texts("SeriesInstanceUID")
    if not series or not all(map(is_uid, series)):
        raise form.refusal("SeriesInstanceUID", "the UIDs of series are expected")
    held = held_here(request, holdings, EVERYWHERE)
    if not set(series) <= {one.series for one in held}:
        raise SeriesNotFound("no such series, or you cannot see it")
    wanted = [one for one in held if one.series in set(series)]
    found = _fetchable(request, holdings, wanted)
    fetcher.fetch(request.study, found, request.caller.source)
    return Response()


def _fetchable(request: ApiRequest, holdings: Holdings, held: Sequence[Holding]) -> list[SeriesUID]:
    """The series of some holdings of which images are known, and that no claim alone holds.

    An archive may have images of others, which the caller must not see.
    """
    confirmed = {one.series for one in confirmed_holdings(holdings.claims, held)}
    known = holdings.catalogue.populated_series([request.study])
    return sorted(series for _, series in known if series in confirmed)


# Place


def _favorites(
    request: ApiRequest, holdings: Holdings, place: Place, *, needed: bool
) -> Mapping[StudyUID, set[SeriesUID]]:
    """The favourite series of a place, by study; empty unless they are needed.

    Raises:
        BadQuery: the place is neither an album nor the inbox.
    """
    if not needed:
        return {}
    if place.inbox:
        return holdings.inbox.favorites(request.caller.user)
    if place.album is None:
        raise BadQuery("favorite", "it needs album or inbox")
    favorites: dict[StudyUID, set[SeriesUID]] = {}
    for row in holdings.albums.index.rows(
        SeriesRow, {"album_id": place.album, "is_favorite": True}
    ):
        favorites.setdefault(StudyUID(row.study_uid), set()).add(SeriesUID(row.series_uid))
    return favorites


# The response


def _count_comments(
    request: ApiRequest, index: Index, studies: Collection[StudyUID]
) -> Mapping[StudyUID, int]:
    """The numbers of comments on some studies that the caller may see."""
    streams = {study: study_stream(study).name for study in studies}
    viewer = request.caller.user if request.caller.acts_as_user else PUBLIC
    numbers = index.count_entries([*streams.values()], scopes_of(EntryKind.COMMENT, viewer))
    return {study: numbers.get(name, 0) for study, name in streams.items()}


def dicom_list(
    request: ApiRequest,
    found: Collection[Mapping[str, Any]],
    total: int | None = None,
    *,
    more: bool = False,
) -> Response:
    """A response in the DICOM JSON Model; 204 if nothing was found.

    With ``total`` in ``X-Total-Count``, and a warning if there are more results than those on the page.
    """
    headers = _list_headers(total, more=more)
    if not found:
        return Response(204, headers=headers)
    body = json_bytes([sorted_by_tag(one) for one in found])
    return Response(200, body, request.preferred((DICOM_JSON, JSON)), headers)


def long_dicom_list(
    request: ApiRequest,
    groups: Iterable[Collection[Mapping[str, Any]]],
    total: int,
    *,
    more: bool,
) -> Response:
    """The same response, made while it is sent, for a list that may not be in memory as a whole.

    Args:
        request: The request.
        groups: The list, in groups; none is empty.
        total: See `dicom_list`.
        more: See `dicom_list`.
    """
    media_type = request.preferred((DICOM_JSON, JSON))
    headers = _list_headers(total, more=more)
    return Response(200, BodyStream(_array(groups)), media_type, headers)


def _array(groups: Iterable[Collection[Mapping[str, Any]]]) -> Iterator[bytes]:
    for number, group in enumerate(groups):
        yield (b"," if number else b"[") + json_bytes([sorted_by_tag(one) for one in group])[1:-1]
    yield b"]"


def _list_headers(total: int | None, *, more: bool) -> dict[str, str]:
    headers = {} if total is None else {TOTAL: str(total)}
    if more:
        headers["Warning"] = '299 albumcore "There are more results"'
    return headers


ROUTES = (
    Route(
        *("GET", "/studies", list_studies),
        summary="List studies. Attributes are filters, by keyword or by tag.",
        callers=Callers.ANY_TOKEN,
        query_permission=Permission.READ_SERIES,
        needs="the response has what the caller may see",
        query={
            **PAGE_OF_SOME,
            **in_place(ParameterSpec(any_case("true"), "true: favourites only.")),
            **ALBUM_THEN,
            **STUDY_PARAMETERS,
        },
        responses=dicom(),
        from_store=True,
    ),
    Route(
        *("GET", "/studies/{study}/series", list_series, "List the series of a study."),
        callers=Callers.ANY_TOKEN,
        query_permission=Permission.READ_SERIES,
        needs=SEEN,
        query={
            **PAGE,
            **in_place(ParameterSpec(WORD, "true: favourites only; any other text: all others.")),
            **SERIES_PARAMETERS,
        },
        responses=dicom(),
        from_store=True,
    ),
    Route(
        *(
            "POST",
            "/studies/{study}/fetch",
            fetch,
            "Read again what an existing archive has of the series of a study; without one, have no effect.",
        ),
        callers=Callers.ANY_TOKEN,
        needs=SEEN,
        responses=OK,
    ),
    Route(
        *("POST", "/studies/{study}/series/fetch", fetch_series),
        summary="Read again what an existing archive has of some series; without one, have no effect.",
        callers=Callers.ANY_TOKEN,
        needs=SEEN,
        form={
            "SeriesInstanceUID": ParameterSpec({**array(UID), "minItems": 1}, required=True),
            "album": ParameterSpec(ALPHANUMERIC),
        },
        responses=OK,
    ),
)
