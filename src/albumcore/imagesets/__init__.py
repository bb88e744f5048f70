"""A patient's image set: it holds references to image bytes, never the bytes."""

from albumcore.imagesets.events import ImageSetEvent
from albumcore.imagesets.image_set import PatientImageSet
from albumcore.imagesets.values import Content, Image, ImageType

__all__ = ["Content", "Image", "ImageSetEvent", "ImageType", "PatientImageSet"]
