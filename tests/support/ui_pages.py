"""The pages that are looked at in a real browser: one line each."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

FIRST_VIEW = 300_000
"""The most bytes of the first view of a page, before compression."""


@frozen
class UiPage:
    """A page.

    Attributes:
        name: What tests and pictures call it.
        path: Its path; ``{album}``, ``{study}``, ``{series}``, ``{webhook}`` and the moments ``{then}`` and
            ``{lately}`` are of the demo.
        signed_in: Whether it is shown to Ada, an admin of the demo's album.
        status: The status it has.
        press: The button that leads to it from the page at the path; empty if it is that page.
        fields: What is written before, by field.
        most: The most bytes of its first view, before compression.
        is_pictured: Whether the documentation has a picture of it.
    """

    name: str
    path: str
    signed_in: bool = True
    status: int = 200
    is_pictured: bool = True
    press: str = ""
    fields: Mapping[str, str] = field(factory=dict)
    most: int = FIRST_VIEW


_SEND = "main form button.primary"

UI_PAGES = (
    UiPage("sign-in", "/ui/sign-in", signed_in=False),
    UiPage(
        "sign-in-refused",
        "/ui/sign-in",
        signed_in=False,
        status=401,
        is_pictured=False,
        press="form:has(#token) button.primary",
        fields={"#token": "not a token"},
    ),
    UiPage("albums", "/ui/albums"),
    UiPage("albums-none-found", "/ui/albums?q=nothing+like+it", is_pictured=False),
    UiPage("new-album", "/ui/new-album"),
    UiPage(
        "new-album-refused",
        "/ui/new-album",
        status=400,
        is_pictured=False,
        press=_SEND,
        fields={"#name": " "},
    ),
    UiPage("album", "/ui/albums/{album}"),
    UiPage("album-comments", "/ui/albums/{album}?show=comments", is_pictured=False),
    UiPage("past", "/ui/albums/{album}?at={then}"),
    UiPage("changes", "/ui/albums/{album}?at={then}&changes=1"),
    UiPage("members", "/ui/albums/{album}/members"),
    UiPage("studies", "/ui/albums/{album}/studies"),
    UiPage("study", "/ui/albums/{album}/studies/{study}"),
    UiPage("study-past", "/ui/albums/{album}/studies/{study}?at={then}", is_pictured=False),
    UiPage("viewer", "/ui/albums/{album}/studies/{study}/series/{series}"),
    UiPage("studies-past", "/ui/albums/{album}/studies?at={then}", is_pictured=False),
    UiPage(
        "viewer-past",
        "/ui/albums/{album}/studies/{study}/series/{series}?at={then}",
        is_pictured=False,
    ),
    UiPage("study-removal", "/ui/albums/{album}/studies/{study}/remove"),
    UiPage("upload", "/ui/albums/{album}/upload"),
    UiPage("inbox", "/ui/inbox"),
    UiPage("inbox-study", "/ui/inbox/studies/{study}", is_pictured=False),
    UiPage("inbox-viewer", "/ui/inbox/studies/{study}/series/{series}", is_pictured=False),
    UiPage("inbox-removal", "/ui/inbox/studies/{study}/remove", is_pictured=False),
    UiPage("inbox-upload", "/ui/inbox/upload", is_pictured=False),
    UiPage("album-settings", "/ui/albums/{album}/settings"),
    UiPage("tokens", "/ui/albums/{album}/tokens"),
    UiPage("new-token", "/ui/albums/{album}/tokens/new"),
    UiPage(
        "token-made",
        "/ui/albums/{album}/tokens/new",
        press=_SEND,
        fields={"#title": "Scanner 3"},
    ),
    UiPage("webhooks", "/ui/albums/{album}/webhooks"),
    UiPage("webhook", "/ui/albums/{album}/webhooks/{webhook}"),
    UiPage(
        "webhook-refused",
        "/ui/albums/{album}/webhooks",
        status=400,
        is_pictured=False,
        press=_SEND,
        fields={"#new-name": "Archive", "#new-url": "ftp://archive.example"},
    ),
    UiPage("report-providers", "/ui/albums/{album}/report-providers"),
    UiPage("patients", "/ui/patients"),
    UiPage("gallery", "/ui/patients/1"),
    UiPage("gallery-past", "/ui/patients/1?at={lately}"),
    UiPage("picture", "/ui/patients/1/pictures/1"),
    UiPage("settings", "/ui/settings"),
    UiPage("own-tokens", "/ui/settings/tokens"),
    UiPage("new-own-token", "/ui/settings/tokens/new", is_pictured=False),
    UiPage("keyboard", "/ui/keyboard"),
    UiPage(
        "not-member-then",
        "/ui/albums/{album}?at=2000-01-01T00:00:00Z",
        status=404,
        is_pictured=False,
    ),
    UiPage("not-found", "/ui/albums/0000000000", status=404),
    UiPage("http-reference", "/docs", signed_in=False, most=350_000),
)
"""A new page is a line here: every check of `tests/browser` holds for it, and it has its pictures."""
