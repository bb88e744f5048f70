"""Retrieving the files of a study, a series or an instance (WADO-RS; DICOM PS3.18 section 10.4.1.1.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from attrs import evolve

from albumcore import Permission
from albumcore.times import Clock
from albumcore_adapters.access.images import ImageAccess, downloadable
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.decoding import DECODING_ERRORS
from albumcore_adapters.directory.stored_instances import StoredInstance
from albumcore_adapters.directory.study_search import series_in_order
from albumcore_adapters.http.accept import DICOM, MULTIPART
from albumcore_adapters.http.conditional import ETAG
from albumcore_adapters.http.dicomweb.addressed import addressed_series, instance_url
from albumcore_adapters.http.dicomweb.choosing import (
    IMAGE_TYPES,
    Representation,
    accepted,
    instance_choice,
    not_acceptable,
    syntax_of,
)
from albumcore_adapters.http.dicomweb.multipart_response import (
    AnyPart,
    LatePart,
    Part,
    parts_response,
)
from albumcore_adapters.http.dicomweb.zip_download import ZIP, prefers_zip, zip_response
from albumcore_adapters.http.kheops.request import ApiRequest
from albumcore_adapters.http.kheops.shared_specs import ACCEPT, IN
from albumcore_adapters.http.links import public_root
from albumcore_adapters.http.openapi.specs import TEXT, ResponseSpec, binary
from albumcore_adapters.http.response import RangedBody, Response
from albumcore_adapters.http.route import Callers, Route
from albumcore_adapters.instances.reading import InstanceReader, places_of
from albumcore_adapters.sql.database import Database


def retrieve_all(
    request: ApiRequest,
    access: ImageAccess,
    reader: InstanceReader,
    database: Database,
    settings: Settings,
    clock: Clock,
) -> Response:
    """Send the files of a study, or of a series, that the caller may download, in parts or in a ZIP archive."""
    series = addressed_series(request, access, downloadable)
    in_order = series_in_order(database, request.study, series)
    found = reader.of_series(request.study, in_order)
    if prefers_zip(accepted(request)):
        return zip_response(reader, database, request.study, found, clock())
    return _files(request, reader, found, public_root(request, settings))


def retrieve_instance(
    request: ApiRequest, access: ImageAccess, reader: InstanceReader, settings: Settings
) -> Response:
    """Send the file of an instance."""
    addressed_series(request, access, downloadable)
    found = reader.one(request.study, request.series, request.instance)
    return _files(request, reader, [found], public_root(request, settings))


def _files(
    request: ApiRequest, reader: InstanceReader, found: Sequence[StoredInstance], root: str
) -> Response:
    """The files of some instances, each in the form that the client prefers.

    Raises:
        falcon.HTTPNotAcceptable: the client accepts no form of one of them.
    """
    ranges, is_alone = accepted(request), "instance" in request.path
    stored = {syntax_of(one) for one in found}
    choices = {one: instance_choice(ranges, one, is_alone=is_alone) for one in stored}
    if None in choices.values():
        raise not_acceptable(", ".join(f"{DICOM}; transfer-syntax={one}" for one in sorted(stored)))
    _require_decoders(reader, found, choices)
    chosen = [(one, choice) for one in found if (choice := choices[syntax_of(one)]) is not None]
    tags = [f"{one.digest} {choice.content_type}" for one, choice in chosen]
    is_multipart = any(choice.is_multipart for _, choice in chosen)
    parts = [_part(reader, one, choice, instance_url(root, one)) for one, choice in chosen]
    return parts_response(parts, DICOM, tags, is_multipart=is_multipart)


def _require_decoders(
    reader: InstanceReader,
    found: Sequence[StoredInstance],
    choices: Mapping[str, Representation | None],
) -> None:
    """Refuse at once what no decoder is installed for: after the first part, a response can only be broken off.

    Raises:
        falcon.HTTPNotAcceptable: an instance with such frames would have to be decoded.
    """
    compressed = [
        syntax
        for syntax, choice in choices.items()
        if syntax in IMAGE_TYPES and choice is not None and choice.is_decoded and choice.is_required
    ]
    missing = set(compressed) - reader.decoder.decodable(compressed) if compressed else set()
    for one in found:
        syntax = syntax_of(one)
        if syntax in missing and (places := places_of(one)) is not None and places.frames:
            raise not_acceptable(f"{DICOM}; transfer-syntax={syntax}, for which no decoder is here")


def _part(
    reader: InstanceReader, instance: StoredInstance, choice: Representation, url: str
) -> AnyPart:
    """The part with a file in a form; as stored, if it cannot be decoded, and the client did not insist."""
    if not choice.is_decoded:
        return Part(choice.content_type, file_body(reader, instance), url)
    decoded = Part(choice.content_type, partial(explicit_pieces, reader, instance), url)
    if choice.is_required or not choice.is_multipart:
        return decoded

    def made() -> Part:
        try:
            pieces = reader.explicit(instance)
        except DECODING_ERRORS:
            return Part(_stored_type(instance), file_body(reader, instance), url)
        return evolve(decoded, content=lambda: pieces)

    return LatePart(made)


def explicit_pieces(reader: InstanceReader, instance: StoredInstance) -> Iterator[bytes]:
    """A file that is decoded, in pieces.

    Raises:
        falcon.HTTPNotAcceptable: it cannot be decoded.
    """
    try:
        return reader.explicit(instance)
    except DECODING_ERRORS as error:
        raise not_acceptable(f"{_stored_type(instance)}, as {error}") from None


def _stored_type(instance: StoredInstance) -> str:
    return f"{DICOM}; transfer-syntax={syntax_of(instance)}"


def file_body(reader: InstanceReader, instance: StoredInstance) -> RangedBody:
    """The file of an instance as it is stored."""
    assert instance.length is not None
    # Where frames are is not needed, and may be much: the body may be cached.
    lean = evolve(instance, pixels=None)
    return RangedBody(instance.length, reader.read(lean, [(0, instance.length)]))


_FILES: Mapping[int, ResponseSpec] = {
    200: ResponseSpec(
        "The files, each a part with its transfer syntax.",
        binary(MULTIPART, ZIP),
        {ETAG: TEXT},
    )
}
_FILE: Mapping[int, ResponseSpec] = {
    200: ResponseSpec(
        "The file, alone or as the only part.", binary(MULTIPART, DICOM), {ETAG: TEXT}
    ),
    206: ResponseSpec("The range of the file that Range names.", binary(DICOM)),
    304: ResponseSpec("The client has it, as If-None-Match says."),
}

ROUTES = (
    Route(
        *("GET", "/studies/{study}", retrieve_all),
        summary="Retrieve the files of a study.",
        callers=Callers.ANY_TOKEN,
        query_permission=Permission.READ_SERIES,
        needs="the caller may download a series of the study",
        query={**IN, **ACCEPT},
        responses=_FILES,
        negotiates=True,
    ),
    Route(
        *("GET", "/studies/{study}/series/{series}", retrieve_all),
        summary="Retrieve the files of a series.",
        callers=Callers.ANY_TOKEN,
        query_permission=Permission.READ_SERIES,
        needs="the caller may download the series",
        query={**IN, **ACCEPT},
        responses=_FILES,
        negotiates=True,
    ),
    Route(
        *("GET", "/studies/{study}/series/{series}/instances/{instance}", retrieve_instance),
        summary="Retrieve the file of an instance.",
        callers=Callers.ANY_TOKEN,
        query_permission=Permission.READ_SERIES,
        needs="the caller may download the series",
        query={**IN, **ACCEPT},
        responses=_FILE,
        errors=(416,),
        from_store=True,
        negotiates=True,
    ),
)
