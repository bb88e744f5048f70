"""Search for series in all studies, and for instances (DICOM PS3.18 section 10.6)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import orjson

from albumcore import Permission
from albumcore.errors import SeriesNotFound
from albumcore.ids import SeriesUID, StudyUID
from albumcore_adapters.access.holdings import Holdings
from albumcore_adapters.access.series import by_study, confirmed_holdings, reach
from albumcore_adapters.base.dicom_json import Attributes, element
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.dicom.keywords import tag_named
from albumcore_adapters.dicom.links import with_root
from albumcore_adapters.directory.instance_search import (
    FoundInstance,
    SeriesOfStudies,
    search_instances,
    search_series,
)
from albumcore_adapters.directory.stored_instances import StoredInstances
from albumcore_adapters.directory.study_search import SeriesQuery, StudyQuery, series_attributes
from albumcore_adapters.http.kheops.parameters import Fields, Page
from albumcore_adapters.http.kheops.places import place_of, seen_series
from albumcore_adapters.http.kheops.request import ApiRequest
from albumcore_adapters.http.kheops.shared_specs import IN, LISTED, PAGE, SEEN, dicom
from albumcore_adapters.http.kheops.study_list import RETRIEVE_URL, dicom_list, long_dicom_list
from albumcore_adapters.http.kheops.study_query import (
    INSTANCE_PARAMETERS,
    SERIES_PARAMETERS,
    STUDY_PARAMETERS,
    filters_alone,
    instance_query,
    series_query,
    study_query,
)
from albumcore_adapters.http.links import public_root
from albumcore_adapters.http.openapi.specs import Parameters
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.route import Callers, Route
from albumcore_adapters.sql.database import Database, Row

HEADERS_AT_ONCE = 100
"""The headers of so many instances are in memory at a time."""


def list_series_of_all(
    request: ApiRequest, holdings: Holdings, database: Database, settings: Settings
) -> Response:
    """List the series that the caller may read, in all studies or in a place; 204 if there are none."""
    series, page = _in_place(request, holdings, database), Page.of(request.query)
    root = public_root(request, settings)
    found = []
    for row in series.rows[page.slice]:
        url = f"{root}/studies/{row['study_uid']}/series/{row['uid']}"
        found.append({**series.attributes(row), RETRIEVE_URL: element("UR", url)})
    total = len(series.rows)
    return dicom_list(request, found, total, more=total > page.offset + len(found))


def list_instances_of_all(
    request: ApiRequest, holdings: Holdings, database: Database, settings: Settings
) -> Response:
    """List the instances that the caller may read, in all studies or in a place; 204 if there are none."""
    series = _in_place(request, holdings, database)
    return _instances(request, database, settings, series.rows, series.attributes)


def list_instances_of_study(
    request: ApiRequest, holdings: Holdings, database: Database, settings: Settings
) -> Response:
    """List the instances of a study that the caller may read; 204 if the filters match none."""
    visible = seen_series(request, holdings, place_of(request, holdings))
    rows = _search(request, database, {request.study: visible}).rows
    return _instances(request, database, settings, rows, series_attributes)


def list_instances_of_series(
    request: ApiRequest, holdings: Holdings, database: Database, settings: Settings
) -> Response:
    """List the instances of a series that the caller may read; 204 if the filters match none.

    Raises:
        SeriesNotFound: the caller may not read the series.
    """
    if request.series not in seen_series(request, holdings, place_of(request, holdings)):
        raise SeriesNotFound("no such series, or you cannot see it")
    rows = _search(request, database, {request.study: [request.series]}).rows
    return _instances(request, database, settings, rows, lambda _: {})


def _in_place(request: ApiRequest, holdings: Holdings, database: Database) -> SeriesOfStudies:
    """The series that the caller may read in the place that the query names, as far as the filters match."""
    held = reach(holdings, request.caller, place_of(request, holdings))
    visible = by_study(confirmed_holdings(holdings.claims, held))
    return _search(request, database, visible)


def _search(
    request: ApiRequest, database: Database, visible: Mapping[StudyUID, Collection[SeriesUID]]
) -> SeriesOfStudies:
    query = filters_alone(request.query)
    is_of_study, is_of_series = "study" in request.path, "series" in request.path
    return search_series(
        database,
        visible,
        StudyQuery() if is_of_study else study_query(query, ()),
        SeriesQuery() if is_of_series else series_query(query),
    )


def _instances(
    request: ApiRequest,
    database: Database,
    settings: Settings,
    series: Sequence[Row],
    above: Callable[[Row], Mapping[str, Any]],
) -> Response:
    """A page of the instances of some series, each with its address and the attributes of the levels above it."""
    query = instance_query(request.query)
    found, total = search_instances(database, series, query)
    root = public_root(request, settings)
    known: dict[SeriesUID, Mapping[str, Any]] = {}
    for one in found:
        known.setdefault(one.series["uid"], above(one.series))
    included = _included(request.query, StoredInstances(database), root)

    def shown(group: Sequence[FoundInstance]) -> list[Mapping[str, Any]]:
        more = included([one.sop_instance_uid for one in group])
        return [
            {
                **more.get(one.sop_instance_uid, {}),
                **known[one.series["uid"]],
                **_with_url(one, root),
            }
            for one in group
        ]

    has_more = total > query.offset + len(found)
    if included is _nothing or len(found) <= HEADERS_AT_ONCE:
        return dicom_list(request, shown(found), total, more=has_more)
    starts = range(0, len(found), HEADERS_AT_ONCE)
    groups = (shown(found[start : start + HEADERS_AT_ONCE]) for start in starts)
    return long_dicom_list(request, groups, total, more=has_more)


def _included(
    query: Fields, instances: StoredInstances, root: str
) -> Callable[[Sequence[str]], Mapping[str, Attributes]]:
    """What reads the attributes that ``includefield`` names from the headers of instances, by SOPInstanceUID."""
    words = {word for text in query.texts("includefield") for word in text.split(",")}
    wanted = {tag for tag in map(tag_named, words) if tag is not None}
    if not wanted and "all" not in words:
        return _nothing

    def included(uids: Sequence[str]) -> Mapping[str, Attributes]:
        found: dict[str, Attributes] = {}
        for uid, header in instances.headers_of(uids):
            attributes: Attributes = orjson.loads(with_root(header, root))
            named = attributes.keys() if "all" in words else wanted & attributes.keys()
            found[uid] = {tag: attributes[tag] for tag in named}
        return found

    return included


def _nothing(uids: Sequence[str]) -> Mapping[str, Attributes]:
    return {}


def _with_url(one: FoundInstance, root: str) -> dict[str, Any]:
    of_series = f"{root}/studies/{one.series['study_uid']}/series/{one.series['uid']}"
    url = element("UR", f"{of_series}/instances/{one.sop_instance_uid}")
    return {**one.attributes, RETRIEVE_URL: url}


def _parameters(*levels: Parameters) -> Parameters:
    filters = {name: spec for level in levels for name, spec in level.items() if name != "sort"}
    return {**PAGE, **IN, **filters}


ROUTES = (
    Route(
        *("GET", "/series", list_series_of_all),
        summary="List series in all studies. Attributes are filters, by keyword or by tag.",
        callers=Callers.ANY_TOKEN,
        query_permission=Permission.READ_SERIES,
        needs=LISTED,
        query=_parameters(SERIES_PARAMETERS, STUDY_PARAMETERS),
        responses=dicom(),
        from_store=True,
    ),
    Route(
        *("GET", "/instances", list_instances_of_all),
        summary="List instances in all studies. Attributes are filters, by keyword or by tag.",
        callers=Callers.ANY_TOKEN,
        query_permission=Permission.READ_SERIES,
        needs=LISTED,
        query=_parameters(SERIES_PARAMETERS, STUDY_PARAMETERS, INSTANCE_PARAMETERS),
        responses=dicom(),
        from_store=True,
    ),
    Route(
        *("GET", "/studies/{study}/instances", list_instances_of_study),
        summary="List the instances of a study.",
        callers=Callers.ANY_TOKEN,
        query_permission=Permission.READ_SERIES,
        needs=SEEN,
        query=_parameters(SERIES_PARAMETERS, INSTANCE_PARAMETERS),
        responses=dicom(),
        from_store=True,
    ),
    Route(
        *("GET", "/studies/{study}/series/{series}/instances", list_instances_of_series),
        summary="List the instances of a series.",
        callers=Callers.ANY_TOKEN,
        query_permission=Permission.READ_SERIES,
        needs="the caller sees the series",
        query=_parameters(INSTANCE_PARAMETERS),
        responses=dicom(),
        from_store=True,
    ),
)
