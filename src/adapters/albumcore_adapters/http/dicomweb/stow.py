"""Storing instances (STOW-RS; DICOM PS3.18 section 10.5), in the form in which Kheops answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import falcon

from albumcore import Permission, ReportAdded, SeriesImported
from albumcore_adapters.access.images import upload_to
from albumcore_adapters.base.dicom_json import element
from albumcore_adapters.base.multipart import (
    FORM_DATA,
    RELATED,
    BodyPart,
    MalformedBody,
    MediaType,
    read_parts,
)
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.http.accept import DICOM, DICOM_JSON, JSON, OCTETS
from albumcore_adapters.http.body import body_reader
from albumcore_adapters.http.kheops.request import ApiRequest
from albumcore_adapters.http.links import public_root
from albumcore_adapters.http.openapi.schemas import ALPHANUMERIC
from albumcore_adapters.http.openapi.specs import ParameterSpec, ResponseSpec, Schema, ref
from albumcore_adapters.http.openapi.value_schemas import WORD
from albumcore_adapters.http.response import BodyStream, Response, json_bytes
from albumcore_adapters.http.route import Callers, Route
from albumcore_adapters.instances.composing import Composing
from albumcore_adapters.instances.outcomes import (
    FailureReason,
    InstanceRefused,
    InstanceStored,
    Outcome,
)
from albumcore_adapters.instances.received import InstanceStore
from albumcore_adapters.instances.storing import Storing

MAX_PARTS = 50_000
"""Parts of one message, and data sets in them: what became of each is in memory until the answer."""

_MAX_FILE_ID = 255  # characters
_PIECE = 64 * 1024  # bytes of the answer that are sent at a time

# Attributes of the answer (DICOM PS3.18 section 10.5.3.1.2).
_CLASS, _INSTANCE, _URL = "00081150", "00081155", "00081190"
_STORED, _FAILED, _OTHERS = "00081199", "00081198", "0008119A"
_REASON, _FILE_ID, _TAGS = "00081197", "00041500", "00001005"


def store_instances(request: ApiRequest, store: InstanceStore, settings: Settings) -> Response:
    """Store the instances of a message, in the caller's inbox or in an album."""
    query = request.query
    upload = upload_to(store.access, request.caller, query.text("album"))
    media_type = MediaType.of(request.header("Content-Type"))
    if media_type.name not in (RELATED, FORM_DATA, DICOM):
        expected = f"{RELATED}, {FORM_DATA} or {DICOM} is expected"
        raise falcon.HTTPUnsupportedMediaType(description=expected)
    study = request.study if "study" in request.path else None
    verifies = query.flag("skipVerify") is not True
    with Storing(store, upload, study, verifies) as storing:
        try:
            if media_type.name == RELATED:
                _receive_related(storing, _parts(storing, media_type, request))
            else:
                for part in _parts(storing, media_type, request):
                    file_id = None if part.name is None else part.name[:_MAX_FILE_ID]
                    storing.add(part.pieces(), file_id)
            outcomes = storing.finish()
        except MalformedBody as error:
            raise falcon.HTTPBadRequest(description=_broken_off(error.reason, storing)) from None
    if not outcomes:
        raise falcon.HTTPBadRequest(description="the message has no parts")
    return _answer(request, public_root(request, settings), outcomes)


def _parts(storing: Storing, media_type: MediaType, request: ApiRequest) -> Iterator[BodyPart]:
    for number, part in enumerate(read_parts(media_type, body_reader(request.req))):
        if number >= MAX_PARTS or len(storing.outcomes) >= MAX_PARTS:
            too_many = _broken_off(
                f"a message has at most {MAX_PARTS} parts and data sets", storing
            )
            raise falcon.HTTPContentTooLarge(description=too_many)
        yield part


def _receive_related(storing: Storing, parts: Iterable[BodyPart]) -> None:
    """Receive instances, data sets in the DICOM JSON Model, and the bulk data of these."""
    with Composing(storing) as composing:
        for part in parts:
            media_type, location = part.media_type, part.location
            if media_type.name == DICOM_JSON:
                syntax = media_type.parameters.get("transfer-syntax")
                composing.add_metadata(part.pieces(), syntax)
            elif location is not None and composing.awaits(location):
                composing.add_bulk(location, media_type.name, part.pieces())
            elif _is_instance(part):
                storing.add(part.pieces())
            elif not composing.has_metadata:
                detail = f"the media type of the part is neither {DICOM} nor {DICOM_JSON}"
                storing.refuse(FailureReason.CANNOT_UNDERSTAND, detail)
        composing.finish()


def _is_instance(part: BodyPart) -> bool:
    """Whether a part claims to be an instance; a part that says nothing is taken for one."""
    return part.media_type.name in (DICOM, OCTETS, "")


def _broken_off(reason: str, storing: Storing) -> str:
    stored = sum(isinstance(one, InstanceStored) for one in storing.outcomes)
    return f"{reason}; {stored} instances before that are stored"


# The answer


def _answer(request: ApiRequest, root: str, outcomes: Sequence[Outcome]) -> Response:
    """The answer to a message: 200 if all is stored, 202 if some is refused, 409 if nothing is stored."""
    stored = [one for one in outcomes if isinstance(one, InstanceStored)]
    refused = [one for one in outcomes if isinstance(one, InstanceRefused)]
    studies = {one.study_uid for one in stored}
    failed = [one for one in refused if one.sop_instance_uid is not None]
    others = [one for one in refused if one.sop_instance_uid is None]

    def members() -> Iterator[Iterable[bytes]]:
        if len(studies) == 1:
            url = element("UR", f"{root}/studies/{next(iter(studies))}")
            yield [b'"%s":%s' % (_URL.encode(), json_bytes(url))]
        if failed:
            yield _sequence(_FAILED, map(_failed, failed))
        if stored:
            yield _sequence(_STORED, (_stored(root, one) for one in stored))
        if others:
            yield _sequence(_OTHERS, map(_other, others))

    status = 200 if not refused else 202 if stored else 409
    media_type = request.preferred((DICOM_JSON, JSON))
    # Made twice, for its length and in pieces: that of a long message would take much memory.
    length = sum(map(len, _object(members())))
    return Response(status, BodyStream(_object(members()), length), media_type)


def _object(members: Iterable[Iterable[bytes]]) -> Iterator[bytes]:
    """A JSON object, in pieces: it is joined from the pieces of its members."""
    piece = bytearray(b"{")
    for number, member in enumerate(members):
        piece += b"," if number else b""
        for part in member:
            piece += part
            if len(piece) >= _PIECE:
                yield bytes(piece)
                piece.clear()
    yield bytes(piece) + b"}"


def _sequence(tag: str, items: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    yield b'"%s":{"vr":"SQ","Value":[' % tag.encode()
    for number, item in enumerate(items):
        yield (b"," if number else b"") + json_bytes(item)
    yield b"]}"


def _stored(root: str, one: InstanceStored) -> dict[str, Any]:
    address = (
        f"{root}/studies/{one.study_uid}/series/{one.series_uid}/instances/{one.sop_instance_uid}"
    )
    return {**dict(_reference(one)), _URL: element("UR", address)}


def _failed(one: InstanceRefused) -> dict[str, Any]:
    found = {**dict(_reference(one)), **_other(one)}
    if one.tags:
        # Kheops writes the tags as decimal numbers.
        found[_TAGS] = element("LO", *(str(int(tag, 16)) for tag in one.tags))
    return dict(sorted(found.items()))


def _other(one: InstanceRefused) -> dict[str, Any]:
    found = {_REASON: element("US", int(one.reason))}
    return found if one.file_id is None else {_FILE_ID: element("CS", one.file_id), **found}


def _reference(one: Outcome) -> Iterator[tuple[str, Any]]:
    if one.sop_class_uid is not None:
        yield _CLASS, element("UI", one.sop_class_uid)
    yield _INSTANCE, element("UI", one.sop_instance_uid)


_BINARY = {"type": "string", "format": "binary", "minLength": 1}
_PARTS = {"type": "object", "additionalProperties": _BINARY, "minProperties": 1}
_BODIES: Mapping[str, Schema] = {RELATED: _PARTS, FORM_DATA: _PARTS, DICOM: _BINARY}
_OUTCOMES = {media_type: ref("DicomObject") for media_type in (DICOM_JSON, JSON)}
_ANSWERS = {
    200: ResponseSpec("Every instance is stored.", _OUTCOMES),
    202: ResponseSpec("Some instances are stored, and some are refused.", _OUTCOMES),
    409: ResponseSpec("Every instance is refused.", _OUTCOMES),
}


def _route(path: str, summary: str) -> Route:
    return Route(
        *("POST", path, store_instances, summary),
        callers=Callers.ANY_TOKEN,
        query_permission=Permission.ADD_SERIES,
        needs=(
            f"the caller may add to each series; a token of an album: `{Permission.ADD_SERIES.value}` in it, "
            "and no album in the query"
        ),
        records=(SeriesImported, ReportAdded),
        query={
            "album": ParameterSpec(
                ALPHANUMERIC,
                "The album that the series are added to; the caller's inbox without it.",
            ),
            "skipVerify": ParameterSpec(
                WORD,
                "true: instances may contradict what is known of their study and series.",
            ),
        },
        bodies=_BODIES,
        responses=_ANSWERS,
        errors=(408, 413, 415),
    )


ROUTES = (
    _route("/studies", "Store instances."),
    _route("/studies/{study}", "Store instances of a study."),
)
