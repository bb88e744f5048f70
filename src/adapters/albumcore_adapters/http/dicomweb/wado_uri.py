"""Retrieving one instance by the parameters of a query (WADO-URI; DICOM PS3.18 chapter 9)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import falcon

from albumcore import Permission
from albumcore.ids import is_uid
from albumcore_adapters.access.images import ImageAccess, downloadable, viewable
from albumcore_adapters.dicom.transfer_syntaxes import EXPLICIT_LITTLE_ENDIAN
from albumcore_adapters.directory.stored_instances import StoredInstance
from albumcore_adapters.http.accept import DICOM
from albumcore_adapters.http.conditional import ETAG, etag_of
from albumcore_adapters.http.dicomweb.choosing import not_acceptable, syntax_of
from albumcore_adapters.http.dicomweb.documents import (
    DOCUMENT_TYPES,
    document_response,
    document_type,
)
from albumcore_adapters.http.dicomweb.media_ranges import MediaRange, media_ranges
from albumcore_adapters.http.dicomweb.rendered import (
    PICTURE_TYPES,
    PICTURES,
    first_accepted,
    picture_response,
)
from albumcore_adapters.http.dicomweb.rendering_query import uri_rendering_in
from albumcore_adapters.http.dicomweb.retrieve import explicit_pieces, file_body
from albumcore_adapters.http.kheops.parameters import BadQuery, series_in, study_in
from albumcore_adapters.http.kheops.places import place_of
from albumcore_adapters.http.kheops.request import ApiRequest
from albumcore_adapters.http.kheops.shared_specs import IN
from albumcore_adapters.http.openapi.schemas import UID
from albumcore_adapters.http.openapi.specs import (
    TEXT,
    Parameters,
    ParameterSpec,
    ResponseSpec,
    binary,
    one_of,
)
from albumcore_adapters.http.openapi.value_schemas import POSITIVE
from albumcore_adapters.http.response import Body, BodyStream, Response
from albumcore_adapters.http.route import Callers, Route
from albumcore_adapters.instances.reading import InstanceReader

_REFUSED = ("anonymize", "annotation", "region", "presentationUID", "presentationSeriesUID")


def retrieve_by_uri(request: ApiRequest, access: ImageAccess, reader: InstanceReader) -> Response:
    """Send one instance: its file, a rendered frame, or the document or video in it."""
    if request.query.text("requestType") != "WADO":
        raise BadQuery("requestType", "WADO is expected")
    for name in _REFUSED:
        if request.query.text(name) is not None:
            raise BadQuery(name, "it is not supported")
    study = study_in(_uid(request, "studyUID"))
    series = series_in(_uid(request, "seriesUID"))
    uid = _uid(request, "objectUID") if request.query.texts("objectUID") else None
    ranges = _ranges(request)
    place = place_of(request, access.holdings)
    viewable(access, request.caller, place, study, series)
    instance = (
        _only(reader.of_series(study, [series]), ranges)
        if uid is None
        else reader.one(study, series, uid)
    )
    own = document_type(instance)
    pictures = () if own else PICTURE_TYPES
    chosen = first_accepted(ranges, (DICOM, own or DICOM, *pictures))
    if chosen is None:
        raise not_acceptable(f"{DICOM} or {own or PICTURES}")
    if chosen == DICOM:
        downloadable(access, request.caller, place, study, series)
        return _file(request, reader, instance)
    if own is not None and chosen == own:
        return document_response(reader, instance, own)
    media_type = next(one for one in PICTURE_TYPES if one == chosen)
    frame = request.query.number("frameNumber", 1) or 1
    return picture_response(reader, instance, frame, uri_rendering_in(request.query, media_type))


def _uid(request: ApiRequest, name: str) -> str:
    values = request.query.texts(name)
    if len(values) != 1 or not is_uid(values[0]):
        raise BadQuery(name, "one UID is expected")
    return values[0]


def _ranges(request: ApiRequest) -> Sequence[MediaRange]:
    """What the client accepts: by ``contentType``, or by the header; by default the file."""
    named = request.query.text("contentType") or request.header("Accept")
    return [*media_ranges(named)]


def _only(found: Sequence[StoredInstance], ranges: Sequence[MediaRange]) -> StoredInstance:
    """The instance of a series that is named without it: its only one, or its only document of the type.

    Raises:
        BadQuery: there are several.
    """
    if len(found) > 1:
        named = {one.media_type for one in ranges} & set(DOCUMENT_TYPES)
        found = [one for one in found if document_type(one) in named]
    if len(found) != 1:
        raise BadQuery("objectUID", "the UID of one instance of the series is expected")
    return found[0]


def _file(request: ApiRequest, reader: InstanceReader, instance: StoredInstance) -> Response:
    """The file as it is stored, or in Explicit VR Little Endian.

    Raises:
        falcon.HTTPNotAcceptable: another transfer syntax is asked for.
    """
    stored = syntax_of(instance)
    wanted = request.query.text("transferSyntax") or "*"
    if wanted not in ("*", stored, EXPLICIT_LITTLE_ENDIAN):
        offered = f"{DICOM} in the transfer syntax {stored} or {EXPLICIT_LITTLE_ENDIAN}"
        raise falcon.HTTPNotAcceptable(
            description=f"the response is {offered}, which transferSyntax does not name"
        )
    is_stored = wanted in ("*", stored)
    sent = stored if is_stored else wanted
    headers = {ETAG: etag_of(str(instance.digest), f"{DICOM}; transfer-syntax={sent}")}
    body: Body | Callable[[], Body] = file_body(reader, instance)
    if not is_stored:
        body = lambda: BodyStream(explicit_pieces(reader, instance))  # noqa: E731
    return Response(200, body, DICOM, headers)


_QUERY: Parameters = {
    "requestType": ParameterSpec(one_of("WADO"), required=True),
    "studyUID": ParameterSpec(UID, required=True),
    "seriesUID": ParameterSpec(UID, required=True),
    "objectUID": ParameterSpec(
        UID, "The instance; not needed of a series with one, or with one document of the type."
    ),
    "contentType": ParameterSpec(
        TEXT, "The media type that is wanted, in place of the header Accept."
    ),
    "transferSyntax": ParameterSpec(
        UID, "That of the file as it is stored, which is the default, or Explicit VR Little Endian."
    ),
    "frameNumber": ParameterSpec(POSITIVE, "The frame that is rendered; the first by default."),
    "rows": ParameterSpec(POSITIVE, "The largest height of the picture, in pixels."),
    "columns": ParameterSpec(POSITIVE, "The largest width of the picture, in pixels."),
    "windowCenter": ParameterSpec({"type": "number"}, "It comes together with windowWidth."),
    "windowWidth": ParameterSpec({"type": "number"}, "At least 1."),
    "imageQuality": ParameterSpec(
        {"type": "integer", "minimum": 1, "maximum": 100}, "The quality of a JPEG."
    ),
}

ROUTES = (
    Route(
        *("GET", "/wado", retrieve_by_uri),
        summary="Retrieve an instance: its file, a rendered frame, or the document or video in it.",
        callers=Callers.ANY_TOKEN,
        query_permission=Permission.READ_SERIES,
        needs="the caller sees the series; for its file, they may download it",
        query={**IN, **_QUERY},
        responses={
            200: ResponseSpec(
                "What contentType or Accept ask for; the file by default.",
                binary(DICOM, *PICTURE_TYPES, *DOCUMENT_TYPES),
                {ETAG: TEXT},
            ),
            206: ResponseSpec("The range that Range names.", binary(DICOM, *DOCUMENT_TYPES)),
            304: ResponseSpec("The client has it, as If-None-Match says."),
        },
        errors=(416,),
        from_store=True,
        negotiates=True,
    ),
)
