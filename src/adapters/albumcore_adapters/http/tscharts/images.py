"""Images: search, upload, and one image to show or remove."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import falcon
import orjson

from albumcore import (
    Albumcore,
    CommandKey,
    ImageAdded,
    ImageRemoved,
    ImageRestored,
    Source,
    add_image,
    remove_image,
)
from albumcore.errors import ImageNotFound
from albumcore.ids import ImageId, PatientId
from albumcore.image_sets import Image, ImageType
from albumcore.image_sets.values import Encoding
from albumcore.index import SHOWN, ImageRow
from albumcore.kernel import RecordedEvent
from albumcore.past import past_time
from albumcore.past_images import image_then, images_then
from albumcore.streams import patient_stream
from albumcore.times import Clock
from albumcore_adapters.access.restoring import bring_image_back
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.blobs import BlobMissing, ImageBytes
from albumcore_adapters.blobs.text_encoding import decode_text, encode_json, is_base64_text
from albumcore_adapters.directory.existence import ids_exist
from albumcore_adapters.http.accept import JSON
from albumcore_adapters.http.idempotency_key import IdempotencyKey
from albumcore_adapters.http.openapi.schemas import IMAGE_TYPE
from albumcore_adapters.http.openapi.specs import (
    INTEGER,
    Parameters,
    ParameterSpec,
    ResponseSpec,
    Schema,
    group,
    ref,
    text,
)
from albumcore_adapters.http.openapi.value_schemas import BASE64, ID, ID_OR_NONE
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.route import Route
from albumcore_adapters.http.tscharts.request import TSChartsRequest, not_found, read
from albumcore_adapters.http.tscharts.shared_specs import (
    EMPTY,
    EMPTY_OBJECT,
    FLAG_WORD,
    GONE,
    IDS,
    IMAGES_THEN,
    MADE,
    ROOT,
    json_body,
    made,
    or_empty,
)
from albumcore_adapters.http.tscharts.value_readers import digits, identifier
from albumcore_adapters.sql.database import Database

_NEEDED = ("patient", "type", "data")
_PLACES = ("clinic", "station")
_IDS = ("patient", *_PLACES)
_FLAGS = {"": False, "false": False, "true": True}


def search(
    request: TSChartsRequest,
    albums: Albumcore,
    database: Database,
    image_bytes: ImageBytes,
    settings: Settings,
    clock: Clock,
) -> Response:
    """List the ids of images; with ``newest``, the newest alone, which upstream shows.

    Of one patient also those of the past.
    """
    flags = {name: _FLAGS.get(request.param(name) or "") for name in ("sort", "newest")}
    if None in flags.values():
        raise _bad()
    given = {name: request.param(name) for name in _IDS}
    ids = {name: _searched(name, value) for name, value in given.items() if value}
    if not ids_exist(database, ids):
        raise falcon.HTTPNotFound
    where: dict[str, Any] = {**ids}
    if image_type := request.param("type"):
        where["type"] = _type(image_type).value
    if settings.compat == "documented" and not ids:
        raise _bad("one of patient, clinic and station is needed")
    if moment := _moment(request, clock):
        return _searched_then(albums, image_bytes, settings, where, moment, flags)
    rows = albums.index.rows(ImageRow, {**where, **SHOWN})
    if not rows:
        raise falcon.HTTPNotFound
    if flags["newest"]:
        newest = max(rows, key=_recency).image_id
        if settings.compat == "upstream":
            return _shown(image_bytes, *albums.image(ImageId(newest)))
        return Response.json([newest])
    if flags["sort"]:
        rows.sort(key=_recency, reverse=True)
    return Response.json([row.image_id for row in rows])


def _searched_then(
    albums: Albumcore,
    image_bytes: ImageBytes,
    settings: Settings,
    where: Mapping[str, Any],
    moment: Mapping[str, Any],
    flags: Mapping[str, bool | None],
) -> Response:
    """The response to a search as of a moment in the history of one patient's image set."""
    if "patient" not in where:
        raise _bad(f"{next(iter(moment))}: it needs patient")
    wanted = {name: value for name, value in where.items() if name != "patient"}
    found = {
        one: (at, one)
        for one, (image, at) in images_then(albums, where["patient"], **moment).items()
        if wanted.items() <= _values(image).items()
    }
    if not found:
        raise falcon.HTTPNotFound
    by_age = sorted(found, key=lambda one: found[one], reverse=True)
    if flags["newest"]:
        if settings.compat == "upstream":
            return _shown_then(albums, image_bytes, by_age[0], moment)
        return Response.json(by_age[:1])
    return Response.json(by_age if flags["sort"] else sorted(found))


def _moment(request: TSChartsRequest, clock: Clock) -> Mapping[str, Any]:
    """The argument ``at`` or ``version`` of `images_then`; empty for the present.

    Raises:
        Invalid: the time is none of the past.
        falcon.HTTPBadRequest: both are given, or the version is no number.
    """
    at, version = request.param("at"), request.param("version")
    if at is not None and version is not None:
        raise _bad("version: at most one of at and version is expected")
    if version is not None:
        return {"version": read("version", digits, version)}
    return {} if at is None else {"at": past_time(at, clock)}


def upload(
    request: TSChartsRequest,
    albums: Albumcore,
    database: Database,
    image_bytes: ImageBytes,
    settings: Settings,
) -> Response:
    """Add an image to a patient."""
    body = request.json(settings.max_upload)
    key = IdempotencyKey.of(request.req, "tscharts", "POST image", request.source.user)
    command = None if key is None else key.command(body)
    if command is not None and (before := albums.done_before(command)):
        return uploaded(before[0])
    if any(name not in body for name in _NEEDED):
        raise _bad()
    image_type = _type(body["type"])
    try:
        ids = {name: identifier(body[name]) for name in _IDS if name in body}
    except ValueError:
        raise _bad() from None
    data = _decoded(body["data"], settings)
    added = add(*(albums, database, image_bytes, request.source), ids, image_type, data, command)
    return uploaded(added)


def add(
    albums: Albumcore,
    database: Database,
    image_bytes: ImageBytes,
    source: Source,
    ids: Mapping[str, int],
    image_type: ImageType,
    data: tuple[bytes, Encoding],
    command: CommandKey | None = None,
) -> RecordedEvent[Any]:
    """Add an image to a patient, and return its event.

    ``ids`` has ``patient``, and ``clinic`` and ``station`` if they are known; ``data`` the bytes, and how they were
    sent; ``command`` identifies a request that may be repeated.

    Raises:
        falcon.HTTPNotFound: there is no such patient, clinic or station.
    """
    if not ids_exist(database, ids):
        raise not_found()
    # The event refers to the bytes, so they are on the disk before it is recorded.
    content, bytes_key = image_bytes.put(*data)
    added = albums.with_image_id(
        lambda image_id: albums.handle_once(
            command,
            patient_stream(PatientId(ids["patient"])),
            add_image,
            source,
            image_id,
            ids.get("clinic"),
            ids.get("station"),
            image_type,
            content,
            bytes_key,
        )
    )
    return added[0]


def uploaded(added: RecordedEvent[Any]) -> Response:
    """The response to an upload, the first one or a replayed one."""
    return made(added.event.image_id)


def show(
    request: TSChartsRequest, albums: Albumcore, image_bytes: ImageBytes, clock: Clock
) -> Response:
    """Show an image, its data as they were sent; also one that was removed, as of before that."""
    if moment := _moment(request, clock):
        return _shown_then(albums, image_bytes, ImageId(request.id), moment)
    try:
        return _shown(image_bytes, *albums.image(ImageId(request.id)))
    except ImageNotFound:
        raise falcon.HTTPNotFound from None


def remove(request: TSChartsRequest, albums: Albumcore) -> Response:
    """Remove an image."""
    if not request.path["key"]:  # image//, which clients build from an empty id
        raise _bad()
    row, _ = albums.image(ImageId(request.id))
    stream = patient_stream(PatientId(row.patient))
    albums.handle(stream, remove_image, request.source, ImageId(row.image_id))
    return EMPTY_OBJECT


def restore(
    request: TSChartsRequest,
    albums: Albumcore,
    image_bytes: ImageBytes,
    settings: Settings,
    clock: Clock,
) -> Response:
    """Restore a removed image. One that is there stays as it is."""
    since = settings.restorable_since(clock())
    bring_image_back(albums, image_bytes, request.source, ImageId(request.id), since)
    return EMPTY_OBJECT


def _shown_then(
    albums: Albumcore, image_bytes: ImageBytes, image_id: ImageId, moment: Mapping[str, Any]
) -> Response:
    try:
        patient, added = image_then(albums, image_id, **moment)
    except ImageNotFound:
        raise falcon.HTTPNotFound from None
    read_data = _with_data
    if not albums.index.rows(ImageRow, {"image_id": image_id, **SHOWN}):
        read_data = _with_data_if_there  # the bytes of what was removed may have been collected
    beginning = _beginning(image_id, patient, _values(added))
    return Response(body=partial(read_data, image_bytes, beginning, added))


def _shown(image_bytes: ImageBytes, row: ImageRow, added: ImageAdded) -> Response:
    """An image in JSON. Its bytes may take long, and are read when the read transaction has ended."""
    beginning = _beginning(row.image_id, row.patient, _values(added))
    return Response(body=partial(_with_data, image_bytes, beginning, added))


def _values(image: Image | ImageAdded) -> dict[str, Any]:
    return {"clinic": image.clinic, "station": image.station, "type": image.type.value}


def _beginning(image_id: int, patient: int, values: Mapping[str, Any]) -> bytes:
    return orjson.dumps({"id": image_id, "patient": patient, **values})[:-1] + b',"data":'


def _with_data_if_there(image_bytes: ImageBytes, beginning: bytes, added: ImageAdded) -> bytes:
    try:
        return _with_data(image_bytes, beginning, added)
    except BlobMissing:
        raise falcon.HTTPNotFound from None


def _with_data(image_bytes: ImageBytes, beginning: bytes, added: ImageAdded) -> bytes:
    data = encode_json(image_bytes.get(added), added.content.encoding)
    # Nearly all of it is data: it is copied once, and not gone through again.
    return b"".join((beginning, *data, b"}"))


def _decoded(data: object, settings: Settings) -> tuple[bytes, Encoding]:
    if not isinstance(data, str) or not data:
        raise _bad("data is not a text, or an empty one")
    stored, encoding = decode_text(data)
    is_base64 = encoding != "verbatim" or is_base64_text(data)
    if settings.compat == "documented" and not is_base64:
        raise _bad("data is not base64")
    return stored, encoding


def _searched(name: str, value: str) -> int:
    try:
        return identifier(value)
    except ValueError:
        raise _bad(f"{name} is not an id") from None


def _type(value: object) -> ImageType:
    try:
        return ImageType(value)
    except ValueError:
        raise _bad() from None


def _bad(reason: str | None = None) -> falcon.HTTPBadRequest:
    # Where the documented API answers an empty body, there is no reason to give.
    return falcon.HTTPBadRequest(description=reason)


def _recency(row: ImageRow) -> tuple[Any, ...]:
    # Of two images of the same time, the one with the higher id is newer.
    return row.at, row.image_id


_PATH = f"{ROOT}/image"


def _routes(ids: Parameters, data: Schema) -> tuple[Route, ...]:
    key: Schema = {"oneOf": [INTEGER, ID]}
    fields: Mapping[str, Schema] = {**dict.fromkeys(_IDS, key), "type": IMAGE_TYPE, "data": data}
    return (
        Route(
            *("GET", _PATH, search, "Search for images."),
            query={
                **ids,
                **IMAGES_THEN,
                "type": ParameterSpec(or_empty(IMAGE_TYPE)),
                "sort": ParameterSpec(FLAG_WORD),
                "newest": ParameterSpec(FLAG_WORD),
            },
            responses={
                200: ResponseSpec(
                    "Their ids, or with newest, upstream, the newest.",
                    {JSON: {"oneOf": [IDS, ref("Image")]}},
                )
            },
            errors=(400, 404, 500),
            from_store=True,
        ),
        Route(
            *("POST", _PATH, upload, "Add an image."),
            records=(ImageAdded,),
            body=json_body(fields, *_PLACES),
            responses=MADE,
            errors=(400, 404, 409, 413),
            idempotent=uploaded,
        ),
        Route(
            *("GET", f"{_PATH}/{{key}}", show, "Show an image, its data as they were sent."),
            query=IMAGES_THEN,
            responses={200: ResponseSpec("The image.", {JSON: ref("Image")})},
            errors=(400, 404, 500),
            from_store=True,
        ),
        Route(
            *("DELETE", f"{_PATH}/{{key}}", remove, "Remove an image.", GONE),
            records=(ImageRemoved,),
            errors=(400, 404, 409),
        ),
        Route(
            *("POST", f"{_PATH}/{{key}}/restore", restore, "Restore a removed image."),
            records=(ImageRestored,),
            responses={200: ResponseSpec("It is there again.", {JSON: EMPTY})},
            errors=(404, 409, 410),
        ),
    )


_ONE_ID: Parameters = {
    "of": group(
        {name: ParameterSpec(ID) for name in _IDS},
        {"anyOf": [{"required": [name]} for name in _IDS]},
        required=True,
    )
}

ROUTES = _routes(_ONE_ID, BASE64)
UPSTREAM_ROUTES = _routes({name: ParameterSpec(ID_OR_NONE) for name in _IDS}, text(1))
"""The routes of a service that takes more, as a deployed server does."""
