"""A patient's image set: it holds references to image bytes, never the bytes."""

from albumcore.image_sets.events import ImageSetEvent
from albumcore.image_sets.image_set import PatientImageSet
from albumcore.image_sets.values import Content, Image, ImageType

__all__ = ["Content", "Image", "ImageSetEvent", "ImageType", "PatientImageSet"]
