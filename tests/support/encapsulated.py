"""Instances that encapsulate something: a document or a video."""

from __future__ import annotations

import io

from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID

PDF_CLASS = "1.2.840.10008.5.1.4.1.1.104.1"
CDA_CLASS = "1.2.840.10008.5.1.4.1.1.104.2"
VIDEO_CLASS = "1.2.840.10008.5.1.4.1.1.77.1.4.1"
MP4 = "1.2.840.10008.1.2.4.102"
STUDY, SERIES = "1.5", "1.5.1"


def _written(dataset: Dataset, uid: str, sop_class: str, syntax: str, series: str) -> bytes:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(sop_class)
    meta.MediaStorageSOPInstanceUID, meta.TransferSyntaxUID = UID(uid), UID(syntax)
    file = FileDataset(io.BytesIO(), dataset, file_meta=meta, preamble=bytes(128))
    file.SOPClassUID, file.SOPInstanceUID = sop_class, uid
    file.StudyInstanceUID, file.SeriesInstanceUID = STUDY, series
    file.PatientID, file.PatientName = "P5", "Okoye^Ngozi"
    buffer = io.BytesIO()
    file.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def document(
    content: bytes, uid: str = "1.5.1.1", sop_class: str = PDF_CLASS, series: str = SERIES
) -> bytes:
    """An instance with a document of even length."""
    dataset = Dataset()
    dataset.EncapsulatedDocument = content
    dataset.MIMETypeOfEncapsulatedDocument = "application/pdf"
    return _written(dataset, uid, sop_class, "1.2.840.10008.1.2.1", series)


def video(content: bytes, uid: str = "1.5.1.2", series: str = SERIES) -> bytes:
    """An instance with a video, in one fragment of even length."""
    dataset = Dataset()
    dataset.Rows = dataset.Columns = 16
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 3, "YBR_PARTIAL_420"
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation, dataset.PlanarConfiguration = 7, 0, 0
    dataset.NumberOfFrames = 25
    dataset.PixelData = encapsulate([content], has_bot=False)
    dataset["PixelData"].is_undefined_length = True
    return _written(dataset, uid, VIDEO_CLASS, MP4, series)
