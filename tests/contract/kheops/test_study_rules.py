"""The rules of studies and series in albums, seen from outside: one test a rule, in the order of Kheops API 14."""

from __future__ import annotations

import pytest

from albumcore import (
    StudyImported,
    StudyRemoved,
    add_admin,
    add_member,
    create_album,
    edit_album,
    import_series,
    remove_series,
    remove_study,
)
from support.kheops import ALBUM, ALICE, BOB, CAROL, CT, DAVE, MR, OTHER, SR, STUDY, World

COVERS = (
    "GET /albums/{album}",
    "PUT /studies/{study}/albums/{album}",
    "DELETE /studies/{study}/albums/{album}",
    "PUT /studies/{study}/series/{series}/albums/{album}",
    "DELETE /studies/{study}/series/{series}/albums/{album}",
)

STUDY_THERE = f"/studies/{STUDY}/albums/{ALBUM}"
CT_THERE = f"/studies/{STUDY}/series/{CT}/albums/{ALBUM}"
INBOX = {"inbox": "true"}


def other_album(world: World, *, bob_is_admin: bool = False, send_series: bool = True) -> None:
    """Dave's album, which holds the CT; Bob is in it."""
    world.act(DAVE, create_album, "Other", album=OTHER)
    world.act(DAVE, add_admin if bob_is_admin else add_member, BOB, album=OTHER)
    world.act(DAVE, edit_album, flags={"send_series": send_series}, album=OTHER)
    world.act(DAVE, import_series, STUDY, CT, album=OTHER)


@pytest.mark.parametrize(("path", "query"), [(STUDY_THERE, INBOX), (CT_THERE, {})])
def test_adding_is_idempotent(path: str, query: dict[str, str], world: World) -> None:
    """Adding again is 201 and leaves the same content; a series is in an album at most once."""
    world.store({CT: "CT"}, owner=BOB)
    for _ in range(2):
        assert world.request(BOB, "PUT", path, query=query).status_code == 201
    assert world.state().studies == {STUDY: {CT}}
    assert world.get(BOB, f"/albums/{ALBUM}")["number_of_series"] == 1


def test_series_added_again_by_who_may_not_send_it(world: World) -> None:
    """Adding what is there already is 201 also for a member who could not have claimed it."""
    world.act(ALICE, import_series, STUDY, CT)
    world.act(ALICE, edit_album, flags={"send_series": False})
    assert world.request(BOB, "PUT", CT_THERE).status_code == 201


@pytest.mark.parametrize(
    ("send", "add", "status"), [(True, True, 201), (False, True, 403), (True, False, 403)]
)
def test_rights_to_copy_between_albums(send: bool, add: bool, status: int, world: World) -> None:
    """From album to album takes SEND_SERIES on the one and ADD_SERIES on the other."""
    other_album(world, send_series=send)
    world.act(ALICE, edit_album, flags={"add_series": add})
    assert world.request(BOB, "PUT", STUDY_THERE, query={"album": OTHER}).status_code == status


def test_rights_to_copy_from_the_inbox(world: World) -> None:
    """From the inbox it takes ADD_SERIES on the album alone."""
    world.store({CT: "CT"}, owner=BOB)
    world.act(ALICE, edit_album, flags={"send_series": False})
    assert world.request(BOB, "PUT", STUDY_THERE, query=INBOX).status_code == 201


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"inbox": "false"},
        {"inbox": ""},
        {"inbox": "true", "album": OTHER},
    ],
)
def test_source_must_be_one(query: dict[str, str], world: World) -> None:
    """Exactly one of album and inbox=true names the source; inbox=false alone names none."""
    other_album(world)
    world.store({CT: "CT"}, owner=BOB)
    answer = world.request(BOB, "PUT", STUDY_THERE, query=query)
    assert (answer.status_code, answer.json["message"]) == (400, "Bad Query Parameter")
    assert "album" in answer.json["detail"]


@pytest.mark.parametrize("path", [STUDY_THERE, CT_THERE])
def test_removing_is_from_this_album_alone(path: str, world: World) -> None:
    """Removing from an album takes nothing from other albums or inboxes, and deletes no data."""
    world.store({CT: "CT"}, owner=ALICE)
    other_album(world)
    world.act(ALICE, import_series, STUDY, CT)
    assert world.request(ALICE, "DELETE", path).status_code == 204
    assert world.state().studies == {}
    assert world.state(OTHER).studies == {STUDY: {CT}}
    assert world.service.inbox.holds(world.user(ALICE), CT)
    assert world.request(ALICE, "PUT", STUDY_THERE, query=INBOX).status_code == 201


@pytest.mark.parametrize("path", [STUDY_THERE, CT_THERE])
def test_removing_what_is_not_there(path: str, world: World) -> None:
    """Removing a study or series that is not in the album is 404."""
    world.act(ALICE, import_series, STUDY, SR)
    world.act(ALICE, remove_study, STUDY)
    answer = world.request(ALICE, "DELETE", path)
    assert (answer.status_code, answer.json["message"]) == (404, "Series Not Found")


def test_import_and_removal_list_what_they_touch(world: World) -> None:
    """IMPORT_STUDY records only the series newly linked, REMOVE_STUDY every series that was there."""
    world.store({CT: "CT", MR: "MR"}, owner=BOB)
    world.act(ALICE, import_series, STUDY, CT)
    before = world.position()
    world.request(BOB, "PUT", STUDY_THERE, query=INBOX)
    world.request(ALICE, "DELETE", STUDY_THERE)
    assert world.news(before) == [
        StudyImported(STUDY, (MR,)),
        StudyRemoved(STUDY, (CT, MR)),
    ]


def test_new_series_may_be_claimed(world: World) -> None:
    """A series new to the server may be claimed by anybody who may add: it is a placeholder from then on."""
    assert world.request(BOB, "PUT", CT_THERE).status_code == 201
    assert not world.service.catalogue.series([CT])[CT].populated


def test_orphan_may_be_claimed(world: World) -> None:
    """A series that is in no album and no inbox may be claimed by anybody who may add, also after it left its last."""
    world.store({CT: "CT"})
    assert world.request(BOB, "PUT", CT_THERE).status_code == 201
    world.act(ALICE, remove_series, STUDY, CT)
    assert world.request(BOB, "PUT", CT_THERE).status_code == 201


@pytest.mark.parametrize("known", [True, False])
def test_series_of_others_cannot_be_claimed(known: bool, world: World) -> None:
    """A series held only by others, in their inboxes or albums, cannot be claimed."""
    if known:
        world.store({CT: "CT"}, owner=DAVE)
    else:
        world.act(DAVE, create_album, "Other", album=OTHER)
        world.act(DAVE, import_series, STUDY, CT, album=OTHER)
    before = world.position()
    answer = world.request(BOB, "PUT", CT_THERE)
    assert (answer.status_code, answer.json["message"]) == (404, "Series Not Found")
    assert world.news(before) == []
    assert world.service.catalogue.series_exists(CT) is known


@pytest.mark.parametrize(
    ("bob_is_admin", "send_series", "status"),
    [(False, True, 201), (True, False, 201), (False, False, 404)],
)
def test_series_of_ones_albums(
    bob_is_admin: bool, send_series: bool, status: int, world: World
) -> None:
    """A series in another album of the user may be claimed if he is an admin of it, or its members may send."""
    other_album(world, bob_is_admin=bob_is_admin, send_series=send_series)
    assert world.request(BOB, "PUT", CT_THERE).status_code == status


@pytest.mark.parametrize("stored", [True, False])
def test_series_of_another_study(stored: bool, world: World) -> None:
    """A series belongs to one study: named below another one, it is not found."""
    if stored:
        world.store({CT: "CT"}, study="9.9", owner=BOB)
    else:
        world.act(ALICE, import_series, "9.9", CT)
    before = world.position()
    assert world.request(BOB, "PUT", CT_THERE).status_code == 404
    assert world.news(before) == []


def test_series_taken_by_another_study_at_the_last_moment(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where another study gets the series after we looked, the import is refused whole: 409, nothing recorded."""
    catalogue = type(world.service.catalogue)
    monkeypatch.setattr(catalogue, "series", lambda self, uids: {})
    world.store({CT: "CT"}, study="9.9")
    before = world.position()
    answer = world.request(BOB, "PUT", CT_THERE)
    assert (answer.status_code, answer.json["message"]) == (409, "Conflict")
    assert world.news(before) == []


@pytest.mark.parametrize("by", [BOB, DAVE])
def test_refused_import_leaves_nothing(by: str, world: World) -> None:
    """A refused import leaves nothing, not even a placeholder of the series."""
    world.act(ALICE, edit_album, flags={"add_series": False})
    assert world.request(by, "PUT", CT_THERE).status_code in (403, 404)
    assert not world.service.catalogue.series_exists(CT)
    assert not world.service.catalogue.study_exists(STUDY)


def test_placeholders_do_not_count(world: World) -> None:
    """A series of which nothing is known but its UIDs counts in no number of the album, until it is populated."""

    def counted() -> tuple[int, ...]:
        told = world.get(CAROL, f"/albums/{ALBUM}")
        return tuple(told[f"number_of_{name}"] for name in ("studies", "series", "instances"))

    world.request(BOB, "PUT", CT_THERE)
    assert counted() == (0, 0, 0)
    world.store({CT: "CT"}, owner=BOB)
    assert counted() == (1, 1, 1)


def test_access_to_a_study_is_access_to_some_of_it(world: World) -> None:
    """Who has at least one series of a study in his inbox can add what he has of it, and no more."""
    world.store({CT: "CT"}, owner=BOB)
    world.store({MR: "MR"}, owner=DAVE)
    world.request(BOB, "PUT", STUDY_THERE, query=INBOX)
    assert world.state().studies == {STUDY: {CT}}


def test_claim_tells_nothing_of_the_study(world: World) -> None:
    """Who claims a series that is not there yet learns nothing of its study, nor does he by copying it on."""
    world.store({MR: "MR"}, owner=DAVE, description="of Dave's patient")
    world.act(BOB, create_album, "Bob's", album=OTHER)
    world.request(BOB, "PUT", f"/studies/{STUDY}/series/{CT}/albums/{OTHER}")
    world.request(BOB, "PUT", STUDY_THERE, query={"album": OTHER})
    shown = [world.events(BOB, album, limit="1")[0] for album in (OTHER, ALBUM)]
    assert [event["mutation_type"] for event in shown] == ["IMPORT_SERIES", "IMPORT_STUDY"]
    assert [event["study"] for event in shown] == [{"UID": STUDY}] * 2


def test_a_claim_under_a_wrong_study_gives_way_to_images(world: World) -> None:
    """What a claim says of a series holds until images say otherwise; then the claim is worth nothing."""
    wrong, right = f"/studies/6.6/series/{CT}", f"/studies/{STUDY}/series/{CT}"
    assert world.request(DAVE, "PUT", wrong).status_code == 201
    world.store({CT: "CT"}, owner=ALICE)
    assert world.request(ALICE, "PUT", CT_THERE).status_code == 201
    assert world.request(DAVE, "PUT", right).status_code == 404
    assert world.request(DAVE, "PUT", wrong).status_code == 404
    assert world.request(DAVE, "GET", "/studies").status_code == 204


def test_a_claim_that_was_let_go_can_be_made_under_another_study(world: World) -> None:
    """Nobody can keep others from a series by having named it once."""
    wrong = f"/studies/6.6/series/{CT}"
    assert [world.request(DAVE, how, wrong).status_code for how in ("PUT", "DELETE")] == [201, 204]
    assert world.request(ALICE, "PUT", CT_THERE).status_code == 201
