"""Patients' image sets."""

from albumcore.image_sets.image_set import PatientImageSet
from albumcore.image_sets.values import Content, Image, ImageType

__all__ = ["Content", "Image", "ImageType", "PatientImageSet"]
