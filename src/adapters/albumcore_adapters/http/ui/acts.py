"""What a reader can do in an album at present: the acts that their decisions accept, and that change something."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

from attrs import frozen
from markupsafe import Markup

from albumcore import Act, Album, Albumcore, Permission, album_stream
from albumcore.errors import AlbumcoreError, AlbumNotFound, Forbidden
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.ui.page_request import PageRequest
from albumcore_adapters.http.ui.templates import show

P = ParamSpec("P")


@frozen
class Acts:
    """The decisions of one album, tried out on its present state; nothing is recorded.

    Attributes:
        album: The state of the album.
        act: What the reader would do now.
    """

    album: Album
    act: Act

    def can(
        self,
        decision: Callable[Concatenate[Album, Act, P], tuple[Any, ...]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> bool:
        """Whether a decision would record something."""
        try:
            return bool(decision(self.album, self.act, *args, **kwargs))
        except AlbumcoreError:
            return False

    def may(self, permission: Permission) -> bool:
        """Whether the reader has a permission."""
        try:
            self.album.require(self.act, permission)
        except (AlbumNotFound, Forbidden):
            return False
        return True


def acts_in(request: PageRequest, albums: Albumcore) -> Acts:
    """The acts of the reader in the album of the path."""
    state = albums.load(album_stream(request.api.album))
    return Acts(state, Act(request.source, request.now))


def after_act(request: PageRequest, template: str, back: str, **values: Any) -> Response:
    """The answer to a form: the part of the page that it changed, for htmx; otherwise a redirect to a page."""
    return show(request, template, **values) if request.is_fragment else request.to(back)


def after_star(request: PageRequest, back: str, name: str, is_on: bool, label: Markup) -> Response:
    """The answer to the form of a favourite: the form as it is now, for htmx; otherwise a redirect to a page.

    Args:
        request: The request.
        back: The path of the page.
        name: The id of the form.
        is_on: Whether it is a favourite now.
        label: What the button does, in words.
    """
    about = {"id": name, "here": request.here_path, "is_on": is_on, "label": label}
    shown_on = request.form.text("from") or ""
    return after_act(request, "star.html", back, shown_on=shown_on, **about)
