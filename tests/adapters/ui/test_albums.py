"""The list of albums, and an album with its timeline."""

from __future__ import annotations

import re
from html import escape, unescape

import pytest

from albumcore import (
    edit_album,
    import_series,
    leave_album,
    post_comment,
    remove_member,
)
from albumcore.feed import FEED, MUTATIONS
from albumcore_adapters.http.ui.page_request import moment_text
from albumcore_adapters.http.ui.sentences import REPEATED
from albumcore_adapters.http.ui.texts import LANGUAGES, texts_in
from albumcore_adapters.http.ui.timeline import ENTRIES
from support.browser import Browser, signed_in
from support.kheops import ALBUM, ALICE, BOB, CAROL, DAVE, STUDY, World

HERE = f"/ui/albums/{ALBUM}"


def with_new_album(world: World) -> tuple[Browser, str]:
    """A browser of Dave's, who has opened an album of his own, and its path."""
    browser = signed_in(world, DAVE)
    browser.get("/ui/new-album")
    browser.post("/ui/albums", name="Second opinions")
    browser.get("/ui/albums")
    here = re.findall(r'href="(/ui/albums/[^"/]+)"', browser.page)[0]
    return browser, here


def test_an_empty_list_says_what_an_album_is_for(world: World) -> None:
    """And a new album is shown at once."""
    browser = signed_in(world, DAVE)
    browser.get("/ui")
    assert "No album yet" in browser.words
    browser.get("/ui/new-album")
    browser.post("/ui/albums", name="Second opinions", description="For Thursday")
    assert "Second opinions" in browser.words
    assert "You opened this album" in browser.words


def test_a_new_album_says_how_it_begins(world: World) -> None:
    """Until there is a comment, a study or another member; not of the past."""
    browser, here = with_new_album(world)
    then = moment_text(world.clock.now)
    world.clock.tick(60)
    alone = "Nothing in here but you"
    browser.get(here)
    assert f'href="{here}/upload">Add studies</a>' in browser.page
    assert 'href="#new-member">Invite someone</a>' in browser.page
    assert browser.page.count('class="button primary"') == 1
    for path, is_said in (("", True), ("?show=comments", False), (f"?at={then}", False)):
        browser.get(f"{here}{path}")
        assert (alone in browser.words) is is_said
    browser.post(f"{here}/comments", comment="First!")
    assert alone not in browser.words


def test_a_filter_without_entries_leads_to_all_of_them(world: World) -> None:
    """With a mark and a button, as every place without anything."""
    browser, here = with_new_album(world)
    browser.get(f"{here}?show=comments")
    assert re.search(
        f'class="card empty"><svg[^>]*>.*No entry of this kind.*"button" href="{here}">Show all entries',
        browser.page,
        re.DOTALL,
    )


def test_a_refused_album_is_shown_again_with_the_reason(world: World) -> None:
    """And with what was written."""
    browser = signed_in(world, DAVE)
    browser.get("/ui/new-album")
    for form, field in (({"name": " "}, "name"), ({"description": "x" * 2049}, "description")):
        given = {"name": "Second <opinions>", "description": "For Thursday", **form}
        assert browser.post("/ui/albums", **given).status_code == 400
        assert f'aria-invalid="true" aria-describedby="{field}-about"' in browser.page
        assert "Not created" in browser.words
        assert (
            f'name="name" required maxlength="255" value="{escape(given["name"])}"' in browser.page
        )
        assert f">{given['description']}</textarea>" in browser.page
    browser.get("/ui/albums")
    assert "No album yet" in browser.words


def test_the_list_is_searched_and_filtered(world: World) -> None:
    """By every word of name or description; an album that matches nothing is not shown."""
    browser = signed_in(world, BOB)
    for query, is_shown in (
        ("", True),
        ("?q=TRIAL+about", True),
        ("?q=trial+nothing", False),
        ("?show=admin", False),
        ("?show=favorites", False),
        ("?show=nonsense", True),
    ):
        browser.get(f"/ui/albums{query}")
        assert (f'href="{HERE}"' in browser.page) is is_shown, query
    browser.get("/ui/albums")
    browser.post(f"{HERE}/favorite", favorite="true")
    browser.get("/ui/albums?show=favorites")
    assert f'href="{HERE}"' in browser.page
    browser.post(f"{HERE}/favorite", favorite="false")
    browser.get("/ui/albums?show=favorites")
    assert "No album matches." in browser.words


def test_what_is_new_is_marked_until_it_was_looked_at(world: World) -> None:
    """What one does oneself is not new."""
    browser = signed_in(world, BOB)
    browser.get(HERE)
    assert 'class="entry fresh"' in browser.page
    browser.get(HERE)
    assert "fresh" not in browser.page
    world.act(BOB, post_comment, "Mine")
    browser.get("/ui/albums")
    assert "new" not in browser.words.split("Trial")[1].lower().split()
    world.act(ALICE, post_comment, "Look")
    browser.get("/ui/albums?show=new")
    assert "1 new" in browser.words
    browser.get(f"{HERE}?show=comments")
    browser.get(HERE)
    assert browser.page.count('class="entry fresh"') == 1


def test_the_list_counts_what_the_page_marks(world: World) -> None:
    """However much one has done oneself since; more than the page shows is not counted."""
    for number in range(20):
        world.act(ALICE, edit_album, f"Trial {number}")
    bob, carol = signed_in(world, BOB), signed_in(world, CAROL)
    bob.get(HERE)
    world.act(ALICE, post_comment, "For Bob alone", target=BOB)
    world.act(CAROL, post_comment, "Look")
    for number in range(20):
        world.act(BOB, post_comment, f"mine {number}")
    for browser, words in ((bob, "2 new"), (carol, f"{ENTRIES} new")):
        for number in range(ENTRIES * (browser is carol)):
            world.act(ALICE, post_comment, f"more {number}")
        browser.get("/ui/albums?show=new")
        assert words in browser.words
        browser.get(HERE)
        marked = re.findall(r'class="entry[^"]* fresh" id=', browser.page)
        assert len(marked) == int(words.split()[0])


def test_a_comment_is_posted_and_shown_in_place(world: World) -> None:
    """A private one to its reader alone."""
    browser = signed_in(world, ALICE)
    browser.get(HERE)
    browser.post(f"{HERE}/comments", comment="For all\nof you", to_user="")
    browser.post(f"{HERE}/comments", comment="For Bob", to_user=BOB)
    assert "You to Bob Private: only you and Bob" in browser.words
    assert "For all of you" in browser.words
    for sub, is_shown in ((BOB, True), (CAROL, False)):
        other = signed_in(world, sub)
        other.get(HERE)
        assert ("For Bob" in other.words) is is_shown
        assert "Alice to everyone" in other.words


def test_a_comment_that_is_refused_changes_nothing(world: World) -> None:
    """A field is named; whoever may not write has no form, and is refused."""
    browser = signed_in(world, ALICE)
    browser.get(HERE)
    assert browser.post(f"{HERE}/comments", comment="").status_code == 400
    assert "Comment: it has 1 to 1024 characters" in browser.words
    world.request(ALICE, "PATCH", f"/albums/{ALBUM}", form={"writeComments": "false"})
    plain = signed_in(world, BOB)
    plain.get(HERE)
    assert "composer" not in plain.page
    assert plain.post(f"{HERE}/comments", comment="x").status_code == 403


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_older_entries_are_marked_as_new_too(world: World, headers: dict[str, str]) -> None:
    """Those after the one up to which the reader had looked; the page before them is looked at by then."""
    world.act(ALICE, post_comment, "seen")
    browser = signed_in(world, BOB)
    browser.get(HERE)
    for number in range(2 * ENTRIES + 10):
        world.act(ALICE, post_comment, f"comment {number}")
    pages = [browser.get(HERE).text]
    while found := re.search(r'id="older"><a class="button" href="([^"]*)"', pages[-1]):
        pages.append(browser.ask("GET", unescape(found[1]), headers=headers).text)
    numbers = [page.count('<span class="tag accent">New</span>') for page in pages]
    assert numbers == [ENTRIES, ENTRIES, 10]
    assert "fresh" not in browser.get(HERE).text
    assert "looked" not in browser.page


def test_runs_are_folded_and_older_entries_follow(world: World) -> None:
    """Fifty entries on a page; htmx gets the rest without the page around it."""
    for number in range(ENTRIES):
        world.act(ALICE, post_comment, f"comment {number}")
    for number in range(5):
        world.act(ALICE, import_series, STUDY, f"1.2.3.{number + 10}")
    browser = signed_in(world, BOB)
    browser.get(HERE)
    assert "Alice added 5 series of" in browser.words
    assert "comment 49" in browser.words
    assert "comment 3" not in browser.words.split()
    [older] = re.findall(r'hx-get="([^"]*)" hx-target="#older"', browser.page)
    fragment = browser.ask("GET", unescape(older), headers={"HX-Request": "true"})
    assert "<html" not in fragment.text
    assert "comment 0" in fragment.text
    assert 'id="older"' not in fragment.text
    assert browser.get(unescape(older)).text.count("<html") == 1
    assert "data-cursor" not in browser.page
    assert "comment 0" in browser.words
    assert browser.get(f"{HERE}?before=x").status_code == 400
    browser.get(f"{HERE}?show=members")
    assert "comment 49" not in browser.words
    assert "Alice added you" in browser.words


def test_older_entries_go_on_where_the_page_ends(world: World) -> None:
    """Whatever came meanwhile: none is there twice, none is left out, and a day has one heading."""
    for number in range(2 * ENTRIES):
        world.act(ALICE, post_comment, f"comment {number}")
        if number == ENTRIES // 2:
            world.clock.tick(86_400)
    browser = signed_in(world, BOB)
    shown = browser.get(HERE).text
    for number in range(3):
        world.act(ALICE, post_comment, f"meanwhile {number}")
    while older := re.findall(r'hx-get="([^"]*before=[^"]*)"', shown):
        part = browser.ask("GET", unescape(older[0]), headers={"HX-Request": "true"})
        shown = shown.replace(older[0], "") + part.text
    entries = [int(one) for one in re.findall(r'id="entry-(\d+)"', shown)]
    assert entries == sorted({*entries}, reverse=True)
    assert len(re.findall(r"comment \d", shown)) == 2 * ENTRIES
    days = re.findall(r'data-day="([^"]*)"', shown)
    assert days == sorted({*days}, reverse=True)
    assert len(days) == 2


def test_a_run_is_a_sentence_of_its_own(world: World) -> None:
    """With its token and its report provider; what is new in it is marked on it, and comments are never folded."""
    for number in range(4):
        world.act(ALICE, post_comment, f"comment {number}")
        world.act(ALICE, edit_album, f"Name {number}")
    for number in range(5):
        world.act(ALICE, edit_album, f"Other {number}")
    world.act(BOB, leave_album)
    token = world.album_token("Scanner001", write=True)
    for number in range(4):
        world.act(ALICE, import_series, STUDY, f"1.2.3.{number + 10}", capability_token=token)
    browser = signed_in(world, CAROL)
    browser.get(HERE)
    [added, edited] = re.findall(
        r'<li class="entry run fresh">.*?<summary>(.*?)</summary>', browser.page, re.DOTALL
    )
    for sentence, words in (
        (added, "Alice added 4 series of"),
        (edited, "Alice changed the album's name, description or settings 6 times New"),
    ):
        assert words in " ".join(re.sub("<[^>]*>", "", unescape(sentence)).split())
    assert "with the token" in added
    assert browser.words.count("Alice to everyone") == 4
    browser.get(HERE)
    assert browser.page.count('<li class="entry run">') == 2


def test_edits_and_former_members_are_named(world: World) -> None:
    """What was changed is from the event; who is gone has a tag."""
    world.act(ALICE, edit_album, "New", "Newer", {"add_user": True})
    world.act(ALICE, edit_album, description="Newest")
    world.act(ALICE, remove_member, BOB)
    world.act(CAROL, leave_album)
    browser = signed_in(world, ALICE)
    browser.get(HERE)
    assert "You changed the album's name, description and rights of members" in browser.words
    assert "You changed the album's description" in browser.words
    assert "You removed Bob no longer here" in browser.words
    assert "Carol no longer here left" in browser.words


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_mutation_has_its_sentences(language: str) -> None:
    """One for who acted, one for all others, and one for who was acted upon."""
    texts = texts_in(language).texts
    targets = {row.mutation for row in FEED.values() if row is not None and row.target}
    for mutation in MUTATIONS:
        for form in ("you", "they", *(["to_you"] if mutation in targets else [])):
            assert f"timeline.{mutation.lower()}.{form}" in texts
    for form in ("you", "they"):
        for mutation in ("import_study", "remove_study"):
            assert f"timeline.{mutation}_unnamed.{form}" in texts
        for mutation in REPEATED:
            assert "{n}" in texts[f"timeline.run.{mutation.lower()}.{form}"]


def test_settings_are_of_the_browser(world: World) -> None:
    """Language and keys; another language changes nothing."""
    browser = Browser(world.client)
    browser.get("/ui/settings")
    browser.post("/ui/settings", language="es")
    assert 'data-keys="off"' in browser.page
    assert '<html lang="es">' in browser.page
    browser.post("/ui/settings", language="xx", keys="true")
    assert 'data-keys="on"' in browser.page
    assert '<html lang="es">' in browser.page
    browser.get("/ui/keyboard")
    assert "Teclado" in browser.words


def test_times_are_those_of_the_time_zone_of_the_reader(world: World) -> None:
    """UTC for a zone that there is none of."""
    browser = signed_in(world, ALICE)
    for zone, shown, clock in (
        ("Europe/Zurich", "Europe/Zurich (UTC+1)", "13:00"),
        ("America/St_Johns", "America/St_Johns (UTC-3:30)", "08:30"),
        ("Nowhere/Else", "UTC (UTC+0)", "12:00"),
        ("America", "UTC (UTC+0)", "12:00"),
        ("leapseconds", "UTC (UTC+0)", "12:00"),
        ("../../etc/passwd", "UTC (UTC+0)", "12:00"),
    ):
        browser.cookies["tz"] = zone
        browser.get(HERE)
        assert f"Times are {shown}" in browser.words
        assert f">{clock}</time>" in browser.page
