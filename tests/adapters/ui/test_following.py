"""What the page of an album follows it with: the list of events, by its session."""

from __future__ import annotations

import re

from albumcore import post_comment
from albumcore_adapters.http.live import AFTER, WAIT
from support.browser import signed_in
from support.kheops import ALBUM, ALICE, BOB, World

JSON = {"Accept": "application/json"}


def test_an_album_is_followed_by_its_session(world: World) -> None:
    """From the cursor of its page on; not any more when the session has ended, nor by a member who was removed."""
    browser = signed_in(world, BOB)
    browser.get(f"/ui/albums/{ALBUM}")
    found = re.search(r'data-events="(\S+)" data-cursor="(\S+)"', browser.page)
    assert found is not None
    address = f"{found[1]}?{AFTER}={found[2]}&{WAIT}=0"
    assert browser.ask("GET", address, headers=JSON).json == []
    world.act(ALICE, post_comment, "Something new")
    answer = browser.ask("GET", address, headers=JSON)
    assert [one["comment"] for one in answer.json] == ["Something new"]
    later = f"{found[1]}?{AFTER}={answer.headers['x-next-cursor']}&{WAIT}=0"
    assert browser.ask("GET", later, headers=JSON).json == []
    world.request(ALICE, "DELETE", f"/albums/{ALBUM}/users/{BOB}")
    assert browser.ask("GET", later, headers=JSON).status_code == 404
    browser.get("/ui/albums")
    browser.post("/ui/sign-out")
    assert browser.ask("GET", later, headers=JSON).status_code == 401
