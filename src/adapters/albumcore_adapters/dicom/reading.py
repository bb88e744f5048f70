"""What is done with one open DICOM file: its frames decoded or rendered, its bulk data read."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from contextlib import suppress

from pydicom.charset import python_encoding

from albumcore_adapters.dicom.data_sets import damage_refused, parse
from albumcore_adapters.dicom.deflated import BoundedReader
from albumcore_adapters.dicom.errors import CannotDecode
from albumcore_adapters.dicom.frames import PIXELS_MISSING, FrameReader
from albumcore_adapters.dicom.json_model import JsonModel
from albumcore_adapters.dicom.pictures import Picture, Rendering
from albumcore_adapters.dicom.recent_header import RecentHeader

_RECENT = RecentHeader()


def decoded_frames(file: BoundedReader, numbers: Sequence[int]) -> list[bytes]:
    """Decode frames to little endian.

    Args:
        file: The file, at its start.
        numbers: The numbers of the frames, from 1.

    Raises:
        NotAnInstance: it is not a DICOM file, or damaged.
        CannotDecode: it has no such frame, or its frames cannot be decoded.
    """
    with damage_refused():
        frames = FrameReader.of(_RECENT.parse(file))
        return [frames.decoded(number) for number in numbers]


def rendered_frame(file: BoundedReader, number: int, rendering: Rendering) -> Picture:
    """Render a frame.

    Args:
        file: The file, at its start.
        number: The number of the frame, from 1.
        rendering: How.

    Raises:
        NotAnInstance: it is not a DICOM file, or damaged.
        CannotDecode: it has no such frame, or it cannot be decoded.
    """
    try:
        from albumcore_adapters.dicom.rendering import render
    except ImportError:
        raise CannotDecode(PIXELS_MISSING) from None
    with damage_refused():
        return render(FrameReader.of(_RECENT.parse(file)), number, rendering)


def small_photograph(content: bytes, side: int) -> bytes:
    """Render a photograph small, as a JPEG; empty where the packages for it are not installed.

    Args:
        content: The file: JPEG, PNG, GIF, WebP or BMP.
        side: The longest side of the picture, in pixels.

    Raises:
        CannotDecode: it is no such file, is damaged, or claims too many pixels.
    """
    try:
        from albumcore_adapters.dicom.photographs import small
    except ImportError:
        return b""
    return small(content, side)


def photograph_size(content: bytes) -> tuple[int, int] | None:
    """Return the width and the height of a photograph, in pixels; None where Pillow is not installed.

    Args:
        content: The file: JPEG, PNG, GIF, WebP or BMP.

    Raises:
        CannotDecode: it is no such file, or its header is damaged.
    """
    try:
        from albumcore_adapters.dicom.photographs import size_of
    except ImportError:
        return None
    return size_of(content)


def bulk_data(file: BoundedReader, path: str) -> bytes:
    """Return bulk data, little endian.

    Args:
        file: The file, at its start.
        path: Its path, as in `PixelPlaces.bulk`.

    Raises:
        NotAnInstance: it is not a DICOM file, or damaged.
        CannotDecode: it has no such bulk data.
    """
    with damage_refused():
        parsed = parse(file, {})
        if path == f"{parsed.extent.pixel_tag or 0:08X}":
            return FrameReader.of(parsed).native()
        model = JsonModel(parsed)
        model.attributes()
        return model.bulk(path)


def load_all() -> None:
    """Import what is otherwise imported when it is first used, for a process that cannot open files later."""
    for name in python_encoding.values():
        codecs.lookup(name)
    with suppress(ImportError):
        from PIL import Image

        from albumcore_adapters.dicom import photographs, rendering  # noqa: F401

        Image.init()
