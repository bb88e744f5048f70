"""DICOMweb: instances in and out, as files, frames, bulk data and metadata (DICOM PS3.18 chapter 10)."""
