"""Following an album: cursors, the entries after one, and requests that wait for them (Kheops API 7.1)."""

from __future__ import annotations

import pytest

from albumcore import add_member, create_album, edit_album, post_comment, remove_member
from albumcore_adapters.base.cursors import CursorPlace
from support.following import CURSOR, EVENTS, after, comments, now
from support.kheops import ALBUM, ALICE, BOB, CAROL, DAVE, OTHER, World

COVERS = ("GET /albums/{album}/events",)


def test_entries_after_a_cursor(world: World) -> None:
    """Oldest first, page after page, until the end: an empty list, and the same cursor."""
    cursor = now(world)
    for number in range(5):
        world.act(ALICE, post_comment, str(number))
    seen = []
    for expected in (["0", "1"], ["2", "3"], ["4"], []):
        answer = after(world, BOB, cursor, limit="2")
        assert comments(answer) == expected
        assert (answer.headers[CURSOR] != cursor) == bool(expected)
        seen.append(int(answer.headers["x-total-count"]))
        cursor = answer.headers[CURSOR]
    assert seen == [5, 3, 1, 0]
    assert cursor == now(world)


def test_the_beginning(world: World) -> None:
    """An empty cursor stands before the first entry; so does that of a list without entries."""
    every = world.events(BOB)
    assert after(world, BOB, "").json == [*reversed(every)]
    nothing = now(world, types="comments")
    assert after(world, BOB, nothing).json == [*reversed(every)]
    empty = after(world, BOB, "", types="comments")
    assert (empty.json, empty.headers[CURSOR]) == ([], nothing)


def test_a_page_has_a_hundred_entries(world: World) -> None:
    """Unless it is asked for another number."""
    cursor = now(world)
    for number in range(101):
        world.act(ALICE, post_comment, str(number))
    assert comments(after(world, BOB, cursor)) == [str(number) for number in range(100)]
    assert len(comments(after(world, BOB, cursor, limit="200"))) == 101


@pytest.mark.parametrize(
    "query", [{}, {"limit": "1"}, {"limit": "0"}, {"limit": "1", "offset": "1"}, {"offset": "99"}]
)
def test_the_cursor_does_not_depend_on_the_page(query: dict[str, str], world: World) -> None:
    """It stands after the newest entry that is selected, on whichever page of the list."""
    world.act(ALICE, post_comment, "x")
    assert now(world, types="comments", **query) == now(world)
    [entry] = world.events(BOB, types="comments", **{"with": "cursor"})
    assert entry["cursor"] == now(world)


def test_each_entry_has_a_cursor(world: World) -> None:
    """With ``with=cursor``: after it come the entries that are newer."""
    for number in range(3):
        world.act(ALICE, post_comment, str(number))
    shown = world.events(BOB, **{"with": "cursor"})
    for place, entry in enumerate(shown):
        assert after(world, BOB, entry["cursor"], **{"with": "cursor"}).json == shown[:place][::-1]


def test_private_comments_do_not_show_in_cursors(world: World) -> None:
    """Neither the entries nor the cursor of another member change; author and target see it."""
    cursor = now(world)
    plain = world.request(BOB, "GET", EVENTS)
    world.act(ALICE, post_comment, "for carol", target=CAROL)
    again = world.request(BOB, "GET", EVENTS)
    assert (again.headers[CURSOR], again.headers["etag"]) == (cursor, plain.headers["etag"])
    assert after(world, BOB, cursor).json == []
    assert comments(after(world, CAROL, cursor)) == ["for carol"]
    assert comments(after(world, ALICE, cursor)) == ["for carol"]


def test_the_cursor_of_the_past(world: World) -> None:
    """A page of the past has the cursor of that time."""
    world.act(ALICE, post_comment, "old")
    at = world.clock.now
    world.act(ALICE, post_comment, "new")
    cursor = now(world, at=at.isoformat())
    assert comments(after(world, BOB, cursor)) == ["new"]


def test_filters_apply(world: World) -> None:
    """Those of the plain list, with their checks."""
    cursor = now(world)
    world.act(ALICE, post_comment, "x")
    world.act(ALICE, edit_album, name="Another")
    found = after(world, BOB, cursor, types="mutations", type="EDIT_ALBUM")
    assert [one["mutation_type"] for one in found.json] == ["EDIT_ALBUM"]
    assert comments(after(world, BOB, cursor, types="comments")) == ["x"]
    refused = after(world, BOB, cursor, types="mutations", type="NOTHING")
    assert (refused.status_code, refused.json["detail"][:5]) == (400, "type:")


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"after": "", "offset": "1"}, "offset"),
        ({"after": "", "offset": "0"}, "offset"),
        ({"after": "", "at": "2026-03-01T12:00:00Z"}, "at"),
        ({"after": "", "version": "1"}, "version"),
        ({"after": "x" * 42}, "after"),
        ({"after": "é" * 43}, "after"),
        ({"after": "", "wait": "61"}, "wait"),
        ({"after": "", "wait": "-1"}, "wait"),
        ({"after": "", "wait": "1.5"}, "wait"),
        ({"after": "", "wait": ""}, "wait"),
        ({"after": "", "wait": "\u0661"}, "wait"),
        ({"after": "", "with": "x"}, "with"),
        ({"wait": "0"}, "wait"),
    ],
)
def test_bad_parameters(query: dict[str, str], named: str, world: World) -> None:
    """400, with the name of the parameter."""
    answer = world.request(BOB, "GET", EVENTS, query=query)
    assert answer.status_code == 400
    assert answer.json["detail"].startswith(f"{named}: ")


def test_wait_must_be_written_plainly(world: World) -> None:
    """The worker knows such requests by the name in their address."""
    answer = world.client.simulate_get(
        EVENTS,
        query_string="after=&%77ait=1",
        headers={"Authorization": f"Bearer {world.token_of(BOB)}"},
    )
    assert answer.json["detail"].startswith("wait: ")


def test_a_cursor_of_another_history_is_gone(world: World) -> None:
    """410: of another album, with another secret, or of an event that a restored store does not have, or has not."""
    cursors = world.service.cursors
    world.act(ALICE, create_album, "Other", album=OTHER)
    of_other = world.request(ALICE, "GET", f"/albums/{OTHER}/events").headers[CURSOR]
    cursor = now(world)
    altered = ("B" if cursor[0] == "A" else "A") + cursor[1:]
    place = cursors.cursor(f"album-{ALBUM}", cursor)
    world.act(ALICE, post_comment, "x")
    differently = cursors.text(f"album-{ALBUM}", CursorPlace(place.version + 1, place.at))
    ahead = [
        cursors.text(f"album-{ALBUM}", CursorPlace(place.version + more, place.at))
        for more in (2, 2**62)
    ]
    for one in (of_other, altered, differently, *ahead):
        answer = after(world, ALICE, one)
        assert (answer.status_code, answer.json["message"]) == (410, "Gone")


@pytest.mark.parametrize("by", [None, DAVE])
def test_cursors_say_nothing_to_others(by: str | None, world: World) -> None:
    """Who may not read the album gets the error that they get without a cursor, also for a malformed one."""
    for cursor in (now(world), "x"):
        answer = world.request(by, "GET", EVENTS, query={"after": cursor, "wait": "60"})
        assert answer.status_code == (401 if by is None else 404)


def test_entity_tag(world: World) -> None:
    """The plain list is 304 until its entries change; what was waited for has no tag."""
    answer = world.request(BOB, "GET", EVENTS)
    known = {"If-None-Match": answer.headers["etag"]}
    unchanged = world.request(BOB, "GET", EVENTS, headers=known)
    assert (unchanged.status_code, unchanged.text) == (304, "")
    assert unchanged.headers[CURSOR] == answer.headers[CURSOR]
    world.act(ALICE, post_comment, "x")
    assert world.request(BOB, "GET", EVENTS, headers=known).status_code == 200
    assert "etag" not in after(world, BOB, answer.headers[CURSOR]).headers


def test_waiting_does_not_count_as_slow(world: World) -> None:
    """The metrics have the time that a request took, and not that for which it waited."""
    cursor = now(world)
    before = _seconds(world)
    assert after(world, BOB, cursor, wait="1").json == []
    assert 0 < _seconds(world) - before < 1


def _seconds(world: World) -> float:
    return {api: seconds for api, _, seconds in world.service.requests.durations()}["kheops"]


def test_cursor_is_exposed(world: World) -> None:
    """To pages of other origins."""
    for query in ({}, {"after": ""}):
        answer = world.request(BOB, "GET", EVENTS, query=query)
        assert answer.headers["access-control-expose-headers"].startswith(
            "X-Total-Count, X-Next-Cursor, "
        )


def test_a_member_who_comes_back(world: World) -> None:
    """Goes on from the cursor, with what was recorded meanwhile."""
    cursor = now(world)
    world.act(ALICE, remove_member, BOB)
    world.act(ALICE, post_comment, "x")
    assert after(world, BOB, cursor).status_code == 404
    world.act(ALICE, add_member, BOB)
    assert comments(after(world, BOB, cursor)) == ["x"]
