"""The events of a patient's image set, to be followed by a cursor as those of an album are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from support.tscharts import ROOT, Api, opened

COVERS = ("GET /tscharts/v1/patient/{key}/events",)

EVENTS = f"{ROOT}/patient/1/events"
CURSOR = "x-next-cursor"


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """Two patients, a clinic and a station."""
    with opened(tmp_path, {"patients": [1, 2], "clinics": [1], "stations": [1]}) as found:
        yield found


def ask(api: Api, path: str = EVENTS, **query: str) -> Any:
    """The answer to a GET."""
    return api.request("GET", f"{path}?{urlencode(query)}")


def add(api: Api, patient: int = 1) -> int:
    """Add an image, and return its id."""
    answer = api.upload(patient=patient)
    assert answer.status_code == 200, answer.text
    return int(answer.json["id"])


def shown(answer: Any) -> list[tuple[str, int | None]]:
    """The events of an answer, each with its image."""
    assert answer.status_code == 200, answer.text
    return [(one["event"], one.get("image")) for one in answer.json]


def test_events_in_pages(api: Api) -> None:
    """Oldest first; an image has what it was added with."""
    one, two = add(api), add(api)
    add(api, patient=2)
    api.request("DELETE", f"{ROOT}/image/{one}/")
    api.request("POST", f"{ROOT}/image/{one}/restore/")
    expected = [
        *(("image_added", one), ("image_added", two)),
        *(("image_removed", one), ("image_restored", one)),
    ]
    every = ask(api)
    assert shown(every) == expected
    first = every.json[0]
    assert (first["clinic"], first["station"], first["type"]) == (1, 1, "Xray")
    assert [shown(ask(api, after=event["cursor"])) for event in every.json] == [
        expected[place:] for place in range(1, 5)
    ]
    page = ask(api, limit="3")
    assert shown(page) == expected[:3]
    rest = ask(api, after=page.headers[CURSOR], limit="3")
    assert shown(rest) == expected[3:]
    end = ask(api, after=rest.headers[CURSOR])
    assert (end.json, end.headers[CURSOR]) == ([], rest.headers[CURSOR])


def test_no_events_yet(api: Api) -> None:
    """The cursor of the beginning."""
    empty = ask(api)
    assert empty.json == []
    one = add(api)
    assert shown(ask(api, after=empty.headers[CURSOR])) == [("image_added", one)]


def test_only_what_comes_next(api: Api) -> None:
    """As of an album, a limit of 0 gives the cursor after the newest event."""
    assert shown(ask(api, after=ask(api, limit="0").headers[CURSOR])) == []
    add(api)
    newest = ask(api, limit="0")
    assert newest.json == []
    two = add(api)
    assert shown(ask(api, after=newest.headers[CURSOR])) == [("image_added", two)]


@pytest.mark.parametrize(
    "query",
    [
        {"after": "x"},
        {"wait": "61"},
        {"wait": ""},
        {"wait": "1"},
        {"limit": "-1"},
        {"limit": "x"},
        {"limit": "1001"},
    ],
)
def test_bad_parameters(query: dict[str, str], api: Api) -> None:
    """400, with the name of the parameter."""
    answer = ask(api, **query)
    assert answer.status_code == 400
    assert answer.json["detail"].startswith(next(iter(query)))


def test_other_histories(api: Api) -> None:
    """410 for a cursor of another patient; 404 for a patient who does not exist."""
    add(api, patient=2)
    cursor = ask(api, f"{ROOT}/patient/2/events").headers[CURSOR]
    assert ask(api, after=cursor).status_code == 410
    assert ask(api, f"{ROOT}/patient/99/events").status_code == 404
    assert ask(api, f"{ROOT}/patient/x/events").status_code == 404
