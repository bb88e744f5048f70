"""What was erased or withdrawn, on the pages of now and of then: neither the text, nor a word of the program."""

from __future__ import annotations

import pytest

from albumcore import album_stream, create_report_provider, post_comment
from albumcore.ids import ReportProviderId
from albumcore.kernel import ERASED_TEXT
from albumcore.streams import study_stream
from albumcore_adapters.erasure.erasing import Eraser
from albumcore_adapters.erasure.subjects import erase_album, erase_comment
from support.browser import Browser, signed_in
from support.kheops import ALBUM, ALICE, BOB, World
from support.pictured import CT_STUDY, store_pictures

HERE = f"/ui/albums/{ALBUM}"
SAID = "Said and regretted"
PROVIDER = ReportProviderId("Reader0000000000000001")


@pytest.fixture
def eraser(world: World) -> Eraser:
    """What erases in the world."""
    service = world.service
    return Eraser(service.albums, service.database, world.clock, {}, None)


def shown(browser: Browser, path: str) -> str:
    """The words of a page, none of which was said; nor is a value of the program among them."""
    assert browser.get(path).status_code == 200, browser.words
    assert SAID not in browser.page
    assert "Erased" not in browser.page
    assert "Withdrawn" not in browser.page
    return browser.words


def moment(world: World) -> str:
    """The present, as it is asked for later."""
    at = world.clock.now
    world.clock.tick(60)
    return f"?at={at.isoformat()[:19]}Z"


def test_a_comment_that_was_erased_or_withdrawn_has_no_text(world: World, eraser: Eraser) -> None:
    """Neither now nor as of the moment at which it was there; it stays an entry."""
    for _ in range(2):
        world.act(ALICE, post_comment, SAID)
    then, version = moment(world), len(world.events(ALICE, **{"with": "version"}))
    browser = signed_in(world, BOB)
    browser.get(HERE)
    assert browser.words.count(SAID) == 2
    erase_comment(eraser, album_stream(ALBUM).name, version)
    assert ERASED_TEXT in browser.get(HERE).text
    answer = world.request(ALICE, "POST", f"/albums/{ALBUM}/events/{version - 1}/undo")
    assert answer.status_code == 204, answer.text
    for path in (HERE, f"{HERE}?show=comments"):
        assert shown(browser, path).count(ERASED_TEXT) == 1
    browser.get(f"{HERE}{then}")
    assert browser.words.count(SAID) == 1  # that was withdrawn later
    assert ERASED_TEXT in browser.words


def test_a_comment_on_a_study_that_was_erased_has_no_text(world: World, eraser: Eraser) -> None:
    """On the page of the study, now and then."""
    store_pictures(world)
    comments = f"/studies/{CT_STUDY}/comments"
    world.request(ALICE, "POST", comments, form={"comment": SAID})
    then, path = moment(world), f"{HERE}/studies/{CT_STUDY}"
    browser = signed_in(world, BOB)
    browser.get(path)
    assert SAID in browser.words
    erase_comment(eraser, study_stream(CT_STUDY).name, 1)
    for at in ("", then):
        assert ERASED_TEXT in shown(browser, path + at)


def test_an_album_that_was_erased_has_no_name(world: World, eraser: Eraser) -> None:
    """Nor its description, its report providers, or what they were called."""
    store_pictures(world)
    before = moment(world)
    about = (PROVIDER, SAID, "https://reader.example/metadata")
    world.request(ALICE, "PATCH", f"/albums/{ALBUM}", form={"name": SAID, "description": SAID})
    world.act(ALICE, create_report_provider, *about)
    then, browser = moment(world), signed_in(world, ALICE)
    browser.get(HERE + then)
    assert SAID in browser.words
    erase_album(eraser, ALBUM)
    world.clock.tick(60)
    for path in ("", "/studies", "/settings", "/report-providers", f"/studies/{CT_STUDY}"):
        assert ERASED_TEXT in shown(browser, HERE + path)
    for path in ("", "/studies", f"/studies/{CT_STUDY}"):
        assert ERASED_TEXT in shown(browser, f"{HERE}{path}{then}")
    assert f"the report provider {ERASED_TEXT}" in shown(browser, f"{HERE}{before}&changes=1")
    assert ERASED_TEXT in shown(browser, "/ui/albums")
