"""What pages follow an album or the images of a patient with: the list of events, by their session."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from albumcore import edit_album, post_comment
from albumcore_adapters.http.live import AFTER, WAIT
from support.browser import Browser, signed_in, signed_in_account
from support.kheops import ALBUM, ALICE, BOB, World
from support.tscharts import opened

JSON = {"Accept": "application/json"}


def followed(browser: Browser) -> str:
    """The address that the shown page asks for what comes after it."""
    found = re.search(r'data-events="(\S+)" data-cursor="(\S+)"', browser.page)
    assert found is not None
    return f"{found[1]}?{AFTER}={found[2]}&{WAIT}=0"


def test_an_album_is_followed_by_its_session(world: World) -> None:
    """From the cursor of its page on; not any more when the session has ended, nor by a member who was removed."""
    browser = signed_in(world, BOB)
    browser.get(f"/ui/albums/{ALBUM}")
    address = followed(browser)
    assert browser.ask("GET", address, headers=JSON).json == []
    world.act(ALICE, post_comment, "Something new")
    answer = browser.ask("GET", address, headers=JSON)
    assert [one["comment"] for one in answer.json] == ["Something new"]
    cursor = answer.headers["x-next-cursor"]
    later = re.sub(f"{AFTER}=[^&]*", f"{AFTER}={cursor}", address)
    assert browser.ask("GET", later, headers=JSON).json == []
    world.request(ALICE, "DELETE", f"/albums/{ALBUM}/users/{BOB}")
    assert browser.ask("GET", later, headers=JSON).status_code == 404
    browser.get("/ui/albums")
    browser.post("/ui/sign-out")
    assert browser.ask("GET", later, headers=JSON).status_code == 401


def test_a_timeline_says_which_of_the_entries_that_come_it_shows(world: World) -> None:
    """As the list of events names them: they are those that its page has."""
    world.act(ALICE, post_comment, "A comment")
    world.act(ALICE, edit_album, name="Renamed")
    browser = signed_in(world, BOB)
    browser.get(f"/ui/albums/{ALBUM}")
    assert "data-shows" not in browser.page
    address = f"/ui/data/albums/{ALBUM}/events?with=version"
    everything = browser.ask("GET", address, headers=JSON).json
    for show in ("comments", "members", "settings", "studies"):
        browser.get(f"/ui/albums/{ALBUM}?show={show}")
        [types] = re.findall(r'data-shows="([^"]*)"', browser.page)
        shown = re.findall(r'id="entry-(\d+)"', browser.page)
        assert shown == [
            str(one["version"])
            for one in everything
            if (one.get("mutation_type") or one["event_type"]) in types.split()
        ]
        assert shown or show == "studies"


def test_a_page_of_the_past_follows_the_present(world: World) -> None:
    """With the number of entries since, and from the newest of them on."""
    then = world.clock.now
    world.act(ALICE, post_comment, "Counted")
    browser = signed_in(world, BOB)
    browser.get(f"/ui/albums/{ALBUM}?at={then.isoformat()[:19]}Z")
    assert 'data-since="1"' in browser.page
    address = followed(browser)
    assert browser.ask("GET", address, headers=JSON).json == []
    world.act(ALICE, post_comment, "To be counted")
    answer = browser.ask("GET", address, headers=JSON)
    assert [one["comment"] for one in answer.json] == ["To be counted"]


def test_the_images_of_a_patient_are_followed_by_the_session_of_an_account(tmp_path: Path) -> None:
    """From the first one on; as of a moment of the past, with the number of changes since."""
    given = {"patients": [1, 2], "images": [{"id": 1, "patient": 1, "type": "Xray", "at": 0}]}
    with opened(tmp_path, given) as api:
        browser = signed_in_account(api)
        for patient, removed in ((1, ["image_removed"]), (2, [])):
            browser.get(f"/ui/patients/{patient}")
            address = followed(browser)
            assert browser.ask("GET", address, headers=JSON).json == []
            browser.post("/ui/patients/1/pictures/1/remove")
            answer = browser.ask("GET", address, headers=JSON)
            assert [one["event"] for one in answer.json] == removed
        then = api.clock.now.isoformat()[:19] + "Z"
        api.clock.now += timedelta(minutes=1)
        browser.post("/ui/patients/1/pictures/1/restore")
        browser.get(f"/ui/patients/1?at={then}")
        assert browser.ask("GET", followed(browser), headers=JSON).json == []
        assert 'data-since="1"' in browser.page
        assert Browser(api.client).ask("GET", address, headers=JSON).status_code == 401
