"""The decoder, as the other rooms use it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import orjson
from attrs import field, frozen

from albumcore_adapters.base.byte_source import ByteSource
from albumcore_adapters.dicom.errors import CannotDecode, NotAnInstance
from albumcore_adapters.dicom.headers import quiet_pydicom, read_header
from albumcore_adapters.dicom.links import LINK_ROOT
from albumcore_adapters.dicom.pictures import Picture, Rendering
from albumcore_adapters.dicom.pixel_places import PixelPlaces
from albumcore_adapters.directory.instances import InstanceRecord


class DecoderFailed(Exception):
    """The file made the decoder crash, or exceed its memory or its time; the message says which.

    The file is at fault, not the service.
    """


@frozen
class Header:
    """What the header of an instance says.

    Attributes:
        record: The attributes that the catalogue stores.
        json: The whole data set as one object of the DICOM JSON Model, UTF-8; its links begin with
            `albumcore_adapters.dicom.links.LINK_ROOT` and then ``/studies/...``.
        transfer_syntax: TransferSyntaxUID, (0002,0010).
        pixels: The places of frames and bulk data; None where they have to be decoded.
    """

    record: InstanceRecord
    json: bytes = field(repr=False)
    transfer_syntax: str
    pixels: PixelPlaces | None


class Decoder:
    """Reads headers and frames in child processes. Thread-safe.

    A child is started when it is first needed, and again after it died. It opens no file: it asks for the ranges of
    bytes that it needs.
    """

    def header(self, source: ByteSource) -> Header:
        """Read the header of the instance in a file.

        Raises:
            NotAnInstance: it is not a DICOM file, or has no usable instance.
            DecoderFailed: it cannot be read within the limits.
        """
        from pydicom import dcmread

        content = source.read(0, source.length)
        with quiet_pydicom():
            record = read_header(io.BytesIO(content))
            dataset = dcmread(io.BytesIO(content), force=True)
            url = (
                f"{LINK_ROOT}/studies/{record.study_uid}/series/{record.series_uid}"
                f"/instances/{record.sop_instance_uid}/bulkdata/7FE00010"
            )
            body: dict[str, Any] = dataset.to_json_dict(1024, lambda _: url, True)
        if "7FE00010" in body:
            body["7FE00010"] = {"vr": "OW", "BulkDataURI": url}
        text = orjson.dumps(body).replace(b"\\u0001", b"\x01")
        syntax = str(dataset.file_meta.get("TransferSyntaxUID", "1.2.840.10008.1.2"))
        return Header(record, text, syntax, None)

    def render(self, source: ByteSource, frame: int, rendering: Rendering) -> Picture:
        """Render a frame.

        Args:
            source: The file.
            frame: The number of the frame, from 1.
            rendering: How.

        Raises:
            NotAnInstance: it is not a DICOM file.
            CannotDecode: it has no such frame, or its frames cannot be decoded here.
            DecoderFailed: it cannot be decoded within the limits.
        """
        raise CannotDecode("the frames of this instance cannot be decoded here")

    def frames(self, source: ByteSource, numbers: Sequence[int]) -> list[bytes]:
        """Decode frames to little endian, as Explicit VR Little Endian has them (DICOM PS3.5 section 8.1.1).

        Args:
            source: The file.
            numbers: The numbers of the frames, from 1.

        Raises:
            NotAnInstance: it is not a DICOM file.
            CannotDecode: it has no such frame, or its frames cannot be decoded here.
            DecoderFailed: they cannot be decoded within the limits.
        """
        raise CannotDecode("the frames of this instance cannot be decoded here")

    def bulk(self, source: ByteSource, path: str) -> bytes:
        """Return bulk data whose place is not known: that of a deflated or big endian file.

        Args:
            source: The file.
            path: Its path, as in `PixelPlaces.bulk`.

        Raises:
            NotAnInstance: it is not a DICOM file.
            CannotDecode: it has no such bulk data.
            DecoderFailed: it cannot be read within the limits.
        """
        raise NotAnInstance("not a DICOM file")

    def close(self) -> None:
        """End the children."""
