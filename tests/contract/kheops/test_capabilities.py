"""Capability tokens: how they are made, seen and taken back (Kheops API 10)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from albumcore import (
    CapabilityTokenIssued,
    CapabilityTokenRevoked,
    Grants,
    UserTokenIssued,
    UserTokenRevoked,
    create_album,
    edit_album,
    issue_capability_token,
    leave_album,
)
from albumcore.ids import CapabilityTokenId
from support.kheops import (
    ALBUM,
    ALICE,
    BOB,
    CAROL,
    DAVE,
    NOBODY,
    NOWHERE,
    OTHER,
    START,
    World,
    digest_of,
    email_of,
)
from support.kheops_cases import (
    BAD_FORM,
    BAD_QUERY,
    FORBIDDEN,
    NO_ALBUM,
    NO_USER,
    Case,
    check,
    each,
)
from support.kheops_tokens import HERE, OF_ALBUM, OF_USER, listed, make, make_own, opens, show

COVERS = (
    "POST /capabilities",
    "GET /capabilities",
    "GET /capabilities/{capability}",
    "POST /capabilities/{capability}/revoke",
)

NONE = "Not Found"
KEY = CapabilityTokenId("Token00001")
KEPT = digest_of("kept")


# Making


def test_create_for_album(world: World) -> None:
    """The answer tells all there is to know of a new token, and its secret."""
    before = world.position()
    answer = world.request(
        ALICE,
        "POST",
        HERE,
        form={
            **OF_ALBUM,
            "title": "Scanner 2",
            "scope_type": "ALBUM",
            "read_permission": "TRUE",
            "write_permission": "true",
            "download_permission": "no",
            "not_before_time": "2026-03-02T08:00:00Z",
            "expiration_time": "2026-03-03T08:00:00.5+01:00",
        },
    )
    secret = answer.json["access_token"]
    assert (answer.status_code, len(secret), secret.isalnum()) == (201, 22, True)
    [issued] = world.news(before)
    assert issued == CapabilityTokenIssued(
        answer.json["id"],
        digest_of(secret),
        "Scanner 2",
        START.replace(day=2, hour=8),
        START.replace(day=3, hour=7, microsecond=500_000),
        Grants(read=True, write=True),
    )
    assert len(issued.token_id) == 10
    assert list(answer.json.items()) == [
        ("id", issued.token_id),
        ("title", "Scanner 2"),
        ("token_type", "Bearer"),
        ("issued_at_time", "2026-03-01T12:00:04Z"),
        ("not_before_time", "2026-03-02T08:00:00Z"),
        ("expiration_time", "2026-03-03T07:00:00.500000Z"),
        ("revoked", False),
        ("scope_type", "album"),
        ("read_permission", True),
        ("write_permission", True),
        ("download_permission", False),
        ("appropriate_permission", False),
        ("album", {"album_id": ALBUM, "name": "Trial"}),
        ("created_by", {"email": email_of(ALICE), "name": "Alice", "sub": ALICE}),
        ("access_token", secret),
        ("secret", secret),
    ]


def test_create_for_user(world: World) -> None:
    """A token that acts as its user tells of no album. Unless told otherwise, it is good from now for three months."""
    before = world.position()
    made = world.request(DAVE, "POST", HERE, form=OF_USER | {"read_permission": "true"}).json
    [issued] = world.news(before)
    assert isinstance(issued, UserTokenIssued)
    secret = made["access_token"]
    assert made == {
        "id": issued.token_id,
        "title": "T",
        "token_type": "Bearer",
        "issued_at_time": "2026-03-01T12:00:04Z",
        "not_before_time": "2026-03-01T12:00:04Z",
        "expiration_time": "2026-06-01T12:00:04Z",
        "revoked": False,
        "scope_type": "user",
        "access_token": secret,
        "secret": secret,
    }


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-05-01T10:00:00Z", "2026-05-01T10:00:00Z"),
        ("2026-05-01t10:00z", "2026-05-01T10:00:00Z"),
        ("2026-05-01T10:00:00.123Z", "2026-05-01T10:00:00.123000Z"),
        ("2026-05-01T10:00:00.123456789+00:00", "2026-05-01T10:00:00.123456Z"),
        ("2026-05-01T10:00:00+02:00", "2026-05-01T08:00:00Z"),
        ("2026-05-01T10:00:00 02:00", "2026-05-01T08:00:00Z"),
        ("2026-05-01T10:00:00-0530", "2026-05-01T15:30:00Z"),
        ("2026-05-01T10:00+01", "2026-05-01T09:00:00Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_time(text: str, shown: str, world: World) -> None:
    """A time is ISO 8601 with an offset, and shown in UTC; a plus sign that came as a blank is one all the same."""
    assert make(world, expiration_time=text)["expiration_time"] == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "2026-05-01",
        "2026-05-01T10:00:00",
        "2026-05-01 10:00:00Z",
        "2026-05-01T10:00:00+25:00",
        "2026-05-01T10:00:00+02:",
        "2026-02-30T10:00:00Z",
        "20260501T100000Z",
        "1777629600",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "2026-05-01T10:00:00Z ",
        "٢026-05-01T10:00:00Z",
    ],
)
def test_no_time(text: str, world: World) -> None:
    """What is no time, or one without an offset, is refused by the name of its field; nothing is recorded."""
    before = world.position()
    for name in ("expiration_time", "not_before_time"):
        for form in (OF_ALBUM, OF_USER):
            answer = world.request(ALICE, "POST", HERE, form=form | {name: text})
            assert (answer.status_code, answer.json["message"]) == (400, BAD_FORM)
            assert answer.json["detail"].startswith(f"{name}: ")
    assert world.news(before) == []


def test_secret_is_told_once(world: World) -> None:
    """Nothing tells the secret after the answer that made it, and nothing keeps it."""
    for token in (make(world), make_own(world)):
        secret = token["access_token"]
        path = f"{HERE}/{token['id']}"
        for method, where in (("GET", path), ("GET", HERE), ("POST", f"{path}/revoke")):
            assert secret not in world.request(ALICE, method, where).text
        for file in world.service.settings.data.rglob("*"):
            assert not file.is_file() or secret.encode() not in file.read_bytes()


def refused(name: str, form: dict[str, str], by: str = ALICE, *told: Any) -> Case:
    """A token that is not made: for what is wrong with the form, unless told otherwise."""
    status, message = told or (400, BAD_FORM)
    return Case(name, by, f"POST {HERE}", status, message, form=form)


READLESS = ({"download_permission": "true"}, {"appropriate_permission": "true"})

NOT_MAKING = [
    refused("empty form", {}),
    refused("no title", {"scope_type": "album", "album": ALBUM}),
    refused("empty title", OF_ALBUM | {"title": ""}),
    refused("long title", OF_ALBUM | {"title": "x" * 256}),
    refused("no title for a user", {"scope_type": "user"}),
    refused("no scope", {"title": "T", "album": ALBUM}),
    refused("unknown scope", OF_ALBUM | {"scope_type": "series"}),
    refused("no album", {"title": "T", "scope_type": "album"}),
    refused("empty album", OF_ALBUM | {"album": ""}),
    *(refused(f"{next(iter(one))} alone", OF_ALBUM | one) for one in READLESS),
    *(refused(f"{next(iter(one))} alone for a user", OF_USER | one) for one in READLESS),
    refused("member", OF_ALBUM, BOB, 403, "Not admin"),
    refused("no admin comes before bad form", {**OF_ALBUM, "title": ""}, BOB, 403, "Not admin"),
    refused(
        "no admin comes before bad time", OF_ALBUM | {"expiration_time": "x"}, BOB, 403, "Not admin"
    ),
    refused("stranger", OF_ALBUM, DAVE, 404, NO_ALBUM),
    refused("stranger comes before bad form", {**OF_ALBUM, "title": ""}, DAVE, 404, NO_ALBUM),
    refused("unknown album", OF_ALBUM | {"album": NOWHERE}, ALICE, 404, NO_ALBUM),
    refused("no album id", OF_ALBUM | {"album": "../x"}, ALICE, 404, NO_ALBUM),
]


@pytest.mark.parametrize("case", each(NOT_MAKING))
def test_not_made(case: Case, world: World) -> None:
    """A bad form is 400, a member who is no admin 403, a stranger 404; nothing is recorded."""
    check(case, world)


# Seeing

OF_CAROL = {"token_id": KEY, "digest": KEPT, "title": "T", "grants": Grants(read=True)}
GIVEN = [(CAROL, issue_capability_token, OF_CAROL)]
ONE = f"{HERE}/{KEY}"

NOT_SEEING = [
    Case("to a member", BOB, f"GET {ONE}", 404, NONE, given=GIVEN),
    Case("to a stranger", DAVE, f"GET {ONE}", 404, NONE, given=GIVEN),
    Case("of nobody", ALICE, f"GET {ONE}", 404, NONE),
    Case("by its digest", CAROL, f"GET {HERE}/{KEPT}", 404, NONE, given=GIVEN),
    Case("list to a member", BOB, f"GET {HERE}", 403, FORBIDDEN, query={"album": ALBUM}),
    Case("list to a stranger", DAVE, f"GET {HERE}", 404, NO_ALBUM, query={"album": ALBUM}),
    Case("list of no album", ALICE, f"GET {HERE}", 404, NO_ALBUM, query={"album": ""}),
    Case(
        "list by an unknown user",
        ALICE,
        f"GET {HERE}",
        404,
        NO_USER,
        query={"album": ALBUM, "user": NOBODY},
    ),
    Case("list by a user of no album", ALICE, f"GET {HERE}", 400, BAD_QUERY, query={"user": BOB}),
    Case("bad limit", ALICE, f"GET {HERE}", 400, BAD_QUERY, query={"limit": "-1"}),
    Case("bad offset", ALICE, f"GET {HERE}", 400, BAD_QUERY, query={"offset": "x"}),
    Case("revoked by a member", BOB, f"POST {ONE}/revoke", 404, NONE, given=GIVEN),
    Case("revoked by a stranger", DAVE, f"POST {ONE}/revoke", 404, NONE, given=GIVEN),
    Case("none to revoke", ALICE, f"POST {ONE}/revoke", 404, NONE),
]


@pytest.mark.parametrize("case", each(NOT_SEEING))
def test_not_there(case: Case, world: World) -> None:
    """A token is there for its creator and the admins of its album; for others it is as if there were none."""
    check(case, world)


def test_own_tokens(world: World) -> None:
    """One's own tokens of both scopes are listed, newest first and page by page; nobody else's."""
    make(world, title="1")
    make_own(world, title="2")
    make(world, CAROL, title="3")
    make(world, title="4")
    assert listed(world, ALICE) == ["4", "2", "1"]
    assert (listed(world, CAROL), listed(world, BOB)) == (["3"], [])
    answer = world.request(ALICE, "GET", HERE, query={"limit": "1", "offset": "1"})
    assert [token["title"] for token in answer.json] == ["2"]
    assert answer.headers["x-total-count"] == "3"
    assert listed(world, ALICE, limit="0") == []


def test_tokens_of_album(world: World) -> None:
    """Every admin sees all tokens of the album, newest first, or those of one creator; and of no other album."""
    world.act(ALICE, create_album, "Other", album=OTHER)
    make(world, title="1")
    make(world, CAROL, title="2")
    make(world, title="3", album=OTHER)
    make_own(world, title="4")
    make(world, title="5")
    assert listed(world, CAROL, album=ALBUM) == ["5", "2", "1"]
    assert listed(world, ALICE, album=ALBUM, user=email_of(CAROL).upper()) == ["2"]
    assert listed(world, ALICE, album=ALBUM, user=BOB) == []
    answer = world.request(CAROL, "GET", HERE, query={"album": ALBUM, "user": ALICE, "limit": "1"})
    assert ([token["title"] for token in answer.json], answer.headers["x-total-count"]) == (
        ["5"],
        "2",
    )


def test_valid_tokens(world: World) -> None:
    """Valid are tokens that are not revoked and expire later than now, be their time yet to come."""
    soon = world.clock.now + timedelta(seconds=10)
    make(world, title="expires", expiration_time=soon.isoformat())
    make(world, title="yet to come", not_before_time="2030-01-01T00:00:00Z")
    revoked = make(world, title="revoked")
    world.request(ALICE, "POST", f"{HERE}/{revoked['id']}/revoke")
    assert listed(world, ALICE, valid="true") == ["yet to come", "expires"]
    assert listed(world, ALICE, valid="false") == ["revoked", "yet to come", "expires"]
    world.clock.now = soon - timedelta(seconds=1)
    answer = world.request(CAROL, "GET", HERE, query={"valid": "True", "album": ALBUM})
    assert [token["title"] for token in answer.json] == ["yet to come"]
    assert answer.headers["x-total-count"] == "1"


def test_show(world: World) -> None:
    """A token is shown to its creator and to the admins of its album, as its list shows it."""
    made = make(world, CAROL, read_permission="true")
    shown = {name: made[name] for name in made if name not in ("access_token", "secret")}
    for by in (ALICE, CAROL):
        assert world.get(by, f"{HERE}/{made['id']}") == shown
        assert world.get(by, HERE, album=ALBUM) == [shown]
    own = make_own(world, CAROL)
    assert world.request(ALICE, "GET", f"{HERE}/{own['id']}").status_code == 404


def test_own_token_of_one_named_like_an_album(world: World) -> None:
    """An admin of an album sees no token of a user whose sub is the id of that album."""
    world.register(ALBUM)
    made = make_own(world, ALBUM)
    for method, path in (("GET", made["id"]), ("POST", f"{made['id']}/revoke")):
        assert world.request(ALICE, method, f"{HERE}/{path}").status_code == 404
        assert world.request(ALBUM, method, f"{HERE}/{path}").status_code == 200


def test_shown_to_one_who_left(world: World) -> None:
    """Who has left the album sees the tokens he made there, and not what the album is called by now."""
    made = make(world, CAROL)
    world.act(CAROL, leave_album)
    world.act(ALICE, edit_album, "Secret")
    shown = world.get(CAROL, f"{HERE}/{made['id']}")
    assert (shown["album"], shown["revoked"]) == ({"album_id": ALBUM}, True)
    assert world.get(CAROL, HERE) == [shown]


def test_only_in_person(world: World) -> None:
    """Tokens are managed in person, and not through a token; one that acts as its user may show one."""
    tokens = make(world, read_permission="true", write_permission="true"), make_own(world)
    path = f"{HERE}/{tokens[0]['id']}"
    before = world.position()
    for token in tokens:
        for request in (f"POST {HERE}", f"GET {HERE}", f"POST {path}/revoke"):
            answer = show(
                world, token, *request.split(), form=OF_USER if request == f"POST {HERE}" else None
            )
            assert (answer.status_code, answer.json["message"]) == (401, "Unauthorized")
    assert world.news(before) == []
    assert show(world, tokens[0], "GET", path).status_code == 403
    answer = show(world, tokens[1], "GET", path)
    assert (answer.status_code, answer.json["id"]) == (200, tokens[0]["id"])


# Revoking


def test_revoke(world: World) -> None:
    """A token taken back opens nothing from then on, and tells when and by whom; more changes nothing."""
    made = make(world)
    assert opens(world, made)
    before = world.position()
    answer = world.request(CAROL, "POST", f"{HERE}/{made['id']}/revoke")
    assert answer.status_code == 200
    assert world.news(before) == [CapabilityTokenRevoked(made["id"])]
    assert not opens(world, made)
    told = f"{world.clock.now:%Y-%m-%dT%H:%M:%S}Z"
    assert (answer.json["revoked"], answer.json["revoke_time"]) == (True, told)
    assert answer.json["revoked_by"]["sub"] == CAROL
    assert answer.json["created_by"]["sub"] == ALICE
    before = world.position()
    again = world.request(ALICE, "POST", f"{HERE}/{made['id']}/revoke")
    assert (again.status_code, again.json) == (200, answer.json)
    assert world.news(before) == []


def test_revoke_own(world: World) -> None:
    """A token that acts as its user is taken back by the user alone, and does not tell by whom."""
    made = make_own(world, BOB)
    before = world.position()
    answer = world.request(BOB, "POST", f"{HERE}/{made['id']}/revoke")
    assert (answer.status_code, answer.json["revoked"]) == (200, True)
    assert world.news(before) == [UserTokenRevoked(made["id"])]
    assert not {"revoked_by", "created_by", "album", "read_permission"} & answer.json.keys()
    assert show(world, made, "GET", "/albums").status_code == 401


def test_expired_token_is_not_revoked(world: World) -> None:
    """A token that has expired stays as it is."""
    made = make(world, expiration_time=world.clock.now.isoformat())
    world.clock.tick(60)
    before = world.position()
    answer = world.request(ALICE, "POST", f"{HERE}/{made['id']}/revoke")
    assert (answer.status_code, answer.json["revoked"]) == (200, False)
    assert world.news(before) == []
