"""Windows of pictures: which values of an image the greys of the screen show (DICOM PS3.3 section C.11.2).

They are for looking: usual values of their modality, and the whole range that the image can have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import frozen

from albumcore_adapters.base.dicom_json import Attributes, integer_value, text_value

AS_SENT = "sent"
"""The name of the window that the image itself names."""

_BY_MODALITY: Mapping[str, Mapping[str, tuple[int, int]]] = {
    "CT": {"brain": (40, 80), "soft": (40, 400), "bone": (500, 2000), "lung": (-600, 1500)}
}
"""Center and width by modality, in its units: Hounsfield units of CT."""

_MOST_BITS = 16


@frozen
class PictureWindow:
    """A window that the viewer offers.

    Attributes:
        name: Its name, which the address has, and the key of its text below ``viewer.window``.
        value: What the API calls ``window``; None for that of the image itself.
    """

    name: str
    value: str | None


def windows_of(modality: str, attributes: Attributes) -> Sequence[PictureWindow]:
    """The windows for an image: that of the image alone, if it has colours.

    Args:
        modality: Modality, (0008,0060), of its series.
        attributes: The attributes of the image.
    """
    found = [PictureWindow(AS_SENT, None)]
    if not (text_value(attributes, "00280004") or "").startswith("MONOCHROME"):
        return found
    usual = _BY_MODALITY.get(modality)
    if usual is not None:
        return found + [_window(name, *at) for name, at in usual.items()]
    full = _full_range(attributes)
    return found if full is None else [*found, _window("full", *full)]


def _window(name: str, center: float, width: float) -> PictureWindow:
    return PictureWindow(name, f"{center:.0f},{width:.0f},linear")


def _full_range(attributes: Attributes) -> tuple[float, float] | None:
    """Center and width of all values that an image can have; None if it does not say it."""
    bits = integer_value(attributes, "00280101")
    if bits is None or not 1 <= bits <= _MOST_BITS:
        return None
    least = -(2 ** (bits - 1)) if integer_value(attributes, "00280103") else 0
    slope, intercept = _number(attributes, "00281053", 1), _number(attributes, "00281052", 0)
    width = 2**bits * abs(slope)
    center = (least + 2 ** (bits - 1)) * slope + intercept
    is_usable = 1 <= width < 10**9 and abs(center) < 10**9
    return (round(center), round(width)) if is_usable else None


def _number(attributes: Attributes, tag: str, otherwise: float) -> float:
    for value in attributes.get(tag, {}).get("Value", []):
        return float(value) if isinstance(value, int | float) else otherwise
    return otherwise
