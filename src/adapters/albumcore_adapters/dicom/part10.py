"""Making DICOM files of data sets in the DICOM JSON Model, and of their bulk data (DICOM PS3.18 section 8.7.3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset, write_file_meta_info
from pydicom.uid import UID

from albumcore_adapters.base.dicom_json import Attributes
from albumcore_adapters.dicom.bulk_data import BulkData
from albumcore_adapters.dicom.data_sets import quiet_pydicom
from albumcore_adapters.dicom.errors import CannotCompose
from albumcore_adapters.dicom.jpeg import JpegHeader, jpeg_header
from albumcore_adapters.dicom.transfer_syntaxes import EXPLICIT_LITTLE_ENDIAN

_PIXEL_DATA = "7FE00010"
_MPEG = "1.2.840.10008.1.2.4."
_VIDEO: Mapping[str, tuple[str, ...]] = {
    "video/mpeg": (f"{_MPEG}100", f"{_MPEG}101"),
    "video/mp4": tuple(f"{_MPEG}{number}" for number in (102, 103, 104, 105, 106, 107, 108)),
}
"""The transfer syntaxes of a video, by media type, the default first."""

_JPEG = "image/jpeg"
_UTF8 = "ISO_IR 192"
_MAX_LENGTH = 0xFFFFFFFE
_PIECE = 256 * 1024
T = TypeVar("T")
_BULK_VRS = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})


def compose(attributes: Attributes, bulk: Mapping[str, BulkData]) -> Iterator[bytes]:
    """Return, in pieces, a file of a data set with its bulk data.

    A JPEG image or a video is encapsulated as pixel data. What the data set of a JPEG image does not say about its
    pixels is read from the image. All other data are little endian with explicit VRs.

    Args:
        attributes: The data set in the DICOM JSON Model.
        bulk: The bulk data by tag, of attributes of the data set itself.

    Raises:
        CannotCompose: the data set is not valid, or its bulk data are of a kind that no transfer syntax here has.
    """
    named, bulk = _without_meta(attributes), _without_meta(bulk)
    with quiet_pydicom():
        try:
            plain = {tag: one for tag, one in named.items() if tag not in bulk}
            dataset = Dataset.from_json(plain, _refuse_link)
            dataset.SpecificCharacterSet = _UTF8
            pixels = bulk.get(_PIXEL_DATA)
            syntax = EXPLICIT_LITTLE_ENDIAN if pixels is None else _prepared(dataset, pixels)
            pieces = [_start(dataset, syntax)]
            pieces += [_encoded(dataset, tag) for tag in sorted(bulk)]
            rest = _encoded(dataset, None)
        except CannotCompose:
            raise
        except Exception as error:
            # pydicom raises exceptions of every type on invalid data sets.
            raise CannotCompose(f"the data set is not valid ({type(error).__name__})") from None
    return _pieces(pieces, rest, named, bulk, syntax)


def _without_meta(by_tag: Mapping[str, T]) -> dict[str, T]:
    """Leave out the File Meta Information, which is made anew."""
    return {tag: one for tag, one in by_tag.items() if not tag.startswith("0002")}


def _refuse_link(tag: str, vr: str, link: str) -> None:
    raise CannotCompose("bulk data within sequences are not supported")


def _pieces(
    before: list[bytes], rest: bytes, named: Attributes, bulk: Mapping[str, BulkData], syntax: str
) -> Iterator[bytes]:
    yield before[0]
    for encoded, tag in zip(before[1:], sorted(bulk), strict=True):
        yield encoded
        yield from _element(tag, named[tag], bulk[tag], syntax)
    yield rest


def _prepared(dataset: Dataset, pixels: BulkData) -> str:
    """Add what a data set does not say about its pixels, and return its transfer syntax."""
    media_type = pixels.media_type
    if media_type == _JPEG:
        header = jpeg_header(pixels.content)
        if header is None:
            raise CannotCompose("the pixel data are no JPEG image that DICOM has")
        for keyword, value in _attributes_of(header).items():
            if keyword not in dataset:
                setattr(dataset, keyword, value)
        return header.transfer_syntax
    if media_type in _VIDEO:
        named = pixels.transfer_syntax
        return named if named in _VIDEO[media_type] else _VIDEO[media_type][0]
    if media_type not in ("application/octet-stream", ""):
        raise CannotCompose("the media type of the pixel data is not supported")
    return EXPLICIT_LITTLE_ENDIAN


def _attributes_of(header: JpegHeader) -> Mapping[str, Any]:
    return {
        "SamplesPerPixel": header.samples,
        "PhotometricInterpretation": header.photometric_interpretation,
        **({"PlanarConfiguration": 0} if header.samples > 1 else {}),
        "Rows": header.rows,
        "Columns": header.columns,
        "BitsAllocated": 8 if header.bits <= 8 else 16,
        "BitsStored": header.bits,
        "HighBit": header.bits - 1,
        "PixelRepresentation": 0,
    }


def _start(dataset: Dataset, syntax: str) -> bytes:
    """The preamble and the File Meta Information (DICOM PS3.10 section 7.1)."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID", "")
    meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", "")
    meta.TransferSyntaxUID = UID(syntax)
    file = DicomBytesIO()
    file.is_little_endian, file.is_implicit_VR = True, False
    write_file_meta_info(file, meta, enforce_standard=True)
    return bytes(128) + b"DICM" + file.getvalue()


def _encoded(dataset: Dataset, before: str | None) -> bytes:
    """Encode the attributes before a tag, or all, and remove them from the data set."""
    tags = [one.tag for one in dataset if before is None or one.tag < int(before, 16)]
    part = Dataset()
    for tag in tags:
        part.add(dataset[tag])
        del dataset[tag]
    file = DicomBytesIO()
    file.is_little_endian, file.is_implicit_VR = True, False
    write_dataset(file, part, _UTF8)
    return file.getvalue()


def _element(
    tag: str, attribute: Mapping[str, Any], bulk: BulkData, syntax: str
) -> Iterator[bytes]:
    """One attribute with its bulk data as value, as it is or as the one fragment of encapsulated pixel data."""
    length = bulk.content.length
    padded = length + length % 2
    encoded_tag = bytes.fromhex(tag[2:4] + tag[:2] + tag[6:] + tag[4:6])
    is_encapsulated = tag == _PIXEL_DATA and syntax != EXPLICIT_LITTLE_ENDIAN
    vr = "OB" if is_encapsulated else attribute.get("vr")
    if padded > _MAX_LENGTH or not isinstance(vr, str) or vr not in _BULK_VRS:
        raise CannotCompose("the bulk data are too long, or of no VR that bulk data have")
    head = encoded_tag + vr.encode() + bytes(2)
    if is_encapsulated:
        # No basic offset table: its item is empty (DICOM PS3.5 section A.4).
        yield head + b"\xff\xff\xff\xff" + _item(0) + _item(padded)
    else:
        yield head + padded.to_bytes(4, "little")
    for start in range(0, length, _PIECE):
        yield bulk.content.read(start, min(start + _PIECE, length))
    yield bytes(length % 2)
    if is_encapsulated:
        yield b"\xfe\xff\xdd\xe0" + bytes(4)


def _item(length: int) -> bytes:
    return b"\xfe\xff\x00\xe0" + length.to_bytes(4, "little")
