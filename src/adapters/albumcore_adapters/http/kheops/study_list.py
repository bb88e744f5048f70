"""The study list: studies, their series and their headers, as DICOM JSON (Kheops API 12; DICOM PS3.18 chapter 10)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

import orjson
from attrs import frozen

from albumcore import Permission, study_stream
from albumcore.errors import Forbidden, SeriesNotFound, StudyNotFound
from albumcore.feed import PUBLIC, EntryKind, scopes_of
from albumcore.ids import AlbumId, SeriesUID, StudyUID, is_uid
from albumcore.index import SeriesRow
from albumcore_adapters.access.series import by_study, confirmed_holdings, reach
from albumcore_adapters.base.dicom_matching import date_range, time_range
from albumcore_adapters.directory.claims import Holding
from albumcore_adapters.directory.study_filters import (
    SERIES_FILTERS,
    SERIES_SORTS,
    SERIES_TEXTS,
    STUDY_FILTERS,
    STUDY_SORTS,
    STUDY_TEXTS,
)
from albumcore_adapters.directory.study_search import (
    FoundSeries,
    FoundStudy,
    SeriesQuery,
    StudyQuery,
    metadata_of,
    search_studies,
    series_of_study,
)
from albumcore_adapters.http.accept import DICOM_JSON, JSON, preferred
from albumcore_adapters.http.kheops.common import (
    IN,
    OK,
    PAGE,
    PAGE_OF_SOME,
    SEEN,
    dicom,
    in_place,
    sort_parameter,
)
from albumcore_adapters.http.kheops.params import BadQuery, Fields, Page, study_in
from albumcore_adapters.http.kheops.request import UnconvertedRequest as ApiRequest
from albumcore_adapters.http.openapi.parts import TEXT, ParameterSpec, array
from albumcore_adapters.http.openapi.schemas import ALPHANUMERIC, UID
from albumcore_adapters.http.openapi.values import DAYS_OR_NONE, TIMES_OR_NONE, WORD, any_case
from albumcore_adapters.http.route import Callers, Route
from albumcore_adapters.identity.bearer import bearer

FAVORITES = "00012345"
"""Private to the API: of a study, how many of its series are favourites; of a series, whether it is one."""

COMMENTS = "00012346"
"""Private to the API: how many comments on a study the caller may see."""

RETRIEVE_URL = "00081190"

INCLUDED: Mapping[str, str] = {
    "favorite": FAVORITES,
    "comments": COMMENTS,
    "StudyDescription": "00081030",
}
"""What is told on request alone, by the words of ``includefield``; the tags themselves will do as well."""

T = TypeVar("T")


@frozen
class Place:
    """Where studies are looked for: an album, the inbox of the caller, or, with neither, everywhere he may read."""

    album: AlbumId | None
    inbox: bool


def list_studies(request: ApiRequest) -> None:
    """List the studies in an album, in the inbox, or in both and all albums; 204 where there are none."""
    place, query = place_of(request), request.query
    fields = _included(query)
    wanted, favorite = _study_query(query, fields), query.flag("favorite")
    if query.text("favorite") is not None and favorite is not True:
        raise BadQuery("favorite", "only true is expected here")
    if (favorite or FAVORITES in fields) and not (place.album or place.inbox):
        raise BadQuery("favorite", "it needs an album, or the inbox")
    holdings = reach(request.service.holdings, request.caller, place.album, inbox=place.inbox)
    visible = by_study(confirmed_holdings(request.service.claims, holdings))
    favorites = favorites_in(request, place) if favorite or FAVORITES in fields else {}
    if favorite:
        visible = {uid: series for uid, series in visible.items() if uid in favorites}
    found, total = search_studies(request.service.catalogue.database, visible, wanted)
    _tell_favorites(found, favorites, fields)
    _tell_comments(request, found, fields)
    left = total - wanted.offset - len(found)
    _answer(
        request,
        [one.attributes for one in found],
        total,
        more=wanted.limit is not None and left > 0,
    )


def list_series(request: ApiRequest) -> None:
    """List the series of a study that the caller may read; 204 where the filters keep none."""
    place, query = place_of(request), request.query
    is_favorite, fields = query.flag("favorite"), _included(query)
    needs_favorites = is_favorite is not None or FAVORITES in fields
    if needs_favorites and not (place.album or place.inbox):
        raise BadQuery("favorite", "it needs an album, or the inbox")
    page, wanted = Page.of(query), _series_query(query)
    visible = _visible(request, place)
    favorites = favorites_in(request, place).get(request.study, set()) if needs_favorites else set()
    database = request.service.catalogue.database
    populated = series_of_study(database, request.study, visible)
    if is_favorite is not None:
        visible = {uid for uid in visible if (uid in favorites) is is_favorite}
    found = series_of_study(database, request.study, visible, wanted)
    for one in found:
        one.attributes[RETRIEVE_URL] = {"vr": "UR", "Value": [_retrieve_url(request, one)]}
        if FAVORITES in fields:
            value = "true" if one.series_uid in favorites else "false"
            one.attributes[FAVORITES] = {"vr": "SH", "Value": [value]}
    shown = [dict(sorted(one.attributes.items())) for one in found[page.slice]]
    _answer(request, shown, len(populated))


def metadata(request: ApiRequest) -> None:
    """Show the headers of the instances of a study that the caller may read."""
    visible = _visible(request, place_of(request))
    _answer(request, metadata_of(request.service.catalogue.database, request.study, visible), None)


def fetch(request: ApiRequest) -> None:
    """Have the headers of a study read anew. They are up to date with every upload, so nothing is left to do."""
    _held(request, Place(None, inbox=False))
    request.done(200)


def fetch_series(request: ApiRequest) -> None:
    """Have the headers of some series read anew. They are up to date with every upload, so nothing is left to do.

    Raises:
        Invalid: a UID is none.
        SeriesNotFound: the caller may not read one of them.
    """
    form = request.form()
    if album := form.text("album"):
        request.permitted(album, Permission.READ_SERIES)
    series = form.texts("SeriesInstanceUID")
    if not series or not all(map(is_uid, series)):
        raise form.refusal("SeriesInstanceUID", "the UIDs of series are expected")
    if not set(series) <= {one.series for one in _held(request, Place(None, inbox=False))}:
        raise SeriesNotFound("no such series, or you cannot see it")
    request.done(200)


# Where


def place_of(request: ApiRequest) -> Place:
    """The place that the query names; a token for one album looks there and nowhere else.

    Raises:
        BadQuery: two places are named.
        Forbidden: the token is not for the inbox, or not for reading.
    """
    album, inbox = request.query.text("album"), request.query.text("inbox") is not None
    if album is not None and inbox:
        raise BadQuery("album", "either it or inbox is looked in")
    if inbox and not request.caller.inbox:
        raise Forbidden("the token is not for an inbox")
    if album is None and request.caller.album is not None:
        album = request.caller.album
        request.permitted(album, Permission.READ_SERIES)
    return Place(None if album is None else AlbumId(album), inbox)


def favorites_in(request: ApiRequest, place: Place) -> dict[StudyUID, set[SeriesUID]]:
    """The favourite series of a place, by study."""
    if place.album is None:
        return request.service.inbox.favorites(request.caller.user)
    rows = request.service.albums.index.rows(
        SeriesRow, {"album_id": place.album, "is_favorite": True}
    )
    found: dict[StudyUID, set[SeriesUID]] = {}
    for row in rows:
        found.setdefault(StudyUID(row.study_uid), set()).add(SeriesUID(row.series_uid))
    return found


def _held(request: ApiRequest, place: Place) -> list[Holding]:
    """What is held there of the study in the path, on a claim or not.

    Raises:
        StudyNotFound: there is nothing.
    """
    found = reach(
        request.service.holdings,
        request.caller,
        place.album,
        inbox=place.inbox,
        study=request.study,
    )
    if not found:
        raise StudyNotFound("no such study, or you cannot see it")
    return found


def _visible(request: ApiRequest, place: Place) -> set[SeriesUID]:
    """The series of the study in the path whose images the caller may read of there.

    Raises:
        StudyNotFound: nothing of the study is held there.
    """
    return {one.series for one in confirmed_holdings(request.service.claims, _held(request, place))}


# What is asked for


def _study_query(query: Fields, included: Collection[str]) -> StudyQuery:
    texts = _texts(query, STUDY_FILTERS)
    page = Page.of(query, least_limit=1)
    sort, descending = _order(query, STUDY_SORTS, "StudyDate", descending=True)
    uids = _uids(texts, "StudyInstanceUID")
    return StudyQuery(
        {name: values[0] for name, values in texts.items() if name in STUDY_TEXTS},
        _first(texts, "ModalitiesInStudy"),
        None if uids is None else [study_in(uid) for uid in uids],
        _read(texts, "StudyDate", date_range, "YYYYMMDD"),
        _read(texts, "StudyTime", time_range, "hhmmss.ffffff"),
        query.flag("fuzzymatching") is True,
        sort,
        descending,
        page.limit,
        page.offset,
        INCLUDED["StudyDescription"] in included,
    )


def _series_query(query: Fields) -> SeriesQuery:
    texts = _texts(query, SERIES_FILTERS)
    sort, descending = _order(query, SERIES_SORTS, "SeriesNumber", descending=False)
    uids = _uids(texts, "SeriesInstanceUID")
    return SeriesQuery(
        {name: values[0] for name, values in texts.items() if name in SERIES_TEXTS},
        None if uids is None else [SeriesUID(uid) for uid in uids],
        sort,
        descending,
    )


def _texts(query: Fields, filters: Mapping[str, str]) -> dict[str, list[str]]:
    """What is given for each attribute, named by its keyword or by its tag."""
    keywords = {tag: keyword for keyword, tag in filters.items()}
    found: dict[str, list[str]] = {}
    for name, values in query.values.items():
        keyword = name if name in filters else keywords.get(name.upper())
        if keyword is not None:
            found.setdefault(keyword, []).extend(values)
    return found


def _first(texts: Mapping[str, list[str]], name: str) -> str | None:
    return next(iter(texts.get(name, ())), None)


def _uids(texts: dict[str, list[str]], name: str) -> list[str] | None:
    """The UIDs of a filter, several in one value too (DICOM PS3.18 section 8.3.4.1); None where nothing is given.

    Raises:
        BadQuery: something is given, and it names none.
    """
    given = [text for text in texts.pop(name, ()) if text]
    uids = [uid for text in given for uid in text.replace("\\", ",").split(",") if uid]
    if given and not uids:
        raise BadQuery(name, "it names no UID")
    return uids if given else None


def _read(
    texts: Mapping[str, list[str]], name: str, read: Callable[[str], T], expected: str
) -> T | None:
    text = _first(texts, name)
    if not text:
        return None
    try:
        return read(text)
    except ValueError:
        raise BadQuery(name, f"{expected} is expected, or a range of them") from None


def _order(
    query: Fields, sorts: Mapping[str, Any], default: str, *, descending: bool
) -> tuple[str, bool]:
    text = query.text("sort")
    if text is None:
        return default, descending
    key = text.removeprefix("-")
    if key not in sorts:
        raise BadQuery("sort", f"one of {', '.join(sorts)} is expected")
    return key, text.startswith("-")


def _included(query: Fields) -> set[str]:
    """The tags that ``includefield`` asks for beside what is always told; it names others in vain."""
    words = {word for text in query.texts("includefield") for word in text.split(",")}
    return {tag for word, tag in INCLUDED.items() if {word, tag} & words}


# What is told


def _tell_favorites(
    found: Collection[FoundStudy],
    favorites: Mapping[StudyUID, set[SeriesUID]],
    fields: Collection[str],
) -> None:
    if FAVORITES in fields:
        for one in found:
            number = len(favorites.get(one.study_uid, set()) & one.series_uids)
            one.attributes[FAVORITES] = {"vr": "IS", "Value": [number]}


def _tell_comments(
    request: ApiRequest, found: Collection[FoundStudy], fields: Collection[str]
) -> None:
    if COMMENTS in fields:
        streams = {one.study_uid: study_stream(one.study_uid).name for one in found}
        viewer = request.caller.user if request.caller.acts_as_user else PUBLIC
        seen = scopes_of(EntryKind.COMMENT, viewer)
        numbers = request.service.albums.index.count_entries([*streams.values()], seen)
        for one in found:
            number = numbers.get(streams[one.study_uid], 0)
            one.attributes[COMMENTS] = {"vr": "IS", "Value": [number]}


def _retrieve_url(request: ApiRequest, one: FoundSeries) -> str:
    """Where the instances of a series are had from; through a link, where the request came through one."""
    settings = request.service.settings
    root = f"{settings.root}{settings.kheops_prefix or ''}"
    if (request.req.get_header("X-Link-Authorization") or "").lower() == "true":
        root += f"/link/{bearer(request.req.get_header('Authorization'))}"
    return f"{root}/studies/{request.study}/series/{one.series_uid}"


def _answer(
    request: ApiRequest, found: list[dict[str, Any]], total: int | None, *, more: bool = False
) -> None:
    """Answer with DICOM JSON, or with 204 where nothing was found."""
    request.done(200 if found else 204)
    if total is not None:
        request.resp.set_header("X-Total-Count", str(total))
    if more:
        request.resp.set_header("Warning", '299 albumcore "There are more results"')
    if found:
        request.resp.content_type = preferred(request.req, (DICOM_JSON, JSON)) or DICOM_JSON
        request.resp.data = orjson.dumps([dict(sorted(one.items())) for one in found])


ROUTES = (
    Route(
        *("GET", "/studies", list_studies),
        summary="List studies. Attributes are filters, by keyword or by tag.",
        callers=Callers.ANY_TOKEN,
        query_permission=Permission.READ_SERIES,
        needs="it tells of what is the caller's to see",
        query={
            **PAGE_OF_SOME,
            **in_place(ParameterSpec(any_case("true"), "true: favourites only.")),
            "StudyDate": ParameterSpec(DAYS_OR_NONE),
            "StudyTime": ParameterSpec(TIMES_OR_NONE),
            "StudyInstanceUID": ParameterSpec(UID, "One of these.", repeated=True),
            **{
                name: ParameterSpec(TEXT)
                for name in (
                    "AccessionNumber",
                    "ModalitiesInStudy",
                    "ReferringPhysicianName",
                    "PatientName",
                    "PatientID",
                    "StudyID",
                    "StudyDescription",
                )
            },
            "sort": sort_parameter(
                *STUDY_SORTS,
                about="A hyphen before it: descending, as by StudyDate when it is left out.",
            ),
            "fuzzymatching": ParameterSpec(WORD, "Names of persons that sound alike will do."),
            "includefield": ParameterSpec(
                TEXT,
                "favorite (in an album or the inbox), comments, StudyDescription; others in vain.",
                repeated=True,
            ),
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
            **in_place(
                ParameterSpec(WORD, "true: favourites only; any other text: all but those.")
            ),
            **{
                name: ParameterSpec(TEXT)
                for name in (
                    "Modality",
                    "SeriesDescription",
                    "BodyPartExamined",
                    "SeriesInstanceUID",
                    "SeriesNumber",
                )
            },
            "sort": sort_parameter(*SERIES_SORTS, about="A hyphen before it: descending."),
            "fuzzymatching": ParameterSpec(WORD, "Passed over: series have no names of persons."),
            "includefield": ParameterSpec(
                TEXT, "favorite (in an album or the inbox).", repeated=True
            ),
        },
        responses=dicom(),
        from_store=True,
    ),
    Route(
        *("GET", "/studies/{study}/metadata", metadata),
        summary="Show the headers of the instances of a study.",
        callers=Callers.ANY_TOKEN,
        query_permission=Permission.READ_SERIES,
        needs=SEEN,
        query=IN,
        responses=dicom(paged=False),
        from_store=True,
    ),
    Route(
        *("POST", "/studies/{study}/fetch", fetch, "Have the headers of a study read anew."),
        callers=Callers.ANY_TOKEN,
        needs=SEEN,
        responses=OK,
    ),
    Route(
        *("POST", "/studies/{study}/series/fetch", fetch_series),
        summary="Have the headers of some series read anew.",
        callers=Callers.ANY_TOKEN,
        needs=SEEN,
        form={
            "SeriesInstanceUID": ParameterSpec({**array(UID), "minItems": 1}, required=True),
            "album": ParameterSpec(ALPHANUMERIC),
        },
        responses=OK,
    ),
)
