"""DICOM files: reading their headers, and importing them into the catalogue."""
