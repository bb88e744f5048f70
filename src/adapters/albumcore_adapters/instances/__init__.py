"""DICOM instances: storing them, and reading what is stored."""
