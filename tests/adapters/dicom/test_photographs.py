"""Photographs made small: upright, on white, within a length, and not without limit."""

from __future__ import annotations

import io
import random
import sys
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from albumcore_adapters.dicom import photographs
from albumcore_adapters.dicom.errors import CannotDecode
from albumcore_adapters.dicom.photographs import FORMATS
from albumcore_adapters.dicom.reading import photograph_size, small_photograph

RED, BLUE, WHITE = (200, 0, 0), (0, 0, 200), (255, 255, 255)


def saved(picture: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    """The file of a picture."""
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def opened(content: bytes) -> Image.Image:
    """The small picture, a JPEG."""
    picture = Image.open(io.BytesIO(content))
    assert (picture.format, picture.mode) == ("JPEG", "RGB")
    return picture


def halves(size: tuple[int, int]) -> Image.Image:
    """A picture that is red above and blue below."""
    picture = Image.new("RGB", size, RED)
    picture.paste(BLUE, (0, size[1] // 2, *size))
    return picture


def is_near(found: object, color: tuple[int, ...]) -> bool:
    """Whether a pixel of a JPEG has a color."""
    assert isinstance(found, tuple)
    return all(abs(one - other) < 40 for one, other in zip(found, color, strict=True))


@pytest.mark.parametrize("form", FORMATS)
def test_each_format_is_made_small(form: str) -> None:
    """Within the side, in the same ratio; what is smaller already stays as it is."""
    small = opened(small_photograph(saved(halves((800, 400)), form), 320))
    assert small.size == (320, 160)
    assert is_near(small.getpixel((160, 20)), RED)
    assert is_near(small.getpixel((160, 140)), BLUE)
    assert opened(small_photograph(saved(halves((40, 60)), form), 320)).size == (40, 60)


def test_a_photograph_is_upright() -> None:
    """As its camera says that it was held (Exif Orientation)."""
    exif = Image.Exif()
    exif[0x0112] = 6  # the first row is at the right
    content = saved(halves((400, 200)), "JPEG", exif=exif)
    assert photograph_size(content) == (200, 400)
    small = opened(small_photograph(content, 100))
    assert small.size == (50, 100)
    assert is_near(small.getpixel((45, 50)), RED)
    assert is_near(small.getpixel((5, 50)), BLUE)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_is_white(mode: str) -> None:
    """Whatever color it has."""
    options: dict[str, Any] = {"transparency": 0} if mode == "P" else {}
    content = saved(Image.new(mode, (10, 10), 0), **options)
    assert is_near(opened(small_photograph(content, 10)).getpixel((5, 5)), WHITE)


@pytest.mark.parametrize("mode", ["1", "L", "I;16", "CMYK"])
def test_other_modes_are_converted(mode: str) -> None:
    """What JPEG has no colors for is not refused."""
    form = "JPEG" if mode == "CMYK" else "PNG"
    assert opened(small_photograph(saved(Image.new(mode, (10, 10)), form), 10)).size == (10, 10)


def test_a_picture_full_of_noise_is_short() -> None:
    """So that a page of them is, too."""
    noise = Image.frombytes("RGB", (640, 640), random.Random(0).randbytes(640 * 640 * 3))
    assert len(small_photograph(saved(noise), 320)) <= 6 * 1024


@pytest.mark.parametrize("form", FORMATS)
def test_the_size_is_that_of_the_header(form: str) -> None:
    """In each format, with pixels that are cut off: nothing is decoded, nor looked for behind them."""
    content = saved(halves((800, 400)), form)
    assert photograph_size(content) == (800, 400)
    if form != "WEBP":  # which is read whole
        assert photograph_size(content[: len(content) // 2]) == (800, 400)


def test_a_header_that_lies_about_its_size_is_refused() -> None:
    """As is one that is cut off, or of no picture."""
    header = saved(halves((800, 400)))
    for damaged in (b"", header[:20], header[:16] + b"\x7f" * 8 + header[24:], b"%PDF-1.7"):
        with pytest.raises(CannotDecode, match="cannot be read"):
            photograph_size(damaged)


@given(st.binary(max_size=100), st.integers(0, 400))
def test_what_is_damaged_is_refused(noise: bytes, place: int) -> None:
    """And whatever begins like a photograph has a picture, or is refused."""
    content = saved(halves((30, 20)))
    for damaged in (noise, content[: min(place, len(content) // 2)]):
        with pytest.raises(CannotDecode):
            small_photograph(damaged, 10)
    with suppress(CannotDecode):
        opened(small_photograph(content[:place] + noise + content[place + len(noise) :], 10))


def test_too_many_pixels_are_refused_before_they_are_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the size that the file claims, whether it has them or not."""
    monkeypatch.setattr(photographs, "MAX_FRAME", 100 * 100 * 4)
    assert small_photograph(saved(halves((100, 100))), 10)
    claims = bytearray(saved(halves((100, 101)), "BMP")[:60])
    with pytest.raises(CannotDecode, match="more than 40000 bytes"):
        small_photograph(bytes(claims), 10)


def test_there_is_none_without_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is not needed for anything else."""
    monkeypatch.setitem(sys.modules, photographs.__name__, None)
    assert small_photograph(saved(halves((10, 10))), 10) == b""
    assert photograph_size(saved(halves((10, 10)))) is None
