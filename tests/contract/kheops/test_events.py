"""The events route: selection, paging, times, and what both ways of answering share (Kheops API 7.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from albumcore import (
    add_member,
    demote_admin,
    edit_album,
    import_study,
    leave_album,
    post_comment,
    promote_member,
    remove_member,
    remove_study,
)
from support.kheops import ALBUM, ALICE, BOB, CT, DAVE, MR, STUDY, World

COVERS = ("GET /albums/{album}/events",)

EVENTS = f"/albums/{ALBUM}/events"
COMMENTS, MUTATIONS = ["Comment"], ["Mutation"] * 3


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ([], COMMENTS + MUTATIONS),
        (["comments"], COMMENTS),
        (["mutations"], MUTATIONS),
        (["comments", "mutations"], COMMENTS + MUTATIONS),
        (["mutations,comments"], COMMENTS + MUTATIONS),
        (["comments,comments", "comments"], COMMENTS),
        (["mutations", "mutations,comments"], COMMENTS + MUTATIONS),
    ],
)
def test_types(types: Sequence[str], expected: list[str], world: World) -> None:
    """Kinds are named by repeating types, by commas, or both; without it, both kinds come. The total is of those."""
    world.act(ALICE, post_comment, "x")
    answer = world.request(BOB, "GET", EVENTS, query={"types": types})
    assert [event["event_type"] for event in answer.json] == expected
    assert answer.headers["x-total-count"] == str(len(expected))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["3", "2", "1", "0"]),
        ({"limit": "2"}, ["3", "2"]),
        ({"limit": "2", "offset": "1"}, ["2", "1"]),
        ({"offset": "3"}, ["0"]),
        ({"limit": "0"}, []),
        ({"limit": "2147483647", "offset": "2147483647"}, []),
        ({"limit": ["1", "2"]}, ["3"]),
    ],
)
def test_page(query: dict[str, Any], expected: list[str], world: World) -> None:
    """A page is a part of the events, newest first."""
    for number in range(4):
        world.act(ALICE, post_comment, str(number))
    shown = world.events(BOB, types="comments", **query)
    assert [event["comment"] for event in shown] == expected


@pytest.mark.parametrize(
    ("seconds", "fraction"),
    [(0, ""), (0.038, ".038000"), (0.000001, ".000001"), (0.999999, ".999999")],
)
def test_post_date(seconds: float, fraction: str, world: World, upstream: World) -> None:
    """A post date is UTC without a zone: in whole seconds as documented, upstream with a fraction if there is one."""
    shown = []
    for one in (world, upstream):
        one.clock.tick(seconds)
        one.act(ALICE, post_comment, "x")
        shown.append(one.events(BOB, limit="1")[0]["post_date"])
    assert shown == ["2026-03-01T12:00:04", f"2026-03-01T12:00:04{fraction}"]


def _life(world: World) -> list[Any]:
    """What an album's first days look like, without series and report providers."""
    world.act(ALICE, add_member, DAVE)
    world.act(ALICE, promote_member, DAVE)
    world.act(ALICE, demote_admin, DAVE)
    world.act(ALICE, remove_member, DAVE)
    world.act(ALICE, edit_album, "x")
    world.act(BOB, post_comment, "x", ALICE)
    world.act(BOB, post_comment, "x")
    world.act(BOB, leave_album)
    shown: list[Any] = world.events(ALICE)
    return shown


def test_ways_of_answering_share_the_rest(world: World, upstream: World) -> None:
    """Both ways of answering tell all but series and report providers alike, down to the order of the fields."""
    documented, upstreams = _life(world), _life(upstream)
    assert [list(event.items()) for event in documented] == [
        list(event.items()) for event in upstreams
    ]


def test_study_mutation_as_documented(world: World) -> None:
    """A mutation of a whole study tells the study alone; what the catalogue does not describe has no description."""
    world.act(ALICE, import_study, STUDY, [CT, MR])
    world.act(ALICE, remove_study, STUDY)
    for event in world.events(ALICE, limit="2"):
        assert event["study"] == {"UID": STUDY}
        assert "series" not in event
