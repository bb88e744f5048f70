"""Images as of a time, or of a version of their patient's image set; the TSCharts API has no such parameters."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import urlencode

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from albumcore.ids import ImageId
from albumcore.past_images import image_then
from support.tscharts import PIXEL, ROOT, Api

SECOND, NUMBERS = timedelta(seconds=1), count()
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("upload"), st.sampled_from([1, 2]), st.sampled_from(["Xray", "Surgery"])),
        st.tuples(st.just("remove"), st.integers(0, 9)),
        st.tuples(st.just("wait")),
    ),
    max_size=12,
)


def local(at: datetime) -> str:
    """A time as the other API writes it."""
    return at.replace(tzinfo=None).isoformat()


def look(api: Api, path: str = "", **query: str) -> Any:
    """What a GET answers: its JSON, or the status of a refusal."""
    answer = api.request("GET", f"{ROOT}/image/{path}?{urlencode(query)}")
    return answer.json if answer.status_code == 200 else answer.status_code


@given(steps=STEPS, data=st.data())
def test_images_of_the_past(
    shared_api: Api, steps: list[tuple[Any, ...]], data: st.DataObject
) -> None:
    """Every search and every image is answered as it was answered then, until its patient is deleted."""
    api = shared_api
    known_one = api.service.patients.patient(1)
    assert known_one is not None
    named = [evolve(known_one, first=f"Ana {next(NUMBERS)} of many") for _ in range(2)]
    patients = [api.service.patients.add(one) for one in named]
    shown: list[int] = []
    known: list[tuple[datetime, dict[str, Any]]] = []

    def everything() -> dict[str, Any]:
        searches = [
            {"patient": str(patient), **more}
            for patient in patients
            for more in (
                {},
                {"type": "Xray"},
                {"sort": "true"},
                {"newest": "true"},
                {"clinic": "1"},
            )
        ]
        found = {urlencode(one): look(api, **one) for one in searches}
        return found | {f"{one}/": look(api, f"{one}/") for one in shown}

    def ask(path: str, **moment: str) -> Any:
        name, _, query = path.partition("/") if path.endswith("/") else ("", "", path)
        more = dict(pair.split("=") for pair in query.split("&") if pair)
        return look(api, f"{name}/" if name else "", **more, **moment)

    for step in steps:
        api.clock.now += SECOND
        match step:
            case "upload", which, type_:
                data_ = base64.b64encode(f"{len(shown)}".encode()).decode()
                answer = api.upload(patient=patients[which - 1], type=type_, data=data_)
                shown.append(answer.json["id"])
            case "remove", number if shown:
                api.request("DELETE", f"{ROOT}/image/{shown[number % len(shown)]}/")
        known.append((api.clock.now, everything()))
    if known:
        at, expected = data.draw(st.sampled_from(known))
        for path, answer in expected.items():
            assert ask(path, at=local(at)) == answer, path
        for one in shown:
            if f"{one}/" not in expected:
                assert look(api, f"{one}/", at=local(at)) == 404
        assert {path: ask(path, at=local(api.clock.now)) for path in everything()} == everything()


def test_a_version_is_that_of_the_patients_image_set(api: Api) -> None:
    """Each patient has a history of their own."""
    one, other = api.upload().json["id"], api.upload(patient=2).json["id"]
    again = api.upload().json["id"]
    api.request("DELETE", f"{ROOT}/image/{one}/")
    assert look(api, patient="1", version="1") == [one]
    assert look(api, patient="1", version="2") == [one, again]
    assert look(api, patient="1", version="3") == look(api, patient="1") == [again]
    assert look(api, patient="2", version="1") == [other]
    assert look(api, f"{one}/", version="2")["data"] == PIXEL
    assert look(api, f"{one}/") == look(api, f"{one}/", version="3") == 404
    assert look(api, f"{again}/", version="1") == 404
    assert look(api, "99/", version="1") == 404


def test_the_images_of_a_patient_are_not_shown_as_of_when_the_patient_was_deleted(api: Api) -> None:
    """Neither while they are deleted, nor when they are restored: they could not be shown then."""
    one = api.upload().json["id"]
    before = local(api.clock.now)
    api.clock.now += SECOND
    api.request("DELETE", f"{ROOT}/patient/1/")
    while_deleted = local(api.clock.now)
    assert look(api, patient="1", at=before) == look(api, f"{one}/", at=before) == 404
    api.clock.now += SECOND
    assert api.request("POST", f"{ROOT}/patient/1/restore/").status_code == 200
    for moment in ({"at": while_deleted}, {"version": "2"}):
        assert look(api, patient="1", **moment) == look(api, f"{one}/", **moment) == 404
    for moment in ({"at": before}, {"version": "1"}, {"version": "3"}):
        assert look(api, patient="1", **moment) == [one]
        assert look(api, f"{one}/", **moment)["data"] == PIXEL


def test_an_upstream_search_shows_the_newest(shared_upstream_api: Api) -> None:
    """That of then, as it shows that of now."""
    api = shared_upstream_api
    first = api.upload().json["id"]
    at = local(api.clock.now)
    api.clock.now += SECOND
    api.upload()
    shown = look(api, patient="1", newest="true", at=at)
    assert (shown["id"], shown["data"]) == (first, PIXEL)


@pytest.mark.parametrize(
    ("field", "query"),
    [
        ("at", {"at": "yesterday"}),
        ("at", {"at": "2999-01-01T00:00:00Z"}),
        ("version", {"version": "x"}),
        ("version", {"version": "0"}),
        ("version", {"version": "-1"}),
        ("version", {"version": "2"}),
        ("version", {"version": "9" * 30}),
        ("version", {"version": "1", "at": "2017-01-01T00:00:00Z"}),
    ],
)
def test_no_moment_of_the_past(api: Api, field: str, query: dict[str, str]) -> None:
    """Each is refused with the name of the parameter; the image set has one event."""
    image = api.upload().json["id"]
    for path in (f"{image}/?", "?patient=1&"):
        answer = api.request("GET", f"{ROOT}/image/{path}{urlencode(query)}")
        assert answer.status_code == 400
        assert answer.json["detail"].startswith(f"{field}: ")


@pytest.mark.parametrize("field", ["at", "version"])
def test_a_search_of_the_past_needs_a_patient(api: Api, field: str) -> None:
    """Each image set has a history, and no clinic has one."""
    query = {"clinic": "1", field: "1" if field == "version" else "2017-01-01T00:00:00Z"}
    answer = api.request("GET", f"{ROOT}/image/?{urlencode(query)}")
    assert (answer.status_code, answer.json["detail"]) == (400, f"{field}: it needs patient")


def test_images_of_a_deleted_patient(api: Api) -> None:
    """They are not shown, now or as of before."""
    image, at = api.upload().json["id"], local(api.clock.now)
    assert look(api, f"{image}/", at=at)["id"] == image
    api.request("DELETE", f"{ROOT}/patient/1/")
    assert look(api, f"{image}/", at=at) == look(api, patient="1", at=at) == 404


def test_bytes_that_were_collected(api: Api) -> None:
    """An image that was removed is shown while its bytes are there; those of one that was not must be there."""
    image, at = api.upload().json["id"], local(api.clock.now)
    albums, blobs = api.service.albums, api.service.blobs
    _, then = image_then(albums, ImageId(image), at=api.clock.now)
    blobs.remove(then.content.digest, datetime.max.replace(tzinfo=UTC))
    path = f"{ROOT}/image/{image}/?{urlencode({'at': at})}"
    assert api.request("GET", path, raise_faults=False).status_code == 500
    api.request("DELETE", f"{ROOT}/image/{image}/")
    assert look(api, f"{image}/", at=at) == 404
