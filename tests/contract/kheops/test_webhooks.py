"""Webhooks of an album: what each route answers and records, case by case (Kheops API 11)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from albumcore import (
    Act,
    Album,
    Webhook,
    WebhookCreated,
    WebhookDeleted,
    WebhookEdited,
    WebhookEvent,
    add_member,
    create_webhook,
    delete_webhook,
    edit_webhook,
    remove_member,
)
from albumcore.ids import WebhookId
from albumcore_adapters.webhooks import catch_up, deliver_due
from support.kheops import (
    ALBUM,
    ALICE,
    BOB,
    CAROL,
    DAVE,
    World,
    open_world,
    settle,
)
from support.kheops_cases import (
    BAD_FORM,
    BAD_QUERY,
    FORBIDDEN,
    NO_ALBUM,
    Acts,
    Case,
    check,
    each,
)
from support.receiver import Receiver, receiving

COVERS = (
    "POST /albums/{album}/webhooks",
    "GET /albums/{album}/webhooks",
    "GET /albums/{album}/webhooks/{webhook}",
    "PATCH /albums/{album}/webhooks/{webhook}",
    "DELETE /albums/{album}/webhooks/{webhook}",
)

HERE = f"/albums/{ALBUM}/webhooks"
HOOK = WebhookId("h" * 20)
ONE = f"{HERE}/{HOOK}"
TRIGGER = f"{ONE}/trigger"
URL = "https://hook.example/told"
FORM = {"name": "Hook", "url": URL}
NONE = "Webhook Not Found"

NEW_SERIES, REMOVE_SERIES = WebhookEvent.NEW_SERIES, WebhookEvent.REMOVE_SERIES
NEW_USER, DELETE_ALBUM = WebhookEvent.NEW_USER, WebhookEvent.DELETE_ALBUM


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A settled world that may send requests to this machine."""
    made = open_world(
        tmp_path, allow_private_addresses=True, public_url="https://albums.example", start=settle
    )
    yield made
    made.service.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Who is told."""
    with receiving() as made:
        yield made


def hook(world: World, *events: WebhookEvent, name: str = "Hook", **others: Any) -> None:
    """Let Alice make the webhook; whatever it is named, its id is the same."""
    world.act(ALICE, create_webhook, HOOK, name, URL, events, **others)


def deliver(world: World) -> None:
    """Send what is due."""
    catch_up(world.service.outbox)
    deliver_due(world.service.outbox, world.clock.now)


# Making


def test_create(world: World) -> None:
    """A webhook is made as the form says, with its events in the order of the documentation."""
    before = world.position()
    form: Mapping[str, str | Sequence[str]] = {
        "url": URL,
        "name": "  Hook ",
        "event": ["Delete_Album", "NEW_USER", "new_series", "remove_series", "new_user"],
        "enabled": "False",
    }
    answer = world.request(ALICE, "POST", HERE, form=form)
    assert answer.status_code == 201
    webhook_id = answer.json["id"]
    assert list(answer.json.items()) == [
        ("id", webhook_id),
        ("url", URL),
        ("name", "Hook"),
        ("use_secret", False),
        ("events", ["new_series", "remove_series", "new_user", "delete_album"]),
        ("enabled", False),
        ("number_of_triggers", 0),
    ]
    assert (len(webhook_id), webhook_id.isalnum()) == (20, True)
    every = NEW_SERIES, REMOVE_SERIES, NEW_USER, DELETE_ALBUM
    webhook = Webhook("Hook", URL, every, enabled=False)
    assert world.news(before) == [WebhookCreated(webhook_id, webhook)]
    assert world.get(CAROL, HERE) == [answer.json]


def test_create_the_least(world: World) -> None:
    """Without more than a name and an address, a webhook is enabled, and told of nothing by itself."""
    answer = world.request(ALICE, "POST", HERE, form=FORM)
    told = {"events": [], "enabled": True, "use_secret": False}
    assert {name: answer.json[name] for name in told} == told


def test_secret(world: World, receiver: Receiver) -> None:
    """A secret signs from then on, and is told by nothing: no answer and no event."""
    before = world.position()
    form = {**FORM, "url": receiver.address, "event": "new_user", "secret": "s3cr3t-s3cr3t"}
    made = world.request(ALICE, "POST", HERE, form=form).json
    path = f"{HERE}/{made['id']}"
    assert made["use_secret"] is True
    for method, where in (("GET", HERE), ("GET", path), ("PATCH", path)):
        assert "s3cr3t" not in world.request(ALICE, method, where).text
    world.act(ALICE, add_member, DAVE)
    assert "s3cr3t" not in repr(world.news(before))
    deliver(world)
    assert "x-kheops-signature" in receiver.requests[0].headers
    edited = world.request(ALICE, "PATCH", path, form={"secret": ""})
    assert edited.json["use_secret"] is False
    world.act(ALICE, remove_member, DAVE)
    world.act(ALICE, add_member, DAVE)
    deliver(world)
    assert "x-kheops-signature" not in receiver.requests[1].headers
    assert world.request(ALICE, "PATCH", path, form={"secret": "new"}).json["use_secret"] is True


@pytest.mark.parametrize(
    ("field", "longest"),
    [("name", "x" * 255), ("url", f"https://hook.example/{'x' * 1003}"), ("secret", "é" * 1024)],
)
def test_longest(field: str, longest: str, world: World) -> None:
    """A name has up to 255 characters, an address and a secret up to 1024; one more is refused, and changes nothing."""
    made = world.request(ALICE, "POST", HERE, form={**FORM, field: longest})
    assert made.status_code == 201
    before = world.position()
    path = f"{HERE}/{made.json['id']}"
    for method, where in (("POST", HERE), ("PATCH", path)):
        answer = world.request(ALICE, method, where, form={**FORM, field: f"{longest}x"})
        assert (answer.status_code, answer.json["message"]) == (400, BAD_FORM)
        assert answer.json["detail"].startswith(f"{field}: ")
    assert world.news(before) == []
    assert world.request(ALICE, "PATCH", path, form={field: longest}).status_code == 200


def test_refused_form_keeps_no_secret(world: World) -> None:
    """A secret that comes with a form that is no good is not kept."""
    hook(world)
    for method, path, form in (
        ("POST", HERE, {**FORM, "url": "x"}),
        ("POST", HERE, {**FORM, "event": "x"}),
        ("PATCH", ONE, {"name": ""}),
        ("PATCH", f"{HERE}/unknown", {}),
        ("PATCH", ONE, {"event": "new_user", "add_event": "new_user"}),
    ):
        answer = world.request(ALICE, method, path, form={**form, "secret": "s3cr3t"})
        assert answer.status_code in (400, 404)
    with world.service.people.database.transaction(commit=False) as cursor:
        cursor.execute("SELECT name FROM webhook_secret")
        assert cursor.fetchall() == []


@pytest.mark.parametrize(("method", "path"), [("POST", HERE), ("PATCH", ONE)])
def test_unknown_event_is_refused_before_anything_is_written(
    method: str, path: str, world: World
) -> None:
    """A secret that came with it is not stored, not even for the time of the request."""
    hook(world)
    database = world.service.database
    before = database.data_version()
    form = {**FORM, "event": "x", "secret": "s3cr3t"}
    assert world.request(ALICE, method, path, form=form).status_code == 400
    assert database.data_version() == before


def test_secret_is_kept_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it is decided again, because others get in between; and not by the decision itself."""
    decided: list[str] = []

    def decide(album: Album, act: Act, **arguments: Any) -> Any:
        decided.append(arguments["secret"])
        if len(decided) == 1:
            world.act(CAROL, create, WebhookId("w1"), "w1", URL)
        return create(album, act, **arguments)

    create = create_webhook
    monkeypatch.setattr("albumcore_adapters.http.kheops.webhooks.create_webhook", decide)
    assert world.request(ALICE, "POST", HERE, form={**FORM, "secret": "s3cr3t"}).status_code == 201
    with world.service.people.database.transaction(commit=False) as cursor:
        cursor.execute("SELECT name FROM webhook_secret")
        assert [row["name"] for row in cursor.fetchall()] * 2 == decided


def refused(about: str, **form: str | None) -> Case:
    """A webhook that is not made, for what is wrong with the form."""
    sent = {field: value for field, value in (FORM | form).items() if value is not None}
    return Case(about, ALICE, f"POST {HERE}", 400, BAD_FORM, form=sent)


HAD: Acts = ((ALICE, create_webhook, {"webhook_id": HOOK, "name": "Hook", "url": URL}),)
GONE: Acts = (*HAD, (ALICE, delete_webhook, {"webhook_id": HOOK}))
DELETED = [WebhookDeleted(HOOK)]

CASES = [
    refused("no name", name=None),
    refused("blank name", name=" "),
    refused("no url", url=None),
    refused("empty url", url=""),
    refused("no web address", url="ftp://hook.example"),
    refused("user in the address", url="https://me@hook.example"),
    refused("empty secret", secret=""),
    refused("secret that is no text", secret="\0"),
    refused("unknown event", event="new_study"),
    Case("member", BOB, f"POST {HERE}", 403, FORBIDDEN, form=FORM),
    Case("no right comes before bad form", BOB, f"POST {HERE}", 403, FORBIDDEN),
    Case("stranger", DAVE, f"POST {HERE}", 404, NO_ALBUM, form=FORM),
    Case("list to a member", BOB, f"GET {HERE}", 403, FORBIDDEN, given=HAD),
    Case("list to a stranger", DAVE, f"GET {HERE}", 404, NO_ALBUM, given=HAD),
    Case("list with a bad limit", ALICE, f"GET {HERE}", 400, BAD_QUERY, query={"limit": "x"}),
    Case("list with a bad offset", ALICE, f"GET {HERE}", 400, BAD_QUERY, query={"offset": "-1"}),
    Case("get unknown", ALICE, f"GET {ONE}", 404, NONE),
    Case("get deleted", ALICE, f"GET {ONE}", 404, NONE, given=GONE),
    Case("get by a member", BOB, f"GET {ONE}", 403, FORBIDDEN, given=HAD),
    Case("get by a stranger", DAVE, f"GET {ONE}", 404, NO_ALBUM, given=HAD),
    Case("get bad limit", ALICE, f"GET {ONE}", 400, BAD_QUERY, query={"limit": "x"}, given=HAD),
    Case("edit unknown", ALICE, f"PATCH {ONE}", 404, NONE, form=FORM),
    Case("edit deleted", ALICE, f"PATCH {ONE}", 404, NONE, form={"event": "x"}, given=GONE),
    Case("edit by a member", BOB, f"PATCH {ONE}", 403, FORBIDDEN, form=FORM, given=HAD),
    Case("edit by a stranger", DAVE, f"PATCH {ONE}", 404, NO_ALBUM, form=FORM, given=HAD),
    Case("delete", CAROL, f"DELETE {ONE}", 204, events=DELETED, given=HAD),
    Case("delete unknown", ALICE, f"DELETE {ONE}", 404, NONE),
    Case("delete deleted", ALICE, f"DELETE {ONE}", 404, NONE, given=GONE),
    Case("delete by a member", BOB, f"DELETE {ONE}", 403, FORBIDDEN, given=HAD),
    Case("delete by a stranger", DAVE, f"DELETE {ONE}", 404, NO_ALBUM, given=HAD),
    Case("trigger unknown", ALICE, f"POST {TRIGGER}", 404, NONE, form={"event": "x"}),
    Case("trigger deleted", ALICE, f"POST {TRIGGER}", 404, NONE, given=GONE),
    Case("trigger by a member", BOB, f"POST {TRIGGER}", 403, FORBIDDEN, given=HAD),
    Case("trigger by a stranger", DAVE, f"POST {TRIGGER}", 404, NO_ALBUM, given=HAD),
]


@pytest.mark.parametrize("case", each(CASES))
def test_case(case: Case, world: World) -> None:
    """Webhooks are for admins; a bad form is 400, and one that is not there is 404."""
    check(case, world)


# Reading and editing


def test_list(world: World) -> None:
    """The list shows the newest first and page by page, or those at one address alone."""
    for name, url in (("w1", URL), ("w2", f"{URL}/2"), ("w3", URL), ("w4", URL)):
        world.act(ALICE, create_webhook, WebhookId(name), name, url)
    world.act(ALICE, edit_webhook, WebhookId("w1"), "first")
    world.act(ALICE, delete_webhook, WebhookId("w3"))
    assert [one["name"] for one in world.get(ALICE, HERE)] == ["w4", "w2", "first"]
    assert [one["id"] for one in world.get(ALICE, HERE, url=URL)] == ["w4", "w1"]
    assert world.get(ALICE, HERE, url="https://hook.example") == []
    answer = world.request(CAROL, "GET", HERE, query={"limit": "1", "offset": "1", "url": URL})
    assert ([one["id"] for one in answer.json], answer.headers["x-total-count"]) == (["w1"], "2")


EDITS: list[tuple[Mapping[str, str | Sequence[str]], dict[str, Any]]] = [
    ({}, {}),
    ({"name": " New "}, {"name": "New"}),
    ({"url": "http://hook.example"}, {"url": "http://hook.example"}),
    ({"enabled": "false"}, {"enabled": False}),
    ({"event": "DELETE_ALBUM"}, {"events": ["delete_album"]}),
    ({"event": ["new_user", "remove_series"]}, {"events": ["remove_series", "new_user"]}),
    ({"event": ""}, {"events": []}),
    ({"add_event": "New_Series"}, {"events": ["new_series", "remove_series", "new_user"]}),
    ({"add_event": "new_user"}, {}),
    ({"remove_event": ["new_user", "NEW_SERIES"]}, {"events": ["remove_series"]}),
    (
        {"add_event": "new_series", "remove_event": ["new_user", "new_series"]},
        {"events": ["new_series", "remove_series", "new_user"]},
    ),
    ({"add_event": "", "remove_event": "new_user"}, {"events": ["remove_series"]}),
]


@pytest.mark.parametrize(("form", "changed"), EDITS)
def test_edit(
    form: Mapping[str, str | Sequence[str]], changed: dict[str, Any], world: World
) -> None:
    """An edit changes what it tells of, and is recorded whatever it changes; it moves no last_event_time."""
    hook(world, NEW_USER, REMOVE_SERIES, secret="kept")
    [shown], at, before = world.get(ALICE, HERE), world.last_event_at(), world.position()
    answer = world.request(CAROL, "PATCH", ONE, form=form)
    assert (answer.status_code, answer.json) == (200, shown | changed)
    [edited] = world.news(before)
    assert isinstance(edited, WebhookEdited)
    assert world.get(ALICE, HERE) == [answer.json]
    assert world.last_event_at() == at


@pytest.mark.parametrize(
    "form",
    [
        {"name": " "},
        {"url": ""},
        {"url": "hook"},
        {"event": "new_study"},
        {"event": ["new_user", ""]},
        {"add_event": "x"},
        {"remove_event": "x"},
        {"event": "new_user", "add_event": "new_series"},
        {"event": "", "remove_event": "new_series"},
        {"name": "New", "secret": "\ud7ff\0"},
    ],
)
def test_bad_edit(form: dict[str, str], world: World) -> None:
    """An edit that is no good, or that both replaces and changes the events, changes nothing."""
    hook(world, NEW_USER)
    before = world.position()
    answer = world.request(ALICE, "PATCH", ONE, form=form)
    assert (answer.status_code, answer.json["message"]) == (400, BAD_FORM)
    assert world.news(before) == []


def test_deleted_webhook(world: World) -> None:
    """A deleted webhook is nowhere any more, and its mutations name none; they move no last_event_time."""
    at = world.last_event_at()
    by_hand = {"event": "new_user", "user": BOB}
    path = f"{HERE}/{world.request(ALICE, 'POST', HERE, form=FORM).json['id']}"
    assert world.request(ALICE, "POST", f"{path}/trigger", form=by_hand).status_code == 202
    assert world.request(ALICE, "DELETE", path).status_code == 204
    assert world.get(ALICE, HERE) == []
    told = world.events(BOB, limit="3")
    names = [event.pop("mutation_type") for event in told]
    assert names == ["DELETE_WEBHOOK", "TRIGGER_WEBHOOK", "CREATE_WEBHOOK"]
    assert {tuple(event) for event in told} == {("event_type", "source", "post_date")}
    assert world.last_event_at() == at


def test_by_tokens(world: World) -> None:
    """A token that acts as an admin manages webhooks; one of the album does not even see them."""
    user, album = world.user_token("asAlice", ALICE), world.album_token("ofAlbum", read=True)
    hook(world)
    assert world.request(album, "GET", HERE).status_code == 403
    assert world.request(user, "PATCH", ONE, form={"name": "New"}).json["name"] == "New"
