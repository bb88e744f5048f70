"""Pseudonyms: people are shown as the directory has them, and named by their subs in its one table alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from albumcore import add_member, delete_album, edit_album, post_comment
from albumcore.ids import ReportProviderId, SeriesUID, UserId
from albumcore_adapters.directory.pseudonyms import is_pseudonym
from albumcore_adapters.identity.issuing import end_all
from albumcore_adapters.identity.service_tokens import Report, report_token
from albumcore_adapters.webhooks import catch_up
from support.kheops import (
    ALBUM,
    ALICE,
    BOB,
    CAROL,
    CT,
    DAVE,
    MR,
    NOBODY,
    STUDY,
    Fields,
    World,
    email_of,
    open_world,
    settle,
    unregister,
)
from support.subs import OF_PEOPLE, tables_with

SUBS = (ALICE, BOB, CAROL, DAVE, NOBODY)
HERE, USERS = f"/albums/{ALBUM}", f"/albums/{ALBUM}/users"
NEW = SeriesUID("1.2.3.9")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A settled world, whose albums have a snapshot at every event."""
    made = open_world(
        tmp_path / "data", start=settle, snapshot_every=1, allow_private_addresses=True
    )
    yield made
    made.service.close()


SESSION: Sequence[tuple[str, str, Fields]] = (
    (NOBODY, "POST /albums", {"name": "Own"}),
    (ALICE, f"PUT {USERS}/{DAVE}", {}),
    (ALICE, f"PUT {USERS}/{email_of(DAVE)}/admin", {}),
    (DAVE, f"DELETE {USERS}/{DAVE}/admin", {}),
    (ALICE, f"PATCH {HERE}", {"addUser": "true", "sendSeries": "true", "writeComments": "true"}),
    (BOB, f"PATCH {HERE}", {"notificationNewSeries": "true"}),
    (ALICE, f"PUT /studies/{STUDY}/albums/{ALBUM}?inbox=true", {}),
    (BOB, f"PUT /studies/{STUDY}/series/{NEW}", {}),
    (BOB, f"PUT /studies/{STUDY}/series/{NEW}/albums/{ALBUM}", {}),
    (ALICE, f"PUT /studies/{STUDY}/users/{BOB}?album={ALBUM}", {}),
    (BOB, f"PUT /studies/{STUDY}/favorites?inbox=true", {}),
    (ALICE, f"PUT /studies/{STUDY}/favorites?album={ALBUM}", {}),
    (BOB, f"POST {HERE}/comments", {"comment": "Look"}),
    (BOB, f"POST {HERE}/comments", {"comment": "Psst", "to_user": email_of(ALICE)}),
    (BOB, f"POST /studies/{STUDY}/comments", {"comment": "Psst", "to_user": ALICE}),
    (BOB, "POST /capabilities", {"title": "Own", "scope_type": "user"}),
    (
        CAROL,
        "POST /capabilities",
        {"title": "Shared", "scope_type": "album", "album": ALBUM, "read_permission": "true"},
    ),
    (
        ALICE,
        f"POST {HERE}/webhooks",
        {"name": "Hook", "url": "http://127.0.0.1:9/", "event": "new_user"},
    ),
    (ALICE, f"DELETE {USERS}/{CAROL}/admin", {}),
    (DAVE, f"DELETE {USERS}/{DAVE}", {}),
    (ALICE, f"PUT {USERS}/{DAVE}", {}),
    (ALICE, f"DELETE {USERS}/{CAROL}", {}),
    (BOB, f"DELETE /studies/{STUDY}/series/{CT}", {}),
    (ALICE, f"GET {HERE}/events", {}),
)
"""Who asks for what, with which form: acts of every kind."""


def test_a_session_names_people_in_the_directory_alone(world: World) -> None:
    """No event, no index row, no snapshot, no row of the outbox or of an inbox contains a sub."""
    world.store({CT: "CT", MR: "MR"}, owner=ALICE)
    first = {"Authorization": f"Bearer {world.token(NOBODY, email=email_of(NOBODY))}"}
    assert world.client.simulate_get("/albums", headers=first).status_code == 200
    for by, asked, form in SESSION:
        method, _, path = asked.partition(" ")
        path, _, query = path.partition("?")
        answer = world.request(
            by, method, path, form=form or None, query=dict([query.split("=")]) if query else None
        )
        assert answer.status_code < 300, (asked, answer.text)
    [hook] = world.get(ALICE, f"{HERE}/webhooks")
    form = {"event": "new_user", "user": email_of(BOB)}
    path = f"{HERE}/webhooks/{hook['id']}/trigger"
    assert world.request(ALICE, "POST", path, form=form).status_code == 202
    catch_up(world.service.outbox)
    end_all(world.service.auth, DAVE, world.clock.now)
    database = world.service.database
    assert tables_with(database, SUBS) == {OF_PEOPLE}
    users = {world.user(sub) for sub in SUBS}
    assert all(map(is_pseudonym, users))
    assert tables_with(database, users) >= {
        OF_PEOPLE,
        "capability_token_row",
        "directory_claim",
        "directory_inbox",
        "directory_token_floor",
        "feed_lane_row",
        "member_row",
        "stored_events",
        "stored_snapshots",
        "webhook_trigger",
    }


def test_a_pseudonym_is_never_shown(world: World) -> None:
    """Nor does it name a person: a client that has one learns nothing of whose it is."""
    bob = world.user(BOB)
    world.act(BOB, post_comment, "Look")
    shown = [
        world.request(ALICE, "GET", path, query=query).text
        for path, query in (
            (f"{HERE}/events", {}),
            (USERS, {}),
            (HERE, {"includeUsers": "true"}),
            ("/users", {"reference": BOB, "album": ALBUM}),
            ("/users", {"search": "bob", "album": ALBUM}),
        )
    ]
    assert all(BOB in text and bob not in text for text in shown)
    for path in (f"{USERS}/{bob}", f"{USERS}/{bob}/admin"):
        for method in ("PUT", "DELETE"):
            assert world.request(ALICE, method, path).status_code == 404
    assert world.request(ALICE, "GET", "/users", query={"reference": bob}).status_code == 204


def test_a_person_who_comes_again_is_another_user(world: World) -> None:
    """Without the albums of the one whose row was deleted, who stays a member until an admin removes them."""
    token, bob = world.token(BOB), world.user(BOB)
    unregister(world, BOB)
    authorized = {"Authorization": f"Bearer {token}"}
    assert world.client.simulate_get("/albums", headers=authorized).json == []
    assert world.user(BOB) != bob
    left = {"sub": bob, "is_admin": False}
    assert left in world.get(ALICE, USERS)
    assert world.request(ALICE, "PUT", f"{USERS}/{bob}").status_code == 404
    assert world.request(ALICE, "DELETE", f"{USERS}/{bob}").status_code == 204
    assert left not in world.get(ALICE, USERS)


def test_a_token_of_a_report_ends_with_its_user(world: World) -> None:
    """It names its user by sub, as the provider sees it; once their row is deleted, it is refused."""
    issuer = world.service.auth.issuer
    report = Report(BOB, ReportProviderId("p1"), (STUDY,))
    token = report_token(issuer, report, world.clock.now)
    unregister(world, BOB)
    answer = world.client.simulate_get("/studies", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert BOB not in answer.text


def test_a_sub_in_the_form_of_a_pseudonym_names_its_person(world: World) -> None:
    """A member who was erased is named by their pseudonym only where it is the sub of no one."""
    sub = UserId("p-" + "x" * 20)
    world.register(sub)
    world.act(ALICE, add_member, sub)
    member = f"/albums/{ALBUM}/users/{sub}"
    assert world.request(ALICE, "DELETE", member).status_code == 204
    assert world.request(ALICE, "DELETE", member).status_code == 404
    assert world.user(sub) not in world.state().members
    bob = world.user(BOB)
    unregister(world, BOB)
    assert world.request(ALICE, "DELETE", f"/albums/{ALBUM}/users/{bob}").status_code == 204
    assert bob not in world.state().members


def test_in_a_store_in_clear_users_are_named_by_their_subs(tmp_path: Path) -> None:
    """As before there were pseudonyms: in events and rows, without a registration."""
    world = open_world(tmp_path, sealed=False)
    settle(world)
    world.act(ALICE, add_member, DAVE)
    world.act(ALICE, edit_album, name="Renamed")
    assert world.user(ALICE) == ALICE
    assert tables_with(world.service.database, [ALICE]) > {OF_PEOPLE, "stored_events", "member_row"}
    assert [one.stream for _, one in world.service.albums.follow()] == [f"album-{ALBUM}"] * 5
    world.act(ALICE, delete_album)
    world.service.close()
