"""The pages that are looked at in a real browser: one line each."""

from __future__ import annotations

from attrs import frozen


@frozen
class UiPage:
    """A page.

    Attributes:
        name: What tests and pictures call it.
        path: Its path; ``{album}``, ``{study}``, ``{series}`` and the moment ``{then}`` are of the demo.
        signed_in: Whether it is shown to Ada, an admin of the demo's album.
        status: The status it has.
        is_pictured: Whether the documentation has a picture of it.
    """

    name: str
    path: str
    signed_in: bool = True
    status: int = 200
    is_pictured: bool = True


UI_PAGES = (
    UiPage("sign-in", "/ui/sign-in", signed_in=False),
    UiPage("albums", "/ui/albums"),
    UiPage("albums-none-found", "/ui/albums?q=nothing+like+it", is_pictured=False),
    UiPage("new-album", "/ui/new-album", is_pictured=False),
    UiPage("album", "/ui/albums/{album}"),
    UiPage("album-comments", "/ui/albums/{album}?show=comments", is_pictured=False),
    UiPage("past", "/ui/albums/{album}?at={then}"),
    UiPage("changes", "/ui/albums/{album}?at={then}&changes=1"),
    UiPage("studies", "/ui/albums/{album}/studies", is_pictured=False),
    UiPage("study", "/ui/albums/{album}/studies/{study}"),
    UiPage("viewer", "/ui/albums/{album}/studies/{study}/series/{series}"),
    UiPage("study-removal", "/ui/albums/{album}/studies/{study}/remove", is_pictured=False),
    UiPage("upload", "/ui/albums/{album}/upload"),
    UiPage("inbox", "/ui/inbox"),
    UiPage("album-settings", "/ui/albums/{album}/settings"),
    UiPage("tokens", "/ui/albums/{album}/tokens"),
    UiPage("webhooks", "/ui/albums/{album}/webhooks", is_pictured=False),
    UiPage("report-providers", "/ui/albums/{album}/report-providers", is_pictured=False),
    UiPage("patients", "/ui/patients"),
    UiPage("gallery", "/ui/patients/1"),
    UiPage("picture", "/ui/patients/1/pictures/1"),
    UiPage("settings", "/ui/settings", is_pictured=False),
    UiPage("own-tokens", "/ui/settings/tokens", is_pictured=False),
    UiPage("keyboard", "/ui/keyboard", is_pictured=False),
    UiPage("not-found", "/ui/albums/0000000000", status=404),
)
"""A new page is a line here: every check of `tests/browser` holds for it, and it has its pictures."""
