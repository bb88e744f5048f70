"""Retrieving metadata: data sets without bulk data, as DICOM JSON (WADO-RS; DICOM PS3.18 section 10.4.1.1.2).

The headers of stored instances are sent as they were stored, with the addresses of bulk data put in. Of an instance
whose bytes are not stored here, the attributes are those of the catalogue.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from albumcore import Permission
from albumcore.ids import SeriesUID
from albumcore_adapters.access.images import ImageAccess, viewable
from albumcore_adapters.base.dicom_json import text_value
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.dicom.links import with_root
from albumcore_adapters.directory.study_search import metadata_of, series_in_order
from albumcore_adapters.http.accept import DICOM_JSON, JSON
from albumcore_adapters.http.conditional import ETAG, etag_of
from albumcore_adapters.http.dicomweb.addressed import addressed_series
from albumcore_adapters.http.kheops.places import place_of, seen_series
from albumcore_adapters.http.kheops.request import ApiRequest
from albumcore_adapters.http.kheops.shared_specs import IN, SEEN, dicom
from albumcore_adapters.http.links import public_root
from albumcore_adapters.http.response import NO_CONTENT, Response, json_bytes
from albumcore_adapters.http.route import Callers, Route
from albumcore_adapters.instances.reading import InstanceNotFound, InstanceReader
from albumcore_adapters.sql.database import Database


def study_metadata(
    request: ApiRequest, access: ImageAccess, reader: InstanceReader, settings: Settings
) -> Response:
    """Show the metadata of the instances of a study that the caller may read; 204 if there are none."""
    visible = seen_series(request, access.holdings, place_of(request, access.holdings))
    return _metadata(request, reader, settings, visible) or NO_CONTENT


def series_metadata(
    request: ApiRequest, access: ImageAccess, reader: InstanceReader, settings: Settings
) -> Response:
    """Show the metadata of the instances of a series."""
    series = addressed_series(request, access, viewable)
    return _metadata(request, reader, settings, series) or NO_CONTENT


def instance_metadata(
    request: ApiRequest, access: ImageAccess, reader: InstanceReader, settings: Settings
) -> Response:
    """Show the metadata of an instance, as the one element of an array."""
    series = addressed_series(request, access, viewable)
    found = _metadata(request, reader, settings, series, request.instance)
    if found is None:
        raise InstanceNotFound("no such instance in this series")
    return found


def _metadata(
    request: ApiRequest,
    reader: InstanceReader,
    settings: Settings,
    series: Collection[SeriesUID],
    sop_instance_uid: str | None = None,
) -> Response | None:
    """The response with the metadata of the instances of some series, or of one of them; None if there are none."""
    database = reader.instances.database
    in_order = series_in_order(database, request.study, series)
    headers = reader.instances.headers(in_order, sop_instance_uid)
    if not headers:
        return None
    media_type = request.preferred((DICOM_JSON, JSON))
    root = public_root(request, settings)
    if None not in headers.values():
        body = _joined(headers, {}, root)
        return Response(200, body, media_type, {ETAG: etag_of(str(media_type), body)})
    known = _in_catalogue(database, request, in_order)
    stored = {
        one.sop_instance_uid: one
        for uid in in_order
        for one in reader.instances.of_series(request.study, uid)
        if one.blob is not None and headers.get(one.sop_instance_uid, b"") is None
    }
    if not stored:
        return Response(200, _joined(headers, known, root), media_type)
    # Headers are made after the read transaction has ended: they are read from the files, and stored.
    return Response(
        200, lambda: _joined(reader.completed(headers, stored), known, root), media_type
    )


def _joined(headers: Mapping[str, bytes | None], known: Mapping[str, bytes], root: str) -> bytes:
    """The JSON array of headers; of those that are missing, of what is known otherwise."""
    found: Iterable[bytes] = (
        known[uid] if header is None else header for uid, header in headers.items()
    )
    return with_root(b"[" + b",".join(found) + b"]", root)


def _in_catalogue(
    database: Database, request: ApiRequest, series: Collection[SeriesUID]
) -> dict[str, bytes]:
    """The attributes of the instances of some series in the catalogue, as JSON, by SOPInstanceUID."""
    return {
        str(text_value(one, "00080018")): json_bytes(one)
        for one in metadata_of(database, request.study, series)
    }


_SERIES = "/studies/{study}/series/{series}"

ROUTES = (
    Route(
        *("GET", "/studies/{study}/metadata", study_metadata),
        summary="Show the metadata of the instances of a study.",
        callers=Callers.ANY_TOKEN,
        query_permission=Permission.READ_SERIES,
        needs=SEEN,
        query=IN,
        responses=dicom(paged=False),
        from_store=True,
    ),
    Route(
        *("GET", f"{_SERIES}/metadata", series_metadata),
        summary="Show the metadata of the instances of a series.",
        callers=Callers.ANY_TOKEN,
        query_permission=Permission.READ_SERIES,
        needs="the caller sees the series",
        query=IN,
        responses=dicom(paged=False),
        from_store=True,
    ),
    Route(
        *("GET", f"{_SERIES}/instances/{{instance}}/metadata", instance_metadata),
        summary="Show the metadata of an instance.",
        callers=Callers.ANY_TOKEN,
        query_permission=Permission.READ_SERIES,
        needs="the caller sees the series",
        query=IN,
        responses={200: dicom(paged=False)[200]},
        from_store=True,
    ),
)
