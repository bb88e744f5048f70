"""What comes by itself: to a timeline, to a gallery, and into the count of a page of the past."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, Route, expect

import albumcore_adapters.server
from albumcore import Source, album_stream, edit_album, post_comment, remove_member, utc_now
from albumcore.ids import AlbumId
from albumcore_adapters.server.demo import ADA, BEN
from support.chromium import Chromium, Window, scroll_down
from support.server import opened, user_of

ALBUM = "/ui/albums/{album}"
PATIENT = "/ui/patients/1"
FOLLOWED = "**/events?after=*"
SOONER = 20_000  # milliseconds: a request that found nothing would be answered later


def follow(window: Window, path: str) -> Page:
    """Open a page, and wait until it asks for what comes."""
    with window.page.expect_request(FOLLOWED):
        return window.open(path)


def comment(page: Page, text: str) -> None:
    """Send a comment, and wait until it is shown."""
    page.locator("#comment").fill(text)
    page.locator(".composer button.primary").click()
    expect(page.locator("#feed blockquote").first).to_have_text(text)


def act(demo: Chromium, data: Path, decision: Callable[..., Any], texts: list[str]) -> None:
    """Let Ada decide something for each of some texts, without a browser."""
    stream = album_stream(AlbumId(demo.places["album"]))
    with opened(data) as service:
        ada = Source(user_of(service, ADA))
        for text in texts:
            service.albums.handle(stream, decision, ada, text)


def entries_of(page: Page) -> list[int]:
    """The versions of the entries that are shown, from the top."""
    ids = page.evaluate("[...document.querySelectorAll('li.entry[id]')].map((one) => one.id)")
    return [int(one.removeprefix("entry-")) for one in ids]


def show_all(page: Page) -> list[int]:
    """Scroll until the oldest entry is there. The versions of all entries, which a short page asks for by itself."""
    while (shown := entries_of(page))[-1] > 1:
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        expect(page.locator("li.entry[id]")).not_to_have_count(len(shown))
    return shown


def add_picture(page: Page) -> None:
    """Add a picture to a gallery, and wait until it is shown."""
    pictures = page.locator(".gallery figure")
    number = pictures.count()
    photo = files(albumcore_adapters.server).joinpath("demo_images", "headshot.jpg").read_bytes()
    page.set_input_files("#picture", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": photo})
    with page.expect_navigation():
        page.locator("#add button.primary").click()
    expect(pictures).to_have_count(number + 1)


def number_in(page: Page) -> int:
    """How many entries the band says have come since."""
    return int(str(page.locator(".past-band .since").text_content()).split()[0])


def test_a_comment_appears_in_another_window(demo: Chromium) -> None:
    """Within a second, without a reload; a reader who is further down, or writes, is asked first."""
    with demo.window() as hers, demo.window() as other:
        writer, reader = hers.open(ALBUM), other.page
        follow(other, ALBUM)
        first = reader.locator("#feed blockquote").first
        comment(writer, "Look at this")
        expect(first).to_have_text("Look at this")
        assert len([one for one in other.asked if one.endswith("/ui.css")]) == 1
        assert other.said == []

        reader.locator("#comment").fill("I am writing")
        comment(writer, "And at this")
        pill = reader.locator("#live button")
        expect(pill).to_have_text("Show 1 new entry")
        expect(first).to_have_text("Look at this")
        pill.click()
        expect(first).to_have_text("And at this")
        expect(pill).to_have_count(0)
        expect(reader.locator("#comment")).to_have_value("I am writing")


def test_a_lost_connection_is_said(demo: Chromium) -> None:
    """After the second failure; what came in between is there when the connection is."""
    with demo.window() as window:
        window.context.route(FOLLOWED, lambda route: route.abort())
        page = window.open(ALBUM)
        expect(page.locator("#live")).to_contain_text("Not live since")
        window.context.unroute(FOLLOWED)
        with demo.window() as other:
            comment(other.open(ALBUM), "Meanwhile")
        expect(page.locator("#feed blockquote").first).to_have_text("Meanwhile")
        expect(page.locator("#live")).to_be_empty()


def test_the_band_of_the_past_counts_what_comes(demo: Chromium) -> None:
    """It alone changes: nothing moves, and neither the timeline nor the sentence of the band is another."""
    with demo.window() as hers, demo.window() as other:
        writer = hers.open(ALBUM)
        # As of the newest entry: nothing has come since, and the count that appears finds its room.
        stop = writer.locator("#stops option").nth(-2)
        newest = str(stop.get_attribute("data-at"))
        page = follow(other, f"{ALBUM}?at={newest}")
        since, timeline = page.locator(".past-band .since"), page.locator("#past-then")
        expect(since).to_be_empty()
        shown, places = timeline.inner_html(), [timeline.bounding_box()]
        sentence = page.locator(".past-band [role=status]").first
        sentence.evaluate("(one) => { one.dataset.same = '' }")
        comment(writer, "After then")
        expect(since).to_have_text("1 entry since then.")
        comment(writer, "And after that")
        expect(since).to_have_text("2 entries since then.")
        assert since.get_attribute("role") == "status"
        assert sentence.get_attribute("data-same") == ""
        assert timeline.inner_html() == shown
        assert [timeline.bounding_box()] == places
        assert other.said == []


def test_the_count_goes_on_where_the_slider_leads(demo: Chromium) -> None:
    """From the number of the new band: what had come before is in it once; back in the present, entries come again."""
    with demo.window() as hers, demo.window() as other:
        writer = hers.open(ALBUM)
        page = follow(other, f"{ALBUM}?at={{then}}")
        before = number_in(page)
        comment(writer, "Counted")
        since = page.locator(".past-band .since")
        expect(since).to_have_text(f"{before + 1} entries since then.")
        slider = page.get_by_role("slider")
        for key, later in (("ArrowLeft", before + 2), ("ArrowRight", before + 1)):
            with page.expect_request(FOLLOWED, timeout=SOONER):
                slider.press(key)
            expect(since).to_have_text(f"{later} entries since then.")
        comment(writer, "Counted as well")
        expect(since).to_have_text(f"{before + 2} entries since then.")
        with page.expect_request(FOLLOWED, timeout=SOONER):
            slider.press("End")
        expect(page.locator("#feed blockquote").first).to_have_text("Counted as well")
        comment(writer, "Shown")
        expect(page.locator("#feed blockquote").first).to_have_text("Shown")


def test_a_picture_appears_in_another_window(demo: Chromium) -> None:
    """At the top of the gallery by itself, with its count; a reader who is further down is asked first."""
    with demo.window() as hers, demo.window() as other:
        adder = hers.open(PATIENT)
        page = follow(other, PATIENT)
        pictures = page.locator(".gallery figure")
        number = pictures.count()
        pictures.nth(1).locator("a").focus()
        add_picture(adder)
        expect(pictures).to_have_count(number + 1)
        expect(page.locator("#past-head")).to_contain_text(f"{number + 1} images")
        expect(page.locator(".chips [aria-pressed=true] .count")).to_have_text(str(number + 1))
        expect(pictures.nth(2).locator("a")).to_be_focused()
        assert other.said == []

        scroll_down(page)
        adder.locator(".gallery figure a").first.click()
        adder.locator(".danger").click()
        expect(adder.locator(".gone")).to_have_count(1)
        pill = page.locator("#live button")
        expect(pill).to_have_text("Show 1 change")
        expect(page.locator(".gone")).to_have_count(0)
        pill.click()
        expect(page.locator(".gone")).to_have_count(1)
        expect(pill).to_have_count(0)
        # What one brings back oneself is shown at once, and is no news.
        page.locator(".gone button").click()
        expect(pictures).to_have_count(number + 1)
        expect(page.locator("#live")).to_be_empty()


def test_the_past_of_a_patient_is_counted_on(demo: Chromium) -> None:
    """As that of an album."""
    with demo.window() as hers, demo.window() as other:
        adder = hers.open(PATIENT)
        page = follow(other, f"{PATIENT}?at={{lately}}")
        before = page.locator(".past-band .since").get_attribute("data-since")
        pictures = page.locator(".gallery figure").count()
        add_picture(adder)
        expect(page.locator(".past-band .since")).to_have_attribute(
            "data-since", str(int(str(before)) + 1)
        )
        expect(page.locator(".gallery figure")).to_have_count(pictures)


def test_older_entries_come_as_one_scrolls(
    demo: Chromium, colleague: Chromium, demo_data: Path
) -> None:
    """All of them once, whatever comes meanwhile, and each day has one heading."""
    act(demo, demo_data, post_comment, [f"comment {number}" for number in range(120)])
    with demo.window() as hers, colleague.window() as his:
        page, writer = follow(hers, ALBUM), his.open(ALBUM)
        expect(page.locator("#feed blockquote").first).to_have_text("comment 119")
        shown = len(entries_of(page))
        for number in range(3):
            comment(writer, f"meanwhile {number}")
            expect(page.locator("#feed blockquote").first).to_have_text(f"meanwhile {number}")
        assert len(entries_of(page)) == shown + 3
        found = show_all(page)
        assert found == sorted({*found}, reverse=True)
        days = page.locator("#feed h3.day").all_text_contents()
        assert len(days) == len({*days})
        expect(page.locator("#older")).to_have_count(0)
        assert hers.said == []


def test_a_run_that_grows_loses_nothing(demo: Chromium, demo_data: Path) -> None:
    """Though the page that is read again ends within it."""
    act(demo, demo_data, edit_album, [f"Tumour board {number}" for number in range(60)])
    with demo.window() as window:
        page = follow(window, ALBUM)
        shown = show_all(page)
        page.evaluate("scrollTo(0, 0)")
        act(demo, demo_data, edit_album, ["Tumour board"])
        expect(page.locator("h1")).to_have_text("Tumour board")
        found = entries_of(page)
        assert found[1:] == shown
        assert len(page.locator("#feed > ol").first.locator("li.run").all()) == 1


def test_what_comes_all_at_once_leaves_no_hole(demo: Chromium, demo_data: Path) -> None:
    """More than a page of it: what is between it and what was shown comes as one scrolls."""
    with demo.window() as window:
        page = follow(window, ALBUM)
        scroll_down(page)
        newest = entries_of(page)[0]
        act(demo, demo_data, post_comment, [f"one of many, {number}" for number in range(60)])
        pill = page.locator("#live button")
        expect(pill).to_have_text("Show 60 new entries", timeout=SOONER)
        pill.click()
        expect(pill).to_have_count(0)
        page.locator("#older").scroll_into_view_if_needed()
        expect(page.locator(f"#entry-{newest}")).to_be_attached()
        shown = entries_of(page)
        assert shown[: shown.index(newest) + 1] == list(range(newest + 60, newest - 1, -1))


def test_what_cannot_be_read_is_read_again(demo: Chromium, demo_data: Path) -> None:
    """The page of an entry fails once; nothing more has to come for it to be shown."""
    with demo.window() as window:
        page = follow(window, ALBUM)
        refused = []

        def refuse(route: Route) -> None:
            refused.append(route.request.url)
            route.fulfill(status=503, body="busy")

        page.route(page.url, refuse, times=1)
        act(demo, demo_data, post_comment, ["in spite of it"])
        expect(page.locator("#feed blockquote").first).to_have_text(
            "in spite of it", timeout=SOONER
        )
        assert len(refused) == 1


def test_the_pill_counts_what_is_not_shown(demo: Chromium, demo_data: Path) -> None:
    """Not a comment of one's own that is shown; it is there again after a connection was lost."""
    with demo.window() as window:
        held: list[Route] = []
        window.context.route(FOLLOWED, lambda route: held.append(route))
        page = follow(window, ALBUM)
        # A reader who writes further down is not at the newest entries.
        page.evaluate("document.querySelector('main').style.paddingTop = '100vh'")
        comment(page, "my own")
        held.pop().continue_()
        window.context.unroute(FOLLOWED)
        act(demo, demo_data, post_comment, ["of another"])
        pill = page.locator("#live button")
        expect(pill).to_have_text("Show 1 new entry", timeout=SOONER)
        window.context.route(FOLLOWED, lambda route: route.abort())
        act(demo, demo_data, post_comment, ["one more"])
        expect(page.locator("#live")).to_contain_text("Not live since", timeout=SOONER)
        window.context.unroute(FOLLOWED)
        expect(pill).to_have_text("Show 2 new entries", timeout=SOONER)


def test_what_the_filter_hides_is_not_announced(demo: Chromium, demo_data: Path) -> None:
    """The pill counts what the filter shows; the parts beside the timeline are those of the present at its top."""
    with demo.window() as window:
        page = follow(window, f"{ALBUM}?show=comments")
        number = page.locator(".feed-filters button[value=settings]")
        before = number.inner_text()
        act(demo, demo_data, edit_album, ["Renamed once"])
        expect(number).not_to_have_text(before, timeout=SOONER)
        expect(page.locator("#live")).to_be_empty()
        scroll_down(page)
        cursor = str(page.locator("#feed").get_attribute("data-cursor"))
        act(demo, demo_data, edit_album, ["Renamed twice"])
        expect(page.locator("#feed")).not_to_have_attribute("data-cursor", cursor, timeout=SOONER)
        expect(page.locator("#live")).to_be_empty()
        act(demo, demo_data, post_comment, ["shown"])
        expect(page.locator("#live button")).to_have_text("Show 1 new entry", timeout=SOONER)


def end_session(window: Window) -> None:
    """Sign out, in another tab of the same browser."""
    tab = window.context.new_page()
    tab.goto(window.chromium.address + "/ui/settings")
    tab.get_by_role("button", name="Sign out").click()
    tab.wait_for_url("**/ui/sign-in")
    tab.close()


@pytest.mark.parametrize("is_past", [False, True])
def test_a_page_that_is_followed_says_that_one_is_signed_out(
    demo: Chromium, colleague: Chromium, demo_data: Path, *, is_past: bool
) -> None:
    """With a link to the sign-in page that leads back."""
    path = f"{ALBUM}?at={quote(utc_now().isoformat())}" if is_past else ALBUM
    with colleague.window() as window:
        page = follow(window, path)
        shown = page.url.removeprefix(demo.address)
        end_session(window)
        act(demo, demo_data, post_comment, ["Wake up"])
        expect(page.locator("#live")).to_have_text("You are signed out: sign in.")
        page.locator("#live a").click()
        expect(page.locator("form:has(#token) [name=back]")).to_have_value(shown)


def test_a_page_that_is_followed_says_that_it_is_gone(
    demo: Chromium, colleague: Chromium, demo_data: Path
) -> None:
    """To a member who was removed while they looked at it."""
    with colleague.window() as window:
        page = follow(window, ALBUM)
        with opened(demo_data) as service:
            ben = user_of(service, BEN)
        act(demo, demo_data, remove_member, [ben])
        expect(page.locator("#live")).to_have_text("This album is not here for you any more.")


@pytest.mark.parametrize("path", [ALBUM, f"{ALBUM}/studies/{{study}}"])
def test_a_comment_of_one_who_is_signed_out_stays(colleague: Chromium, path: str) -> None:
    """In its field, and it is said why it was not sent."""
    with colleague.window() as window:
        page = window.open(path)
        shown = page.url.removeprefix(colleague.address)
        page.locator("#comment").fill("Written with care")
        end_session(window)
        page.locator(".composer button.primary").click()
        refusal = page.locator(".composer [role=alert]")
        expect(refusal).to_have_text("You are signed out: sign in.")
        assert page.url.endswith(shown)
        expect(page.locator("#comment")).to_have_value("Written with care")
        refusal.locator("a").click()
        expect(page.locator("form:has(#token) [name=back]")).to_have_value(shown)


@pytest.mark.parametrize("path", [ALBUM, PATIENT])
def test_the_slider_has_a_stop_for_what_comes(demo: Chromium, path: str) -> None:
    """One step before the present is what came last, also where it came while one was in the past."""
    with demo.window() as hers, demo.window() as other:
        writer, page = hers.open(path), follow(other, path)
        slider, stops = page.get_by_role("slider"), page.locator("#stops option")
        slider.focus()
        for number in range(2):
            before = stops.count()
            if number:
                with page.expect_request(FOLLOWED):
                    slider.press("ArrowLeft")
                expect(page.locator(".past-band .since")).to_be_empty()
            if path == ALBUM:
                comment(writer, f"A stop {number}")
            else:
                add_picture(writer)
            if number:
                expect(page.locator(".past-band .since")).to_contain_text("since then")
                assert stops.count() == before
                slider.press("End")
            expect(stops).to_have_count(before + 1)
            expect(slider).to_be_focused()
            assert slider.input_value() == slider.get_attribute("max") == str(before)
        slider.press("ArrowLeft")
        expect(page.locator(".past-band")).to_be_visible()
        expect(page.locator(".past-band .since")).to_be_empty()
        assert other.said == []
