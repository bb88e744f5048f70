"""Rendering: shades and colors of a frame, its region and size, and how it is encoded."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attrs import evolve
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image
from pydicom import dcmread
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut
from pydicom.pixels.utils import pixel_array

from albumcore_adapters.dicom.errors import CannotDecode, NotAnInstance
from albumcore_adapters.dicom.pictures import (
    MAX_THUMBNAIL,
    Crop,
    Picture,
    Rendering,
    Viewport,
    Window,
    thumbnail,
)
from albumcore_adapters.dicom.reading import rendered_frame
from albumcore_adapters.dicom.signs import drawn, sign_of
from support.encoded_files import (
    ALL_FILES,
    FILES,
    encoded,
    image_elements,
    instance_file,
    item,
    reader,
)

PNG = Rendering("image/png")
Elements = dict[int, tuple[str, bytes]]


def opened(picture: Picture) -> Image.Image:
    """Return a picture as Pillow opens it, whose format is its media type."""
    image = Image.open(io.BytesIO(picture.content))
    assert f"image/{(image.format or '').lower()}" == picture.media_type
    return image


def shades(content: bytes, rendering: Rendering = PNG, frame: int = 1) -> list[Any]:
    """Return the shades or colors of a rendered frame, by rows."""
    found: list[Any] = np.asarray(
        opened(rendered_frame(reader(content), frame, rendering))
    ).tolist()
    return found


def gray(values: list[int], elements: Elements | None = None, rest: bytes = b"") -> bytes:
    """Return a file with one row of 16 bits."""
    described = {**image_elements(1, len(values), bits=16), **(elements or {})}
    pixels = encoded(0x7FE00010, "OW", np.array(values, "<u2").tobytes())
    return instance_file(described, rest + pixels)


def window(center: bytes, width: bytes, function: bytes = b"") -> Elements:
    """Return the elements of a window."""
    return {
        0x00281050: ("DS", center),
        0x00281051: ("DS", width),
        **({0x00281056: ("CS", function)} if function else {}),
    }


def share(value: float, chosen: Window) -> float:
    """Return where a value is in a window (DICOM PS3.3 section C.11.2.1.2 and 3)."""
    center, width = chosen.center, chosen.width
    if chosen.function == "sigmoid":
        return float(1 / (1 + np.exp(-4 * (value - center) / width)))
    if chosen.function == "linear":
        center, width = center - 0.5, width - 1
    if value <= center - width / 2:
        return 0
    return 1 if value > center + width / 2 else (value - center) / width + 0.5


VALUES = st.lists(st.integers(0, 2**16 - 1), min_size=1, max_size=5)
FUNCTIONS = st.sampled_from(["linear", "linear-exact", "sigmoid"])
WINDOWS = st.builds(Window, st.integers(-99, 2**16), st.integers(1, 2**16), FUNCTIONS)


@given(VALUES, WINDOWS)
@example([49, 50, 51], Window(50.5, 1))
@example([0, 2**16 - 1], Window(0, 1, "sigmoid"))
def test_a_window_that_is_asked_for(values: list[int], chosen: Window) -> None:
    """That of the file is not used then."""
    [found] = shades(gray(values, window(b"7 ", b"5 ")), evolve(PNG, window=chosen))
    expected = np.array([share(value, chosen) * 255 for value in values])
    assert np.abs(np.array(found) - expected).max() <= 0.5 + 1e-6


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({}, [0, 64, 255]),
        (window(b"50", b"100 ", b"LINEAR_EXACT"), [0, 128, 255]),
        (window(b"50\\1", b"100\\2 ", b"LINEAR_EXACT"), [0, 128, 255]),
        (window(b"50", b"0 "), [0, 64, 255]),
        (window(b"50", b"x "), [0, 64, 255]),
        ({0x00280004: ("CS", b"MONOCHROME1 ")}, [255, 191, 0]),
        ({0x20500020: ("CS", b"INVERSE ")}, [255, 191, 0]),
        (
            {0x00280004: ("CS", b"MONOCHROME1 "), 0x20500020: ("CS", b"IDENTITY")},
            [0, 64, 255],
        ),
        ({0x00281052: ("DS", b"5 "), 0x00281053: ("DS", b"-2")}, [255, 191, 0]),
        ({0x00280120: ("US", b"\xc8\x00")}, [0, 255, 255]),
    ],
    ids=[
        *("the range of the values", "a window", "the first window", "a window without a width"),
        *("a window that is no number", "MONOCHROME1", "INVERSE", "IDENTITY", "rescaled"),
        "without padding",
    ],
)
def test_what_the_file_says_of_its_shades(elements: Elements, expected: list[int]) -> None:
    """Where no window is asked for."""
    assert shades(gray([0, 50, 200], elements)) == [expected]


def test_a_frame_of_padding_alone_and_one_of_a_single_value() -> None:
    """Both are black."""
    assert shades(gray([7, 7], {0x00280120: ("US", b"\x07\x00")})) == [[0, 0]]
    assert shades(gray([7, 7])) == [[0, 0]]


def test_a_voi_lut_of_the_file() -> None:
    """It is used instead of a window."""
    lut = item(
        encoded(0x00283002, "US", np.array([3, 10, 8], "<u2").tobytes()),
        encoded(0x00283006, "OW", np.array([0, 128, 255], "<u2").tobytes()),
    )
    content = gray([10, 11, 12, 99], window(b"1 ", b"1 "), encoded(0x00283010, "SQ", lut))
    assert shades(content) == [[0, 128, 255, 255]]


def test_values_that_spread_too_far_for_a_table() -> None:
    """Each is computed: here of 32 bits, and of floating point."""
    described = image_elements(1, 3, bits=32)
    pixels = np.array([0, 2**31, 2**32 - 1], "<u4").tobytes()
    assert shades(instance_file(described, encoded(0x7FE00010, "OW", pixels))) == [[0, 128, 255]]
    pixels = np.array([-1.5, 0, 1.5], "<f4").tobytes()
    assert shades(instance_file(described, encoded(0x7FE00008, "OF", pixels))) == [[0, 128, 255]]


def test_the_functional_groups_of_a_frame() -> None:
    """Its own window and rescaling win over the shared ones, and both over the data set's."""

    def group(sequence: int, *elements: bytes) -> bytes:
        return encoded(sequence, "SQ", item(*elements))

    def voi(center: bytes) -> bytes:
        return group(
            0x00289132,
            encoded(0x00281050, "DS", center),
            encoded(0x00281051, "DS", b"2 "),
        )

    shared = encoded(0x52009229, "SQ", item(voi(b"1 ")))
    own = encoded(0x52009230, "SQ", item(voi(b"9 ")) + item(b""))
    described = {**image_elements(1, 2, frames=2, bits=16), **window(b"0 ", b"1 ")}
    pixels = np.array([5, 12, 0, 5], "<u2").tobytes()
    content = instance_file(described, shared + own + encoded(0x7FE00010, "OW", pixels))
    assert shades(content, frame=1) == [[0, 255]]
    assert shades(content, frame=2) == [[0, 255]]
    assert shades(content, evolve(PNG, window=Window(20, 2)), frame=1) == [[0, 0]]


def test_colors() -> None:
    """Of 8 bits, and the upper 8 of 16."""
    described = image_elements(1, 2, photometric=b"RGB ")
    content = instance_file(described, encoded(0x7FE00010, "OB", bytes([1, 2, 3, 4, 5, 6])))
    assert shades(content) == [[[1, 2, 3], [4, 5, 6]]]
    described = image_elements(1, 1, bits=16, photometric=b"RGB ")
    pixels = np.array([0x1234, 0xFF00, 0x00FF], "<u2").tobytes()
    assert shades(instance_file(described, encoded(0x7FE00010, "OW", pixels))) == [
        [[0x12, 0xFF, 0]]
    ]


def test_a_palette() -> None:
    """Its colors are those of the lookup tables."""
    tables = {
        tag: ("US", np.array([2, 0, 16], "<u2").tobytes()) for tag in range(0x00281101, 0x00281104)
    } | {
        0x00281201 + number: ("OW", np.array(table, "<u2").tobytes())
        for number, table in enumerate([[0, 0xFF00], [0x8000, 0], [0x1000, 0x2000]])
    }
    described = {**image_elements(1, 2, photometric=b"PALETTE COLOR "), **tables}
    content = instance_file(described, encoded(0x7FE00010, "OB", bytes([0, 1])))
    assert shades(content) == [[[0, 0x80, 0x10], [0xFF, 0, 0x20]]]
    broken = instance_file(
        image_elements(1, 2, photometric=b"PALETTE COLOR "),
        encoded(0x7FE00010, "OB", bytes([0, 1])),
    )
    with pytest.raises(CannotDecode, match="the frame cannot be rendered"):
        shades(broken)


def test_colors_that_are_not_rendered() -> None:
    """Those of no photometric interpretation that is known here."""
    described = {**image_elements(1, 2), 0x00280004: ("CS", b"HSV ")}
    content = instance_file(described, encoded(0x7FE00010, "OB", bytes([0, 1])))
    with pytest.raises(CannotDecode, match="the photometric interpretation HSV is not rendered"):
        shades(content)


ROWS = np.arange(12, dtype="<u2").reshape(3, 4) * 20


def region(crop: Crop, width: int, height: int) -> list[Any]:
    """Return the shades of a region of 3 rows of 4 pixels."""
    described = {
        **image_elements(3, 4, bits=16),
        **window(b"127.5 ", b"255 ", b"LINEAR_EXACT"),
    }
    content = instance_file(described, encoded(0x7FE00010, "OW", ROWS.tobytes()))
    return shades(content, evolve(PNG, viewport=Viewport(width, height, crop)))


@pytest.mark.parametrize(
    ("crop", "expected"),
    [
        (Crop(), ROWS),
        (Crop(1, 1), ROWS[1:, 1:]),
        (Crop(1, 0, 2, 2), ROWS[:2, 1:3]),
        (Crop(0, 0, -4, 3), ROWS[:, ::-1]),
        (Crop(0, 0, 4, -3), ROWS[::-1]),
        (Crop(2, 2, 99, 99), ROWS[2:, 2:]),
    ],
)
def test_a_region(crop: Crop, expected: Any) -> None:
    """DICOM PS3.18 section 8.3.5.1.3: a negative size flips it."""
    height, width = expected.shape
    assert region(crop, width, height) == expected.tolist()


@pytest.mark.parametrize("crop", [Crop(4, 0), Crop(0, 3), Crop(0, 0, 0, 1), Crop(-3, 0, 2, 2)])
def test_a_region_outside_of_the_frame(crop: Crop) -> None:
    """It is refused."""
    with pytest.raises(CannotDecode, match="the region is outside of the frame"):
        region(crop, 9, 9)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 60), st.integers(1, 60))
def test_a_picture_fits_into_its_viewport(rows: int, columns: int, width: int, height: int) -> None:
    """One side is that of the viewport, and its ratio is that of the frame as far as pixels go."""
    described = image_elements(rows, columns)
    pixels = bytes(rows * columns + rows * columns % 2)
    content = instance_file(described, encoded(0x7FE00010, "OB", pixels))
    rendering = evolve(PNG, viewport=Viewport(width, height))
    found = opened(rendered_frame(reader(content), 1, rendering))
    scale = min(width / columns, height / rows)
    assert found.width <= width
    assert found.height <= height
    assert found.width == width or found.height == height
    assert abs(found.width - columns * scale) <= 1
    assert abs(found.height - rows * scale) <= 1


def noise() -> bytes:
    """Return a file with noise in colors."""
    pixels = np.random.default_rng(1).integers(0, 256, (256, 256, 3), np.uint8).tobytes()
    return instance_file(
        image_elements(256, 256, photometric=b"RGB "), encoded(0x7FE00010, "OB", pixels)
    )


def test_a_thumbnail_is_limited() -> None:
    """Noise becomes a JPEG of a lower quality, and then a smaller one."""
    content = noise()
    free = rendered_frame(reader(content), 1, evolve(PNG, viewport=Viewport(256, 256)))
    assert len(free.content) > 3 * MAX_THUMBNAIL
    made = rendered_frame(reader(content), 1, thumbnail(Viewport(256, 256), "image/png"))
    assert len(made.content) <= MAX_THUMBNAIL
    assert opened(made).size == (256, 256)
    least = rendered_frame(reader(content), 1, evolve(PNG, max_length=1024))
    assert len(least.content) <= 1024
    assert opened(least).width < 256


def test_the_quality_of_a_jpeg() -> None:
    """A lower one is shorter."""
    lengths = [
        len(rendered_frame(reader(noise()), 1, Rendering(quality=quality)).content)
        for quality in (1, 50, 100)
    ]
    assert lengths == sorted(lengths)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Window(1, 0),
        lambda: Window(1, 0.5),
        lambda: Window(1, -1, "sigmoid"),
        lambda: Viewport(0, 1),
        lambda: Viewport(1, 10_000),
        lambda: Rendering("image/gif"),  # type: ignore[arg-type]
        lambda: Rendering(quality=0),
        lambda: Rendering(quality=101),
        lambda: Rendering(max_length=1),
    ],
)
def test_what_cannot_be_asked(make: Callable[[], object]) -> None:
    """It is refused when it is said."""
    with pytest.raises(ValueError):
        make()


@pytest.mark.parametrize("path", ALL_FILES, ids=lambda path: path.name)
def test_each_file_of_pydicom_has_a_thumbnail_or_a_reason(path: Path) -> None:
    """A picture that fits, and is not long."""
    try:
        made = rendered_frame(reader(path.read_bytes()), 1, thumbnail(Viewport(256, 256)))
    except (NotAnInstance, CannotDecode):
        return
    assert max(opened(made).size) == 256
    assert len(made.content) <= MAX_THUMBNAIL


def test_shades_are_those_of_pydicom() -> None:
    """A CT through its first window, to a shade."""
    path = FILES / "J2K_pixelrep_mismatch.dcm"
    dataset = dcmread(path)
    values = apply_voi_lut(apply_modality_lut(pixel_array(dataset), dataset), dataset)
    expected = (values - values.min()) / (values.max() - values.min()) * 255
    assert np.abs(np.array(shades(path.read_bytes())) - expected).max() <= 0.51


def test_without_the_packages_nothing_is_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason names the extra."""
    for name in ("PIL", "albumcore_adapters.dicom.rendering"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(CannotDecode, match=r"pip install 'albumcore\[pixels\]'"):
        shades(gray([0, 1]))


@pytest.mark.parametrize(
    ("sop_class", "syntax", "expected"),
    [
        ("1.2.840.10008.5.1.4.1.1.104.1", "1.2.840.10008.1.2.1", "document"),
        ("1.2.840.10008.5.1.4.1.1.88.11", "1.2.840.10008.1.2", "document"),
        ("1.2.840.10008.5.1.4.1.1.77.1.4.1", "1.2.840.10008.1.2.4.102", "video"),
        ("1.2.840.10008.5.1.4.1.1.481.5", "1.2.840.10008.1.2", "no picture"),
    ],
)
def test_a_sign_is_a_picture(sop_class: str, syntax: str, expected: Any) -> None:
    """Of two shades, 128 pixels on each side."""
    assert sign_of(sop_class, syntax) == expected
    image = opened(drawn(expected))
    assert image.size == (128, 128)
    assert len(image.getcolors() or ()) == 2
