"""Rendering photographs, files of cameras and scanners that are not DICOM files. Needs the extra ``pixels``."""

from __future__ import annotations

from io import BytesIO

from PIL import ExifTags, Image, ImageOps

from albumcore_adapters.dicom.errors import CannotDecode
from albumcore_adapters.dicom.frames import MAX_FRAME
from albumcore_adapters.dicom.pictures import Rendering
from albumcore_adapters.dicom.rendering import encoded

FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP")
"""The formats that are read, as Pillow calls them."""

_BYTES = 4  # that a pixel takes in memory
_LYING = frozenset(
    {5, 6, 7, 8}
)  # values of Orientation (Exif 2.32 section 4.6.4) of a camera on its side
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


def size_of(content: bytes) -> tuple[int, int]:
    """Return the width and the height of a photograph that is shown upright, in pixels; its pixels are not decoded.

    Args:
        content: The file.

    Raises:
        CannotDecode: it is no photograph, or its header is damaged.
    """
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as photograph:
            width, height = photograph.size
            # Of a file without it before its pixels, Pillow would decode these to look behind them.
            has_exif = "exif" in photograph.info
            lies = has_exif and photograph.getexif().get(ExifTags.Base.Orientation) in _LYING
    except MemoryError:
        raise
    except Exception as error:
        raise CannotDecode(f"the photograph cannot be read ({type(error).__name__})") from None
    return (height, width) if lies else (width, height)


def _on_white(picture: Image.Image) -> Image.Image:
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    above = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", above.size, "white"), above).convert("RGB")
