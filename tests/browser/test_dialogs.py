"""What is shown over a page: a question, a form or a list that has a page of its own without script."""

from __future__ import annotations

import re

import pytest
from attrs import frozen
from playwright.sync_api import Locator, Page, Route, expect

from support.chromium import SCHEMES, WIDTHS, Chromium, Window

ALBUM = "/ui/albums/{album}"


@frozen
class Dialog:
    """A dialog.

    Attributes:
        page: The page that it is opened over.
        opener: The link that opens it.
        title: Its title.
        focused: What has the focus in it.
    """

    page: str
    opener: str
    title: str
    focused: str = ""


DIALOGS = (
    Dialog("/ui/albums", "New album", "New album", "#name"),
    Dialog(ALBUM, "Share", "Let someone in with a link", "#title"),
    Dialog(f"{ALBUM}/tokens", "Let someone in with a link", "Let someone in with a link", "#title"),
    Dialog("/ui/settings/tokens", "Let a program act as you", "Let a program act as you", "#title"),
    Dialog(ALBUM, "Remove Brain-MRA", "Remove Brain-MRA?"),
    Dialog("/ui/inbox", "Keyboard ?", "Keyboard"),
)


def opened(page: Page, one: Dialog) -> tuple[Locator, Locator]:
    """Open a dialog by the keyboard; the dialog, and what opened it."""
    opener = page.get_by_role("link", name=one.opener, exact=True)
    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name=one.title, exact=True)
    expect(dialog).to_be_visible()
    return dialog, opener


def faults(window: Window) -> list[str]:
    """What axe finds in a dialog, without the rest of the page, which it takes for the ground of the dialog."""
    window.page.evaluate(
        "for (const one of document.querySelectorAll('body > :not(dialog)')) one.style.visibility = 'hidden'"
    )
    found = [fault for scheme in SCHEMES for fault in window.faults(scheme)]
    window.page.evaluate(
        "for (const one of document.querySelectorAll('body > :not(dialog)')) one.style.visibility = ''"
    )
    return [*found, *window.cut()]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("one", DIALOGS, ids=lambda one: f"{one.page}-{one.opener}")
def test_a_dialog_is_for_the_keyboard_and_for_the_eye(
    demo: Chromium, one: Dialog, width: int
) -> None:
    """It has the focus, no fault and no cut text; Escape closes it, and the focus is where it was."""
    with demo.window(width) as window:
        page = window.open(one.page)
        address = page.url
        dialog, opener = opened(page, one)
        if one.focused:
            expect(dialog.locator(one.focused)).to_be_focused()
        assert faults(window) == []
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
        expect(opener).to_be_focused()
        assert page.url == address
        assert window.said == []


def refuse(dialog: Locator, field: str, text: str, submit: str) -> None:
    """Send a form with what the browser would not let through."""
    field_ = dialog.locator(field)
    field_.evaluate("(one) => { one.required = false; }")
    field_.fill(text)
    dialog.get_by_role("button", name=submit).click()
    expect(field_).to_have_attribute("aria-invalid", "true")
    expect(field_).to_be_focused()


def without_refusals(window: Window) -> list[str]:
    """What the browser said, except that a form was refused."""
    return [one for one in window.said if "status of 400" not in one]


def test_an_album_is_made_in_a_dialog(demo: Chromium) -> None:
    """A refused form is shown there with the reason, and with what was written; then the album is shown."""
    with demo.window() as window:
        page = window.open("/ui/albums")
        dialog, _ = opened(page, DIALOGS[0])
        dialog.locator("#description").fill("For Thursday")
        refuse(dialog, "#name", " ", "Create the album")
        expect(dialog.locator("#name-about")).to_contain_text("Not created")
        expect(dialog.locator("#description")).to_have_value("For Thursday")
        assert faults(window) == []
        assert page.url.endswith("/ui/albums")
        dialog.locator("#name").fill("Made in a dialog")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile("/ui/albums/[^/]+$"))
        expect(page.locator("h1")).to_have_text("Made in a dialog")
        assert without_refusals(window) == []


def test_a_link_is_made_in_a_dialog(demo: Chromium) -> None:
    """And is shown there, once; the list of links then has it."""
    with demo.window(360, permissions=["clipboard-read", "clipboard-write"]) as window:
        page = window.open(f"{ALBUM}/tokens")
        dialog, _ = opened(page, DIALOGS[2])
        refuse(dialog, "#title", "", "Make the link")
        dialog.locator("#title").fill("Made in a dialog")
        dialog.get_by_role("button", name="Make the link").click()
        made = page.get_by_role("dialog", name="The link is made")
        expect(made.get_by_role("heading", level=1)).to_be_focused()
        assert faults(window) == []
        made.get_by_role("button", name="Copy").first.click()
        secret = made.locator("#secret").input_value()
        assert page.evaluate("navigator.clipboard.readText()") == secret
        with page.expect_navigation():
            made.get_by_role("link", name="I have copied it").click()
        expect(page.locator(".list")).to_contain_text("Made in a dialog")
        assert without_refusals(window) == []


def test_what_is_not_sent_stays_written(demo: Chromium) -> None:
    """Where there is no connection, and where the service fails."""
    with demo.window() as window:
        page = window.open("/ui/albums")
        dialog, _ = opened(page, DIALOGS[0])
        dialog.locator("#name").fill("Written")
        busy = "<main><div><h1>Busy</h1><p>Later.</p></div></main>"
        send = dialog.get_by_role("button", name="Create the album")
        for stopped, words in (
            (lambda route: route.abort(), "It was not sent. Try again."),
            (lambda route: route.fulfill(status=503, body=busy), "Busy Later."),
        ):
            window.context.route("**/ui/albums", stopped)
            send.click()
            expect(dialog.get_by_role("alert")).to_have_text(words)
            expect(dialog.locator("#name")).to_have_value("Written")
            window.context.unroute("**/ui/albums")


def test_what_is_being_sent_is_not_called_off(demo: Chromium) -> None:
    """A token is shown once: neither Escape nor the link that closes the dialog does so before it is.

    Nor is another one made meanwhile, or anything written that would be lost.
    """
    with demo.window() as window:
        page = window.open("/ui/settings/tokens")
        dialog, _ = opened(page, DIALOGS[3])
        dialog.locator("#title").fill("Once")

        def escape(route: Route) -> None:
            for _ in range(3):  # a browser lets a page prevent the first alone
                page.keyboard.press("Escape")
            page.evaluate("document.querySelector('dialog [data-close]').click()")
            page.evaluate("document.querySelector('dialog form').requestSubmit()")
            held.append(not dialog.locator("#title").is_editable())
            route.continue_()

        sent, held = [], list[bool]()
        page.on("request", lambda one: sent.append(one) if one.method == "POST" else None)
        page.route("**/ui/settings/tokens", escape, times=1)
        dialog.locator("button.primary").click()
        expect(page.get_by_role("dialog").get_by_text("Copy it now")).to_be_visible()
        assert len(sent) == 1
        assert held == [True]


def test_who_is_signed_out_keeps_what_was_written_in_a_dialog(demo: Chromium) -> None:
    """And is told; the page is not left."""
    with demo.window() as window:
        page = window.open("/ui/albums")
        dialog, _ = opened(page, DIALOGS[0])
        dialog.locator("#name").fill("Kept")
        window.context.clear_cookies()
        dialog.locator("button.primary").click()
        expect(dialog.get_by_role("alert").get_by_role("link", name="Sign in")).to_be_visible()
        expect(dialog.locator("#name")).to_have_value("Kept")


def test_a_study_is_removed_in_a_dialog(demo: Chromium) -> None:
    """Which leads to its album."""
    with demo.window() as window:
        page = window.open(ALBUM)
        # The other one, which no other test looks for.
        name = "OFFIS Structured Reporting Templates"
        dialog, _ = opened(page, Dialog(ALBUM, f"Remove {name}", f"Remove {name}?"))
        with page.expect_navigation():
            dialog.get_by_role("button", name="Remove from the album").click()
        expect(page).to_have_url(re.compile(f"{ALBUM.format_map(demo.places)}$"))
        expect(page.locator(".entry", has_text="You removed the study").first).to_contain_text(name)


def test_dialogs_are_pages_without_script(demo: Chromium) -> None:
    """With the same forms."""
    with demo.window(java_script_enabled=False) as window:
        page = window.open("/ui/albums")
        page.get_by_role("link", name="New album").click()
        page.locator("#name").fill("Without script")
        page.locator("main button.primary").click()
        page.get_by_role("link", name="Share").click()
        page.locator("#title").fill("Without script")
        page.locator("main button.primary").click()
        expect(page.locator("h1")).to_have_text("The link is made")
        expect(page.get_by_role("button", name="Copy")).to_have_count(0)
        page.get_by_role("link", name="I have copied it").click()
        expect(page.locator(".list")).to_contain_text("Without script")
