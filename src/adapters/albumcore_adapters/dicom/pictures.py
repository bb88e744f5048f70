"""What is asked of a rendering (DICOM PS3.18 section 8.3.5), and the picture that it makes."""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen
from attrs.validators import and_, ge, gt, in_, le, optional

PictureType = Literal["image/jpeg", "image/png"]
WindowFunction = Literal["linear", "linear-exact", "sigmoid"]

MAX_SIDE = 8192
"""The longest side of a picture, in pixels."""

MAX_THUMBNAIL = 60_000
"""The length of the largest thumbnail, in bytes: some clients pass each byte as an argument of one call."""


@frozen
class Window:
    """A window of the values of interest (DICOM PS3.3 section C.11.2.1).

    Attributes:
        center: Its center, in the output units of the modality LUT.
        width: Its width; at least 1 for the function ``linear``, and above 0 for the others.
        function: How a value in the window becomes a shade.

    Raises:
        ValueError: the width is too small.
    """

    center: float
    width: float = field(validator=gt(0))
    function: WindowFunction = "linear"

    def __attrs_post_init__(self) -> None:
        if self.function == "linear" and self.width < 1:
            raise ValueError("the width of a linear window is at least 1")


@frozen
class Crop:
    """A region of the frame, in its pixels. With a negative width or height it is flipped that way.

    Attributes:
        left: The left edge.
        top: The upper edge.
        width: The width; None for the rest of the frame.
        height: The height; None for the rest of the frame.
    """

    left: float = 0
    top: float = 0
    width: float | None = None
    height: float | None = None


@frozen
class Viewport:
    """The region of a screen that the picture is scaled to fit into; its ratio is preserved.

    Attributes:
        width: In pixels of the screen, 1 to `MAX_SIDE`.
        height: In pixels of the screen, 1 to `MAX_SIDE`.
        crop: The region of the frame that is shown.
    """

    width: int = field(validator=and_(ge(1), le(MAX_SIDE)))
    height: int = field(validator=and_(ge(1), le(MAX_SIDE)))
    crop: Crop = Crop()


@frozen
class Rendering:
    """How a frame is rendered.

    Attributes:
        media_type: The media type of the picture.
        viewport: Where it is shown; None for the size of the frame.
        window: The window; None for that of the file, or else the range of the values of the frame.
        quality: Of a JPEG, 1 to 100.
        max_length: The largest length of the picture in bytes, if it is limited. A picture that would be longer is
            a JPEG of a lower quality, and then a smaller one.
    """

    media_type: PictureType = field(
        default="image/jpeg", validator=in_(("image/jpeg", "image/png"))
    )
    viewport: Viewport | None = None
    window: Window | None = None
    quality: int = field(default=90, validator=and_(ge(1), le(100)))
    max_length: int | None = field(default=None, validator=optional(ge(1024)))


@frozen
class Picture:
    """A rendered frame."""

    media_type: str
    content: bytes = field(repr=False)


def thumbnail(viewport: Viewport, media_type: PictureType = "image/jpeg") -> Rendering:
    """Return how a thumbnail is rendered: within the viewport, and not longer than `MAX_THUMBNAIL`."""
    return Rendering(media_type, viewport, quality=85, max_length=MAX_THUMBNAIL)
