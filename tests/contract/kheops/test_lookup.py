"""Finding people, by a reference or by a part of a name or address (Kheops API 13.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from albumcore import Source, add_member, create_album, import_series
from albumcore.ids import SeriesUID, StudyUID
from albumcore_adapters.access.series import by_study, reach, sees, viewers_of
from albumcore_adapters.identity.callers import Caller
from support.kheops import (
    ALBUM,
    ALICE,
    BOB,
    CAROL,
    CT,
    DAVE,
    MR,
    NOBODY,
    NOWHERE,
    OTHER,
    STUDY,
    Answer,
    World,
    email_of,
    open_world,
    settle,
)

COVERS = ("GET /users",)

UNSEEN = "9.9"
"""A study that is Dave's alone."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A settled world in which people are looked for; nothing happens in it.

    The study is in the album, in one of Dave's, and in the inbox of Edwina. Members are also three
    people of like names, and one without a name or an address.
    """
    made = open_world(tmp_path_factory.mktemp("lookup"), start=settle)
    made.service.people.register("sub-edwina", "Edwina+Straße@Daves.example", "Edwina Ångström")
    made.service.people.register("sub-silent", None, None)
    annas = [f"sub-anna{number}" for number in (1, 2, 3)]
    made.register(*annas)
    for sub in (*annas, "sub-silent"):
        made.act(ALICE, add_member, sub)
    made.store({CT: "CT"}, owner="sub-edwina")
    made.store({MR: "MR"}, study=UNSEEN, owner=DAVE)
    made.act(ALICE, import_series, STUDY, CT)
    made.act(DAVE, create_album, "Other", album=OTHER)
    made.act(DAVE, import_series, STUDY, CT, album=OTHER)
    made.album_token("shared", read=True, write=True)
    made.user_token("own", BOB)
    yield made
    made.service.close()


def look(world: World, by: str = BOB, **query: str) -> Answer:
    """Look for somebody."""
    return world.request(by, "GET", "/users", query=query)


def person(sub: str, **told: bool) -> dict[str, Any]:
    """One of the people as he is shown."""
    name = sub.removeprefix("sub-").capitalize()
    return {"email": email_of(sub), "name": name, "sub": sub, **told}


def subs(answer: Answer) -> list[str]:
    """Who was found."""
    assert answer.status_code == 200, answer.text
    return [one["sub"] for one in answer.json]


# One, by a reference


@pytest.mark.parametrize("reference", [DAVE, email_of(DAVE), " DAVE@Example.ORG ", f" {DAVE} "])
def test_reference(reference: str, world: World) -> None:
    """A person is found by sub, or by address in any case, whoever asks."""
    for by in (BOB, "own"):
        answer = look(world, by, reference=reference)
        assert (answer.status_code, answer.json) == (200, person(DAVE))


@pytest.mark.parametrize("reference", [NOBODY, "no@example.org", "%@example.org", "", " ", "dave"])
def test_reference_of_nobody(reference: str, world: World) -> None:
    """Nobody by that reference: 204, without a body."""
    answer = look(world, reference=reference)
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize(
    ("who", "album", "study"),
    [(CAROL, True, True), (DAVE, False, True), ("sub-edwina", False, True)],
)
def test_reference_with_access(who: str, album: bool, study: bool, world: World) -> None:
    """Where an album or a study is named, it is told whether the person has access to it, now."""
    there = look(world, reference=who, album=ALBUM, studyInstanceUID=STUDY).json
    assert (there["album_access"], there["study_access"]) == (album, study)
    of_album = look(world, reference=who, album=ALBUM).json
    assert list(of_album) == ["email", "name", "sub", "album_access"]
    unseen = look(world, reference=who, studyInstanceUID=UNSEEN).json
    assert unseen["study_access"] is False  # who sees it is not for those to know who do not


# Some, by a part of a name or an address


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("aro", [CAROL]),
        ("ALI", [ALICE]),
        ("carol@", [CAROL]),
        ("carol@example.org", [CAROL]),
        ("Carol@EX", [CAROL]),
        ("sub", []),
        ("example", []),
        ("rol@example", []),
        ("%a%", []),
        ("c_r", []),
    ],
)
def test_search_among_members(search: str, found: list[str], world: World) -> None:
    """A part of a name, or of what stands before the @, in any case; with the @, the beginning of an address."""
    answer = look(world, search=search, album=ALBUM)
    assert answer.status_code == (200 if found else 204)
    if found:
        assert answer.json == [person(sub, is_admin=True) for sub in found]
    assert "x-total-count" not in answer.headers


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("dave", [DAVE]),
        ("edwina", ["sub-edwina"]),
        ("ÅNGSTRÖM", ["sub-edwina"]),
        ("strasse", ["sub-edwina"]),
        ("AßE", ["sub-edwina"]),
        ("daves", []),
        ("alice", [ALICE]),
    ],
)
def test_search_among_those_who_see_a_study(search: str, found: list[str], world: World) -> None:
    """Those who see it count: members of all its albums, and who has it in the inbox. Addresses' hosts do not."""
    answer = look(world, search=search, studyInstanceUID=STUDY)
    assert answer.status_code == (200 if found else 204)
    if found:
        assert subs(answer) == found
        assert "is_admin" not in answer.json[0]


@pytest.mark.parametrize(
    ("by", "limit", "offset", "found"),
    [
        (ALICE, "1", "0", ["sub-anna1"]),
        (ALICE, "2", "1", ["sub-anna2", "sub-anna3"]),
        (ALICE, "9", "2", ["sub-anna3"]),
        (ALICE, "9", "3", []),
        (ALICE, "0", "0", []),
        ("sub-anna1", "2", "0", ["sub-anna2"]),
        ("sub-anna1", "1", "0", []),
    ],
)
def test_search_in_pages(by: str, limit: str, offset: str, found: list[str], world: World) -> None:
    """A page at a time, by address; the caller is left out of the page he would be on."""
    answer = look(world, by, search="anna", album=ALBUM, limit=limit, offset=offset)
    assert (subs(answer) if found else answer.status_code) == (found or 204)


def test_search_goes_by_the_album_where_both_are_named(world: World) -> None:
    """The album wins over the study."""
    query = {"search": "dave", "album": ALBUM, "studyInstanceUID": STUDY}
    assert look(world, **query).status_code == 204


# Some, where neither an album nor a study is named


STRANGER, ALONE = "sub-stranger", "sub-alone"


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """People who share something, and some who do not.

    Bob has the study 1.2.3 in his inbox, by its CT. Edwina has its MR, and Dave an album with it. The study 7.7 is
    known by its CT alone, which Bob has; Alone has claimed another series of it, of which nothing is known. Stranger
    has an album that holds that one, and a series of another study under its UID. Of the study 8.8 nothing is known
    at all: Bob and Frida have each claimed a series.
    """
    made = open_world(tmp_path_factory.mktemp("crowd"), start=settle)
    made.register("sub-edwina", "sub-frida", STRANGER, ALONE)
    made.store({CT: "CT"}, owner=BOB)
    made.store({MR: "MR"}, owner="sub-edwina")
    made.act(DAVE, create_album, "Other", album=OTHER)
    made.act(DAVE, import_series, STUDY, CT, album=OTHER)
    made.store({"7.7.1": "CT"}, study="7.7", owner=BOB)
    for study, series, who in (
        ("7.7", "7.7.2", ALONE),
        ("8.8", "8.8.1", BOB),
        ("8.8", "8.8.2", "sub-frida"),
    ):
        made.service.catalogue.add_placeholder(StudyUID(study), SeriesUID(series))
        made.service.inbox.add(made.user(who), StudyUID(study), [SeriesUID(series)])
    made.store({"9.9.1": "CT"}, study="9.9", owner=STRANGER)
    made.act(STRANGER, create_album, "Apart", album=NOWHERE)
    for series in ("7.7.2", "9.9.1"):
        made.act(STRANGER, import_series, "7.7", series, album=NOWHERE)
    yield made
    made.service.close()


EVERYONE = (ALICE, BOB, CAROL, DAVE, "sub-edwina", "sub-frida", STRANGER, ALONE)


def found(world: World, by: str) -> set[str]:
    """Whoever is found by the first letters of an address, of all there are."""
    answers = [look(world, by, search=email_of(sub)) for sub in EVERYONE]
    assert {answer.status_code for answer in answers} <= {200, 204}
    return {one["sub"] for answer in answers if answer.status_code == 200 for one in answer.json}


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (BOB, {ALICE, CAROL, DAVE, "sub-edwina", "sub-frida"}),
        (ALICE, {BOB, CAROL}),
        (DAVE, {BOB, "sub-edwina"}),
        (STRANGER, set()),
        (ALONE, set()),
    ],
)
def test_search_among_those_who_share(by: str, expected: set[str], crowd: World) -> None:
    """Members of one's albums, and those who see a study that one sees: what a placeholder shows is nothing."""
    assert found(crowd, by) == expected


@pytest.mark.parametrize("by", EVERYONE)
def test_those_who_share_are_those_of_albums_and_studies(by: str, crowd: World) -> None:
    """What is found at once is what asking album by album and study by study finds."""
    caller = Caller(Source(crowd.user(by)))
    one_by_one = {
        user
        for study in by_study(reach(crowd.service.holdings, caller))
        if sees(crowd.service.holdings, caller, study)
        for user in viewers_of(crowd.service.holdings, [study])
    }
    for album in (ALBUM, OTHER, NOWHERE):
        members = set(crowd.state(album).members)
        one_by_one |= members if crowd.user(by) in members else set()
    assert {crowd.user(sub) for sub in found(crowd, by)} == one_by_one - {crowd.user(by)}


def test_search_without_an_album_as_the_web_client_does(crowd: World) -> None:
    """It tells who they are and nothing of an album; the least length holds, and 204 where no one is found."""
    answer = look(crowd, search="car", limit="5", offset="0")
    assert (answer.status_code, answer.json) == (200, [person(CAROL)])
    assert look(crowd, search="stranger").status_code == 204


@pytest.mark.parametrize(("setting", "expected"), [("all", {*EVERYONE} - {BOB}), ("off", set())])
def test_user_search(setting: str, expected: set[str], tmp_path: Path) -> None:
    """Everyone who is registered, or no one; those of an album and of a study are found either way."""
    made = open_world(tmp_path, start=settle, user_search=setting)
    made.register("sub-edwina", "sub-frida", STRANGER, ALONE)
    made.store({CT: "CT"}, owner=BOB)
    assert found(made, BOB) == expected
    assert subs(look(made, search="carol", album=ALBUM)) == [CAROL]
    assert look(made, search="bob", studyInstanceUID=STUDY).status_code == 204
    assert look(made, search="ca").status_code == 400
    made.service.close()


# What is refused


@pytest.mark.parametrize(
    ("by", "query", "status", "message"),
    [
        (BOB, {}, 400, "Bad Query Parameter"),
        (BOB, {"reference": DAVE, "search": "dave", "album": ALBUM}, 400, "Bad Query Parameter"),
        (BOB, {"search": "da", "album": ALBUM}, 400, "Bad Query Parameter"),
        (BOB, {"search": "da"}, 400, "Bad Query Parameter"),
        (BOB, {"search": "dave", "studyInstanceUID": "1..2"}, 400, "Bad Query Parameter"),
        (BOB, {"reference": DAVE, "studyInstanceUID": "x"}, 400, "Bad Query Parameter"),
        (BOB, {"search": "dave", "album": ALBUM, "limit": "x"}, 400, "Bad Query Parameter"),
        (BOB, {"search": "dave", "album": ALBUM, "offset": "-1"}, 400, "Bad Query Parameter"),
        (BOB, {"reference": DAVE, "limit": "x"}, 400, "Bad Query Parameter"),
        (BOB, {"search": "dave", "studyInstanceUID": UNSEEN}, 404, "Study Not Found"),
        (BOB, {"search": "dave", "studyInstanceUID": "1.2.4"}, 404, "Study Not Found"),
        (BOB, {"search": "dave", "album": OTHER}, 404, "Album Not Found"),
        (DAVE, {"reference": ALICE, "album": ALBUM}, 404, "Album Not Found"),
        ("shared", {"reference": ALICE}, 403, "Authorization error"),
        ("shared", {"search": "alice", "album": ALBUM}, 403, "Authorization error"),
    ],
)
def test_lookup_refused(
    by: str, query: Mapping[str, str], status: int, message: str, world: World
) -> None:
    """Neither or both of the two ways, what is malformed, and what is not the caller's to look into."""
    answer = look(world, by, **query)
    assert (answer.status_code, answer.json["message"]) == (status, message)
