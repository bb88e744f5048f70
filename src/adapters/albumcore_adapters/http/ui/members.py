"""The members of an album: who they are, and what the reader can do about each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import evolve, frozen

from albumcore import Albumcore, Permission, add_admin, demote_admin, remove_member
from albumcore.errors import Invalid, UserNotFound
from albumcore.feed import Person
from albumcore.ids import UserId
from albumcore.index import MemberRow
from albumcore.json_object import Json
from albumcore_adapters.access.holdings import Holdings
from albumcore_adapters.directory.people import People
from albumcore_adapters.http.kheops.album_overview import members_json
from albumcore_adapters.http.kheops.members import add, make_admin, remove, remove_admin
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.ui.acts import Acts, acts_in, after_act
from albumcore_adapters.http.ui.page_request import PageRequest
from albumcore_adapters.http.ui.pages import act, page
from albumcore_adapters.http.ui.sentences import name_of
from albumcore_adapters.http.ui.templates import show

MEMBER_ACTS: Mapping[str, Callable[..., tuple[Any, ...]]] = {
    "admin": add_admin,
    "plain": demote_admin,
    "remove": remove_member,
}
"""What may be done about a member, by the last part of the path of its form, and the decision that accepts it."""


@frozen
class MemberLine:
    """A member in the list.

    Attributes:
        shown: The member as a JSON object.
        is_reader: Whether it is the reader.
        acts: What the reader can do about them, by name; see `MEMBER_ACTS`.
    """

    shown: Json
    is_reader: bool
    acts: Sequence[str] = ()

    @property
    def name(self) -> str:
        """What they are called."""
        return name_of(self.shown)


@frozen
class MembersPanel:
    """The members, and the form that adds one.

    Attributes:
        lines: The members, by e-mail address.
        can_add: Whether the reader can add members.
        can_add_admin: Whether they can add admins.
        refused: Why the last address was refused: the key of a text below ``album.members.refused``.
        given: That address.
    """

    lines: Sequence[MemberLine]
    can_add: bool = False
    can_add_admin: bool = False
    refused: str | None = None
    given: str = ""

    @property
    def others(self) -> Sequence[MemberLine]:
        """All but the reader."""
        return [one for one in self.lines if not one.is_reader]


def members_panel(request: PageRequest, albums: Albumcore, people: People) -> MembersPanel:
    """The members at present."""
    acts, album = acts_in(request, albums), request.api.album
    users = {UserId(row.sub) for row in albums.index.rows(MemberRow, {"album_id": album})}
    known = people.people(users)
    by_sub = {(known.get(user) or Person(user)).sub: user for user in users}
    shown = members_json(albums.index, people, album)
    return MembersPanel(
        [_line(request, acts, one, by_sub.get(one["sub"])) for one in shown],
        acts.may(Permission.ADD_USER),
        acts.may(Permission.ADD_ADMIN),
    )


def _line(request: PageRequest, acts: Acts, shown: Json, user: UserId | None) -> MemberLine:
    can = [name for name, decision in MEMBER_ACTS.items() if user and acts.can(decision, user)]
    return MemberLine(shown, user == request.signed_in.caller.user, can)


def members_page(request: PageRequest, albums: Albumcore, people: People) -> Response:
    """Show the members on a page of their own."""
    return _page(request, members_panel(request, albums, people))


def _page(request: PageRequest, panel: MembersPanel, status: int = 200) -> Response:
    template = "album/members.html" if request.is_fragment else "album/members_page.html"
    return show(request, template, status=status, album=request.api.album, members=panel)


def add_member_act(request: PageRequest, albums: Albumcore, people: People) -> Response:
    """Add a member, or an admin, by e-mail address; a refused address is shown again with the reason."""
    user = (request.form.text("user") or "").strip()
    named = request.api_with(user=user)
    try:
        if request.form.flag("admin"):
            make_admin(named, albums, people)
        else:
            add(named, albums, people)
    except (UserNotFound, Invalid):
        panel = members_panel(request, albums, people)
        return _page(request, evolve(panel, refused="unknown", given=user), 400)
    return _done(request, albums, people)


def make_admin_act(request: PageRequest, albums: Albumcore, people: People) -> Response:
    """Make a member an admin."""
    make_admin(request.api_with(user=_user(request)), albums, people)
    return _done(request, albums, people)


def make_plain_act(request: PageRequest, albums: Albumcore, people: People) -> Response:
    """Make an admin a plain member."""
    remove_admin(request.api_with(user=_user(request)), albums, people)
    return _done(request, albums, people)


def remove_act(
    request: PageRequest, albums: Albumcore, people: People, holdings: Holdings
) -> Response:
    """Remove a member, or leave."""
    remove(request.api_with(user=_user(request)), people, holdings)
    index, viewer = albums.index, request.signed_in.caller.user
    if not index.rows(MemberRow, {"album_id": request.api.album, "sub": viewer}):
        if request.is_fragment:
            return Response(headers={"HX-Redirect": request.url("/ui/albums")})
        return request.to("/ui/albums")
    return _done(request, albums, people)


def _user(request: PageRequest) -> str:
    return request.form.text("user") or ""


def _done(request: PageRequest, albums: Albumcore, people: People) -> Response:
    album, panel = request.api.album, members_panel(request, albums, people)
    back = f"/ui/albums/{album}"
    return after_act(request, "album/members.html", back, album=album, members=panel)


_HERE = "/ui/albums/{album}/members"

ROUTES = (
    page(_HERE, members_page, "Show the members of an album.", permission=Permission.LIST_USERS),
    act(f"{_HERE}/add", add_member_act, "Add a member.", permission=Permission.ADD_USER),
    act(
        f"{_HERE}/admin",
        make_admin_act,
        "Make a member an admin.",
        permission=Permission.ADD_ADMIN,
    ),
    act(
        f"{_HERE}/plain",
        make_plain_act,
        "Make an admin a plain member.",
        permission=Permission.REMOVE_ADMIN,
    ),
    act(
        f"{_HERE}/remove",
        remove_act,
        "Remove a member, or leave.",
        permission=Permission.REMOVE_USER,
    ),
)
