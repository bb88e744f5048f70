"""The users of an album: what each route answers and records, case by case (Kheops API 5)."""

from __future__ import annotations

import pytest

from albumcore import (
    AdminAdded,
    AdminDemoted,
    MemberAdded,
    MemberLeft,
    MemberPromoted,
    MemberRemoved,
)
from support.kheops import ALBUM, ALICE, BOB, CAROL, DAVE, NOBODY, World, email_of
from support.kheops_cases import FORBIDDEN, NO_ALBUM, NO_USER, Case, check, each, flags

COVERS = (
    "GET /albums/{album}/users",
    "PUT /albums/{album}/users/{user}",
    "DELETE /albums/{album}/users/{user}",
    "PUT /albums/{album}/users/{user}/admin",
    "DELETE /albums/{album}/users/{user}/admin",
)

USERS = f"/albums/{ALBUM}/users"

ADDING_USERS = [
    Case("by sub", ALICE, f"PUT {USERS}/{DAVE}", 201, events=[MemberAdded(DAVE)]),
    Case(
        "by address",
        ALICE,
        f"PUT {USERS}/DAVE@Example.ORG",
        201,
        events=[MemberAdded(DAVE)],
    ),
    Case("a member", ALICE, f"PUT {USERS}/{BOB}", 201),
    Case("an admin", ALICE, f"PUT {USERS}/{CAROL}", 201),
    Case("oneself", ALICE, f"PUT {USERS}/{ALICE}", 403, FORBIDDEN),
    Case("unknown user", ALICE, f"PUT {USERS}/{NOBODY}", 404, NO_USER),
    Case("unknown address", ALICE, f"PUT {USERS}/no%25@example.org", 404, NO_USER),
    Case("no right", BOB, f"PUT {USERS}/{DAVE}", 403, FORBIDDEN),
    Case("no right comes before unknown user", BOB, f"PUT {USERS}/{NOBODY}", 403, FORBIDDEN),
    Case("no member comes before unknown user", DAVE, f"PUT {USERS}/{NOBODY}", 404, NO_ALBUM),
    Case(
        "plain member, allowed",
        BOB,
        f"PUT {USERS}/{DAVE}",
        201,
        events=[MemberAdded(DAVE)],
        given=flags(add_user=True),
    ),
]

ADDING_ADMINS = [
    Case("stranger", ALICE, f"PUT {USERS}/{DAVE}/admin", 204, events=[AdminAdded(DAVE)]),
    Case("member", ALICE, f"PUT {USERS}/{BOB}/admin", 204, events=[MemberPromoted(BOB)]),
    Case("admin", ALICE, f"PUT {USERS}/{CAROL}/admin", 204),
    Case("oneself", ALICE, f"PUT {USERS}/{ALICE}/admin", 403, FORBIDDEN),
    Case("unknown user", ALICE, f"PUT {USERS}/{NOBODY}/admin", 404, NO_USER),
    Case(
        "plain member, allowed to add users",
        BOB,
        f"PUT {USERS}/{DAVE}/admin",
        403,
        FORBIDDEN,
        given=flags(add_user=True),
    ),
    Case("no member", DAVE, f"PUT {USERS}/{BOB}/admin", 404, NO_ALBUM),
]

DEMOTING = [
    Case("other", ALICE, f"DELETE {USERS}/{CAROL}/admin", 204, events=[AdminDemoted(CAROL)]),
    Case(
        "oneself",
        ALICE,
        f"DELETE {USERS}/{email_of(ALICE)}/admin",
        204,
        events=[AdminDemoted(ALICE)],
    ),
    Case("plain member", ALICE, f"DELETE {USERS}/{BOB}/admin", 404, "User not a member"),
    Case("stranger", ALICE, f"DELETE {USERS}/{DAVE}/admin", 404, "User not a member"),
    Case("unknown user", ALICE, f"DELETE {USERS}/{NOBODY}/admin", 404, NO_USER),
    Case("no right", BOB, f"DELETE {USERS}/{CAROL}/admin", 403, FORBIDDEN),
    Case("no member", DAVE, f"DELETE {USERS}/{CAROL}/admin", 404, NO_ALBUM),
]

REMOVING_USERS = [
    Case("leave", BOB, f"DELETE {USERS}/{BOB}", 204, events=[MemberLeft()]),
    Case("admin leaves", ALICE, f"DELETE {USERS}/{ALICE}", 204, events=[MemberLeft()]),
    Case("remove", ALICE, f"DELETE {USERS}/{BOB}", 204, events=[MemberRemoved(BOB)]),
    Case(
        "remove admin",
        ALICE,
        f"DELETE {USERS}/{email_of(CAROL)}",
        204,
        events=[MemberRemoved(CAROL)],
    ),
    Case("no right", BOB, f"DELETE {USERS}/{CAROL}", 403, FORBIDDEN),
    Case("stranger", ALICE, f"DELETE {USERS}/{DAVE}", 404, NO_ALBUM),
    Case("stranger comes before no right", BOB, f"DELETE {USERS}/{DAVE}", 404, NO_ALBUM),
    Case("unknown user", ALICE, f"DELETE {USERS}/{NOBODY}", 404, NO_USER),
    Case("no member", DAVE, f"DELETE {USERS}/{DAVE}", 404, NO_ALBUM),
]


@pytest.mark.parametrize("case", each(ADDING_USERS))
def test_add_user(case: Case, world: World) -> None:
    """Adding a user is 201, by sub or by address; it takes the right, and a user who is known."""
    check(case, world)


@pytest.mark.parametrize("case", each(ADDING_ADMINS))
def test_add_admin(case: Case, world: World) -> None:
    """Adding or promoting an admin is 204; only admins may."""
    check(case, world)


@pytest.mark.parametrize("case", each(DEMOTING))
def test_demote_admin(case: Case, world: World) -> None:
    """Demoting an admin is 204; only admins may, and only an admin can be demoted."""
    check(case, world)


@pytest.mark.parametrize("case", each(REMOVING_USERS))
def test_remove_user(case: Case, world: World) -> None:
    """Leaving and removing are 204; the target must be a member, and removing others is for admins."""
    check(case, world)


def test_users(world: World) -> None:
    """The list of users is paged after sorting, and X-Total-Count counts them all."""
    answer = world.request(BOB, "GET", USERS, query={"limit": "1", "offset": "1"})
    assert answer.json == [{"email": email_of(BOB), "name": "Bob", "sub": BOB, "is_admin": False}]
    assert answer.headers["x-total-count"] == "3"
    assert [user["sub"] for user in world.get(BOB, USERS, offset="1")] == [BOB, CAROL]
    assert world.get(BOB, USERS, limit="0") == []


def test_users_of_a_strangers_album(world: World) -> None:
    """Who is no member learns nothing about the users, and a bad parameter of his is not looked at."""
    answer = world.request(DAVE, "GET", USERS, query={"limit": "x"})
    assert (answer.status_code, answer.json["message"]) == (404, NO_ALBUM)


def test_change_moves_last_event_time(world: World) -> None:
    """Adding a user who is a member already changes nothing, not even the time of the last event."""
    at = world.last_event_at()
    world.request(ALICE, "PUT", f"{USERS}/{BOB}")
    assert world.last_event_at() == at
    world.request(ALICE, "PUT", f"{USERS}/{DAVE}")
    assert world.last_event_at() == world.clock.now
