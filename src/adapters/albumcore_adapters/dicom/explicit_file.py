"""How a file is made of another in Explicit VR Little Endian, as the decoder describes it."""

from __future__ import annotations

from attrs import field, frozen

from albumcore_adapters.dicom.pixel_places import ByteRange


@frozen
class ExplicitFile:
    """A file in Explicit VR Little Endian: its beginning, and where the pixel data come from, with which it ends.

    Attributes:
        start: Everything before the value of the pixel data.
        stored: The bytes of the original file that are this value; empty if they have to be decoded.
        frames: The number of frames that are decoded, and follow each other.
        is_padded: Whether a byte follows them, so that the length is even.
    """

    start: bytes = field(repr=False)
    stored: ByteRange = (0, 0)
    frames: int = 0
    is_padded: bool = False
