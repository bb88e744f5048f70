"""The list of albums: filters, order, paging (Kheops API 3.1)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from albumcore import (
    add_member,
    create_album,
    delete_album,
    edit_album,
    import_study,
    post_comment,
    promote_member,
)
from albumcore.ids import AlbumId
from support.kheops import ALICE, BOB, CAROL, World, open_world

COVERS = (
    "GET /albums",
    "GET /albums/{album}",
)

ALBUMS = {
    # id: (created on, name)
    "Lisbon0001": ("2026-01-01T00:00:00", "Hand study"),
    "Madrid0001": ("2026-01-31T23:59:59.999999", "hand*100%"),
    "Oporto0001": ("2026-02-01T00:00:00", "Tobacco_Robert"),
    "Sevilla001": ("2026-03-15T12:00:00", "Ångström\nlab"),
}
LISBON, MADRID, OPORTO, SEVILLA = map(AlbumId, ALBUMS)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Four albums of Alice; Bob is a member of three, Carol of one."""
    made = open_world(Path(tmp_path_factory.mktemp("albums")))
    made.register(ALICE, BOB, CAROL)
    for album, (created, name) in ALBUMS.items():
        made.clock.now = datetime.fromisoformat(created).replace(tzinfo=UTC)
        made.clock.tick(-1)
        made.act(ALICE, create_album, name, album=AlbumId(album))
    made.clock.now = datetime(2026, 4, 1, tzinfo=UTC)
    for album in (MADRID, OPORTO, SEVILLA):
        made.act(ALICE, add_member, BOB, album=album)
    made.act(ALICE, promote_member, BOB, album=OPORTO)
    made.act(ALICE, add_member, CAROL, album=SEVILLA)
    made.act(ALICE, edit_album, flags={"add_series": False}, album=SEVILLA)
    made.store({"1.1.1": "CT", "1.1.2": "SR"}, study="1.1")
    made.store({"1.2.1": "MR"}, study="1.2")
    made.service.catalogue.add_placeholder("1.3", "1.3.1")  # type: ignore[arg-type]
    made.act(ALICE, import_study, "1.1", ["1.1.1", "1.1.2"], album=OPORTO)
    made.act(ALICE, import_study, "1.1", ["1.1.1"], album=MADRID)
    made.act(ALICE, import_study, "1.2", ["1.2.1"], album=MADRID)
    made.act(ALICE, import_study, "1.3", ["1.3.1"], album=SEVILLA)
    made.act(ALICE, post_comment, "x", album=LISBON)
    made.act(ALICE, post_comment, "x", BOB, album=OPORTO)
    made.act(BOB, post_comment, "x", BOB, album=OPORTO)
    yield made
    made.service.close()


def listed(world: World, by: str, **query: str) -> list[str]:
    """The ids in the list of one of the people."""
    return [album["album_id"] for album in world.get(by, "/albums", **query)]


def test_newest_first_and_only_ones_own(world: World) -> None:
    """The list holds the albums the caller is a member of, the one created last first."""
    assert listed(world, ALICE) == [SEVILLA, OPORTO, MADRID, LISBON]
    assert listed(world, CAROL) == [SEVILLA]


def test_album_in_the_list_is_the_album(world: World) -> None:
    """What the list says of an album is what its own page says."""
    for album in world.get(BOB, "/albums"):
        assert album == world.get(BOB, f"/albums/{album['album_id']}")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"name": "HAND STUDY"}, [LISBON]),
        ({"name": "hand"}, []),
        ({"name": "hand*"}, [MADRID, LISBON]),
        ({"name": "*study"}, [LISBON]),
        ({"name": "*ÅNG*lab"}, [SEVILLA]),
        ({"name": "*"}, [SEVILLA, OPORTO, MADRID, LISBON]),
        ({"name": "**a*d**"}, [MADRID, LISBON]),
        ({"name": "h*d*d*"}, [LISBON]),
        ({"name": "*%"}, [MADRID]),
        ({"name": "%"}, []),
        ({"name": "*_*"}, [OPORTO]),
        ({"name": "*.*"}, []),
        ({"name": ""}, []),
        ({"name": "tobakko Rupert", "fuzzymatching": "true"}, [OPORTO]),
        ({"name": "*tobakko Rupert*", "fuzzymatching": "TRUE"}, [OPORTO]),
        ({"name": "tobakko Rupert", "fuzzymatching": "yes"}, []),
        ({"name": "hand*", "fuzzymatching": "true"}, [MADRID, LISBON]),
        ({"name": "*1*", "fuzzymatching": "true"}, [MADRID]),
        ({"fuzzymatching": "true"}, [SEVILLA, OPORTO, MADRID, LISBON]),
        ({"modality": "ct"}, [OPORTO, MADRID]),
        ({"modality": "MR"}, [MADRID]),
        ({"modality": "M"}, []),
        ({"created_time": "20260131"}, [MADRID]),
        ({"created_time": "20260101-20260131"}, [MADRID, LISBON]),
        ({"created_time": "20260201-"}, [SEVILLA, OPORTO]),
        ({"created_time": "-20260131"}, [MADRID, LISBON]),
        ({"created_time": "20260301-20260101"}, []),
        ({"created_time": "-20251231"}, []),
        ({"last_event_time": "20260401"}, [SEVILLA, OPORTO, MADRID, LISBON]),
        ({"last_event_time": "-20260331"}, []),
        ({"favorite": "true"}, []),
        ({"favorite": "false"}, [SEVILLA, OPORTO, MADRID, LISBON]),
        ({"created_time": "20260201-", "name": "*robert"}, [OPORTO]),
        ({"modality": "ct", "name": "hand*"}, [MADRID]),
    ],
)
def test_filter(query: dict[str, str], expected: list[str], world: World) -> None:
    """Filters narrow the list, and several of them add up."""
    assert listed(world, ALICE, **query) == expected


def test_filter_by_what_one_may_do(world: World) -> None:
    """The filters by right keep the albums where the caller is an admin, or the flag says it of members."""
    assert listed(world, BOB, canAddSeries="true") == [OPORTO, MADRID]
    assert listed(world, BOB, canCreateCapabilityToken="true") == [OPORTO]
    assert listed(world, BOB, canAddSeries="false") == [SEVILLA, OPORTO, MADRID]


def test_filtered_album_is_counted_whole(world: World) -> None:
    """The filter by modality chooses albums; their numbers still count all that is in them."""
    [album] = world.get(ALICE, "/albums", modality="mr")
    assert (album["modalities"], album["number_of_studies"]) == (["CT", "MR"], 2)


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("created_time", [LISBON, MADRID, OPORTO, SEVILLA]),
        ("-created_time", [SEVILLA, OPORTO, MADRID, LISBON]),
        ("last_event_time", [OPORTO, MADRID, SEVILLA, LISBON]),
        ("-last_event_time", [LISBON, SEVILLA, MADRID, OPORTO]),
        ("name", [LISBON, MADRID, OPORTO, SEVILLA]),
        ("-name", [SEVILLA, OPORTO, MADRID, LISBON]),
        ("number_of_users", [LISBON, MADRID, OPORTO, SEVILLA]),
        ("-number_of_users", [SEVILLA, MADRID, OPORTO, LISBON]),
        ("number_of_studies", [LISBON, SEVILLA, OPORTO, MADRID]),
        ("-number_of_studies", [MADRID, OPORTO, LISBON, SEVILLA]),
        ("number_of_comments", [SEVILLA, MADRID, LISBON, OPORTO]),
        ("-number_of_comments", [LISBON, OPORTO, SEVILLA, MADRID]),
    ],
)
def test_sort(sort: str, expected: list[str], world: World) -> None:
    """Each order is by its key; what that leaves equal comes by last event, newest first, in either direction."""
    assert listed(world, ALICE, sort=sort) == expected


def test_page(world: World) -> None:
    """A page is a part of the list; X-Total-Count counts all that match."""
    answer = world.request(ALICE, "GET", "/albums", query={"limit": "2", "offset": "1"})
    assert [album["album_id"] for album in answer.json] == [OPORTO, MADRID]
    assert answer.headers["x-total-count"] == "4"
    assert listed(world, ALICE, offset="3") == [LISBON]
    assert listed(world, ALICE, limit="1", offset="99") == []
    answer = world.request(ALICE, "GET", "/albums", query={"name": "hand*", "limit": "1"})
    assert (len(answer.json), answer.headers["x-total-count"]) == (1, "2")


def test_first_value_counts(world: World) -> None:
    """Where a parameter comes twice, its first value counts."""
    assert listed(world, ALICE, limit=["1", "x"]) == [SEVILLA]  # type: ignore[arg-type]


def test_many_wildcards(world: World) -> None:
    """A name with many wildcards that does not match is given up at once, not after trying every way to match."""
    world.act(BOB, create_album, "a" * 255, album=AlbumId("Wildcards1"))
    assert listed(world, BOB, name="*a" * 120 + "*b") == []
    world.act(BOB, delete_album, album=AlbumId("Wildcards1"))


def test_empty_list(world: World) -> None:
    """Who is in no album gets an empty list, not an error."""
    world.register("sub-new")
    answer = world.request("sub-new", "GET", "/albums")
    assert (answer.json, answer.headers["x-total-count"]) == ([], "0")
