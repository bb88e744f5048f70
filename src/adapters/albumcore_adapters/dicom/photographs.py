"""Rendering photographs, files of cameras and scanners that are not DICOM files. Needs the extra ``pixels``."""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageOps

from albumcore_adapters.dicom.errors import CannotDecode
from albumcore_adapters.dicom.frames import MAX_FRAME
from albumcore_adapters.dicom.pictures import Rendering
from albumcore_adapters.dicom.rendering import encoded

FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP")
"""The formats that are read, as Pillow calls them."""

_BYTES = 4  # that a pixel takes in memory
_SMALL = Rendering(quality=75, max_length=6 * 1024)


def small(content: bytes, side: int) -> bytes:
    """Return a photograph as a small JPEG: upright, as its camera was held, and on white where it is transparent.

    Args:
        content: The file.
        side: The longest side of the picture, in pixels.

    Raises:
        CannotDecode: it is no photograph, is damaged, or claims too many pixels.
    """
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as photograph:
            # It claims its size before its pixels are decoded.
            if photograph.width * photograph.height * _BYTES > MAX_FRAME:
                raise CannotDecode(f"the decoded photograph has more than {MAX_FRAME} bytes")
            photograph.thumbnail((side, side))
            picture = _on_white(ImageOps.exif_transpose(photograph))
    except (CannotDecode, MemoryError):
        raise
    except Exception as error:
        # Pillow raises exceptions of every type on damaged files.
        raise CannotDecode(f"the photograph cannot be decoded ({type(error).__name__})") from None
    return encoded(picture, _SMALL).content


def _on_white(picture: Image.Image) -> Image.Image:
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    above = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", above.size, "white"), above).convert("RGB")
