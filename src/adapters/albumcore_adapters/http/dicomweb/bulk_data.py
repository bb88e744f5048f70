"""Retrieving bulk data: long values, documents and pixel data (WADO-RS; DICOM PS3.18 section 10.4.1.1.5)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import chain

from attrs import evolve

from albumcore import Permission
from albumcore.errors import NotFound
from albumcore_adapters.access.images import ImageAccess, viewable
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.decoding import DECODING_ERRORS, PixelPlaces
from albumcore_adapters.dicom.pixel_places import ByteRange, NativeFrames
from albumcore_adapters.directory.stored_instances import StoredInstance
from albumcore_adapters.http.accept import MULTIPART, OCTETS
from albumcore_adapters.http.conditional import ETAG
from albumcore_adapters.http.dicomweb.addressed import addressed_series, instance_url
from albumcore_adapters.http.dicomweb.choosing import (
    IMAGE_TYPES,
    accepted,
    bulk_choice,
    not_acceptable,
    syntax_of,
)
from albumcore_adapters.http.dicomweb.documents import DOCUMENT, DOCUMENT_TYPES, named_type
from albumcore_adapters.http.dicomweb.frames import FRAME_TYPES, PIXEL_DATA, Frames, frames_response
from albumcore_adapters.http.dicomweb.media_ranges import MediaRange
from albumcore_adapters.http.dicomweb.multipart_response import Part, parts_response
from albumcore_adapters.http.kheops.request import ApiRequest
from albumcore_adapters.http.kheops.shared_specs import ACCEPT, IN
from albumcore_adapters.http.links import public_root
from albumcore_adapters.http.openapi.specs import TEXT, ResponseSpec, binary
from albumcore_adapters.http.response import RangedBody, Response
from albumcore_adapters.http.route import Callers, Route
from albumcore_adapters.instances.reading import InstanceReader, length_of, places_of

_PATH = re.compile(r"[0-9A-Fa-f]{8}(/[0-9]{1,6}/[0-9A-Fa-f]{8})*")


class BulkDataNotFound(NotFound):
    """The instance has no bulk data at this path."""

    code = "bulk_data_not_found"


def retrieve_bulk_data(
    request: ApiRequest, access: ImageAccess, reader: InstanceReader, settings: Settings
) -> Response:
    """Send bulk data of an instance; of encapsulated pixel data, each frame is a part."""
    addressed_series(request, access, viewable)
    path = bulk_path(request.path["bulk"])
    instance = reader.one(request.study, request.series, request.instance)
    url = f"{instance_url(public_root(request, settings), instance)}/bulkdata/{path}"
    ranges, digest = accepted(request), str(instance.digest)
    if path in PIXEL_DATA:
        return _pixel_data(reader, instance, path, ranges, url)
    own = named_type(reader, instance) if path == DOCUMENT else None
    choice = bulk_choice(ranges, own)
    if choice is None:
        raise not_acceptable(f'{MULTIPART}; type="{own or OCTETS}"')
    media_type, is_multipart = choice
    content = _as_stored(reader, instance, path) or partial(_decoded, reader, instance, path)
    part = Part(media_type, content, url)
    return parts_response([part], media_type, [digest, url, media_type], is_multipart=is_multipart)


def retrieve_bulk_data_of_series(
    request: ApiRequest, access: ImageAccess, reader: InstanceReader, settings: Settings
) -> Response:
    """Send bulk data of every instance of a series that has any at a path, as stored; each is a part."""
    series = addressed_series(request, access, viewable)
    path, root = bulk_path(request.path["bulk"]), public_root(request, settings)
    ranges = [one for one in accepted(request) if one.matches(MULTIPART)]
    if bulk_choice(ranges, None) is None:
        raise not_acceptable(f'{MULTIPART}; type="{OCTETS}"')
    parts, digests = [], []
    for instance in reader.of_series(request.study, series):
        if (body := _as_stored(reader, instance, path)) is not None:
            url = f"{instance_url(root, instance)}/bulkdata/{path}"
            parts.append(Part(f"{OCTETS}; transfer-syntax={syntax_of(instance)}", body, url))
            digests.append(str(instance.digest))
    if not parts:
        raise BulkDataNotFound("no instance of this series has bulk data at this path")
    return parts_response(parts, OCTETS, [path, *digests], is_multipart=True)


def bulk_path(text: str) -> str:
    """The path of bulk data: a tag, within sequences after the tag and the number of each item.

    Raises:
        BulkDataNotFound: there is no such path.
    """
    if not _PATH.fullmatch(text):
        raise BulkDataNotFound("bulk data have a path of tags, of eight hexadecimal digits each")
    return text.upper()


# Pixel data


def _pixel_data(
    reader: InstanceReader,
    instance: StoredInstance,
    path: str,
    ranges: Sequence[MediaRange],
    url: str,
) -> Response:
    """The response with all frames: native ones follow each other, of encapsulated ones each is a part."""
    frames = Frames.of(reader, instance)
    if not frames.number:
        raise BulkDataNotFound("the instance has no pixel data that can be read")
    is_encapsulated = syntax_of(instance) in IMAGE_TYPES
    choice = frames.choice(ranges, is_alone=not is_encapsulated or frames.number == 1)
    if is_encapsulated:
        return frames_response(frames, range(1, frames.number + 1), choice, None)
    stored = None if choice.is_decoded else _as_stored(reader, instance, path)
    part = Part(choice.content_type, stored or partial(_joined, frames), url)
    tags = str(instance.digest), url, choice.content_type
    return parts_response([part], choice.media_type, tags, is_multipart=choice.is_multipart)


def _joined(frames: Frames) -> Iterable[bytes]:
    return chain.from_iterable(map(frames.decoded, range(1, frames.number + 1)))


def _all_frames(places: PixelPlaces) -> Sequence[ByteRange]:
    """The places of all frames, one after the other."""
    frames = places.frames
    if isinstance(frames, NativeFrames):
        return [(frames.start, frames.start + (frames.bits * frames.number + 7) // 8)]
    return [] if frames is None else [one for frame in frames.places for one in frame]


# Other bulk data


def _as_stored(reader: InstanceReader, instance: StoredInstance, path: str) -> RangedBody | None:
    """Bulk data as stored; None if there are none at the path, or if they have to be decoded."""
    places = places_of(instance)
    if places is None:
        return None
    ranges = [places.bulk[path]] if path in places.bulk else []
    found = _all_frames(places) if path in PIXEL_DATA else ranges
    # Where all frames are is not needed, and may be much: the body may be cached.
    lean = evolve(instance, pixels=None)
    return RangedBody(length_of(found), reader.read(lean, found)) if found else None


def _decoded(reader: InstanceReader, instance: StoredInstance, path: str) -> list[bytes]:
    """Bulk data whose place in the file is not known.

    Raises:
        BulkDataNotFound: there are none, or they cannot be read.
    """
    try:
        return [reader.decoder.bulk(reader.open(instance), path)]
    except DECODING_ERRORS as error:
        raise BulkDataNotFound(f"no such bulk data: {error}") from None


_TYPES = tuple(dict.fromkeys((*FRAME_TYPES, *DOCUMENT_TYPES)))

ROUTES = (
    Route(
        *("GET", "/studies/{study}/series/{series}/bulkdata/{bulk}", retrieve_bulk_data_of_series),
        summary="Retrieve bulk data of the instances of a series.",
        callers=Callers.ANY_TOKEN,
        query_permission=Permission.READ_SERIES,
        needs="the caller sees the series",
        query={**IN, **ACCEPT},
        responses={
            200: ResponseSpec("The bulk data of each instance.", binary(MULTIPART), {ETAG: TEXT}),
            304: ResponseSpec("The client has them, as If-None-Match says."),
        },
        negotiates=True,
    ),
    Route(
        *(
            "GET",
            "/studies/{study}/series/{series}/instances/{instance}/bulkdata/{bulk}",
            retrieve_bulk_data,
        ),
        summary="Retrieve bulk data of an instance, by tag; within sequences by tags and numbers of items.",
        callers=Callers.ANY_TOKEN,
        query_permission=Permission.READ_SERIES,
        needs="the caller sees the series",
        query={**IN, **ACCEPT},
        responses={
            200: ResponseSpec(
                "The bulk data, alone or in a part; of encapsulated pixel data each frame in a part.",
                binary(MULTIPART, *_TYPES),
                {ETAG: TEXT},
            ),
            206: ResponseSpec("The range that Range names.", binary(*_TYPES)),
            304: ResponseSpec("The client has them, as If-None-Match says."),
        },
        errors=(416,),
        from_store=True,
        negotiates=True,
    ),
)
