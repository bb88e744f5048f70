"""The decoder, as the other rooms use it."""

from __future__ import annotations

from collections.abc import Sequence

from albumcore_adapters.base.byte_source import ByteSource, SourceFile
from albumcore_adapters.dicom.deflated import MAX_INFLATED, BoundedReader
from albumcore_adapters.dicom.errors import CannotDecode, NotAnInstance
from albumcore_adapters.dicom.header import Header
from albumcore_adapters.dicom.headers import read_header
from albumcore_adapters.dicom.pictures import Picture, Rendering


class DecoderFailed(Exception):
    """The file made the decoder crash, or exceed its memory or its time; the message says which.

    The file is at fault, not the service.
    """


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
        return read_header(BoundedReader(SourceFile(source), MAX_INFLATED))

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
