"""An album as it was: the slider, the date field, the band, and what cannot be done there."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import quote

import pytest

from albumcore import (
    Albumcore,
    add_admin,
    add_member,
    create_report_provider,
    edit_album,
    import_study,
    post_comment,
    remove_member,
    remove_series,
    remove_study,
)
from albumcore.past_stops import stops_of
from albumcore_adapters.base.time_texts import exact_text
from support.browser import Browser, signed_in
from support.kheops import ALBUM, ALICE, BOB, CAROL, DAVE, NOWHERE, START, World
from support.pictured import CT_SERIES, CT_STUDY, store_pictures

HERE = f"/ui/albums/{ALBUM}"


def _stops(browser: Browser) -> list[str]:
    """The moments of the slider of the shown page, oldest first; the last one is the present."""
    return re.findall(r'<option value="\d+" data-at="([^"]*)"', browser.page)


def _changed(world: World) -> None:
    world.act(ALICE, post_comment, "First")
    world.act(ALICE, edit_album, "Renamed")
    world.act(ALICE, remove_member, CAROL)
    world.act(ALICE, post_comment, "Second")


def test_the_past_is_shown_as_it_was_and_unmistakably(world: World) -> None:
    """With the name, the members and the entries of then, and without any act."""
    world.act(ALICE, post_comment, "Before")
    then, name = world.clock.now, world.state().name
    _changed(world)
    browser = signed_in(world, ALICE)
    answer = browser.get(f"{HERE}?at={then.isoformat()[:19]}Z")
    assert answer.status_code == 200
    assert "You are looking at the past." in browser.words
    assert '<body class="is-past"' in browser.page
    assert f"<h1>{name}</h1>" in browser.page
    assert "Members on Sunday 1 March 3" in browser.words
    assert "Timeline up to Sunday 1 March" in browser.words
    assert browser.words.startswith("Sunday 1 March")
    assert "Before" in browser.words
    assert "First" not in browser.words.split()
    assert "4 entries since then." in browser.words
    forms = re.findall(r'<form[^>]* method="post" action="([^"]*)"', browser.page)
    assert forms == ["/ui/sign-out"]
    browser.get(HERE)
    assert "The album as it is now" in browser.words
    assert "is-past" not in browser.page.split("<header")[0]


def test_there_is_a_stop_for_each_change(world: World) -> None:
    """Each shows the album with that change, and not with the next one; the last one is the present."""
    _changed(world)
    browser = signed_in(world, ALICE)
    browser.get(HERE)
    *stops, present = _stops(browser)
    assert present == ""
    assert (
        len(stops) == len(set(stops)) == int(re.findall(r'max="(\d+)" value="\1"', browser.page)[0])
    )
    browser.get(f"{HERE}?at={stops[-1]}")
    assert "Second" in browser.words
    assert f'value="{len(stops) - 1}" aria-describedby="stop-help"' in browser.page
    browser.get(f"{HERE}?at={stops[-2]}")
    assert "Second" not in browser.words
    assert "Carol" not in browser.page.split('id="members"')[1]
    browser.get(f"{HERE}?at={stops[-3]}")
    assert "<h1>Renamed</h1>" in browser.page
    assert "Carol" in browser.page.split('id="members"')[1]


def test_a_slider_that_is_moved_gets_the_page_without_itself(world: World) -> None:
    """Older entries are those of then, too."""
    _changed(world)
    browser = signed_in(world, ALICE)
    browser.get(HERE)
    stops = _stops(browser)
    answer = browser.ask("GET", f"{HERE}?at={stops[-2]}", headers={"HX-Request": "true"})
    assert 'id="past-card"' not in answer.text
    for part in ("past-band", "past-head", "past-then"):
        assert f'id="{part}"' in answer.text
    newest = re.findall(r'id="entry-(\d+)"', browser.page)[0]
    address = f"{HERE}?at={stops[-3]}&before={newest}"
    older = browser.ask("GET", address, headers={"HX-Request": "true"})
    assert 'id="entry-1"' in older.text
    assert "Second" not in older.text
    assert "<html" not in older.text


def test_the_date_field_is_in_the_time_zone_of_the_reader(world: World) -> None:
    """The address then has the moment in UTC, so that it shows the same to all; the present minute is the present."""
    browser = signed_in(world, ALICE)
    browser.cookies["tz"] = "America/St_Johns"
    world.clock.tick(3600)
    answer = browser.ask("GET", f"{HERE}?at=2026-03-01T08:45&show=members")
    assert answer.status_code == 303
    assert (
        unescape(answer.headers["location"]) == f"{HERE}?at=2026-03-01T12%3A15%3A59Z&show=members"
    )
    for named in ("path=1", "self=1", "query=1"):
        answer = browser.ask("GET", f"{HERE}?at=2026-03-01T08:45&{named}")
        assert answer.headers["location"].endswith(f"&{named}")
    browser.get(f"{HERE}?at=2026-03-01T08:45")
    assert 'name="at" value="2026-03-01T08:45"' in browser.page
    now = (world.clock.now - timedelta(hours=3, minutes=30)).strftime("%Y-%m-%dT%H:%M")
    browser.get(f"{HERE}?at={now}")
    assert "The album as it is now" in browser.words


def test_a_moment_that_is_none_is_refused(world: World) -> None:
    """Whether it is no time at all, or one of the future."""
    browser = signed_in(world, BOB)
    for at in ("yesterday", "2026-13-01T00:00", "2099-01-01T00:00", "2099-01-01T00:00:00Z", "%00"):
        assert browser.get(f"{HERE}?at={at}").status_code == 400, at


def test_an_empty_moment_is_the_present(world: World) -> None:
    """As a date field that was emptied sends it."""
    browser = signed_in(world, ALICE)
    answer = browser.ask("GET", f"{HERE}?at=&show=members")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{HERE}?show=members"


def test_a_page_that_has_no_past_leads_to_the_present(world: World) -> None:
    """So that nobody takes what it shows for what was."""
    store_pictures(world)
    then = world.clock.now.isoformat()[:19] + "Z"
    world.clock.tick(60)
    browser = signed_in(world, ALICE)
    browser.get(HERE)
    browser.post(f"{HERE}/studies/{CT_STUDY}/add", album="inbox")
    for path in (
        *(f"{HERE}/members", f"{HERE}/settings", f"{HERE}/upload"),
        *("/ui/albums", "/ui/inbox", f"/ui/inbox/studies/{CT_STUDY}"),
    ):
        answer = browser.ask("GET", f"{path}?at={then}&show=all")
        assert (answer.status_code, answer.headers.get("location")) == (303, f"{path}?show=all")
        assert browser.get(path).status_code == 200
    answer = browser.ask("GET", f"/ui/settings?at={then}")
    assert answer.status_code == 200, "it is for all, and takes its query as it is"


def test_a_moment_before_the_reader_joined_says_which_is_the_first(world: World) -> None:
    """On every page of the album; who opened it, or comes back to it, is told so. Links lead there, and to now."""
    world.act(ALICE, add_member, DAVE)
    joined, before = world.clock.now, START - timedelta(days=20)
    world.clock.tick(3600)
    world.act(ALICE, remove_member, DAVE)
    left = world.clock.now
    world.clock.tick(3600)
    world.act(ALICE, add_member, DAVE)
    back = world.clock.now
    dave, alice = signed_in(world, DAVE), signed_in(world, ALICE)
    cases: tuple[tuple[Browser, datetime, str, datetime], ...] = (
        (dave, before, "You had not joined this album yet; the first moment", joined),
        (dave, joined - timedelta(seconds=1), "You had not joined this album yet;", joined),
        (dave, left, "You were not a member of this album then; the next moment", back),
        (alice, before, "This album was not open yet; the first moment", START + timedelta(0, 1)),
    )
    for reader, at, words, first in cases:
        for page in ("", "/studies", f"/studies/{CT_STUDY}", f"/studies/{CT_STUDY}/series/1.2"):
            answer = reader.get(f"{HERE}{page}?at={at.isoformat()[:19]}Z")
            assert answer.status_code == 404, page
            assert words in reader.words
            assert f"that you can look at is Sunday 1 March, {first:%H:%M}." in reader.words
            assert "Nothing was changed" not in reader.words
        links = re.findall(r'class="button[^"]*" href="([^"]*)"', reader.page)
        assert links == [f"{HERE}?at={quote(exact_text(first))}", HERE]
        for address in links:
            assert reader.get(address).status_code == 200, address
    dave.cookies["lang"] = "es"
    dave.get(f"{HERE}?at={before.isoformat()[:19]}Z")
    assert "el primer momento que puede ver es el domingo 1 de marzo, 12:00." in dave.words


def test_a_moment_of_an_album_of_others_is_as_that_of_none(world: World) -> None:
    """Before it was opened or after, for those who never were members and those who are none any more."""
    world.act(ALICE, add_member, DAVE)
    world.act(ALICE, remove_member, DAVE)
    browser = signed_in(world, DAVE)
    answers = [
        browser.get(f"/ui/albums/{album}{page}{query}")
        for album in (ALBUM, NOWHERE, "x")
        for page in ("", "/studies")
        for query in ("", "?at=2026-02-01T00:00:00Z", "?version=1", "?at=nonsense")
    ]
    [content] = {one.content for one in answers}
    assert b"This is not here for you" in content
    assert {one.status_code for one in answers} == {404}
    assert len({tuple(sorted(one.headers.items())) for one in answers}) == 1


def test_the_stops_are_of_what_the_reader_sees(world: World) -> None:
    """Neither of private comments of others, nor of the time before they were a member, or while they were none."""

    def number(sub: str) -> int:
        browser = signed_in(world, sub)
        browser.get(HERE)
        return len(_stops(browser))

    before = number(BOB), number(ALICE)
    world.act(ALICE, post_comment, "Psst", CAROL)
    assert (number(BOB), number(ALICE)) == (before[0], before[1] + 1)
    world.act(ALICE, remove_member, BOB)
    world.act(ALICE, post_comment, "Without Bob")
    world.act(ALICE, add_member, BOB)
    assert number(BOB) == before[0] + 1
    world.act(ALICE, add_member, DAVE)
    assert number(DAVE) == 2
    browser = signed_in(world, DAVE)
    browser.get(HERE)
    assert "You joined Sunday 1 March" in browser.words


def test_the_past_has_no_picture_of_what_was_removed_since(world: World) -> None:
    """It says what was added; the pictures are of what the album has at present."""
    world.act(ALICE, import_study, "1.7", ["1.7.1", "1.7.2"])
    then = world.clock.now
    world.act(ALICE, remove_series, "1.7", "1.7.1")
    browser = signed_in(world, ALICE)
    browser.get(f"{HERE}?at={then.isoformat()[:19]}Z")
    pictures = re.findall(r'<img src="[^"]*/series/([\d.]+)/thumbnail', browser.page)
    assert "1.7.2" in pictures
    assert "1.7.1" not in pictures


def test_what_changed_since_then_is_in_four_groups(world: World) -> None:
    """Net changes only; what came and went is one line, and a line leads to its entry."""
    world.act(ALICE, import_study, "1.7", ["1.7.1", "1.7.2"])
    then = world.clock.now
    name = world.state().name
    world.act(ALICE, edit_album, "Renamed", flags={"add_user": True})
    world.act(ALICE, remove_member, CAROL)
    world.act(ALICE, add_admin, BOB)
    world.act(ALICE, add_member, DAVE)
    world.act(ALICE, remove_member, DAVE)
    world.act(ALICE, import_study, "1.9", ["1.9.1", "1.9.2"])
    world.act(ALICE, import_study, "1.8", ["1.8.1"])
    world.act(ALICE, remove_study, "1.8")
    world.act(ALICE, remove_series, "1.7", "1.7.1")
    world.act(
        ALICE, create_report_provider, "Reader0000000000000001", "Second", "https://r.example"
    )
    world.act(ALICE, post_comment, "One")
    world.act(BOB, post_comment, "Two", ALICE)
    browser = signed_in(world, ALICE)
    browser.get(f"{HERE}?at={then.isoformat()[:19]}Z&changes=1")
    words = browser.words.split("What changed between")[1].split("Timeline up to")[0]
    assert "12 entries" in words
    for line in (
        "Removed: Carol entry",
        "Added: Bob is an admin entry",
        "Came and went: Dave came and went entry",
        "Added: a study without a name, 2 series entry",
        "Came and went: a study without a name came and went entry",
        "Removed: 1 series of a study without a name entry",
        f"Removed: the name “{name}” entry Added: the name “Renamed” entry",
        "Added: members may add members entry",
        "Added: the report provider Second",
        "Added: 2 comments entry",
    ):
        assert line in words, (line, words)
    [entry] = re.findall(r"#(entry-\d+)", browser.page.split("Carol")[1].split("</li>")[0])
    browser.get(HERE)
    assert f'id="{entry}"' in browser.page
    browser.get(f"{HERE}?at={world.clock.now.isoformat()[:19]}Z&changes=1")
    assert "Nothing changed." in browser.words
    assert "Hide what changed" in browser.words
    world.act(ALICE, post_comment, "Three", BOB)
    other = signed_in(world, DAVE)
    world.act(ALICE, add_member, DAVE)
    then = world.clock.now
    world.act(ALICE, post_comment, "Four", BOB)
    world.act(ALICE, post_comment, "Five")
    for reader, comments in ((browser, "2 comments"), (other, "1 comment entry")):
        reader.get(f"{HERE}?at={then.isoformat()[:19]}Z&changes=1")
        assert comments in reader.words


def test_a_long_history_has_a_bounded_number_of_stops(world: World) -> None:
    """Each is a change; the first one is the first change, and none is missing where there is room for all."""
    for number in range(40):
        world.act(ALICE, post_comment, f"comment {number}")
    albums, reader = world.service.albums, world.user(ALICE)
    whole = stops_of(albums, ALBUM, reader, 1000)
    assert whole.step == 1
    for most in (5, 7, 20, len(whole.stops)):
        some = stops_of(albums, ALBUM, reader, most)
        assert len(some.stops) <= most
        assert set(some.stops) <= set(whole.stops)
        assert some.stops[0] == whole.stops[0]
        assert (some.step == 1) is (most == len(whole.stops))


@pytest.mark.parametrize(
    "page", ["", "/studies", "/studies/{study}", "/studies/{study}/series/{series}"]
)
def test_a_moment_is_looked_up_once(
    world: World, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a page shows, and what it says that it shows, are of the same moment."""
    store_pictures(world)
    at = exact_text(world.clock.now)
    world.clock.tick(3600)
    browser = signed_in(world, BOB)
    looked_up: list[object] = []
    moment = Albumcore.moment

    def counted(self: Albumcore, *args: Any) -> Any:
        looked_up.append(args)
        return moment(self, *args)

    monkeypatch.setattr(Albumcore, "moment", counted)
    path = page.format(study=CT_STUDY, series=CT_SERIES)
    assert browser.get(f"/ui/albums/{ALBUM}{path}?at={quote(at)}").status_code == 200
    assert "You are looking at the past" in browser.words
    assert len(looked_up) == 1


def test_a_path_is_led_to_as_it_came(world: World) -> None:
    """Encoded, so that it adds no line to the header."""
    browser = signed_in(world, ALICE)
    answer = browser.ask("GET", "/ui/albums/a%0Ab%C3%A9?at=2026-01-01T00:00")
    assert answer.headers["location"].startswith("/ui/albums/a%0Ab%C3%A9?at=2026-01-01T00%3A00")
