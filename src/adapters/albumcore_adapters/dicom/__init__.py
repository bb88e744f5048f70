"""DICOM files: their headers, frames, pictures and bulk data, and the import of headers into the catalogue."""
