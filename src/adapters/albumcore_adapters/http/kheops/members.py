"""The members of an album (Kheops API 5)."""

from __future__ import annotations

from albumcore import (
    AdminAdded,
    AdminDemoted,
    Albumcore,
    AlbumDeleted,
    CapabilityTokenRevoked,
    MemberAdded,
    MemberLeft,
    MemberPromoted,
    MemberRemoved,
    Permission,
    add_admin,
    add_member,
    demote_admin,
    remove_member,
)
from albumcore.times import Clock
from albumcore_adapters.access.albums import album_then
from albumcore_adapters.access.claims import keeping_images
from albumcore_adapters.access.holdings import Holdings
from albumcore_adapters.directory.people import People
from albumcore_adapters.http.kheops.album_overview import members_json, members_of
from albumcore_adapters.http.kheops.parameters import Page, asked_moment, member_named, user_named
from albumcore_adapters.http.kheops.request import ApiRequest
from albumcore_adapters.http.kheops.shared_specs import ADDED, ALBUM_THEN, DONE, PAGE, listed
from albumcore_adapters.http.response import CREATED, NO_CONTENT, Response
from albumcore_adapters.http.route import Route


def list_all(request: ApiRequest, albums: Albumcore, people: People, clock: Clock) -> Response:
    """List the members, by e-mail address; or those of a moment of the past."""
    page, album = Page.of(request.query), request.album
    moment = asked_moment(request.query, albums, request.stream, clock)
    if moment is None:
        members = members_json(albums.index, people, album)
    else:
        then = album_then(albums, request.caller, album, Permission.LIST_USERS, moment)
        members = members_of(then, people)
    return Response.json(members[page.slice], total=len(members))


def add(request: ApiRequest, albums: Albumcore, people: People) -> Response:
    """Add a user as a plain member. An existing member keeps their role."""
    user = user_named(people, request.path["user"])
    albums.handle(request.stream, add_member, request.source, user)
    return CREATED


def remove(request: ApiRequest, people: People, holdings: Holdings) -> Response:
    """Remove a user, or leave if the user is the caller. The album is deleted when its last member leaves.

    Its images then stay in the inbox of that member.
    """
    user = member_named(people, request.path["user"])
    keeping_images(holdings, request.caller, request.album, remove_member, user)
    return NO_CONTENT


def make_admin(request: ApiRequest, albums: Albumcore, people: People) -> Response:
    """Add a user as an admin, or make a member one."""
    user = user_named(people, request.path["user"])
    albums.handle(request.stream, add_admin, request.source, user)
    return NO_CONTENT


def remove_admin(request: ApiRequest, albums: Albumcore, people: People) -> Response:
    """Make an admin a plain member; the caller may name themselves."""
    user = member_named(people, request.path["user"])
    albums.handle(request.stream, demote_admin, request.source, user)
    return NO_CONTENT


ROUTES = (
    Route(
        *("GET", "/albums/{album}/users", list_all, "List the members of an album."),
        permission=Permission.LIST_USERS,
        query={**PAGE, **ALBUM_THEN},
        responses=listed("Member"),
        from_store=True,
    ),
    Route(
        *("PUT", "/albums/{album}/users/{user}", add, "Add a member."),
        permission=Permission.ADD_USER,
        records=(MemberAdded,),
        responses=ADDED,
    ),
    Route(
        *("DELETE", "/albums/{album}/users/{user}", remove, "Remove a member, or leave."),
        permission=Permission.REMOVE_USER,
        needs="a plain member may remove themselves only",
        records=(MemberRemoved, MemberLeft, AlbumDeleted, CapabilityTokenRevoked),
        responses=DONE,
    ),
    Route(
        *(
            "PUT",
            "/albums/{album}/users/{user}/admin",
            make_admin,
            "Add an admin, or promote a member.",
        ),
        permission=Permission.ADD_ADMIN,
        records=(AdminAdded, MemberPromoted),
        responses=DONE,
    ),
    Route(
        *("DELETE", "/albums/{album}/users/{user}/admin", remove_admin, "Demote an admin."),
        permission=Permission.REMOVE_ADMIN,
        records=(AdminDemoted, CapabilityTokenRevoked),
        responses=DONE,
    ),
)
