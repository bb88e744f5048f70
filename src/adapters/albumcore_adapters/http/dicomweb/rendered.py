"""Rendered frames, and thumbnails (DICOM PS3.18 sections 10.4.1.1.3 and 10.4.1.1.4).

A study is shown by its first series that has a picture, a series by the instance in the middle, and an instance with
several frames by the first one; by the one in the middle in a thumbnail.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import TypeVar

import falcon

from albumcore import Permission
from albumcore.ids import SeriesUID
from albumcore_adapters.access.images import ImageAccess, viewable
from albumcore_adapters.decoding import CannotDecode, Picture, Rendering
from albumcore_adapters.dicom.pictures import PictureType
from albumcore_adapters.directory.stored_instances import StoredInstance
from albumcore_adapters.directory.study_search import series_in_order
from albumcore_adapters.http.conditional import ETAG, etag_of
from albumcore_adapters.http.dicomweb.addressed import addressed_series
from albumcore_adapters.http.dicomweb.choosing import accepted, not_acceptable
from albumcore_adapters.http.dicomweb.documents import (
    DOCUMENT_TYPES,
    document_response,
    document_type,
)
from albumcore_adapters.http.dicomweb.frames import FrameNotFound, Frames, frame_numbers
from albumcore_adapters.http.dicomweb.media_ranges import MediaRange
from albumcore_adapters.http.dicomweb.rendering_query import (
    RENDERING,
    VIEWPORT,
    rendering_in,
    small_viewport_in,
)
from albumcore_adapters.http.kheops.parameters import BadQuery
from albumcore_adapters.http.kheops.request import ApiRequest
from albumcore_adapters.http.kheops.shared_specs import ACCEPT, IN, SEEN
from albumcore_adapters.http.openapi.specs import TEXT, ResponseSpec, binary
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.route import Callers, Route
from albumcore_adapters.instances.pictures import (
    USUAL_VIEWPORT,
    rendered,
    representatives,
    thumbnail_of_instance,
    thumbnail_of_series,
)
from albumcore_adapters.instances.reading import InstanceNotFound, InstanceReader
from albumcore_adapters.sql.database import Database

JPEG: PictureType = "image/jpeg"
PNG: PictureType = "image/png"
PICTURE_TYPES = (JPEG, PNG)
PICTURES = f"{JPEG} or {PNG}"

T = TypeVar("T", bound=str)
_MOST_SERIES = 3


def render(
    request: ApiRequest, access: ImageAccess, reader: InstanceReader, database: Database
) -> Response:
    """Send a rendered frame; of an instance that is a document or a video, this."""
    series = addressed_series(request, access, viewable)
    instance = _instance(request, reader, series_in_order(database, request.study, series))
    ranges, frame = accepted(request), _frame(request)
    own = document_type(instance) if frame is None else None
    if own is not None and first_accepted(ranges, [own]):
        return document_response(reader, instance, own)
    media_type = first_accepted(ranges, PICTURE_TYPES)
    if media_type is None:
        raise not_acceptable(own or PICTURES)
    rendering = rendering_in(request.query, media_type)
    return picture_response(reader, instance, frame or 1, rendering)


def picture_response(
    reader: InstanceReader, instance: StoredInstance, frame: int, rendering: Rendering
) -> Response:
    """The response with a rendered frame, which is rendered unless the client has it.

    Raises:
        FrameNotFound: the instance has no such frame.
        falcon.HTTPNotAcceptable: it cannot be decoded. The router raises it, when it writes the response.
    """
    require_frame(reader, instance, frame)
    headers = {ETAG: etag_of(str(instance.digest), str(frame), str(rendering))}
    body = partial(_rendered, reader, instance, frame, rendering)
    return Response(200, body, rendering.media_type, headers)


def require_frame(reader: InstanceReader, instance: StoredInstance, frame: int) -> None:
    """Check that an instance with frames has one with this number.

    Raises:
        FrameNotFound: it has not.
    """
    number = Frames.of(reader, instance).number
    if number and frame > number:
        raise FrameNotFound(f"the instance has {number} frames")


def show_thumbnail(
    request: ApiRequest, access: ImageAccess, reader: InstanceReader, database: Database
) -> Response:
    """Send a small picture as a JPEG, or a sign as a PNG if there is no picture."""
    series = addressed_series(request, access, viewable)
    ranges = accepted(request)
    if first_accepted(ranges, PICTURE_TYPES) is None:
        raise not_acceptable(PICTURES)
    viewport = small_viewport_in(request.query) or USUAL_VIEWPORT
    if "instance" in request.path:
        frame, instance = _frame(request), _instance(request, reader, [])
        if frame is not None:
            require_frame(reader, instance, frame)
        picture = thumbnail_of_instance(reader, instance, viewport, frame)
    else:
        in_order = series_in_order(database, request.study, series)
        make = partial(thumbnail_of_series, reader, request.study, viewport=viewport)
        picture = _first_picture(map(make, in_order))
    return Response(200, picture.content, picture.media_type, {ETAG: etag_of(picture.content)})


def first_accepted(ranges: Iterable[MediaRange], offered: Sequence[T]) -> T | None:
    """The media type that a client prefers among some; None if it accepts none."""
    return next((one for wanted in ranges for one in offered if wanted.matches(one)), None)


def _instance(
    request: ApiRequest, reader: InstanceReader, series: Iterable[SeriesUID]
) -> StoredInstance:
    """The instance in the path, or the one that stands for the series.

    Raises:
        InstanceNotFound: there is none that has bytes.
    """
    if "instance" in request.path:
        return reader.one(request.study, request.series, request.instance)
    return representatives(reader.of_series(request.study, islice(series, 1)))[0]


def _frame(request: ApiRequest) -> int | None:
    """The number of the frame in the path; None without one.

    Raises:
        BadQuery: it is no number, or there are several.
    """
    if "frames" not in request.path:
        return None
    numbers = frame_numbers(request.path["frames"])
    if len(numbers) > 1:
        raise BadQuery("frames", "one number is expected")
    return numbers[0]


def _rendered(
    reader: InstanceReader, instance: StoredInstance, frame: int, rendering: Rendering
) -> bytes:
    try:
        return rendered(reader, instance, frame, rendering).content
    except CannotDecode as error:
        raise falcon.HTTPNotAcceptable(description=f"no picture can be made: {error}") from error


def _first_picture(pictures: Iterator[Picture]) -> Picture:
    """The first of a few that is no sign; the first, if all are signs."""
    tried = []
    for one in islice(pictures, _MOST_SERIES):
        tried.append(one)
        if one.media_type == JPEG:
            return one
    if not tried:
        raise InstanceNotFound("the bytes of these instances are not stored here")
    return tried[0]


_UNCHANGED = ResponseSpec("The client has it, as If-None-Match says.")


def _routes(path: str, what: str, needs: str) -> tuple[Route, Route]:
    documents = () if "frames" in path else DOCUMENT_TYPES
    about = "The range of a document or a video that Range names."
    ranged = {206: ResponseSpec(about, binary(*documents))} if documents else {}
    return (
        Route(
            *("GET", f"{path}/rendered", render, f"Render {what}."),
            callers=Callers.ANY_TOKEN,
            query_permission=Permission.READ_SERIES,
            needs=needs,
            query={**IN, **ACCEPT, **RENDERING},
            responses={
                200: ResponseSpec(
                    "The picture; of a document or a video, this.",
                    binary(*PICTURE_TYPES, *documents),
                    {ETAG: TEXT},
                ),
                **ranged,
                304: _UNCHANGED,
            },
            errors=(416,) if ranged else (),
            from_store=True,
            negotiates=True,
        ),
        Route(
            *("GET", f"{path}/thumbnail", show_thumbnail, f"Show a thumbnail of {what}."),
            callers=Callers.ANY_TOKEN,
            query_permission=Permission.READ_SERIES,
            needs=needs,
            query={**IN, **ACCEPT, **VIEWPORT},
            responses={
                200: ResponseSpec(
                    "A JPEG; a PNG with a sign, if there is no picture.",
                    binary(*PICTURE_TYPES),
                    {ETAG: TEXT},
                ),
                304: _UNCHANGED,
            },
            negotiates=True,
        ),
    )


_SERIES = "/studies/{study}/series/{series}"
_SEES_SERIES = "the caller sees the series"

ROUTES = (
    *_routes("/studies/{study}", "a study", SEEN),
    *_routes(_SERIES, "a series", _SEES_SERIES),
    *_routes(f"{_SERIES}/instances/{{instance}}", "an instance", _SEES_SERIES),
    *_routes(
        f"{_SERIES}/instances/{{instance}}/frames/{{frames}}",
        "a frame",
        _SEES_SERIES,
    ),
)
