"""Favourites: one's own albums, and the studies and series of an album or of one's inbox (Kheops API 6)."""

from __future__ import annotations

from typing import Any

import pytest

from albumcore import (
    FavoriteAdded,
    FavoriteRemoved,
    FavoriteSet,
    add_member,
    create_album,
    import_series,
    import_study,
    leave_album,
    remove_series,
    set_favorite,
)
from albumcore.index import SeriesRow
from support.kheops import (
    ALBUM,
    ALICE,
    BOB,
    CAROL,
    CT,
    DAVE,
    MR,
    NOWHERE,
    OTHER,
    SR,
    STUDY,
    World,
)
from support.kheops_cases import (
    BAD_QUERY,
    FORBIDDEN,
    NO_ALBUM,
    NO_SERIES,
    NO_STUDY,
    Case,
    check,
    each,
    flags,
    held,
    of_other,
)

COVERS = (
    "GET /albums",
    "GET /albums/{album}",
    "GET /albums/{album}/events",
    "PUT /albums/{album}/favorites",
    "DELETE /albums/{album}/favorites",
    "PUT /studies/{study}/favorites",
    "DELETE /studies/{study}/favorites",
    "PUT /studies/{study}/series/{series}/favorites",
    "DELETE /studies/{study}/series/{series}/favorites",
)

THERE = f"/albums/{ALBUM}"
OWN = f"{THERE}/favorites"
OF_STUDY = f"/studies/{STUDY}/favorites"
OF_CT = f"/studies/{STUDY}/series/{CT}/favorites"

IN_ALBUM: dict[str, str] = {"album": ALBUM}
IN_INBOX = {"inbox": "true"}

OWN_ALBUMS = [
    Case("set", BOB, f"PUT {OWN}", 204, events=[FavoriteSet(True)]),
    Case(
        "set again",
        BOB,
        f"PUT {OWN}",
        204,
        given=[(BOB, set_favorite, {"is_favorite": True})],
    ),
    Case(
        "unset",
        BOB,
        f"DELETE {OWN}",
        204,
        given=[(BOB, set_favorite, {"is_favorite": True})],
        events=[FavoriteSet(False)],
    ),
    Case("unset what was none", BOB, f"DELETE {OWN}", 204),
    Case("no member", DAVE, f"PUT {OWN}", 404, NO_ALBUM),
    Case("no member, unset", DAVE, f"DELETE {OWN}", 404, NO_ALBUM),
]

OF_STUDIES = [
    Case(
        "study of an album",
        BOB,
        f"PUT {OF_STUDY}",
        204,
        query=IN_ALBUM,
        given=held(SR, CT),
        events=[FavoriteAdded(STUDY, (CT, SR))],
    ),
    Case(
        "series of an album",
        BOB,
        f"PUT {OF_CT}",
        204,
        query=IN_ALBUM,
        given=held(SR, CT),
        events=[FavoriteAdded(STUDY, (CT,))],
    ),
    Case(
        "study no more",
        BOB,
        f"DELETE {OF_STUDY}",
        204,
        query=IN_ALBUM,
        given=held(SR, CT),
        events=[FavoriteRemoved(STUDY, (CT, SR))],
    ),
    Case(
        "series no more",
        BOB,
        f"DELETE {OF_CT}",
        204,
        query=IN_ALBUM,
        given=held(SR, CT),
        events=[FavoriteRemoved(STUDY, (CT,))],
    ),
    Case("study of the inbox", BOB, f"PUT {OF_STUDY}", 204, query=IN_INBOX),
    Case("inbox by presence alone", BOB, f"PUT {OF_STUDY}", 204, query={"inbox": "false"}),
    Case("series of the inbox", BOB, f"PUT {OF_CT}", 204, query=IN_INBOX),
    Case("series of the inbox no more", BOB, f"DELETE {OF_CT}", 204, query=IN_INBOX),
    Case("neither", BOB, f"PUT {OF_STUDY}", 400, BAD_QUERY, given=held(CT)),
    Case("neither, series", BOB, f"DELETE {OF_CT}", 400, BAD_QUERY, given=held(CT)),
    Case("both", BOB, f"PUT {OF_STUDY}", 400, BAD_QUERY, query=IN_ALBUM | IN_INBOX),
    Case(
        "both, inbox false",
        BOB,
        f"DELETE {OF_CT}",
        400,
        BAD_QUERY,
        query=IN_ALBUM | {"inbox": "false"},
    ),
    Case("study not seen", CAROL, f"PUT {OF_STUDY}", 403, NO_STUDY, query=IN_ALBUM),
    Case(
        "study not seen, series",
        CAROL,
        f"DELETE {OF_CT}",
        403,
        NO_STUDY,
        query=IN_INBOX,
    ),
    Case("series not seen", CAROL, f"PUT {OF_CT}", 403, NO_SERIES, query=IN_ALBUM, given=held(SR)),
    Case("study not in the album", BOB, f"PUT {OF_STUDY}", 404, NO_SERIES, query=IN_ALBUM),
    Case(
        "series known, not in the album",
        BOB,
        f"PUT {OF_CT}",
        404,
        NO_SERIES,
        query=IN_ALBUM,
        given=held(SR),
    ),
    Case(
        "study not in the inbox",
        CAROL,
        f"DELETE {OF_STUDY}",
        404,
        NO_SERIES,
        query=IN_INBOX,
        given=held(CT),
    ),
    Case(
        "series not in the inbox",
        BOB,
        f"PUT /studies/{STUDY}/series/{SR}/favorites",
        404,
        NO_SERIES,
        query=IN_INBOX,
        given=held(SR),
    ),
    Case(
        "no right",
        BOB,
        f"PUT {OF_STUDY}",
        403,
        FORBIDDEN,
        query=IN_ALBUM,
        given=[*held(CT), *flags(add_series=False)],
    ),
    Case(
        "no right comes before what else is wrong",
        BOB,
        f"DELETE {OF_CT}",
        403,
        FORBIDDEN,
        query=IN_ALBUM | IN_INBOX,
        given=flags(add_series=False),
    ),
    Case(
        "admin needs no flag",
        ALICE,
        f"PUT {OF_STUDY}",
        204,
        query=IN_ALBUM,
        given=[*held(CT), *flags(add_series=False)],
        events=[FavoriteAdded(STUDY, (CT,))],
    ),
    Case("unknown album", BOB, f"PUT {OF_STUDY}", 404, NO_ALBUM, query={"album": NOWHERE}),
    Case("no album at all", BOB, f"PUT {OF_STUDY}", 404, NO_ALBUM, query={"album": ""}),
    Case(
        "album of others",
        BOB,
        f"PUT {OF_STUDY}",
        404,
        NO_ALBUM,
        query={"album": OTHER},
        given=[of_other(create_album, name="Other")],
    ),
    Case("no study UID", BOB, "PUT /studies/x/favorites", 400, BAD_QUERY, query=IN_INBOX),
    Case(
        "no series UID",
        BOB,
        f"DELETE /studies/{STUDY}/series/x/favorites",
        400,
        BAD_QUERY,
        query=IN_INBOX,
    ),
]


@pytest.mark.parametrize("case", each(OWN_ALBUMS))
def test_own_album(case: Case, world: World) -> None:
    """An album becomes one's own favourite, or one no more: 204, for any member, as often as one likes."""
    check(case, world)


@pytest.mark.parametrize("case", each(OF_STUDIES))
def test_study_or_series(case: Case, world: World) -> None:
    """A study or a series is a favourite of an album or of one's inbox, of one of them; it must be seen, and there."""
    check(case, world)


def test_own_album_is_nobody_elses_business(world: World) -> None:
    """A favourite album shows to its member alone, in no feed, and does not move the album's time."""
    shown, at = world.events(ALICE), world.last_event_at()
    world.request(BOB, "PUT", OWN)
    assert [world.get(by, THERE)["is_favorite"] for by in (ALICE, BOB)] == [False, True]
    assert (world.events(ALICE), world.last_event_at()) == (shown, at)
    assert world.request(BOB, "GET", f"{THERE}/events").headers["x-total-count"] == str(len(shown))
    world.request(BOB, "DELETE", OWN)
    assert world.get(BOB, THERE)["is_favorite"] is False


def test_list_of_favourite_albums(world: World) -> None:
    """``favorite=true`` keeps the caller's own favourites in the list; anything else keeps all."""
    world.act(BOB, create_album, "Other", album=OTHER)
    world.request(BOB, "PUT", OWN)

    def listed(by: str, favorite: str) -> set[str]:
        return {album["album_id"] for album in world.get(by, "/albums", favorite=favorite)}

    assert listed(BOB, "TRUE") == {ALBUM}
    assert listed(BOB, "false") == listed(BOB, "1") == {ALBUM, OTHER}
    assert listed(ALICE, "true") == set()


def test_own_favourite_ends_with_the_membership(world: World) -> None:
    """Who left and was added again has no favourite left from before."""
    world.request(BOB, "PUT", OWN)
    world.act(BOB, leave_album)
    world.act(ALICE, add_member, BOB)
    assert world.get(BOB, THERE)["is_favorite"] is False


def test_favourites_of_an_album_are_all_its_members(world: World) -> None:
    """A favourite of an album is every member's; it is one in that album alone, and ends with its removal."""
    world.act(ALICE, import_study, STUDY, [CT, MR])
    world.act(BOB, create_album, "Other", album=OTHER)
    world.act(BOB, import_study, STUDY, [CT], album=OTHER)
    world.request(BOB, "PUT", OF_CT, query=IN_ALBUM)
    assert _favourites(world) == {(ALBUM, CT)}
    world.act(ALICE, remove_series, STUDY, CT)
    world.act(ALICE, import_series, STUDY, CT)
    assert _favourites(world) == set()


def _favourites(world: World) -> set[tuple[str, str]]:
    rows = world.service.albums.index.rows(SeriesRow, {"study_uid": STUDY})
    return {(row.album_id, row.series_uid) for row in rows if row.is_favorite}


def test_favourites_of_the_inbox(world: World) -> None:
    """A favourite of the inbox is its owner's, and no history has it; a whole study makes every series one."""
    world.store({CT: "CT", MR: "MR"}, owner=BOB)
    world.store({CT: "CT"}, owner=DAVE)
    inbox, bob, before = world.service.inbox, world.user(BOB), world.position()
    world.request(BOB, "PUT", OF_STUDY, query=IN_INBOX)
    assert (inbox.favorites(bob), inbox.favorites(world.user(DAVE))) == ({STUDY: {CT, MR}}, {})
    world.request(BOB, "DELETE", OF_CT, query=IN_INBOX)
    assert inbox.favorites(bob) == {STUDY: {MR}}
    assert world.position() == before


def _marked(world: World) -> list[Any]:
    """What the feed tells of a study made a favourite, and of a series of it that is one no more."""
    world.store({CT: "CT", MR: "MR"}, description="Hand", series_description="Plain")
    world.act(ALICE, import_study, STUDY, [CT, MR])
    world.request(BOB, "PUT", OF_STUDY, query=IN_ALBUM)
    world.act(ALICE, remove_series, STUDY, MR)
    world.request(BOB, "DELETE", OF_CT, query=IN_ALBUM)
    removed, _, added, *_ = world.events(CAROL)
    return [removed, added]


def test_mutations(world: World, upstream: World) -> None:
    """ADD_FAV and REMOVE_FAV tell the study with the series touched, each with whether it is there now; both ways."""
    removed, added = _marked(world)
    assert [one["mutation_type"] for one in (added, removed)] == ["ADD_FAV", "REMOVE_FAV"]
    assert list(added) == ["event_type", "source", "post_date", "mutation_type", "study"]
    there = {"UID": CT, "description": "Plain", "is_present_in_album": True}
    gone = {"UID": MR, "description": "Plain", "is_present_in_album": False}
    assert added["study"] == {"UID": STUDY, "description": "Hand", "series": [there, gone]}
    assert removed["study"] == {"UID": STUDY, "description": "Hand", "series": [there]}
    assert [removed, added] == _marked(upstream)


@pytest.mark.parametrize("path", [OF_STUDY, OF_CT])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_every_time_is_recorded(method: str, path: str, world: World) -> None:
    """A favourite that is one already is recorded again, and moves the album's time."""
    world.act(ALICE, import_study, STUDY, [CT])
    for _ in range(2):
        before = world.position()
        assert world.request(BOB, method, path, query=IN_ALBUM).status_code == 204
        assert len(world.news(before)) == 1
        assert world.last_event_at() == world.clock.now


def test_through_capability_tokens(world: World) -> None:
    """A token that acts as a user has favourites as he does, in his name alone; one of an album has none."""
    world.act(ALICE, import_study, STUDY, [CT])
    as_bob = world.user_token("bobs", BOB)
    assert world.request(as_bob, "PUT", OWN).status_code == 204
    assert world.get(BOB, THERE)["is_favorite"] is True
    assert world.request(as_bob, "PUT", OF_STUDY, query=IN_ALBUM).status_code == 204
    source = world.events(ALICE, limit="1")[0]["source"]
    assert (source["sub"], "capability_token" in source) == (BOB, False)
    of_album = world.album_token("all", read=True, write=True, appropriate=True)
    for method in ("PUT", "DELETE"):
        for path, query in ((OWN, {}), (OF_STUDY, IN_ALBUM), (OF_CT, IN_INBOX)):
            answer = world.request(of_album, method, path, query=query)
            assert (answer.status_code, answer.json["message"]) == (403, FORBIDDEN)
