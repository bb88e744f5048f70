"""Images by id, and the rows they are searched by."""

from __future__ import annotations

import pytest

from albumcore import (
    Albumcore,
    Content,
    ImageAdded,
    ImageType,
    add_image,
    delete_patient,
    remove_image,
)
from albumcore.errors import ImageNotFound
from albumcore.ids import ImageId, PatientId
from albumcore.index import SHOWN, ImageRow
from albumcore.streams import patient_stream
from support.given import ALICE, START

PATIENT = patient_stream(PatientId(343))
CONTENT = Content("0f" * 32, 30_000, "image/jpeg")


@pytest.fixture(autouse=True)
def three(app: Albumcore) -> None:
    """Three images of one patient, of which the second was removed, and one of another."""
    for number, kind in enumerate((ImageType.XRAY, ImageType.SURGERY, ImageType.HEADSHOT), 1):
        image_id = app.next_image_id()
        assert image_id == number
        app.handle(PATIENT, add_image, ALICE, image_id, 276, 117, kind, CONTENT)
    app.handle(PATIENT, remove_image, ALICE, ImageId(2))
    other = patient_stream(PatientId(344))
    app.handle(
        other,
        add_image,
        ALICE,
        app.next_image_id(),
        None,
        None,
        ImageType.XRAY,
        CONTENT,
    )


def test_an_image_is_found_by_its_id(app: Albumcore) -> None:
    """With the patient it is of, and the event that added it."""
    row, added = app.image(ImageId(3))
    assert added == ImageAdded(ImageId(3), 276, 117, ImageType.HEADSHOT, CONTENT)
    assert (row.patient, row.version, row.type) == (343, 3, "Headshot")
    row, added = app.image(ImageId(4))
    assert row == ImageRow(4, 344, 1, None, None, "Xray", row.at)
    assert row.at > START


def test_an_image_may_have_an_id_of_its_own(app: Albumcore) -> None:
    """Numbers up to it count as given, and those below change nothing."""
    for image_id in (41, 40):
        app.handle(
            PATIENT,
            add_image,
            ALICE,
            ImageId(image_id),
            276,
            117,
            ImageType.XRAY,
            CONTENT,
        )
    assert app.next_image_id() == 42
    assert app.verify() == []


@pytest.mark.parametrize("image_id", [2, 5, 0, -1, 2**63, 10**30, -(10**30)])
def test_an_image_that_is_not_there(app: Albumcore, image_id: int) -> None:
    """Removed, never added, or of an id that no store could hold."""
    with pytest.raises(ImageNotFound):
        app.image(ImageId(image_id))


def test_the_images_of_a_deleted_patient(app: Albumcore) -> None:
    """Are not there; those of others are."""
    app.handle(PATIENT, delete_patient, ALICE)
    for image_id in (1, 3):
        with pytest.raises(ImageNotFound):
            app.image(ImageId(image_id))
    assert app.image(ImageId(4))[0].patient == 344
    assert app.verify() == []


def test_images_are_searched_by_their_rows(app: Albumcore) -> None:
    """By what they are, in the order of their ids."""

    def found(**where: object) -> list[int]:
        return [row.image_id for row in app.index.rows(ImageRow, {**where, **SHOWN})]

    assert found() == [1, 3, 4]
    assert found(patient=343) == [1, 3]
    assert found(type="Xray") == [1, 4]
    assert found(clinic=276, station=117, type="Xray") == [1]
    assert found(patient=[344, 343]) == [1, 3, 4]
    assert found(patient=[]) == []
    assert found(patient=10**30) == []
    assert found(patient=[10**30, 344, -(10**30)]) == [4]
    assert found(type="\ud800") == []
    assert found(type={"Xray", "\ud800"}) == [1, 4]
