"""The public machines as they come: each rule does what it says, whatever the dice would have it do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from adapters.store import open_memory
from albumcore import Albumcore, ImageType, Source
from albumcore.ids import ReportProviderId, UserId
from albumcore.testing import ALBUMS, PATIENTS, AlbumMachine, ImageSetMachine


class Albums(AlbumMachine):
    """Nothing but a store."""

    @staticmethod
    def open_store(clock: Callable[[], datetime]) -> Albumcore:
        """In memory."""
        return open_memory(clock=clock)


class ImageSets(ImageSetMachine):
    """Nothing but a store."""

    open_store = staticmethod(Albums.open_store)


def test_machine_without_a_store_says_so() -> None:
    """A subclass has to say how one is opened."""
    with pytest.raises(NotImplementedError):
        AlbumMachine()


def test_album_rules_act_on_the_store() -> None:
    """A report provider is let in, reports for another user, is renamed, and is turned away."""
    machine = Albums()
    machine.open_album()
    machine.have_others()
    alice, scribe = Source(UserId("alice")), ReportProviderId("scribe")
    made = machine.create_report_provider(ALBUMS[0], alice, (scribe, "Scribe", "https://s.example"))
    assert made == Source(UserId("alice"), report_provider=scribe)
    started = machine.start_report(UserId("bob"), made)
    assert started == Source(UserId("bob"), report_provider=scribe)
    machine.edit_report_provider(ALBUMS[0], alice, made, (scribe, "Quill", None))
    machine.delete_report_provider(ALBUMS[0], alice, made)
    names = [type(one.event).__name__ for one in machine.history]
    assert names[-3:] == [
        "ReportProviderCreated",
        "ReportProviderEdited",
        "ReportProviderDeleted",
    ]
    machine.teardown()


def test_image_rules_act_on_the_store() -> None:
    """An image is added, tried again, removed, and the patient deleted."""
    machine = ImageSets()
    nurse = Source(UserId("tscharts-1"))
    image = machine.add_image(PATIENTS[0], nurse, 1, 1, ImageType.XRAY, b"xray")
    machine.add_image_again(PATIENTS[0], nurse, image, ImageType.XRAY)
    machine.remove_image(PATIENTS[0], nurse, image)
    machine.delete_patient(PATIENTS[0], nurse)
    names = [type(one.event).__name__ for one in machine.history]
    assert names == ["ImageAdded", "ImageRemoved", "PatientDeleted"]
    machine.teardown()
