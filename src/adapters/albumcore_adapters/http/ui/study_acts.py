"""What may be done with a study: favourite, comment, remove, add elsewhere. Each is what the Kheops API does."""

from __future__ import annotations

from collections.abc import Callable

from albumcore import Albumcore, Permission
from albumcore.errors import StudyNotFound
from albumcore_adapters.access.albums import permitted
from albumcore_adapters.access.holdings import Holdings
from albumcore_adapters.directory.people import People
from albumcore_adapters.http.kheops import comments, favorites, inbox, studies
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.route import Route
from albumcore_adapters.http.ui.acts import after_star
from albumcore_adapters.http.ui.page_request import PageRequest
from albumcore_adapters.http.ui.pages import act, page
from albumcore_adapters.http.ui.study_cards import Shelf, study_card
from albumcore_adapters.http.ui.templates import show
from albumcore_adapters.identity.authentication import Authentication
from albumcore_adapters.sql.database import Database

_INBOX = "inbox"


def set_study_favorite(request: PageRequest, holdings: Holdings, database: Database) -> Response:
    """Make a study a favourite of the album or inbox, or not any more."""
    shelf, study = Shelf.of(request, holdings), request.api.study
    is_on = request.form.flag("favorite") is True
    change = favorites.add if is_on else favorites.remove
    change(request.api_with(query=shelf.named), holdings)
    lists = {"album": shelf.path, "studies": f"{shelf.path}/studies"}
    back, card = lists.get(request.form.text("from") or ""), study_card(shelf, database, study)
    if back is None or card is None:
        return request.to(_path(request, shelf))
    label = request.say("studies.favorite", study=card.title)
    return after_star(request, back, f"study-{study}", is_on, label)


def comment_on_study(
    request: PageRequest, albums: Albumcore, holdings: Holdings, people: People
) -> Response:
    """Post a comment on a study, to all who see it, or to one of them."""
    form = request.form.without_empty("to_user")
    comments.post_to_study(request.api_with(form), albums, holdings, people)
    return request.to(_path(request, Shelf.of(request, holdings)))


def removal_page(request: PageRequest, holdings: Holdings, database: Database) -> Response:
    """Ask whether a study is to be removed.

    Raises:
        StudyNotFound: it is not where the reader looks, or they cannot see it.
    """
    shelf, study = Shelf.of(request, holdings), request.api.study
    if not shelf.held(study):
        raise StudyNotFound("no such study, or you cannot see it")
    card = study_card(shelf, database, study)
    return show(request, "study_removal.html", shelf=shelf, study=study, card=card)


def remove_from_album(request: PageRequest, albums: Albumcore) -> Response:
    """Remove a study from the album."""
    studies.delete_study(request.api, albums)
    return request.to(f"/ui/albums/{request.api.album}")


def remove_from_inbox(request: PageRequest, holdings: Holdings) -> Response:
    """Remove a study from the reader's inbox."""
    inbox.leave_study(request.api, holdings)
    return request.to("/ui/inbox")


def add_elsewhere(request: PageRequest, holdings: Holdings, auth: Authentication) -> Response:
    """Add a study to another album, or to the reader's inbox.

    Raises:
        Invalid: no album is named.
        AlbumNotFound, Forbidden: the reader may not add to it, or not take from here.
    """
    shelf = Shelf.of(request, holdings)
    target = request.form.text("album")
    if not target:
        raise request.form.refusal("album", "an album is expected")
    if target == _INBOX:
        inbox.take_study(request.api_with(query=shelf.named), holdings, auth)
    else:
        caller, at = request.signed_in.caller, request.now
        permitted(holdings.albums, caller, target, Permission.ADD_SERIES, at)
        studies.add_study(request.api_with(query=shelf.named, album=target), holdings, auth)
    return request.to(_path(request, shelf), added=target)


def _path(request: PageRequest, shelf: Shelf) -> str:
    return f"{shelf.path}/studies/{request.api.study}"


def _both(
    name: str, respond: Callable[..., Response], summary: str, permission: Permission | None
) -> tuple[Route, Route]:
    """The rows of a form on the page of a study, of an album and of the inbox."""
    return (
        act(
            f"/ui/albums/{{album}}/studies/{{study}}/{name}",
            respond,
            f"{summary}, in an album.",
            permission=permission,
        ),
        act(f"/ui/inbox/studies/{{study}}/{name}", respond, f"{summary}, in the inbox."),
    )


_REMOVE = "studies/{study}/remove"

ROUTES = (
    *_both("favorite", set_study_favorite, "Make a study a favourite", Permission.EDIT_FAVORITES),
    *_both("comments", comment_on_study, "Post a comment on a study", Permission.READ_SERIES),
    *_both("add", add_elsewhere, "Add a study to another album", Permission.SEND_SERIES),
    page(
        f"/ui/albums/{{album}}/{_REMOVE}",
        removal_page,
        "Ask whether a study is to be removed from an album.",
        permission=Permission.DELETE_SERIES,
    ),
    act(
        f"/ui/albums/{{album}}/{_REMOVE}",
        remove_from_album,
        "Remove a study from an album.",
        permission=Permission.DELETE_SERIES,
    ),
    page(f"/ui/inbox/{_REMOVE}", removal_page, "Ask whether a study is to leave the inbox."),
    act(f"/ui/inbox/{_REMOVE}", remove_from_inbox, "Remove a study from the inbox."),
)
