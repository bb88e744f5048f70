"""The inbox of a reader."""

from __future__ import annotations

from support.browser import signed_in
from support.kheops import ALBUM, ALICE, DAVE, World


def test_an_empty_inbox_says_what_it_is_for(world: World) -> None:
    """With the way to fill it."""
    browser = signed_in(world, DAVE)
    browser.get("/ui/inbox")
    assert "No study yet" in browser.words
    assert 'href="/ui/inbox/upload"' in browser.page


def test_a_study_is_taken_from_the_inbox_into_an_album(world: World) -> None:
    """Then it is not among those that are in no album."""
    world.store({"1.5.1": "CT"}, study="1.5", owner=ALICE, description="Head")
    browser = signed_in(world, ALICE)
    browser.get("/ui/inbox")
    assert "In no album 1" in browser.words
    assert "Head" in browser.words
    assert f'<option value="{ALBUM}">' in browser.page
    browser.post("/ui/inbox/studies/1.5/add", album=ALBUM)
    assert "1.5" in world.state().studies
    browser.get("/ui/inbox")
    assert "Each study is in one of your albums." in browser.words
    browser.get("/ui/inbox?show=all&offset=0")
    assert "Head" in browser.words
    browser.get("/ui/inbox?show=favorites")
    assert "No favourite yet." in browser.words
    browser.get("/ui/inbox?show=all&offset=1")
    assert "Newer" in browser.words
    assert browser.get("/ui/inbox?offset=x").status_code == 400


def test_those_without_an_album_have_none_to_choose(world: World) -> None:
    """The study can still be looked at and removed."""
    world.store({"1.5.1": "CT"}, study="1.5", owner=DAVE, description="Head")
    browser = signed_in(world, DAVE)
    browser.get("/ui/inbox")
    assert "<select" not in browser.page
    browser.get("/ui/inbox/studies/1.5/remove")
    browser.post("/ui/inbox/studies/1.5/remove")
    assert "No study yet" in browser.words
