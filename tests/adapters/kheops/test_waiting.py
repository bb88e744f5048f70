"""Requests that wait for events of an album (Kheops API 7.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import pytest

from albumcore import create_album, edit_album, post_comment, remove_member
from support.following import CURSOR, SOON, after, comments, now, waiting
from support.kheops import ALBUM, ALICE, BOB, CAROL, OTHER, World, open_world, settle


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A settled world."""
    made = open_world(tmp_path, start=settle)
    yield made
    made.service.close()


def test_waiting_ends_with_an_entry(world: World) -> None:
    """As soon as one is recorded that the request selects and the caller sees."""
    cursor = now(world)
    with waiting(world, BOB, cursor, types="comments") as asked:
        world.act(ALICE, edit_album, name="Another")
        world.act(ALICE, post_comment, "for carol", target=CAROL)
        world.act(ALICE, create_album, "Other", album=OTHER)
        world.act(ALICE, post_comment, "x")
        assert comments(asked.result(SOON)) == ["x"]


def test_waiting_ends_with_time(world: World) -> None:
    """200 with an empty list, and the cursor."""
    cursor = now(world)
    began = monotonic()
    answer = after(world, BOB, cursor, wait="1")
    assert monotonic() - began >= 1
    assert (answer.status_code, answer.json, answer.headers[CURSOR]) == (200, [], cursor)


def test_nothing_is_waited_for_where_there_is_something(world: World) -> None:
    """Nor with ``wait=0``."""
    began = monotonic()
    assert after(world, BOB, "", wait="60").json
    assert after(world, BOB, now(world), wait="0").json == []
    assert monotonic() - began < SOON


@pytest.mark.parametrize(
    ("act", "status"),
    [
        (lambda world: world.act(ALICE, remove_member, BOB), 404),
        (lambda world: world.request(BOB, "DELETE", f"/albums/{ALBUM}/users/{BOB}"), 404),
        (lambda world: world.request(ALICE, "DELETE", f"/albums/{ALBUM}"), 404),
    ],
)
def test_membership_is_checked_again(
    act: Callable[[World], object], status: int, world: World
) -> None:
    """Who is no member any more gets 404 at once."""
    with waiting(world, BOB, now(world)) as asked:
        act(world)
        assert asked.result(SOON).status_code == status


def test_a_token_is_checked_again(world: World) -> None:
    """A capability token that was revoked meanwhile gets 401, with the next event."""
    token = world.user_token("mine", BOB)
    with waiting(world, token, now(world)) as asked:
        answer = world.request(BOB, "POST", f"/capabilities/{token}/revoke")
        assert answer.status_code == 200
        world.act(ALICE, post_comment, "x")
        assert asked.result(SOON).status_code == 401


def test_a_worker_that_stops_answers(world: World) -> None:
    """At once, with what there is; and lets nobody wait any more."""
    cursor = now(world)
    with waiting(world, BOB, cursor) as asked:
        world.service.log_watch.stop()
        answer = asked.result(SOON)
    assert (answer.status_code, answer.json, answer.headers[CURSOR]) == (200, [], cursor)
    assert after(world, BOB, cursor, wait="60").json == []


def test_a_user_leaves_room_for_others(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Half of those who may wait are of one user at most; more of theirs get 503."""
    world = open_world(tmp_path_factory.mktemp("half"), start=settle, max_waiting=3)
    try:
        cursor = now(world)
        with waiting(world, BOB, cursor) as one, waiting(world, BOB, cursor) as another:
            refused = after(world, BOB, cursor, wait="60")
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
            with waiting(world, CAROL, cursor) as other:
                world.act(ALICE, post_comment, "x")
                assert [comments(ask.result(SOON)) for ask in (one, another, other)] == [["x"]] * 3
    finally:
        world.service.close()


def test_a_bounded_number_waits(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Past it, 503 with Retry-After; but what is there is answered."""
    world = open_world(tmp_path_factory.mktemp("few"), start=settle, max_waiting=1)
    try:
        cursor = now(world)
        with waiting(world, BOB, cursor) as asked:
            refused = after(world, CAROL, cursor, wait="60")
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
            assert after(world, CAROL, "", wait="60").status_code == 200
            world.act(ALICE, post_comment, "x")
            assert comments(asked.result(SOON)) == ["x"]
        assert after(world, BOB, now(world), wait="1").json == []
    finally:
        world.service.close()
