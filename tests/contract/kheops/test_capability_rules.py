"""Capability tokens: when they are good, and what they open (Kheops API 10 and 14)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, cast

import pytest

from albumcore import (
    Grants,
    add_admin,
    album_stream,
    create_album,
    demote_admin,
    import_series,
    import_study,
    issue_capability_token,
    issue_user_token,
    user_stream,
)
from albumcore.ids import AlbumId, CapabilityTokenId
from albumcore.kernel import Source
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
    SR,
    START,
    STUDY,
    World,
    digest_of,
    unregister,
)
from support.kheops_cases import (
    FORBIDDEN,
    NO_ALBUM,
)
from support.kheops_tokens import HERE, make, make_own, opens, show

COVERS = (
    "GET /albums/{album}",
    "PUT /studies/{study}",
    "DELETE /studies/{study}",
    "PUT /studies/{study}/series/{series}",
    "DELETE /studies/{study}/series/{series}",
    "DELETE /studies/{study}/albums/{album}",
    "DELETE /studies/{study}/series/{series}/albums/{album}",
)

KEY = CapabilityTokenId("Token00001")


@pytest.mark.parametrize("make_token", [make, make_own])
def test_window(make_token: Any, world: World) -> None:
    """A token is good from five seconds before its time until five seconds after it, and not a moment longer."""
    first, last = START + timedelta(days=1), START + timedelta(days=2)
    token = make_token(world, not_before_time=first.isoformat(), expiration_time=last.isoformat())
    tolerance, moment = timedelta(seconds=5), timedelta(microseconds=1)
    for at, expected in (
        (first - tolerance - moment, False),
        (first - tolerance, True),
        (last + tolerance, True),
        (last + tolerance + moment, False),
    ):
        world.clock.now = at
        assert opens(world, token) is expected


def test_unknown_creator(world: World) -> None:
    """A token of somebody whom the directory does not know opens nothing, not even once they come anew."""
    secrets = "a" * 22, "b" * 22
    world.register(NOBODY)
    nobody = world.user(NOBODY)
    world.act(ALICE, add_admin, NOBODY)
    handle = world.service.albums.handle
    handle(user_stream(nobody), issue_user_token, Source(nobody), KEY, digest_of(secrets[0]), "T")
    world.act(NOBODY, issue_capability_token, KEY, digest_of(secrets[1]), "T", Grants(read=True))
    for secret in secrets:
        assert opens(world, {"access_token": secret})
    unregister(world, NOBODY)
    for secret in secrets:
        assert not opens(world, {"access_token": secret})
    world.register(NOBODY)
    assert world.user(NOBODY) != nobody
    for secret in secrets:
        assert not opens(world, {"access_token": secret})


def test_creator_who_is_no_admin(world: World) -> None:
    """A token that was not taken back with its creator's rights is good for nothing but a look at the album.

    It had expired by the clock of whoever demoted him, and has not by ours.
    """
    world.store({CT: "CT"})
    made = make(
        world,
        CAROL,
        read_permission="true",
        write_permission="true",
        expiration_time=(START + timedelta(hours=1)).isoformat(),
    )
    now = world.clock.now
    world.clock.tick(7200)
    world.act(ALICE, import_series, STUDY, CT)
    world.act(ALICE, demote_admin, CAROL)
    world.clock.now = now
    before = world.position()
    assert show(world, made, "GET", f"/albums/{ALBUM}").status_code == 200
    answer = show(world, made, "DELETE", f"/studies/{STUDY}/albums/{ALBUM}")
    assert (answer.status_code, answer.json["message"]) == (403, FORBIDDEN)
    assert show(world, made, "GET", f"/studies/{STUDY}/comments").status_code == 403
    assert world.news(before) == []


def test_last_used(world: World) -> None:
    """Using a token is told of it to the minute, and is no event; one never used tells nothing."""
    tokens = make(world), make_own(world)
    before = world.position()
    for token in tokens:
        assert "last_used" not in world.get(ALICE, f"{HERE}/{token['id']}")
        show(world, token, "GET", f"/albums/{ALBUM}")
        used = f"{world.clock.now:%Y-%m-%dT%H:%M:%S}Z"
        show(world, token, "GET", f"/albums/{ALBUM}")
        assert world.get(ALICE, f"{HERE}/{token['id']}")["last_used"] == used
        world.clock.tick(60)
        show(world, token, "GET", f"/albums/{NOWHERE}")
        used = f"{world.clock.now:%Y-%m-%dT%H:%M:%S}Z"
        assert world.get(ALICE, f"{HERE}/{token['id']}")["last_used"] == used
    assert world.news(before) == []
    revoked = world.request(ALICE, "POST", f"{HERE}/{tokens[0]['id']}/revoke").json
    show(world, tokens[0], "GET", f"/albums/{ALBUM}")
    assert world.get(ALICE, f"{HERE}/{tokens[0]['id']}") == revoked


def plans(world: World, statements: Iterable[str]) -> list[str]:
    """How the database carries out those of some statements that look for capability tokens."""
    found = []
    with world.service.people.database.transaction(commit=False) as cursor:
        for statement in statements:
            if "FROM capability_token_row" in statement:
                cursor.execute(f"EXPLAIN QUERY PLAN {statement}")
                found += [row["detail"] for row in cursor.fetchall()]
    return found


@pytest.mark.on_sqlite
def test_looked_up_by_key(world: World) -> None:
    """A secret is looked up by its digest, the key of a row, be it right or wrong; no token is gone through."""
    token = make_own(world)
    statements: list[str] = []
    with world.service.people.database.transaction(commit=False) as cursor:
        connection = cast(Any, cursor).connection
    for shown in (token, {"access_token": "wrong" * 4 + "00"}):
        statements.clear()
        connection.set_trace_callback(statements.append)
        show(world, shown, "GET", "/albums")
        connection.set_trace_callback(None)
        assert plans(world, statements) == [
            "SEARCH capability_token_row USING PRIMARY KEY (digest=?)"
        ]
    for path in (f"{HERE}/{token['id']}", HERE, f"{HERE}?album={ALBUM}"):
        statements.clear()
        connection.set_trace_callback(statements.append)
        world.client.simulate_get(path, headers={"Authorization": f"Bearer {world.token(ALICE)}"})
        connection.set_trace_callback(None)
        found = plans(world, statements)
        assert found
        assert not [plan for plan in found if "SCAN" in plan]


NOT_FOR_TOKENS = [
    ("GET /albums", 403, FORBIDDEN),
    ("POST /albums", 403, FORBIDDEN),
    (f"GET /albums/{OTHER}", 404, NO_ALBUM),
    (f"GET /albums/{NOWHERE}", 404, NO_ALBUM),
    (f"GET /albums/{ALBUM}/events", 403, FORBIDDEN),
    (f"GET /albums/{OTHER}/events", 404, NO_ALBUM),
    (f"GET /albums/{ALBUM}/users", 403, FORBIDDEN),
    (f"PATCH /albums/{ALBUM}", 403, FORBIDDEN),
    (f"DELETE /albums/{ALBUM}", 403, FORBIDDEN),
    (f"POST /albums/{ALBUM}/comments", 403, FORBIDDEN),
    (f"DELETE /studies/{STUDY}/albums/{OTHER}", 404, NO_ALBUM),
    (f"PUT /studies/{STUDY}/albums/{ALBUM}?inbox=true", 403, FORBIDDEN),
]


def test_reach(world: World) -> None:
    """A token of an album, whatever it allows, reaches that album alone, and nothing that is a user's."""
    world.act(ALICE, create_album, "Other", album=OTHER)
    every = {f"{name}_permission": "true" for name in ("read", "write", "download", "appropriate")}
    token = make(world, **every)
    before = world.position()
    for request, status, message in NOT_FOR_TOKENS:
        answer = show(world, token, *request.split())
        assert (answer.status_code, answer.json["message"]) == (status, message), request
    assert world.news(before) == []


def test_album_by_token(world: World) -> None:
    """Any token of an album is shown its name, its description and what is in it, whatever it allows."""
    world.store({CT: "CT", SR: "SR"}, instances=2)
    world.act(ALICE, import_study, STUDY, [CT, SR])
    answer = show(world, make(world), "GET", f"/albums/{ALBUM}")
    assert (answer.status_code, answer.json) == (
        200,
        {
            "album_id": ALBUM,
            "name": "Trial",
            "description": "What it is about",
            "modalities": ["CT", "SR"],
            "number_of_studies": 1,
            "number_of_series": 2,
            "number_of_instances": 4,
        },
    )


def source_of(world: World, mutation: str) -> Any:
    """Who the newest event of the album says it was by; it must be this mutation."""
    newest = world.events(BOB, limit="1")[0]
    assert newest["mutation_type"] == mutation
    return newest["source"]


def test_attribution_to_album_token(world: World) -> None:
    """What a token of an album brings and removes is told as its creator's, through the token."""
    world.act(ALICE, create_album, "Other", album=OTHER)
    world.store({CT: "CT", MR: "MR"})
    world.act(ALICE, import_study, STUDY, [CT, MR], album=OTHER)
    rights = {f"{name}_permission": "true" for name in ("read", "write", "appropriate")}
    token, lender = make(world, title="Scanner", **rights), make(world, album=OTHER, **rights)
    lent = {"X-Authorization-Source": f"Bearer {lender['access_token']}"}
    there = {"Authorization": f"Bearer {token['access_token']}"}
    for request, status, headers, mutation in (
        (f"PUT /studies/{STUDY}/series/1.2.3.9", 201, {}, "IMPORT_SERIES"),
        (f"PUT /studies/{STUDY}", 201, lent, "IMPORT_STUDY"),
        (f"DELETE /studies/{STUDY}/series/1.2.3.9", 204, {}, "REMOVE_SERIES"),
        (f"DELETE /studies/{STUDY}/series/{CT}/albums/{ALBUM}", 204, {}, "REMOVE_SERIES"),
        (f"DELETE /studies/{STUDY}", 204, {}, "REMOVE_STUDY"),
        (f"PUT /studies/{STUDY}", 201, lent, "IMPORT_STUDY"),
        (f"DELETE /studies/{STUDY}/albums/{ALBUM}", 204, {}, "REMOVE_STUDY"),
    ):
        method, path = request.split()
        answer = world.request(None, method, path, headers=there | headers)
        assert answer.status_code == status, answer.text
        source = source_of(world, mutation)
        assert source["sub"] == ALICE
        assert source["capability_token"] == {"id": token["id"], "title": "Scanner"}


def test_attribution_to_user(world: World) -> None:
    """A token that acts as its user does what the user may, and the history names the user alone."""
    world.store({CT: "CT"}, owner=BOB)
    token = make_own(world, BOB)
    query = {"inbox": "true"}
    answer = show(world, token, "PUT", f"/studies/{STUDY}/albums/{ALBUM}", query=query)
    assert answer.status_code == 201
    source = source_of(world, "IMPORT_STUDY")
    assert (source["sub"], "capability_token" in source) == (BOB, False)
    assert show(world, token, "GET", "/albums").json == world.get(BOB, "/albums")
    assert show(world, token, "PUT", f"/albums/{ALBUM}/users/{DAVE}").status_code == 403
    answer = show(world, token, "POST", "/albums", form={"name": "Mine"})
    assert answer.status_code == 201
    mine = AlbumId(answer.json["album_id"])
    [recorded] = world.service.albums.history(album_stream(mine))
    assert recorded.act.source == Source(world.user(BOB))


@pytest.mark.parametrize("path", [f"users/{CAROL}/admin", f"users/{CAROL}"])
def test_lost_right(path: str, world: World) -> None:
    """Who is demoted or removed loses his tokens of the album at once, and no others."""
    world.act(ALICE, create_album, "Other", album=OTHER)
    world.act(ALICE, add_admin, CAROL, album=OTHER)
    lost, own = make(world, CAROL), make_own(world, CAROL)
    kept = make(world), make(world, CAROL, album=OTHER)
    assert world.request(ALICE, "DELETE", f"/albums/{ALBUM}/{path}").status_code == 204
    assert show(world, lost, "GET", f"/albums/{ALBUM}").status_code == 401
    assert world.get(CAROL, f"{HERE}/{lost['id']}")["revoked_by"]["sub"] == ALICE
    assert show(world, kept[0], "GET", f"/albums/{ALBUM}").status_code == 200
    assert show(world, kept[1], "GET", f"/albums/{OTHER}").status_code == 200
    assert show(world, own, "GET", "/albums").status_code == 200
    world.request(ALICE, "PUT", f"/albums/{ALBUM}/users/{CAROL}/admin")
    assert show(world, lost, "GET", f"/albums/{ALBUM}").status_code == 401


def test_deleted_album(world: World) -> None:
    """The tokens of an album end with it; they are not even on the list of their creator."""
    made, own = make(world), make_own(world)
    assert world.request(CAROL, "DELETE", f"/albums/{ALBUM}").status_code == 204
    assert show(world, made, "GET", f"/albums/{ALBUM}").status_code == 401
    assert [token["id"] for token in world.get(ALICE, HERE)] == [own["id"]]
    assert world.request(ALICE, "GET", f"{HERE}/{made['id']}").status_code == 404
