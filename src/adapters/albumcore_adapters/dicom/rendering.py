"""Rendering a frame (DICOM PS3.18 section 8.3.5): grayscale pipeline or colors, region, size, and encoding.

Needs the extra ``pixels``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any, TypeAlias

import numpy as np
from attrs import evolve
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi

from albumcore_adapters.dicom.errors import CannotDecode
from albumcore_adapters.dicom.frames import FrameReader
from albumcore_adapters.dicom.pictures import Picture, Rendering, Viewport, Window, WindowFunction

Array: TypeAlias = np.ndarray[Any, Any]

_WORDS = 1 << 16
_MOST_VALUES = 1 << 17
"""Values that a frame may spread over to be looked up in a table; else each pixel is computed."""

_FUNCTIONS: dict[str, WindowFunction] = {
    "LINEAR": "linear",
    "LINEAR_EXACT": "linear-exact",
    "SIGMOID": "sigmoid",
}
_LOWER_QUALITIES = (85, 70, 50, 30)
_PNG_LEVEL = 1  # a quarter of the time of level 6, and some 15 % longer


def render(frames: FrameReader, number: int, rendering: Rendering) -> Picture:
    """Render a frame.

    Args:
        frames: The frames of the instance.
        number: The number of the frame, from 1.
        rendering: How.

    Raises:
        CannotDecode: there is no such frame, or it cannot be decoded, or the region is outside of it.
    """
    array, interpretation = frames.array(number)
    dataset = frames.parsed.dataset
    try:
        if interpretation.startswith("MONOCHROME") and array.ndim == 2:
            is_inverse = _is_inverse(dataset, interpretation)
            shades = _gray(array, _Grayscale(dataset, number), rendering.window)
            picture = Image.fromarray(255 - shades if is_inverse else shades)
        else:
            picture = Image.fromarray(_colors(array, interpretation, dataset))
    except (CannotDecode, MemoryError):
        raise
    except Exception as error:
        # The lookup tables of damaged data sets raise exceptions of every type.
        raise CannotDecode(f"the frame cannot be rendered ({type(error).__name__})") from None
    if rendering.viewport is not None:
        picture = _fitted(picture, rendering.viewport)
    return encoded(picture, rendering)


class _Grayscale:
    """The attributes of the grayscale pipeline of one frame: those of its functional groups, or of the data set."""

    def __init__(self, dataset: Dataset, number: int) -> None:
        self._dataset = dataset
        self._groups = [
            group
            for keyword, index in (
                ("PerFrameFunctionalGroupsSequence", number - 1),
                ("SharedFunctionalGroupsSequence", 0),
            )
            for group in (dataset.get(keyword) or [])[index : index + 1]
        ]

    def of(self, sequence: str, keyword: str) -> Dataset:
        """The item of a functional group, or the data set if none of the groups has such an attribute."""
        for group in self._groups:
            found: Dataset
            for found in (group.get(sequence) or [])[:1]:
                if keyword in found:
                    return found
        return self._dataset

    def modality(self, values: Array) -> Array:
        """Apply the modality LUT, or the rescale slope and intercept."""
        chosen = self.of("PixelValueTransformationSequence", "RescaleSlope")
        result: Array = apply_modality_lut(values, chosen)
        return result

    def window(self) -> Window | None:
        """The first window, if there is one that means something."""
        chosen = self.of("FrameVOILUTSequence", "WindowCenter")
        center, width = (_first(chosen.get(name)) for name in ("WindowCenter", "WindowWidth"))
        function = _FUNCTIONS.get(chosen.get("VOILUTFunction") or "LINEAR", "linear")
        try:
            return Window(float(center), float(width), function)
        except (TypeError, ValueError):
            return None

    def voi_lut(self) -> Dataset | None:
        """What has a VOI LUT, if there is one."""
        chosen = self.of("FrameVOILUTSequence", "VOILUTSequence")
        return chosen if chosen.get("VOILUTSequence") else None

    def padding(self) -> int | None:
        """The stored value of pixels that are no part of the image."""
        value = self._dataset.get("PixelPaddingValue")
        return value if isinstance(value, int) else None


def _first(value: Any) -> Any:
    return value if value is None or isinstance(value, (str, float, int)) else value[0]


def _gray(array: Array, pipeline: _Grayscale, window: Window | None) -> Array:
    """Return the shades of a frame, 0 for black to 255 for white."""
    lowest, highest = array.min(), array.max()
    if array.dtype.kind not in "iu" or int(highest) - int(lowest) >= _MOST_VALUES:
        return _shades(array, pipeline, window, lambda: array)
    values = np.arange(int(lowest), int(highest) + 1, dtype=array.dtype)

    def seen() -> Array:
        padding = pipeline.padding()
        if padding is None or not lowest <= padding <= highest:
            return array
        return rest if (rest := array[array != padding]).size else array

    table = _shades(values, pipeline, window, seen)
    if array.itemsize == 2:
        # The bits of a pixel are its index, so that no array of indices is made first.
        shades = np.zeros(_WORDS, np.uint8)
        shades[values.view(np.uint16)] = table
        return shades.take(array.view(np.uint16), mode="clip")
    # Every index is in the table; clipping them is faster than checking them.
    return table.take(np.subtract(array, int(lowest), dtype=np.intp), mode="clip")


def _shades(
    values: Array, pipeline: _Grayscale, window: Window | None, seen: Callable[[], Array]
) -> Array:
    """Return the shades of stored values.

    Args:
        values: The values.
        pipeline: The attributes that say how.
        window: The window; None for that of the file.
        seen: Returns the values that are seen, whose range is the window if the file has none.
    """
    outputs = pipeline.modality(values).astype(np.float64)
    if window is None and (lut := pipeline.voi_lut()) is not None:
        found = apply_voi(pipeline.modality(values), lut).astype(np.float64)
        bits = int(lut.VOILUTSequence[0].LUTDescriptor[2])
        return _bytes(found / ((1 << bits) - 1))
    if window is None and (window := pipeline.window()) is None:
        shown = seen()
        extremes = np.array([shown.min(), shown.max()], dtype=values.dtype)
        low, high = sorted(pipeline.modality(extremes).astype(np.float64))
        return _bytes((outputs - low) / max(high - low, np.finfo(np.float64).tiny))
    return _bytes(_windowed(outputs, window))


def _windowed(values: Array, window: Window) -> Array:
    """Return where values are in a window, from 0 to 1 within it (DICOM PS3.3 section C.11.2.1.2 and 3)."""
    center, width = window.center, window.width
    if window.function == "sigmoid":
        exponent = np.clip(-4 * (values - center) / width, -500, 500)
        result: Array = 1 / (1 + np.exp(exponent))
        return result
    if window.function == "linear-exact":
        return (values - center) / width + 0.5
    if width == 1:
        return (values > center - 0.5).astype(np.float64)
    return (values - (center - 0.5)) / (width - 1) + 0.5


def _bytes(shares: Array) -> Array:
    shades: Array = np.clip(np.nan_to_num(shares), 0, 1) * 255 + 0.5
    return shades.astype(np.uint8)


def _is_inverse(dataset: Dataset, interpretation: str) -> bool:
    shape = dataset.get("PresentationLUTShape")
    return shape == "INVERSE" or (interpretation == "MONOCHROME1" and shape != "IDENTITY")


def _colors(array: Array, interpretation: str, dataset: Dataset) -> Array:
    """Return a frame in colors as RGB, of 8 bits each."""
    bits = int(dataset.BitsStored)
    if interpretation == "PALETTE COLOR":
        array = apply_color_lut(array, dataset)
        bits = array.dtype.itemsize * 8
    elif interpretation != "RGB" and not interpretation.startswith("YBR_"):
        raise CannotDecode(f"the photometric interpretation {interpretation[:16]} is not rendered")
    if array.dtype != np.uint8:
        array = array >> max(bits - 8, 0)
    return np.ascontiguousarray(array[..., :3].astype(np.uint8, copy=False))


def _fitted(picture: Image.Image, viewport: Viewport) -> Image.Image:
    """Return the region of a picture, scaled to fit into the viewport."""
    crop = viewport.crop
    width = picture.width - crop.left if crop.width is None else crop.width
    height = picture.height - crop.top if crop.height is None else crop.height
    box = (
        max(crop.left, 0),
        max(crop.top, 0),
        min(crop.left + abs(width), picture.width),
        min(crop.top + abs(height), picture.height),
    )
    across, down = box[2] - box[0], box[3] - box[1]
    if across <= 0 or down <= 0:
        raise CannotDecode("the region is outside of the frame")
    scale = min(viewport.width / across, viewport.height / down)
    size = (max(round(across * scale), 1), max(round(down * scale), 1))
    if size != picture.size or box != (0, 0, *picture.size):
        picture = picture.resize(size, Image.Resampling.BILINEAR, box)
    if width < 0:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if height < 0:
        picture = picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    return picture


def encoded(picture: Image.Image, rendering: Rendering) -> Picture:
    """Return a picture as a file, not longer than the rendering says."""
    found = _encoded(picture, rendering)
    if rendering.max_length is None:
        return found
    smaller = _smaller(picture, rendering)
    while len(found.content) > rendering.max_length:
        found = next(smaller)
    return found


def _smaller(picture: Image.Image, rendering: Rendering) -> Iterator[Picture]:
    """Yield the picture as JPEG of lower and lower quality, and then of half the size again and again."""
    while True:
        for quality in _LOWER_QUALITIES:
            yield _encoded(picture, evolve(rendering, media_type="image/jpeg", quality=quality))
        half = (max(picture.width // 2, 1), max(picture.height // 2, 1))
        picture = picture.resize(half, Image.Resampling.BILINEAR)


def _encoded(picture: Image.Image, rendering: Rendering) -> Picture:
    file = BytesIO()
    if rendering.media_type == "image/png":
        picture.save(file, "PNG", compress_level=_PNG_LEVEL)
    else:
        picture.save(file, "JPEG", quality=rendering.quality)
    return Picture(rendering.media_type, file.getvalue())
