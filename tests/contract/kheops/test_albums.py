"""Albums: what each route answers and records, case by case (Kheops API 3)."""

from __future__ import annotations

import pytest

from albumcore import (
    AlbumCreated,
    AlbumDeleted,
    AlbumEdited,
    MemberFlags,
    NotificationsSet,
    add_member,
    delete_album,
    import_series,
    import_study,
    post_comment,
)
from support.kheops import ALBUM, ALICE, BOB, CAROL, CT, DAVE, MR, SR, STUDY, World, email_of
from support.kheops_cases import BAD_FORM, FORBIDDEN, NO_ALBUM, Case, check, each

COVERS = (
    "POST /albums",
    "GET /albums/{album}",
    "PATCH /albums/{album}",
    "DELETE /albums/{album}",
)

THERE = f"/albums/{ALBUM}"
USERS = f"{THERE}/users"

DELETING = [
    Case("delete", ALICE, f"DELETE {THERE}", 204, events=[AlbumDeleted()]),
    Case("plain member", BOB, f"DELETE {THERE}", 403, FORBIDDEN),
    Case("no member", DAVE, f"DELETE {THERE}", 404, NO_ALBUM),
    Case("deleted", ALICE, f"DELETE {THERE}", 404, NO_ALBUM, given=[(CAROL, delete_album, {})]),
]

CREATING = [
    Case("blank name", DAVE, "POST /albums", 400, BAD_FORM, form={"name": " "}),
    Case("no name", DAVE, "POST /albums", 400, BAD_FORM, form={"description": "x"}),
    Case("name too long", DAVE, "POST /albums", 400, BAD_FORM, form={"name": "x" * 256}),
    Case(
        "description too long",
        DAVE,
        "POST /albums",
        400,
        BAD_FORM,
        form={"name": "x", "description": "x" * 2049},
    ),
]

EDITING = [
    Case("blank name", ALICE, f"PATCH {THERE}", 400, BAD_FORM, form={"name": ""}),
    Case("name too long", ALICE, f"PATCH {THERE}", 400, BAD_FORM, form={"name": "x" * 256}),
    Case(
        "description too long",
        ALICE,
        f"PATCH {THERE}",
        400,
        BAD_FORM,
        form={"description": "x" * 2049},
    ),
    Case("plain member, name", BOB, f"PATCH {THERE}", 403, FORBIDDEN, form={"name": "x"}),
    Case("plain member, flag", BOB, f"PATCH {THERE}", 403, FORBIDDEN, form={"addUser": "true"}),
    Case(
        "plain member, name beside notifications",
        BOB,
        f"PATCH {THERE}",
        403,
        FORBIDDEN,
        form={"notificationNewSeries": "true", "name": "x"},
    ),
    Case("no member", DAVE, f"PATCH {THERE}", 404, NO_ALBUM, form={"name": ""}),
]


@pytest.mark.parametrize("case", each(DELETING))
def test_delete(case: Case, world: World) -> None:
    """Deleting is 204, for admins alone, and once."""
    check(case, world)


@pytest.mark.parametrize("case", each(CREATING))
def test_create_refused(case: Case, world: World) -> None:
    """An album that breaks the limits of name or description is not created."""
    check(case, world)


@pytest.mark.parametrize("case", each(EDITING))
def test_edit_refused(case: Case, world: World) -> None:
    """An edit that breaks a limit or lacks the right changes nothing."""
    check(case, world)


def test_create_with_everything(world: World) -> None:
    """Creating answers 201 with the album object, trimmed, every flag as asked for."""
    before = world.position()
    answer = world.request(
        DAVE,
        "POST",
        "/albums",
        form={
            "name": " Röntgen ",
            "description": " d ",
            "addUser": "TRUE",
            "downloadSeries": "no",
            "sendSeries": "false",
            "deleteSeries": "True",
            "addSeries": "",
            "writeComments": "1",
        },
    )
    assert answer.status_code == 201
    now = world.clock.now.replace(tzinfo=None).isoformat()
    assert list(answer.json.items()) == [
        ("album_id", "0000000005"),
        ("name", "Röntgen"),
        ("description", "d"),
        ("modalities", []),
        ("created_time", now),
        ("last_event_time", now),
        ("number_of_users", 1),
        ("number_of_comments", 0),
        ("number_of_studies", 0),
        ("number_of_series", 0),
        ("number_of_instances", 0),
        ("add_user", True),
        ("download_series", False),
        ("send_series", False),
        ("delete_series", True),
        ("add_series", False),
        ("write_comments", False),
        ("is_favorite", False),
        ("notification_new_series", False),
        ("notification_new_comment", False),
        ("is_admin", True),
    ]
    asked_for = MemberFlags(
        add_user=True,
        download_series=False,
        send_series=False,
        delete_series=True,
        add_series=False,
        write_comments=False,
    )
    assert world.news(before) == [AlbumCreated("Röntgen", "d", asked_for)]


def test_create_with_a_name_alone(world: World) -> None:
    """What is not said gets its default: no description, and members may download, send, add and comment."""
    answer = world.request(DAVE, "POST", "/albums", form={"name": "x"})
    told = answer.json
    assert told["description"] == ""
    assert {name: told[name] for name in told if isinstance(told[name], bool)} == {
        "add_user": False,
        "download_series": True,
        "send_series": True,
        "delete_series": False,
        "add_series": True,
        "write_comments": True,
        "is_favorite": False,
        "notification_new_series": False,
        "notification_new_comment": False,
        "is_admin": True,
    }


def test_edit_by_an_admin(world: World) -> None:
    """Editing answers 200 with the whole album object, and is recorded with what was given."""
    before = world.position()
    form = {"name": "New", "sendSeries": "false", "notificationNewComment": "true"}
    answer = world.request(ALICE, "PATCH", THERE, form=form)
    assert answer.status_code == 200
    told = answer.json
    assert (told["name"], told["description"]) == ("New", "What it is about")
    assert (told["send_series"], told["notification_new_comment"]) == (False, True)
    assert told == world.get(ALICE, THERE)
    assert world.news(before) == [
        AlbumEdited("New", None, MemberFlags(send_series=False)),
        NotificationsSet(new_series=False, new_comment=True),
    ]


def test_edit_that_changes_nothing(world: World) -> None:
    """Every edit by an admin is recorded, even an empty one."""
    before = world.position()
    assert world.request(ALICE, "PATCH", THERE).status_code == 200
    assert world.news(before) == [AlbumEdited()]


def test_edit_with_fields_in_the_query_string(world: World) -> None:
    """The fields of a form with an empty body may stand in the query string; a blank description clears it."""
    answer = world.request(
        ALICE, "PATCH", THERE, form={}, query={"name": "Über uns", "description": " "}
    )
    assert answer.status_code == 200
    assert (answer.json["name"], answer.json["description"]) == ("Über uns", "")


def test_edit_with_fields_in_both_places(world: World) -> None:
    """Where the body holds a form, the query string is not looked at."""
    answer = world.request(ALICE, "PATCH", THERE, form={"addUser": "true"}, query={"name": "x"})
    assert (answer.json["add_user"], answer.json["name"]) == (True, "Trial")


def test_edit_of_notifications_by_a_plain_member(world: World) -> None:
    """A plain member sets his own notifications: no mutation, the album's time stays, nobody else's change."""
    shown, at = world.mutations(), world.last_event_at()
    answer = world.request(BOB, "PATCH", THERE, form={"notificationNewSeries": "true"})
    assert answer.status_code == 200
    assert answer.json["notification_new_series"] is True
    assert (world.mutations(), world.last_event_at()) == (shown, at)
    assert world.get(ALICE, THERE)["notification_new_series"] is False


def test_get(world: World) -> None:
    """The album object counts what is there, the caller's visible comments, and populated series only."""
    world.store({CT: "CT", MR: "MR"}, instances=2)
    world.store({"1.9.1": "CT"}, study="1.9")
    world.act(ALICE, import_study, STUDY, [CT, MR, SR])
    world.act(ALICE, import_series, "1.9", "1.9.1")
    world.service.catalogue.add_placeholder(STUDY, SR)
    world.act(ALICE, post_comment, "to all")
    world.act(ALICE, post_comment, "to Carol", CAROL)
    told = world.get(BOB, THERE)
    counted = {name: told[name] for name in told if name.startswith("number_of")}
    assert counted == {
        "number_of_users": 3,
        "number_of_comments": 1,
        "number_of_studies": 2,
        "number_of_series": 3,
        "number_of_instances": 5,
    }
    assert told["modalities"] == ["CT", "MR"]
    assert (told["is_admin"], "users" in told) == (False, False)
    assert world.get(CAROL, THERE)["number_of_comments"] == 2


def test_get_with_users(world: World) -> None:
    """With includeUsers=true the members are told too, by e-mail address; what is unknown of one has no key."""
    world.service.people.register("sub-zoe", "a.zoe@example.org")
    world.act(ALICE, add_member, "sub-zoe")
    world.act(ALICE, add_member, "sub-1")
    world.act(ALICE, add_member, "sub-0")
    told = world.get(BOB, THERE, includeUsers="true")
    assert [list(user.items()) for user in told["users"]] == [
        [("email", "a.zoe@example.org"), ("sub", "sub-zoe"), ("is_admin", False)],
        [("email", email_of(ALICE)), ("name", "Alice"), ("sub", ALICE), ("is_admin", True)],
        [("email", email_of(BOB)), ("name", "Bob"), ("sub", BOB), ("is_admin", False)],
        [("email", email_of(CAROL)), ("name", "Carol"), ("sub", CAROL), ("is_admin", True)],
        [("sub", "sub-0"), ("is_admin", False)],
        [("sub", "sub-1"), ("is_admin", False)],
    ]
    assert "users" not in world.get(BOB, THERE, includeUsers="yes")
