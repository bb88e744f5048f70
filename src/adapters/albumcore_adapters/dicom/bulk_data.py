"""Bulk data that are sent apart from their data set (DICOM PS3.18 section 8.7.3)."""

from __future__ import annotations

from attrs import frozen

from albumcore_adapters.base.byte_source import ByteSource

PIXEL_DATA_TAG = "7FE00010"
"""PixelData, (7FE0,0010)."""

META_GROUP = "0002"
"""The group of the File Meta Information (DICOM PS3.10 section 7.1)."""


@frozen
class BulkData:
    """The value of one attribute, sent apart from the data set.

    Attributes:
        media_type: Its media type.
        transfer_syntax: The transfer syntax that the sender names, if any.
        content: Its bytes.
    """

    media_type: str
    transfer_syntax: str | None
    content: ByteSource
