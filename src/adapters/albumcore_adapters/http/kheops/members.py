"""The users of an album over HTTP (Kheops API 5)."""

from __future__ import annotations

from albumcore import Album, Permission
from albumcore.albums.events import (
    AdminAdded,
    AdminDemoted,
    AlbumDeleted,
    CapabilityTokenRevoked,
    MemberAdded,
    MemberLeft,
    MemberPromoted,
    MemberRemoved,
)
from albumcore_adapters.access.claims import keeping_images
from albumcore_adapters.http.kheops.album_overview import members_json
from albumcore_adapters.http.kheops.common import ADDED, DONE, PAGE, listed
from albumcore_adapters.http.kheops.params import Page
from albumcore_adapters.http.kheops.request import UnconvertedRequest as ApiRequest
from albumcore_adapters.http.route import Route


def list_all(request: ApiRequest) -> None:
    """List the members, by e-mail address; any member may."""
    page = Page.of(request.query)
    members = members_json(request.service, request.album)
    request.answer(members[page.slice], total=len(members))


def add(request: ApiRequest) -> None:
    """Add a user; who is a member already stays what he is."""
    request.decide(Album.add_member, request.user())
    request.done(201)


def remove(request: ApiRequest) -> None:
    """Remove a user, or leave where the user is the caller; the album ends with its last member.

    The images of an album that ends stay with the one who leaves.
    """
    request.decide(
        keeping_images(
            request.service.holdings, request.caller, request.album, Album.remove_member
        ),
        request.user(),
    )
    request.done()


def add_admin(request: ApiRequest) -> None:
    """Add a user as an admin, or promote a member."""
    request.decide(Album.add_admin, request.user())
    request.done()


def remove_admin(request: ApiRequest) -> None:
    """Make an admin a plain member, oneself included."""
    request.decide(Album.demote_admin, request.user())
    request.done()


ROUTES = (
    Route(
        "GET",
        "/albums/{album}/users",
        list_all,
        summary="List the members.",
        permission=Permission.LIST_USERS,
        query=PAGE,
        responses=listed("Member"),
        from_store=True,
    ),
    Route(
        "PUT",
        "/albums/{album}/users/{user}",
        add,
        summary="Add a member.",
        permission=Permission.ADD_USER,
        records=(MemberAdded,),
        responses=ADDED,
    ),
    Route(
        "DELETE",
        "/albums/{album}/users/{user}",
        remove,
        summary="Remove a member, or leave.",
        permission=Permission.REMOVE_USER,
        needs="of a plain member: himself alone",
        records=(
            MemberRemoved,
            MemberLeft,
            AlbumDeleted,
            CapabilityTokenRevoked,
        ),
        responses=DONE,
    ),
    Route(
        "PUT",
        "/albums/{album}/users/{user}/admin",
        add_admin,
        summary="Add an admin, or promote.",
        permission=Permission.ADD_ADMIN,
        records=(
            AdminAdded,
            MemberPromoted,
        ),
        responses=DONE,
    ),
    Route(
        "DELETE",
        "/albums/{album}/users/{user}/admin",
        remove_admin,
        summary="Demote an admin.",
        permission=Permission.REMOVE_ADMIN,
        records=(
            AdminDemoted,
            CapabilityTokenRevoked,
        ),
        responses=DONE,
    ),
)
