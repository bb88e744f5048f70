"""Query parameters of renderings (DICOM PS3.18 sections 8.3.5 and 9.1.2)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from albumcore_adapters.decoding import MAX_SIDE, Crop, Rendering, Viewport, Window
from albumcore_adapters.dicom.pictures import PictureType, WindowFunction
from albumcore_adapters.http.kheops.parameters import BadQuery, Fields
from albumcore_adapters.http.openapi.specs import Parameters, ParameterSpec, text

T = TypeVar("T")

_NUMBER = r"[+-]?(?:[0-9]{1,9}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})(?:[eE][+-]?[0-9]{1,2})?"
_SIDE = "[0-9]{1,4}"
_VIEWPORT = re.compile(
    rf"({_SIDE}),({_SIDE})(?:,({_NUMBER})?,({_NUMBER})?,({_NUMBER})?,({_NUMBER})?)?"
)
_FUNCTIONS: dict[str, WindowFunction] = {
    "linear": "linear",
    "linear-exact": "linear-exact",
    "sigmoid": "sigmoid",
}
_WINDOW = re.compile(rf"({_NUMBER}),({_NUMBER}),({'|'.join(_FUNCTIONS)})", re.IGNORECASE)
_FINITE = re.compile(_NUMBER)


def rendering_in(query: Fields, media_type: PictureType) -> Rendering:
    """The rendering that ``viewport``, ``window`` and ``quality`` describe.

    Raises:
        BadQuery: one of them is malformed, or out of range.
    """
    viewport = viewport_in(query)
    window = _read(query, "window", _window, f"center,width,function: {', '.join(_FUNCTIONS)}")
    quality = query.number("quality", 1)
    return _rendering("quality", media_type, viewport, window, quality)


def viewport_in(query: Fields) -> Viewport | None:
    """The viewport that ``viewport`` names; None without one.

    Raises:
        BadQuery: it is malformed, or out of range.
    """
    return _read(
        query,
        "viewport",
        _viewport,
        f"width,height of 1 to {MAX_SIDE} pixels are expected, and then left,top,width,height of a region",
    )


def small_viewport_in(query: Fields) -> Viewport | None:
    """The viewport of a thumbnail, which names no region.

    Raises:
        BadQuery: it is malformed, or out of range.
    """
    found = viewport_in(query)
    if found is not None and found.crop != Crop():
        raise BadQuery("viewport", "width and height alone are expected")
    return found


def uri_rendering_in(query: Fields, media_type: PictureType) -> Rendering:
    """The rendering that the parameters of WADO-URI describe.

    Raises:
        BadQuery: one of them is malformed, or out of range.
    """
    sides = query.number("columns", 1), query.number("rows", 1)
    for name, side in zip(("columns", "rows"), sides, strict=True):
        if side is not None and side > MAX_SIDE:
            raise BadQuery(name, f"at most {MAX_SIDE} pixels are expected")
    viewport = Viewport(sides[0] or MAX_SIDE, sides[1] or MAX_SIDE) if any(sides) else None
    center, width = (
        _read(query, name, _number, "a number") for name in ("windowCenter", "windowWidth")
    )
    if (center is None) != (width is None):
        raise BadQuery("windowWidth", "it comes together with windowCenter")
    try:
        window = None if center is None or width is None else Window(center, width)
    except ValueError as error:
        raise BadQuery("windowWidth", str(error)) from None
    quality = query.number("imageQuality", 1)
    return _rendering("imageQuality", media_type, viewport, window, quality)


def _rendering(
    name: str,
    media_type: PictureType,
    viewport: Viewport | None,
    window: Window | None,
    quality: int | None,
) -> Rendering:
    if quality is None:
        return Rendering(media_type, viewport, window)
    if quality > 100:
        raise BadQuery(name, "a whole number from 1 to 100 is expected")
    return Rendering(media_type, viewport, window, quality)


def _read(query: Fields, name: str, read: Callable[[str], T], expected: str) -> T | None:
    given = query.text(name)
    if given is None:
        return None
    try:
        return read(given.strip())
    except ValueError:
        raise BadQuery(name, expected) from None


def _matched(pattern: re.Pattern[str], given: str) -> re.Match[str]:
    found = pattern.fullmatch(given)
    if found is None:
        raise ValueError
    return found


def _number(given: str) -> float:
    return float(_matched(_FINITE, given)[0])


def _viewport(given: str) -> Viewport:
    width, height, left, top, *size = _matched(_VIEWPORT, given).groups()
    crop = Crop(float(left or 0), float(top or 0), *(float(one) if one else None for one in size))
    return Viewport(int(width), int(height), crop)


def _window(given: str) -> Window:
    center, width, function = _matched(_WINDOW, given).groups()
    return Window(float(center), float(width), _FUNCTIONS[function.lower()])


VIEWPORT: Parameters = {
    "viewport": ParameterSpec(
        text(pattern="^[1-9][0-9]{0,2},[1-9][0-9]{0,2}$"),
        "width,height in pixels: the picture is scaled to fit. Of a rendering, left,top,width,height of a region may"
        " follow.",
    )
}
RENDERING: Parameters = {
    **VIEWPORT,
    "window": ParameterSpec(
        text(pattern="^-?[0-9]{1,5},[1-9][0-9]{0,4},(linear|linear-exact|sigmoid)$"),
        "center,width,function: linear, linear-exact or sigmoid.",
    ),
    "quality": ParameterSpec(
        {"type": "integer", "minimum": 1, "maximum": 100}, "The quality of a JPEG."
    ),
}
