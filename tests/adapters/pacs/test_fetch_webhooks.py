"""Images that are fetched from an existing archive: albums that have their series are notified, as of an upload."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from albumcore import Source, WebhookEvent
from albumcore.ids import SeriesUID, StudyUID
from support.dicom_files import RELATED, dicom_file, message
from support.kheops import ALBUM, ALICE, BOB, CT, STUDY
from support.receiver import Answer, Receiver, receiving
from support.webhooks import Hooked, hooked

SERIES = f"/studies/{STUDY}/series/{CT}"


@pytest.fixture
def origin() -> Iterator[Receiver]:
    """An archive that has instances of the series."""
    with receiving() as receiver:
        receiver.answer(Answer.json([]))
        yield receiver


@pytest.fixture
def hooks(origin: Receiver, tmp_path: Path) -> Iterator[Hooked]:
    """A world beside it, with a webhook for new series, and one image in the album, of which it was notified."""
    with hooked(tmp_path / "data", pacs_url=origin.address) as made:
        made.hook(WebhookEvent.NEW_SERIES)
        put(origin, 1)
        query, headers = {"album": ALBUM}, {"Content-Type": RELATED}
        body = message([dicom_file(STUDY, CT, f"{CT}.1", PatientName="Doe^Ada")])
        assert (
            made.world.request(ALICE, "POST", "/studies", None, query, headers, body).status_code
            == 200
        )
        assert len(made.run(30)) == 1
        yield made


def put(origin: Receiver, *numbers: int, corrected: int | None = None) -> None:
    """Have the archive have these instances of the series, one of them corrected, and find them."""
    for number in numbers:
        name = "Corrected^Name" if number == corrected else "Doe^Ada"
        file = dicom_file(STUDY, CT, f"{CT}.{number}", PatientName=name)
        found = Answer(body=message([file]), headers={"Content-Type": RELATED})
        origin.answer(found, path=f"{SERIES}/instances/{CT}.{number}")
    listed = [{"00080018": {"vr": "UI", "Value": [f"{CT}.{number}"]}} for number in numbers]
    origin.answer(Answer.json(listed), path=f"{SERIES}/instances?limit=500&offset=0")


def test_new_images_are_told_with_who_fetched_them(hooks: Hooked, origin: Receiver) -> None:
    """Their number alone; a file that changed is none, and the same ones again are none."""
    put(origin, 1, 2, 3, corrected=1)
    fetch = hooks.world.request(BOB, "POST", f"/studies/{STUDY}/fetch")
    assert fetch.status_code == 200
    [body] = hooks.bodies(30)
    assert (body["import_source"], body["source"]["sub"]) == ("upload", BOB)
    [series] = body["updated_study"]["series"]
    assert (series["series_uid"], series["number_of_new_instances"]) == (CT, 2)
    assert series["number_of_series_related_instances"] == 3
    assert hooks.world.request(ALICE, "POST", f"/studies/{STUDY}/fetch").status_code == 200
    assert hooks.run(3600) == []


def test_what_is_put_into_an_inbox_is_told_to_albums_that_have_the_series(
    hooks: Hooked, origin: Receiver
) -> None:
    """As `albumcore fetch` does it: the owner is the source. A known image that is put there is nothing new."""
    put(origin, 1, 2)
    service, owner = hooks.world.service, hooks.world.user(BOB)
    for _ in range(2):
        service.series_fetcher.fetch(StudyUID(STUDY), [SeriesUID(CT)], Source(owner), owner)
    [body] = hooks.bodies(30)
    assert body["source"]["sub"] == BOB
    assert [one["number_of_new_instances"] for one in body["updated_study"]["series"]] == [1]
