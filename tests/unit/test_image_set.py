"""A patient's image set: its decisions (TSCharts image API)."""

from __future__ import annotations

import pytest
from attrs import evolve

from albumcore import (
    Event,
    ImageAdded,
    ImageRemoved,
    PatientDeleted,
    add_image,
    delete_patient,
    remove_image,
)
from albumcore.errors import IdTaken, ImageNotFound, Invalid
from albumcore.ids import ImageId, UserId
from albumcore.image_sets import Content, Image, ImageType, PatientImageSet
from albumcore.kernel import Source
from support.given import Given, given_on

NURSE = Source(UserId("nurse"))
CONTENT = Content("0f" * 32, 30_000, "image/jpeg")
ONE, TWO = ImageId(1), ImageId(2)
ADDED = ImageAdded(ONE, 276, 117, ImageType.HEADSHOT, CONTENT)
IMAGE = Image(276, 117, ImageType.HEADSHOT, CONTENT)


def given_images(*history: Event[PatientImageSet]) -> Given[PatientImageSet]:
    """An image set with this history."""
    return given_on(PatientImageSet(), *history)


def test_add_image() -> None:
    """It can be shown then, and its id is taken."""
    added = given_images().when(add_image, NURSE, ONE, 276, 117, ImageType.HEADSHOT, CONTENT)
    state = added.then(ADDED).state
    assert state.image(ONE) == IMAGE
    added.then(ADDED).again().refused(IdTaken)


@pytest.mark.parametrize("kind", ImageType)
def test_add_image_of_every_type_and_encoding(kind: ImageType) -> None:
    """Clinic and station may be absent, where upstream behaviour lets them be."""
    content = evolve(CONTENT, encoding="verbatim", length=1)
    given_images(ADDED).when(add_image, NURSE, TWO, None, None, kind, content).then(
        ImageAdded(TWO, None, None, kind, content)
    )


@pytest.mark.parametrize(
    ("image_id", "content", "field"),
    [
        (0, CONTENT, "id"),
        (-1, CONTENT, "id"),
        (1, evolve(CONTENT, digest="0F" * 32), "data"),
        (1, evolve(CONTENT, digest="0f" * 31), "data"),
        (1, evolve(CONTENT, digest="0f" * 32 + "\n"), "data"),
        (2**31, CONTENT, "id"),
        (1, evolve(CONTENT, length=0), "data"),
        (1, evolve(CONTENT, encoding="base32"), "data"),  # type: ignore[arg-type]
        (1, evolve(CONTENT, media_type=""), "data"),
        (1, evolve(CONTENT, media_type="image"), "data"),
        (1, evolve(CONTENT, media_type="image/png\n"), "data"),
    ],
)
def test_add_image_refuses_what_cannot_be(image_id: int, content: Content, field: str) -> None:
    """An id is positive and of 31 bits; a reference is to a SHA-256 and at least one byte of some kind."""
    given_images().when(
        add_image, NURSE, ImageId(image_id), 276, 117, ImageType.XRAY, content
    ).refused(Invalid, field)


def test_add_image_of_sealed_bytes() -> None:
    """Their key is in the event, and not in the state, so that no snapshot has it; an empty one opens nothing."""
    arguments = (ONE, 276, 117, ImageType.HEADSHOT, CONTENT)
    outcome = given_images().when(add_image, NURSE, *arguments, "a key")
    assert outcome.then(evolve(ADDED, key="a key")).state == PatientImageSet({ONE: IMAGE})
    given_images().when(add_image, NURSE, *arguments, "").refused(Invalid, "data")


def test_add_image_of_the_greatest_id() -> None:
    """Clients keep it in 32 bits, one of them for the sign."""
    last = ImageId(2**31 - 1)
    given_images().when(add_image, NURSE, last, 276, 117, ImageType.HEADSHOT, CONTENT).then(
        evolve(ADDED, image_id=last)
    )


def test_remove_image() -> None:
    """It is gone then, and others stay; a second time there is none to remove."""
    second = evolve(ADDED, image_id=TWO)
    removed = given_images(ADDED, second).when(remove_image, NURSE, ONE)
    assert removed.then(ImageRemoved(ONE)).state.images == {TWO: IMAGE}
    removed.then(ImageRemoved(ONE)).again().refused(ImageNotFound)


def test_remove_image_that_never_was() -> None:
    """It is not found, and nothing is recorded."""
    given_images(ADDED).when(remove_image, NURSE, TWO).refused(ImageNotFound)


def test_delete_patient_closes_the_set() -> None:
    """Images are kept for the record, and nothing is shown, added or removed; again changes nothing."""
    deleted = given_images(ADDED).when(delete_patient, NURSE)
    state = deleted.then(PatientDeleted()).state
    assert (state.images, state.is_closed) == ({ONE: IMAGE}, True)
    with pytest.raises(ImageNotFound):
        state.image(ONE)
    closed = given_images(ADDED, PatientDeleted())
    closed.when(remove_image, NURSE, ONE).refused(ImageNotFound)
    closed.when(add_image, NURSE, TWO, 1, 1, ImageType.XRAY, CONTENT).refused(ImageNotFound)
    deleted.then(PatientDeleted()).again().then()


def test_delete_patient_without_images() -> None:
    """There need not be any."""
    given_images().when(delete_patient, NURSE).then(PatientDeleted())


def test_image_of_an_id_that_never_was() -> None:
    """Asked of the state itself."""
    with pytest.raises(ImageNotFound):
        PatientImageSet().image(ONE)
