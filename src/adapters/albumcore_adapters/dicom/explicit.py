"""Files in Explicit VR Little Endian, made of files in another transfer syntax (DICOM PS3.5 annex A.2)."""

from __future__ import annotations

from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset, write_file_meta_info
from pydicom.uid import ExplicitVRLittleEndian

from albumcore_adapters.dicom.data_sets import ParsedFile, damage_refused, parse
from albumcore_adapters.dicom.deflated import BoundedReader
from albumcore_adapters.dicom.errors import CannotDecode
from albumcore_adapters.dicom.explicit_file import ExplicitFile
from albumcore_adapters.dicom.frames import FrameReader
from albumcore_adapters.dicom.pixel_places import EncapsulatedFrames

_MAX_LENGTH = 0xFFFFFFFE
_VRS = {0x7FE00008: "OF", 0x7FE00009: "OD"}


def explicit_file(file: BoundedReader) -> ExplicitFile:
    """Return how a file is in Explicit VR Little Endian. What follows the pixel data is left out.

    Args:
        file: The file, at its start.

    Raises:
        NotAnInstance: it is not a DICOM file, or damaged.
        CannotDecode: its frames cannot be decoded.
    """
    with damage_refused():
        parsed = parse(file, {}, defer_size=None)
        tag, extent = parsed.extent.pixel_tag, parsed.extent
        if tag is None:
            return ExplicitFile(_beginning(parsed.dataset))
        reader = FrameReader.of(parsed)
        if isinstance(reader.places.frames, EncapsulatedFrames):
            return _decoded(parsed, reader, tag, reader.places.frames.number)
        vr = extent.vr or _VRS.get(tag, "OW")
        start = _beginning(parsed.dataset)
        if parsed.is_deflated or parsed.is_big_endian:
            content = reader.native()
            content += bytes(len(content) % 2)
            return ExplicitFile(start + _element(tag, vr, len(content)) + content)
        header = _element(tag, vr, extent.length)
        return ExplicitFile(start + header, (extent.value, extent.end))


def _decoded(parsed: ParsedFile, reader: FrameReader, tag: int, number: int) -> ExplicitFile:
    """The file with frames that are decoded; the first one is, to see that it can be."""
    dataset = parsed.dataset
    array, photometric = reader.array(1)
    size = array.dtype.itemsize * 8
    if dataset.SamplesPerPixel > 1:
        dataset.PlanarConfiguration = 0
    dataset.PhotometricInterpretation = photometric
    dataset.BitsAllocated = size
    length = array.nbytes * number
    header = _element(tag, "OB" if size <= 8 else "OW", length + length % 2)
    start = _beginning(dataset) + header
    return ExplicitFile(start, frames=number, is_padded=bool(length % 2))


def _beginning(dataset: Dataset) -> bytes:
    """The preamble, the File Meta Information and the data set."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID", "")
    meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", "")
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = DicomBytesIO()
    file.is_little_endian, file.is_implicit_VR = True, False
    write_file_meta_info(file, meta, enforce_standard=True)
    write_dataset(file, dataset, dataset.get("SpecificCharacterSet") or "ISO_IR 6")
    return bytes(128) + b"DICM" + file.getvalue()


def _element(tag: int, vr: str, length: int) -> bytes:
    """The header of an element with a long VR.

    Raises:
        CannotDecode: the value is too long.
    """
    if length > _MAX_LENGTH:
        raise CannotDecode("the decoded frames are longer than an element can be")
    place = (tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little")
    return place + vr.encode() + bytes(2) + length.to_bytes(4, "little")
