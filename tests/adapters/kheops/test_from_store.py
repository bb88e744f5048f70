"""Answers that come from the database alone: given again while nothing was written, and never after."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from albumcore import import_study, post_comment, remove_member
from albumcore_adapters.http.kheops import events
from albumcore_adapters.http.kheops.all_routes import ROUTES
from albumcore_adapters.http.response_cache import ResponseCache
from albumcore_adapters.service import open_service
from support.kheops import ALBUM, ALICE, BOB, CT, STUDY, World, open_world, settle

PAGE = f"/albums/{ALBUM}/events"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A settled world, for one test alone."""
    made = open_world(tmp_path / "data", start=settle)
    yield made
    made.service.close()


@pytest.mark.on_sqlite
def test_the_same_question_is_answered_without_asking_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the byte and the header; another caller's, or another page, is another question."""
    first = world.request(ALICE, "GET", PAGE)
    monkeypatch.setattr(events, "render", None)
    again = world.request(ALICE, "GET", PAGE)
    assert (again.status_code, again.content) == (200, first.content)
    assert dict(again.headers) == dict(first.headers)
    assert (
        world.request(ALICE, "HEAD", PAGE).headers["X-Total-Count"]
        == first.headers["X-Total-Count"]
    )
    for by, query in ((BOB, {}), (ALICE, {"limit": "1"})):
        assert world.request(by, "GET", PAGE, query=query).status_code == 500


def test_whatever_is_written_is_in_the_next_answer(world: World) -> None:
    """Through this process and through another, be it an event or not."""
    told = [world.request(ALICE, "GET", PAGE).json]
    world.act(BOB, post_comment, "hello")
    told.append(world.request(ALICE, "GET", PAGE).json)
    with closing(open_service(world.service.settings)) as another:
        another.people.register(BOB, None, "Robert")
    told.append(world.request(ALICE, "GET", PAGE).json)
    assert len(told[1]) == len(told[0]) + 1
    assert [one[0]["source"]["name"] for one in told[1:]] == ["Bob", "Robert"]
    world.act(ALICE, remove_member, BOB)
    assert world.request(BOB, "GET", PAGE).status_code == 404


def test_a_kept_answer_is_for_a_token_that_is_good(world: World) -> None:
    """An expired one is refused although its answer is at hand."""
    headers = {"Authorization": f"Bearer {world.token(ALICE, ttl=60)}"}
    assert world.request(None, "GET", PAGE, headers=headers).status_code == 200
    assert world.request(None, "GET", PAGE, headers=headers).status_code == 200
    world.clock.tick(120)
    assert world.request(None, "GET", PAGE, headers=headers).status_code == 401


def test_the_answer_to_a_capability_token_is_not_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may expire, and its use is noted."""
    cached: list[object] = []
    monkeypatch.setattr(ResponseCache, "put", lambda self, *entry: cached.append(entry))
    key = world.album_token("Key", read=True)
    assert world.request(key, "GET", f"/albums/{ALBUM}").status_code == 200
    assert not cached
    assert world.request(ALICE, "GET", f"/albums/{ALBUM}").status_code == 200
    assert len(cached) == 1
    world.clock.tick(3600 * 24 * 366 * 200)
    assert world.request(key, "GET", f"/albums/{ALBUM}").status_code == 401
    assert len(cached) == 1


def test_headers_that_make_another_answer_are_part_of_the_question(world: World) -> None:
    """A link that a proxy tells of holds a token, and is for whoever asked for it."""
    world.store({CT: "CT"})
    world.act(ALICE, import_study, STUDY, [CT])
    path = f"/studies/{STUDY}/series"
    told = [
        world.request(ALICE, "GET", path, headers=headers).content
        for headers in ({}, {"X-Link-Authorization": "true"}, {}, {"Accept": "application/json"})
    ]
    assert b"/link/" not in told[0] + told[2]
    assert b"/link/" in told[1]


def test_only_what_shows_comes_from_the_store_alone() -> None:
    """A route that records anything is no such route."""
    for route in ROUTES:
        assert not route.from_store or (route.method == "GET" and not route.records)
