"""Which instance of a series stands for it."""

from __future__ import annotations

import pytest

from albumcore.ids import SeriesUID, StudyUID
from albumcore_adapters.dicom.pixel_places import NativeFrames, PixelPlaces
from albumcore_adapters.directory.stored_instances import StoredInstance
from albumcore_adapters.instances.pictures import representatives

WITH_FRAMES = PixelPlaces(NativeFrames(128, 64, 1)).to_json().decode()
WITHOUT = PixelPlaces(None).to_json().decode()


def instance(number: int, pixels: str | None) -> StoredInstance:
    """An instance with a number, and with frames or without."""
    uids = f"1.2.3.{number}", StudyUID("1.2"), SeriesUID("1.2.3")
    return StoredInstance(*uids, None, number, 1, None, None, None, pixels)


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        ("x", [0]),
        ("xx", [0, 1]),
        ("xxxxx", [2, 1, 3]),
        ("xxxxxx", [2, 1, 3]),
        ("x----", [0]),
        ("----x", [4]),
        ("-x-x-", [1, 3]),
        ("??x?", [2]),
        ("-----", [2, 1, 3]),
        ("?-", [0, 1]),
    ],
)
def test_representatives(frames: str, expected: list[int]) -> None:
    """Those next to the middle that have frames; any next to the middle, if none are known to have frames."""
    pixels = {"x": WITH_FRAMES, "-": WITHOUT, "?": None}
    instances = [instance(number, pixels[one]) for number, one in enumerate(frames)]
    assert [one.number for one in representatives(instances)] == expected
