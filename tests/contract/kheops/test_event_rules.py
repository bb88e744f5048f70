"""The rules of events and comments, seen from outside: one test a rule, in the order of Kheops API 14."""

from __future__ import annotations

from typing import Any

import pytest

from albumcore import (
    Grants,
    WebhookEvent,
    add_admin,
    add_favorite,
    add_member,
    add_report,
    create_report_provider,
    create_webhook,
    delete_report_provider,
    delete_webhook,
    demote_admin,
    edit_album,
    edit_report_provider,
    edit_webhook,
    import_series,
    import_study,
    issue_capability_token,
    leave_album,
    post_comment,
    promote_member,
    remove_favorite,
    remove_member,
    remove_series,
    remove_study,
    trigger_webhook,
)
from albumcore.feed import FEED
from support.kheops import (
    ALBUM,
    ALICE,
    BOB,
    CAROL,
    CT,
    DAVE,
    MR,
    SR,
    STUDY,
    World,
    digest_of,
    email_of,
    local,
)

COVERS = (
    "GET /albums/{album}",
    "PATCH /albums/{album}",
    "GET /albums/{album}/events",
    "POST /albums/{album}/comments",
    "PUT /albums/{album}/users/{user}",
    "DELETE /albums/{album}/users/{user}",
    "PUT /studies/{study}/albums/{album}",
    "PUT /studies/{study}/series/{series}/albums/{album}",
)

THERE = f"/albums/{ALBUM}"
COMMENTS = f"{THERE}/comments"
USERS = f"{THERE}/users"


def say(world: World, by: str, comment: str, to_user: str | None = None) -> None:
    """Post a comment that must be taken."""
    form = {"comment": comment} | ({} if to_user is None else {"to_user": to_user})
    assert world.request(by, "POST", COMMENTS, form=form).status_code == 204


def comments(world: World, by: str) -> list[str]:
    """The comments one of the people sees, newest first."""
    return [event["comment"] for event in world.events(by, types="comments")]


def total(world: World, by: str, **query: str) -> str:
    """What X-Total-Count says to one of the people."""
    return world.request(by, "GET", f"{THERE}/events", query=query).headers["x-total-count"]


def newest(world: World, by: str = ALICE) -> Any:
    """The newest event that one of the people sees."""
    return world.events(by, limit="1")[0]


LIFE: list[tuple[str, str, Any, dict[str, Any]]] = [
    ("EDIT_ALBUM", ALICE, edit_album, {"name": "x"}),
    ("ADD_USER", ALICE, add_member, {"target": DAVE}),
    ("PROMOTE_ADMIN", ALICE, promote_member, {"target": DAVE}),
    ("DEMOTE_ADMIN", ALICE, demote_admin, {"target": DAVE}),
    ("REMOVE_USER", ALICE, remove_member, {"target": DAVE}),
    ("LEAVE_ALBUM", BOB, leave_album, {}),
    ("IMPORT_STUDY", ALICE, import_study, {"study_uid": STUDY, "series_uids": [CT, MR]}),
    ("IMPORT_SERIES", ALICE, import_series, {"study_uid": STUDY, "series_uid": SR}),
    ("ADD_FAV", ALICE, add_favorite, {"study_uid": STUDY}),
    ("REMOVE_FAV", ALICE, remove_favorite, {"study_uid": STUDY}),
    ("REMOVE_SERIES", ALICE, remove_series, {"study_uid": STUDY, "series_uid": SR}),
    ("REMOVE_STUDY", ALICE, remove_study, {"study_uid": STUDY}),
    (
        "CREATE_REPORT_PROVIDER",
        ALICE,
        create_report_provider,
        {"provider_id": "p1", "name": "P", "url": "https://p.example"},
    ),
    ("EDIT_REPORT_PROVIDER", ALICE, edit_report_provider, {"provider_id": "p1"}),
    (
        "NEW_REPORT",
        ALICE,
        add_report,
        {"study_uid": STUDY, "series_uid": SR, "report_provider": "p1"},
    ),
    ("DELETE_REPORT_PROVIDER", ALICE, delete_report_provider, {"provider_id": "p1"}),
    (
        "CREATE_WEBHOOK",
        ALICE,
        create_webhook,
        {"webhook_id": "w1", "name": "W", "url": "https://w.example"},
    ),
    ("EDIT_WEBHOOK", ALICE, edit_webhook, {"webhook_id": "w1"}),
    (
        "TRIGGER_WEBHOOK",
        ALICE,
        trigger_webhook,
        {"webhook_id": "w1", "event": WebhookEvent.NEW_USER, "user": ALICE},
    ),
    ("DELETE_WEBHOOK", ALICE, delete_webhook, {"webhook_id": "w1"}),
]
"""Every kind of mutation but those that settled the world: its name, and the act that leads to it."""

SETTLING = ["CREATE_ALBUM", "ADD_USER", "ADD_ADMIN"]
"""The mutations that settled the world."""


def everything(world: World) -> None:
    """Let every kind of mutation happen."""
    for _, by, decision, arguments in LIFE:
        world.act(by, decision, **arguments)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_events_are_append_only(method: str, world: World) -> None:
    """Events are append-only: no route edits or deletes one."""
    assert world.request(ALICE, method, f"{THERE}/events").status_code == 405


def test_newest_first(world: World) -> None:
    """Events come newest first, also those of one and the same moment."""
    for number in range(3):
        world.clock.tick(-1)
        world.act(ALICE, post_comment, str(number))
    assert comments(world, BOB) == ["2", "1", "0"]
    assert len({event["post_date"] for event in world.events(BOB, types="comments")}) == 1


def test_public_comment(world: World) -> None:
    """A public comment is visible to all current members."""
    say(world, BOB, "x")
    assert [comments(world, by) for by in (ALICE, BOB, CAROL)] == [["x"]] * 3


def test_private_comment(world: World) -> None:
    """A private comment is seen by its author and target alone: not by admins, nor in their counts or totals."""
    say(world, BOB, "psst", ALICE)
    assert [comments(world, by) for by in (ALICE, BOB, CAROL)] == [["psst"], ["psst"], []]
    assert [total(world, by, types="comments") for by in (ALICE, BOB, CAROL)] == ["1", "1", "0"]
    counted = [world.get(by, THERE)["number_of_comments"] for by in (ALICE, BOB, CAROL)]
    assert counted == [1, 1, 0]


def test_who_left_sees_nothing_until_added_again(world: World) -> None:
    """A member who has left sees nothing; added again, he sees his private comments again."""
    say(world, ALICE, "for Bob", BOB)
    world.request(BOB, "DELETE", f"{USERS}/{BOB}")
    assert world.request(BOB, "GET", f"{THERE}/events").status_code == 404
    world.request(ALICE, "PUT", f"{USERS}/{BOB}")
    assert comments(world, BOB) == ["for Bob"]


def test_target_of_a_private_comment(world: World) -> None:
    """A private comment's target must be a member when it is posted, otherwise 404; the author may be the target."""
    form = {"comment": "x", "to_user": email_of(DAVE)}
    assert world.request(BOB, "POST", COMMENTS, form=form).status_code == 404
    say(world, BOB, "note to self", BOB)
    assert comments(world, BOB) == ["note to self"]


def test_is_private_and_target(world: World) -> None:
    """A comment has is_private true exactly when it has a target; no mutation has is_private."""
    say(world, BOB, "public")
    say(world, BOB, "private", ALICE)
    private, public = world.events(ALICE, types="comments")
    assert (private["is_private"], private["target"]["sub"]) == (True, ALICE)
    assert (public["is_private"], "target" in public) == (False, False)
    assert not any("is_private" in event for event in world.events(ALICE, types="mutations"))


def test_comments_and_last_event_time(world: World) -> None:
    """A public comment moves the album's last_event_time; a private one does not."""
    say(world, BOB, "private", ALICE)
    assert world.get(ALICE, THERE)["last_event_time"] != local(world.clock.now)
    say(world, BOB, "public")
    said_at = world.clock.now
    assert world.get(ALICE, THERE)["last_event_time"] == local(said_at)


def test_standing_is_of_now(world: World) -> None:
    """can_access and is_admin are of now, on sources and targets of old events: gone with the member, back with him."""
    say(world, BOB, "private", ALICE)
    world.act(ALICE, remove_member, BOB)
    [comment] = world.events(ALICE, types="comments")
    assert list(comment["source"]) == ["email", "name", "sub", "can_access"]
    added = world.events(ALICE, types="mutations")[-2]
    assert list(added["target"]) == ["email", "name", "sub", "can_access"]
    world.act(ALICE, add_admin, BOB)
    [comment] = world.events(ALICE, types="comments")
    added = world.events(ALICE, types="mutations")[-2]
    assert (comment["source"]["is_admin"], added["target"]["is_admin"]) == (True, True)


def test_names_are_of_now(world: World) -> None:
    """Names and addresses are the present ones; of somebody the directory does not know, only the sub is told."""
    world.service.people.register(BOB, "robert@example.org", "Robert")
    world.act(ALICE, add_member, "sub-ghost")
    ghost, _, bob, _ = (event.get("target") for event in world.events(ALICE))
    assert (bob["email"], bob["name"]) == ("robert@example.org", "Robert")
    assert ghost == {"sub": "sub-ghost", "can_access": True, "is_admin": False}


def test_leaving_has_no_target(world: World) -> None:
    """LEAVE_ALBUM has no target; its source has no access, until he is added again."""
    world.request(BOB, "DELETE", f"{USERS}/{BOB}")
    event = newest(world)
    assert (event["mutation_type"], "target" in event) == ("LEAVE_ALBUM", False)
    assert (event["source"]["can_access"], "is_admin" in event["source"]) == (False, False)


def test_target_of_mutations(world: World) -> None:
    """Of the mutations, exactly those that add, remove, promote or demote a user have a target."""
    everything(world)
    shown = world.events(ALICE, types="mutations")
    assert {event["mutation_type"] for event in shown if "target" in event} == {
        "ADD_USER",
        "ADD_ADMIN",
        "REMOVE_USER",
        "PROMOTE_ADMIN",
        "DEMOTE_ADMIN",
    }


def test_mutations_are_for_all(world: World) -> None:
    """Every mutation type shows, and mutations are visible to all members."""
    everything(world)
    expected = [*SETTLING, *(name for name, *_ in LIFE)]
    for by in (ALICE, CAROL):
        assert world.mutations(by) == expected[::-1]
    assert set(expected) == {line.mutation for line in FEED.values() if line} - {None}


def test_nothing_new_records_nothing(world: World) -> None:
    """A request that changes nothing in the album records no mutation, and does not move last_event_time."""
    world.store({CT: "CT"}, owner=ALICE)
    path = f"/studies/{STUDY}/albums/{ALBUM}"
    world.request(ALICE, "PUT", path, query={"inbox": "true"})
    shown, at = world.mutations(), world.last_event_at()
    assert world.request(ALICE, "PUT", path, query={"inbox": "true"}).status_code == 201
    assert (
        world.request(ALICE, "PUT", f"/studies/{STUDY}/series/{CT}/albums/{ALBUM}").status_code
        == 201
    )
    assert (world.mutations(), world.last_event_at()) == (shown, at)


def test_removed_provider_in_old_events(world: World) -> None:
    """A report provider in an old event is shown by his present name, and as removed after his deletion."""
    world.act(ALICE, create_report_provider, "p1", "P", "https://p.example")
    world.act(ALICE, edit_report_provider, "p1", "Q")
    world.act(ALICE, delete_report_provider, "p1")
    shown = [event["report_provider"] for event in world.events(ALICE, limit="3")]
    assert shown == [{"name": "Q", "is_removed": True, "id": "p1"}] * 3


def test_capability_token_attribution(world: World) -> None:
    """What an album's capability token did is told as done by its creator, with the token's id and title."""
    world.act(
        ALICE,
        issue_capability_token,
        "t1",
        digest_of("1"),
        "T",
        Grants(read=True, write=True),
    )
    world.act(ALICE, import_series, STUDY, CT, capability_token="t1")
    source = newest(world)["source"]
    assert (source["sub"], source["capability_token"]) == (ALICE, {"id": "t1", "title": "T"})
    world.act(ALICE, remove_series, STUDY, CT)
    assert "capability_token" not in newest(world)["source"]


def test_mutations_move_last_event_time(world: World) -> None:
    """Every mutation moves the album's last_event_time, except those of webhooks."""
    moved = {}
    for name, by, decision, arguments in LIFE:
        world.act(by, decision, **arguments)
        last = world.get(ALICE, THERE)["last_event_time"]
        moved[name] = last == local(world.last_event_at()) == newest(world)["post_date"]
    assert {name for name, has in moved.items() if not has} == {
        "CREATE_WEBHOOK",
        "EDIT_WEBHOOK",
        "TRIGGER_WEBHOOK",
        "DELETE_WEBHOOK",
    }


def test_total_is_of_the_selection(world: World) -> None:
    """X-Total-Count is of the selection, and does not depend on limit and offset."""
    say(world, BOB, "x")
    for query in ({}, {"limit": "0"}, {"limit": "1", "offset": "2"}, {"offset": "99"}):
        assert total(world, ALICE, **query) == "4"
    assert total(world, ALICE, types="mutations", limit="1") == "3"


def test_edit_tells_no_detail(world: World) -> None:
    """EDIT_ALBUM carries no detail of what changed."""
    world.request(ALICE, "PATCH", THERE, form={"name": "x", "addUser": "true"})
    event = newest(world)
    assert event["mutation_type"] == "EDIT_ALBUM"
    assert list(event) == ["event_type", "source", "post_date", "mutation_type"]
