"""What pages call a study: its description, else its date and modalities, for those who may read a description."""

from __future__ import annotations

from typing import Any, cast

import pytest

from albumcore import add_favorite, import_series, import_study, remove_study
from support.browser import Browser, signed_in
from support.kheops import ALBUM, ALICE, BOB, CT, MR, SR, STUDY, World

HERE = f"/ui/albums/{ALBUM}"
NAMED = "a study of 17 March (CT)"


def added(world: World, **known: Any) -> None:
    """A study comes into the album, with what is known of it."""
    modality = known.pop("modality", "CT")
    world.store({CT: modality}, owner=ALICE, **known)
    world.act(ALICE, import_study, STUDY, [CT])


def timeline(browser: Browser, query: str = "") -> str:
    """The words of the timeline of the shown album."""
    assert browser.get(f"{HERE}{query}").status_code == 200
    part = browser.page.split('id="feed"')[1].split("<aside")[0]
    return Browser(browser.client, page=part).words


@pytest.mark.parametrize(
    ("known", "sentence", "title"),
    [
        ({"description": "Knee", "date": "20260317"}, "the study Knee (1 series)", "Knee"),
        ({"date": "20260317"}, f"{NAMED}, 1 series", "A study of 17 March (CT)"),
        (
            {"date": "20251231"},
            "a study of 31 December 2025 (CT), 1 series",
            "A study of 31 December 2025 (CT)",
        ),
        (
            {"date": "20260317", "modality": None},
            "a study of 17 March, 1 series",
            "A study of 17 March",
        ),
        ({}, "a study (CT), 1 series", "A study (CT)"),
        ({"date": "yesterday"}, "a study (CT), 1 series", "A study (CT)"),
        ({"modality": None}, "a study without a name, 1 series", "A study without a name"),
    ],
)
def test_a_study_is_called_by_what_is_known_of_it(
    known: dict[str, Any], sentence: str, title: str, world: World
) -> None:
    """By its description if it has one; the timeline never has its UID."""
    added(world, **known)
    browser = signed_in(world, BOB)
    assert f"Alice added {sentence}" in timeline(browser)
    assert STUDY not in browser.words
    for path in ("/studies", f"/studies/{STUDY}", f"/studies/{STUDY}/series/{CT}"):
        browser.get(HERE + path)
        assert title in browser.words, path
    browser.get(f"{HERE}/studies/{STUDY}")
    assert f"<h1>{title}</h1>" in browser.page
    assert f"In this album Alice added {sentence}" in browser.words
    inbox = signed_in(world, ALICE)
    inbox.get("/ui/inbox?show=all")
    assert title in inbox.words


def test_a_study_is_called_in_the_language_of_the_reader(world: World) -> None:
    """In whole sentences."""
    added(world, date="20260317")
    world.act(ALICE, add_favorite, STUDY, CT)
    browser = signed_in(world, BOB)
    browser.cookies["lang"] = "es"
    browser.get(HERE)
    assert "Alice añadió un estudio del 17 de marzo (CT), 1 serie" in browser.words
    assert "Alice marcó un estudio del 17 de marzo (CT) como favorito" in browser.words
    browser.get(f"{HERE}/studies")
    assert "Un estudio del 17 de marzo (CT)" in browser.words


def test_a_claim_alone_shows_neither_date_nor_modality(world: World) -> None:
    """Of a series without images, and of one whose images others bring; on no page. Images of the album show them."""
    then = world.clock.now
    for series in (CT, MR):
        path = f"/studies/{STUDY}/series/{series}/albums/{ALBUM}"
        assert world.request(BOB, "PUT", path).status_code == 201
    world.store({CT: "CT", SR: "SR"}, owner=ALICE, date="20260317")
    browser = signed_in(world, BOB)
    for path in (
        *("", "/studies", f"/studies/{STUDY}", f"/studies/{STUDY}/remove"),
        f"?at={then.isoformat()[:19]}Z&changes=1",
        f"?at={world.clock.now.isoformat()[:19]}Z",
    ):
        browser.get(HERE + path)
        for known in ("17 March", "(CT)", "SR"):
            assert known not in browser.words, path
    words = timeline(browser)
    assert words.count("You added a series, without a name, of a study without a name") == 2
    world.act(ALICE, import_series, STUDY, SR)
    words = timeline(browser)
    assert "Alice added a series, without a name, of a study of 17 March (SR)" in words
    assert words.count("of a study without a name") == 2
    browser.get(f"{HERE}?at={then.isoformat()[:19]}Z&changes=1")
    assert "Added: a study of 17 March (SR), 3 series" in browser.words


def test_a_study_that_was_removed_is_called_as_before(world: World) -> None:
    """By the series that the entries are about; in the changes as well."""
    then = world.clock.now
    added(world, date="20260317")
    world.act(ALICE, remove_study, STUDY)
    browser = signed_in(world, BOB)
    words = timeline(browser)
    assert f"Alice removed {NAMED}" in words
    assert f"Alice added {NAMED}, 1 series" in words
    browser.get(f"{HERE}?at={then.isoformat()[:19]}Z&changes=1")
    assert f"Came and went: {NAMED} came and went" in browser.words


def test_a_study_is_called_by_the_series_that_the_album_had_then(world: World) -> None:
    """Every entry of a page calls it the same."""
    added(world, date="20260317")
    then = world.clock.now
    world.store({MR: "MR"}, owner=ALICE)
    world.act(ALICE, import_series, STUDY, MR)
    browser = signed_in(world, BOB)
    words = timeline(browser)
    assert "Alice added a series, without a name, of a study of 17 March (CT, MR)" in words
    assert "Alice added a study of 17 March (CT, MR), 1 series" in words
    words = timeline(browser, f"?at={then.isoformat()[:19]}Z")
    assert f"Alice added {NAMED}, 1 series" in words
    assert "MR" not in words
    browser.get(f"{HERE}?at={then.isoformat()[:19]}Z&changes=1")
    assert "Added: 1 series of a study of 17 March (CT, MR)" in browser.words


@pytest.mark.on_sqlite
def test_what_a_page_names_is_read_once(world: World) -> None:
    """However many studies there are."""
    with world.service.database.transaction(commit=False) as cursor:
        connection = cast(Any, cursor).connection
    browser = signed_in(world, BOB)
    asked = []
    for number in range(1, 9):
        study, series = f"1.7.{number}", f"1.7.{number}.1"
        world.store({series: "CT"}, study, owner=ALICE, date=f"2026031{number}")
        world.act(ALICE, import_study, study, [series])
        statements: list[str] = []
        connection.set_trace_callback(statements.append)
        browser.get(HERE)
        connection.set_trace_callback(None)
        assert f"a study of 1{number} March (CT)" in browser.words
        asked.append(len(statements))
    assert asked[0] > 10
    assert asked[1:] == asked[:1] * 7
