"""DICOM files read into the catalogue: headers only."""
