"""The rules of membership and roles, seen from outside: one test a rule, in the order of Kheops API 14."""

from __future__ import annotations

import pytest

from albumcore import (
    Grants,
    add_admin,
    add_member,
    create_album,
    delete_album,
    issue_capability_token,
)
from albumcore.ids import CapabilityTokenId
from albumcore_adapters.http.kheops.all_routes import ROUTES
from support.kheops import (
    ALBUM,
    ALICE,
    BOB,
    CAROL,
    CT,
    DAVE,
    NOWHERE,
    OTHER,
    STUDY,
    World,
    digest_of,
    email_of,
    path_of,
)

COVERS = (
    "GET /albums",
    "POST /albums",
    "GET /albums/{album}",
    "PATCH /albums/{album}",
    "GET /albums/{album}/users",
    "PUT /albums/{album}/users/{user}",
    "DELETE /albums/{album}/users/{user}",
    "PUT /albums/{album}/users/{user}/admin",
    "DELETE /albums/{album}/users/{user}/admin",
    "PUT /studies/{study}/albums/{album}",
    "DELETE /studies/{study}/albums/{album}",
)

THERE = f"/albums/{ALBUM}"
USERS = f"{THERE}/users"

ALBUM_ROUTES = [
    *(f"{route.method} {route.path}" for route in ROUTES if "{album}" in route.path),
    *(f"{route.method} {route.path}?album={{album}}" for route in ROUTES if route.query_permission),
]
"""Every route that names an album, in the path or in the query."""


def admins(world: World) -> dict[str, bool]:
    """The members as Alice sees them, each with whether he is an admin."""
    return {user["sub"]: user["is_admin"] for user in world.get(ALICE, USERS)}


def test_creator_is_only_member_and_admin(world: World) -> None:
    """Creating an album makes the creator its only member and an admin."""
    made = world.request(DAVE, "POST", "/albums", form={"name": "Mine"}).json
    [user] = world.get(DAVE, f"/albums/{made['album_id']}/users")
    assert (user["sub"], user["is_admin"]) == (DAVE, True)


@pytest.mark.parametrize("route", ALBUM_ROUTES)
def test_stranger_gets_what_an_unknown_album_gets(route: str, world: World) -> None:
    """A non-member gets 404 on every album route, byte for byte what an unknown, impossible or deleted album gets."""
    world.act(ALICE, create_album, "Gone", album=OTHER)
    world.act(ALICE, delete_album, album=OTHER)
    method, address = route.split()
    path, _, query = address.partition("?album=")
    answers = [
        world.request(
            DAVE, method, path_of(path, album=album), query={"album": album} if query else {}
        )
        for album in (ALBUM, NOWHERE, OTHER, "no-album", "Trial00001é")
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert answers[0].json["message"] == "Album Not Found"
    assert len({answer.content for answer in answers}) == 1
    headers = [{**answer.headers} for answer in answers]
    assert all(each == headers[0] for each in headers)


@pytest.mark.parametrize(
    "operation",
    [
        f"DELETE {THERE}",
        f"PUT {USERS}/{DAVE}",
        f"PUT {USERS}/{DAVE}/admin",
        f"DELETE {USERS}/{ALICE}",
        f"DELETE {USERS}/{ALICE}/admin",
        f"DELETE /studies/{STUDY}/albums/{ALBUM}",
    ],
)
def test_member_without_permission_is_forbidden(operation: str, world: World) -> None:
    """A member lacking a permission gets 403, never 404."""
    method, path = operation.split()
    assert world.request(BOB, method, path).status_code == 403


def test_admin_needs_no_flags(world: World) -> None:
    """An admin holds every album permission whatever the flags."""
    flags = ["addUser", "sendSeries", "deleteSeries", "addSeries", "writeComments"]
    world.request(ALICE, "PATCH", THERE, form=dict.fromkeys(flags, "false"))
    world.store({CT: "CT"}, owner=CAROL)
    asked = [
        world.request(CAROL, "PUT", f"{USERS}/{DAVE}"),
        world.request(CAROL, "POST", f"{THERE}/comments", form={"comment": "x"}),
        world.request(CAROL, "PUT", f"/studies/{STUDY}/albums/{ALBUM}", query={"inbox": "true"}),
        world.request(CAROL, "DELETE", f"/studies/{STUDY}/albums/{ALBUM}"),
    ]
    assert [answer.status_code for answer in asked] == [201, 204, 201, 204]


def test_flags_are_the_albums(world: World) -> None:
    """Member flags belong to the album: a change reaches every plain member at once."""
    world.act(ALICE, add_member, DAVE)
    world.request(ALICE, "PATCH", THERE, form={"writeComments": "false"})
    said = [
        world.request(by, "POST", f"{THERE}/comments", form={"comment": "x"}).status_code
        for by in (BOB, DAVE)
    ]
    assert said == [403, 403]


def test_plain_member_adds_users_by_flag_and_never_admins(world: World) -> None:
    """A plain member may add users only while add_user is true; he can never add or promote admins."""
    world.request(ALICE, "PATCH", THERE, form={"addUser": "true"})
    assert world.request(BOB, "PUT", f"{USERS}/{DAVE}").status_code == 201
    assert world.request(BOB, "PUT", f"{USERS}/{DAVE}/admin").status_code == 403
    world.request(ALICE, "DELETE", f"{USERS}/{DAVE}")
    world.request(ALICE, "PATCH", THERE, form={"addUser": "false"})
    assert world.request(BOB, "PUT", f"{USERS}/{DAVE}").status_code == 403


@pytest.mark.parametrize("route", [f"{USERS}/{ALICE}", f"{USERS}/{email_of(ALICE)}/admin"])
def test_nobody_adds_himself(route: str, world: World) -> None:
    """Nobody can add or promote himself, admins included."""
    assert world.request(ALICE, "PUT", route).status_code == 403


def test_adding_a_member_again_changes_nothing(world: World) -> None:
    """Adding an existing member as a plain user is 201, records nothing, and does not demote an admin."""
    shown = world.mutations()
    assert world.request(ALICE, "PUT", f"{USERS}/{CAROL}").status_code == 201
    assert (world.mutations(), admins(world)[CAROL]) == (shown, True)


def test_put_admin_promotes_adds_or_does_nothing(world: World) -> None:
    """PUT admin promotes a plain member, adds a non-member as admin, and records nothing for an admin."""
    for user in (BOB, DAVE, CAROL):
        assert world.request(ALICE, "PUT", f"{USERS}/{user}/admin").status_code == 204
    assert world.mutations()[:3] == ["ADD_ADMIN", "PROMOTE_ADMIN", "ADD_ADMIN"]
    assert admins(world) == {ALICE: True, BOB: True, CAROL: True, DAVE: True}


def test_leaving_and_removing(world: World) -> None:
    """Any member can leave; only an admin can remove someone else, and he can remove an admin too."""
    assert world.request(BOB, "DELETE", f"{USERS}/{CAROL}").status_code == 403
    assert world.request(BOB, "DELETE", f"{USERS}/{BOB}").status_code == 204
    assert world.request(ALICE, "DELETE", f"{USERS}/{CAROL}").status_code == 204
    assert world.mutations()[:2] == ["REMOVE_USER", "LEAVE_ALBUM"]
    assert admins(world) == {ALICE: True}


def test_removing_who_is_no_member(world: World) -> None:
    """Removing a user who is not a member is 404."""
    assert world.request(ALICE, "DELETE", f"{USERS}/{DAVE}").status_code == 404


def test_last_member_ends_the_album(world: World) -> None:
    """When one member is left his DELETE removes the album, admin or not: 204, then 404 for everybody."""
    world.request(ALICE, "DELETE", f"{USERS}/{CAROL}")
    world.request(ALICE, "DELETE", f"{USERS}/{ALICE}")
    assert world.request(BOB, "DELETE", f"{USERS}/{BOB}").status_code == 204
    for by in (ALICE, BOB, CAROL):
        assert world.request(by, "GET", THERE).status_code == 404
        assert world.request(by, "GET", f"{THERE}/events").status_code == 404
    assert world.get(BOB, "/albums") == []


def test_last_member_removing_another_does_not_end_the_album(world: World) -> None:
    """The album ends with its last member only if it is himself that he removes."""
    for user in (BOB, CAROL):
        world.request(ALICE, "DELETE", f"{USERS}/{user}")
    assert world.request(ALICE, "DELETE", f"{USERS}/{BOB}").status_code == 404
    assert world.request(ALICE, "GET", THERE).status_code == 200


def test_album_without_admin(world: World) -> None:
    """An admin can demote another and himself; an album may end with members but no admin."""
    assert world.request(ALICE, "DELETE", f"{USERS}/{CAROL}/admin").status_code == 204
    assert world.request(ALICE, "DELETE", f"{USERS}/{ALICE}/admin").status_code == 204
    assert admins(world) == {ALICE: False, BOB: False, CAROL: False}
    assert world.request(ALICE, "PUT", f"{USERS}/{BOB}/admin").status_code == 403


@pytest.mark.parametrize("route", [f"{USERS}/{CAROL}/admin", f"{USERS}/{CAROL}"])
def test_lost_right_revokes_tokens(route: str, world: World) -> None:
    """Who stops being an admin loses his tokens of that album, by the caller; a later promotion brings none back."""
    world.act(ALICE, create_album, "Other", album=OTHER)
    world.act(ALICE, add_admin, CAROL, album=OTHER)
    for album in (ALBUM, OTHER):
        for by in (ALICE, CAROL):
            token = f"{by}-{album}"
            world.act(
                by,
                issue_capability_token,
                token,
                digest_of(token),
                "x",
                Grants(),
                album=album,
            )
    world.request(ALICE, "DELETE", route)
    revoked_by = {
        name: token.revoked_by
        for album in (ALBUM, OTHER)
        for name, token in world.state(album).capability_tokens.items()
    }
    token_of_carol = CapabilityTokenId(f"{CAROL}-{ALBUM}")
    assert {name: by for name, by in revoked_by.items() if by} == {
        token_of_carol: world.user(ALICE)
    }
    world.request(ALICE, "PUT", f"{USERS}/{CAROL}/admin")
    assert world.state().capability_tokens[token_of_carol].revoked_by == world.user(ALICE)


@pytest.mark.parametrize(
    "reference", [DAVE, email_of(DAVE), email_of(DAVE).upper(), f"%20{email_of(DAVE)}%20"]
)
def test_user_by_sub_or_address(reference: str, world: World) -> None:
    """Users are addressed by e-mail address in any case, or by sub; each gives the same result."""
    assert world.request(ALICE, "PUT", f"{USERS}/{reference}").status_code == 201
    assert admins(world)[DAVE] is False


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_inbox_is_no_album(method: str, world: World) -> None:
    """The inbox is never listed, fetched, edited or deleted through /albums, not even by its owner."""
    world.store({CT: "CT"}, owner=DAVE)
    assert world.get(DAVE, "/albums") == []
    for inbox in ("inbox", DAVE):
        answer = world.request(DAVE, method, f"/albums/{inbox}")
        assert (answer.status_code, answer.json["message"]) == (404, "Album Not Found")
