"""Images in the album of the world: files that pydicom brings along."""

from __future__ import annotations

from albumcore.ids import SeriesUID, StudyUID
from support.dicom_files import RELATED, message
from support.kheops import ALBUM, ALICE, World
from support.stored_files import pydicom_file

CT_STUDY = StudyUID("1.3.6.1.4.1.5962.1.2.1.20040119072730.12322")
CT_SERIES = SeriesUID("1.3.6.1.4.1.5962.1.3.1.1.20040119072730.12322")
MR_STUDY = StudyUID("1.3.6.1.4.1.5962.1.2.4.20040826185059.5457")
TWO_FRAMES = StudyUID("1.2.826.0.1.3680043.8.498.12406831542731051035295345080039845114")
TWO_FRAMES_SERIES = SeriesUID("1.2.826.0.1.3680043.8.498.16157229083793556332623330502397121062")


def store_pictures(world: World, *contents: bytes, **query: str) -> None:
    """Store files in the album, or where the query says; without any, three studies."""
    names = ("CT_small.dcm", "MR_small.dcm", "SC_rgb_rle_2frame.dcm")
    answer = world.request(
        ALICE,
        "POST",
        "/studies",
        query=query or {"album": ALBUM},
        headers={"Content-Type": RELATED},
        body=message(contents or map(pydicom_file, names)),
    )
    assert answer.status_code == 200, answer.text
