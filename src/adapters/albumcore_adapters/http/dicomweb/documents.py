"""What an instance encapsulates: a document such as a PDF, or a video, which is sent as such."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import falcon

from albumcore_adapters.base.dicom_json import text_value
from albumcore_adapters.decoding import DECODING_ERRORS
from albumcore_adapters.dicom.pixel_places import EncapsulatedFrames
from albumcore_adapters.directory.stored_instances import StoredInstance
from albumcore_adapters.http.conditional import ETAG, etag_of
from albumcore_adapters.http.dicomweb.choosing import IMAGE_TYPES
from albumcore_adapters.http.response import NO_SNIFFING, RangedBody, Response
from albumcore_adapters.instances.reading import InstanceReader, length_of, places_of

DOCUMENT = "00420011"
"""EncapsulatedDocument."""

_DOCUMENT_TYPE = "00420012"  # MIMETypeOfEncapsulatedDocument
_STORAGE = "1.2.840.10008.5.1.4.1.1.104."

# Only types that no browser runs scripts of: the sender of an instance chooses its document.
_BY_CLASS: Mapping[str, str] = {
    f"{_STORAGE}1": "application/pdf",
    f"{_STORAGE}3": "model/stl",
    f"{_STORAGE}4": "model/obj",
    f"{_STORAGE}5": "model/mtl",
}

DOCUMENT_TYPES = (*_BY_CLASS.values(), "video/mpeg", "video/mp4", "video/H265")
"""The media types of what is sent as such."""


def document_type(instance: StoredInstance) -> str | None:
    """The media type of what an instance encapsulates; None if it is no document or video that is sent as such."""
    video = IMAGE_TYPES.get(instance.transfer_syntax or "", "")
    return video if video.startswith("video/") else _BY_CLASS.get(instance.sop_class_uid or "")


def named_type(reader: InstanceReader, instance: StoredInstance) -> str | None:
    """The media type that an instance names for its document; None if it names none that is sent as such."""
    named = (text_value(reader.attributes(instance), _DOCUMENT_TYPE) or "").lower()
    return named if named in _BY_CLASS.values() else None


def document_response(
    reader: InstanceReader, instance: StoredInstance, media_type: str
) -> Response:
    """The response with what an instance encapsulates, of which a client may ask for a range.

    Raises:
        falcon.HTTPNotAcceptable: the document cannot be read.
    """
    headers = dict([(ETAG, etag_of(str(instance.digest), "document")), NO_SNIFFING])
    places = places_of(instance)
    if places is not None:
        frames = places.frames
        video = frames.places if isinstance(frames, EncapsulatedFrames) else ()
        document = places.bulk.get(DOCUMENT)
        ranges = [one for frame in video for one in frame] if document is None else [document]
        if ranges:
            body = RangedBody(length_of(ranges), reader.read(instance, ranges))
            return Response(200, body, media_type, headers)
    return Response(200, lambda: _decoded(reader, instance), media_type, headers)


def _decoded(reader: InstanceReader, instance: StoredInstance) -> bytes:
    """A document that is short, and so in the header, or whose place in the file is not known."""
    short: str | None = reader.attributes(instance).get(DOCUMENT, {}).get("InlineBinary")
    if short is not None:
        return base64.b64decode(short)
    try:
        return reader.decoder.bulk(reader.open(instance), DOCUMENT)
    except DECODING_ERRORS as error:
        raise falcon.HTTPNotAcceptable(
            description=f"the document cannot be read: {error}"
        ) from None
