"""Making DICOM files of data sets in the DICOM JSON Model, around their bulk data (DICOM PS3.18 section 8.7.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset, write_file_meta_info
from pydicom.uid import UID

from albumcore_adapters.base.dicom_json import Attributes
from albumcore_adapters.dicom.bulk_data import META_GROUP, PIXEL_DATA_TAG
from albumcore_adapters.dicom.data_sets import quiet_pydicom
from albumcore_adapters.dicom.errors import CannotCompose
from albumcore_adapters.dicom.jpeg import JpegHeader, jpeg_header
from albumcore_adapters.dicom.transfer_syntaxes import EXPLICIT_LITTLE_ENDIAN

_MPEG = "1.2.840.10008.1.2.4."
_VIDEO: Mapping[str, tuple[str, ...]] = {
    "video/mpeg": (f"{_MPEG}100", f"{_MPEG}101"),
    "video/mp4": tuple(f"{_MPEG}{number}" for number in (102, 103, 104, 105, 106, 107, 108)),
}
"""The transfer syntaxes of a video, by media type, the default first."""

_JPEG = "image/jpeg"
_UTF8 = "ISO_IR 192"
_MAX_LENGTH = 0xFFFFFFFE
_BULK_VRS = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})


def compose(
    pixels: BinaryIO,
    attributes: Attributes,
    lengths: Mapping[str, int],
    media_type: str,
    transfer_syntax: str | None,
) -> list[bytes]:
    """Return what a file of a data set has before, between and after its bulk data.

    A JPEG image or a video is encapsulated as pixel data. What the data set of a JPEG image does not say about its
    pixels is read from the image. All other data are little endian with explicit VRs.

    Args:
        pixels: The bulk data that are pixel data, if there are any.
        attributes: The data set in the DICOM JSON Model.
        lengths: The lengths of its bulk data in bytes, by tag in ascending order: of attributes of the data set itself.
        media_type: The media type of the pixel data; empty if none is named.
        transfer_syntax: The transfer syntax that the sender names, if any.

    Raises:
        CannotCompose: the data set is not valid, or its bulk data are of a kind that no transfer syntax here has.
    """
    with quiet_pydicom():
        try:
            dataset = _data_set(attributes, lengths)
            syntax = EXPLICIT_LITTLE_ENDIAN
            if PIXEL_DATA_TAG in lengths:
                syntax = _prepared(dataset, pixels, media_type, transfer_syntax)
            pieces, piece = [], _start(dataset, syntax)
            for tag, length in lengths.items():
                is_encapsulated = tag == PIXEL_DATA_TAG and syntax != EXPLICIT_LITTLE_ENDIAN
                vr = "OB" if is_encapsulated else attributes[tag].get("vr")
                head, tail = _around(tag, vr, length, is_encapsulated=is_encapsulated)
                pieces.append(piece + _encoded(dataset, tag) + head)
                piece = tail
            return [*pieces, piece + _encoded(dataset, None)]
        except (CannotCompose, MemoryError):
            raise
        except Exception as error:
            # pydicom raises exceptions of every type on invalid data sets.
            raise CannotCompose(f"the data set is not valid ({type(error).__name__})") from None


def _data_set(attributes: Attributes, lengths: Mapping[str, int]) -> Dataset:
    """Convert the attributes but for bulk data, and for the File Meta Information, which is made anew."""
    plain = {
        tag: one
        for tag, one in attributes.items()
        if tag not in lengths and not tag.startswith(META_GROUP)
    }
    dataset = Dataset.from_json(plain, _refuse_link)
    dataset.SpecificCharacterSet = _UTF8
    return dataset


def _refuse_link(tag: str, vr: str, link: str) -> None:
    raise CannotCompose("bulk data within sequences are not supported")


def _prepared(dataset: Dataset, pixels: BinaryIO, media_type: str, named: str | None) -> str:
    """Add what a data set does not say about its pixels, and return its transfer syntax."""
    if media_type == _JPEG:
        header = jpeg_header(pixels)
        if header is None:
            raise CannotCompose("the pixel data are no JPEG image that DICOM has")
        for keyword, value in _attributes_of(header).items():
            if keyword not in dataset:
                setattr(dataset, keyword, value)
        return header.transfer_syntax
    if media_type in _VIDEO:
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
    for keyword in ("SOPClassUID", "SOPInstanceUID"):
        if not dataset.get(keyword):
            raise CannotCompose(f"it has no {keyword}")
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
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


def _around(tag: str, vr: object, length: int, *, is_encapsulated: bool) -> tuple[bytes, bytes]:
    """What is before and after bulk data: the value of their attribute, or the one fragment of encapsulated ones."""
    padded = length + length % 2
    encoded_tag = bytes.fromhex(tag[2:4] + tag[:2] + tag[6:] + tag[4:6])
    if padded > _MAX_LENGTH or not isinstance(vr, str) or vr not in _BULK_VRS:
        raise CannotCompose("the bulk data are too long, or of no VR that bulk data have")
    head, padding = encoded_tag + vr.encode() + bytes(2), bytes(length % 2)
    if is_encapsulated:
        # No basic offset table: its item is empty (DICOM PS3.5 section A.4).
        before = head + b"\xff\xff\xff\xff" + _item(0) + _item(padded)
        return before, padding + b"\xfe\xff\xdd\xe0" + bytes(4)
    return head + padded.to_bytes(4, "little"), padding


def _item(length: int) -> bytes:
    return b"\xfe\xff\x00\xe0" + length.to_bytes(4, "little")
