"""The UIDs of transfer syntaxes whose data sets are not compressed (DICOM PS3.5 annex A)."""

IMPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2"
EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
"""Explicit VR Little Endian, compressed as a whole."""
