"""Decoding: DICOM files are read, and made of JSON, in a process of its own with limits of memory and time."""

from albumcore_adapters.decoding.decoder import DECODING_ERRORS, Decoder
from albumcore_adapters.decoding.process import DecoderFailed, DecoderLimits, DecoderUnavailable
from albumcore_adapters.dicom.bulk_data import BulkData
from albumcore_adapters.dicom.errors import CannotCompose, CannotDecode, NotAnInstance
from albumcore_adapters.dicom.header import Header
from albumcore_adapters.dicom.pictures import (
    MAX_SIDE,
    Crop,
    Picture,
    Rendering,
    Viewport,
    Window,
    thumbnail,
)
from albumcore_adapters.dicom.pixel_places import PixelPlaces

__all__ = [
    "DECODING_ERRORS",
    "MAX_SIDE",
    "BulkData",
    "CannotCompose",
    "CannotDecode",
    "Crop",
    "Decoder",
    "DecoderFailed",
    "DecoderLimits",
    "DecoderUnavailable",
    "Header",
    "NotAnInstance",
    "Picture",
    "PixelPlaces",
    "Rendering",
    "Viewport",
    "Window",
    "thumbnail",
]
