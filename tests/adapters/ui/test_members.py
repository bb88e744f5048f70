"""The members on the page of an album, and what may be done about them."""

from __future__ import annotations

import re

from albumcore import add_member
from support.browser import Browser, signed_in
from support.kheops import ALBUM, ALICE, BOB, CAROL, DAVE, World, email_of

HERE = f"/ui/albums/{ALBUM}"


def _acts(browser: Browser) -> set[str]:
    """The acts about members that the shown page has a form for."""
    return set(re.findall(rf'action="{HERE}/members/(\w+)"', browser.page))


def _roles(world: World) -> dict[str, bool]:
    """Each member by sub, with whether they are an admin."""
    return {one["sub"]: one["is_admin"] for one in world.get(ALICE, f"/albums/{ALBUM}/users")}


def test_each_act_is_shown_to_those_who_may_do_it(world: World) -> None:
    """A plain member may leave, and add members where the album lets them."""
    admin, plain = signed_in(world, ALICE), signed_in(world, BOB)
    admin.get(HERE)
    plain.get(HERE)
    assert _acts(admin) == {"add", "admin", "plain", "remove"}
    assert _acts(plain) == {"remove"}
    world.request(ALICE, "PATCH", f"/albums/{ALBUM}", form={"addUser": "true"})
    plain.get(HERE)
    assert _acts(plain) == {"add", "remove"}
    assert 'name="admin"' not in plain.page


def test_members_are_added_promoted_demoted_and_removed(world: World) -> None:
    """Each act leads back to the album."""
    browser = signed_in(world, ALICE)
    browser.get(HERE)
    browser.post(f"{HERE}/members/add", user=f" {email_of(DAVE).upper()} ")
    assert "You added Dave" in browser.words
    browser.post(f"{HERE}/members/admin", user=DAVE)
    browser.post(f"{HERE}/members/plain", user=CAROL)
    browser.post(f"{HERE}/members/remove", user=BOB)
    assert "You removed Bob" in browser.words
    assert _roles(world) == {ALICE: True, CAROL: False, DAVE: True}
    browser.post(f"{HERE}/members/add", user=email_of(BOB), admin="true")
    assert _roles(world)[BOB]


def test_a_member_without_name_and_address_is_shown_by_their_sub(world: World) -> None:
    """And can be removed."""
    world.service.people.register("sub-eve", None, None)
    world.act(ALICE, add_member, "sub-eve")
    browser = signed_in(world, ALICE)
    browser.get(HERE)
    assert "<b>sub-eve</b>" in browser.page
    browser.post(f"{HERE}/members/remove", user="sub-eve")
    assert "sub-eve" not in _roles(world)


def test_an_unknown_address_is_shown_again_with_the_reason(world: World) -> None:
    """Nothing is recorded."""
    browser, before = signed_in(world, ALICE), world.state()
    browser.get(HERE)
    answer = browser.post(f"{HERE}/members/add", user="nobody@example.org")
    assert answer.status_code == 400
    assert 'value="nobody@example.org" aria-invalid="true"' in browser.page
    assert "knows no user with this address" in browser.words
    assert world.state() == before


def test_a_member_who_leaves_is_led_to_their_albums(world: World) -> None:
    """The last one deletes the album, and is warned."""
    for sub in (BOB, CAROL):
        browser = signed_in(world, sub)
        browser.get(HERE)
        assert "is deleted when you leave" not in browser.words
        browser.post(f"{HERE}/members/remove", user=sub)
        assert "My albums" in browser.words
    browser = signed_in(world, ALICE)
    browser.get(HERE)
    assert "is deleted when you leave" in browser.words
    headers = {"HX-Request": "true"}
    [token] = set(re.findall(r'name="_csrf" value="(\w+)"', browser.page))
    body = f"_csrf={token}&user={ALICE}"
    answer = browser.ask("POST", f"{HERE}/members/remove", body, headers)
    assert answer.headers["hx-redirect"] == "/ui/albums"
    assert browser.get(HERE).status_code == 404


def test_htmx_gets_the_members_without_the_page(world: World) -> None:
    """After an act, and by itself."""
    browser = signed_in(world, ALICE)
    browser.get(f"{HERE}/members")
    assert browser.page.count("<html") == 1
    [token] = set(re.findall(r'name="_csrf" value="(\w+)"', browser.page))
    headers = {"HX-Request": "true"}
    body = f"_csrf={token}&user={CAROL}"
    for answer in (
        browser.ask("POST", f"{HERE}/members/plain", body, headers),
        browser.ask("GET", f"{HERE}/members", headers=headers),
    ):
        assert answer.text.lstrip().startswith('<section class="card" id="members"')
    assert not _roles(world)[CAROL]


def test_what_a_member_may_not_do_is_refused(world: World) -> None:
    """Whatever the form says; nothing is recorded."""
    browser, before = signed_in(world, BOB), world.state()
    for act, target in (("add", DAVE), ("admin", BOB), ("plain", ALICE), ("remove", ALICE)):
        browser.get(HERE)
        assert browser.post(f"{HERE}/members/{act}", user=target).status_code == 403
    browser = signed_in(world, ALICE)
    for act, named, status in (
        ("remove", DAVE, 404),
        ("remove", "", 404),
        ("plain", BOB, 404),
        ("add", ALICE, 403),
    ):
        browser.get(HERE)
        assert browser.post(f"{HERE}/members/{act}", user=named).status_code == status, act
    assert world.state() == before
