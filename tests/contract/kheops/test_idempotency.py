"""``Idempotency-Key``: a request that comes again gets the answer of the first, and is recorded once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

import albumcore
from albumcore import (
    AlbumCreated,
    CommentPosted,
    StudyCommentPosted,
    add_member,
    delete_album,
    edit_album,
    import_series,
    leave_album,
    remove_study,
    set_favorite,
)
from albumcore.errors import AlbumNotFound
from albumcore_adapters.identity.service_tokens import READ, Viewer, viewer_token
from support.kheops import (
    ALBUM,
    ALICE,
    BOB,
    CAROL,
    CT,
    DAVE,
    STUDY,
    Answer,
    Fields,
    World,
    open_world,
    settle,
)

COVERS = (
    "POST /albums",
    "POST /albums/{album}/comments",
    "POST /studies/{study}/comments",
)

KEY = "9d1f6a8e-2f0b-4a0e-8f8e-5a7b"
COMMENTS = f"/albums/{ALBUM}/comments"
USED = "Idempotency-Key: this key came with another request before"


@frozen
class Request:
    """A request that may come again.

    Attributes:
        name: What it does.
        path: Where it is sent to.
        form: What it says.
        other: Something else that it might say.
        event: What is recorded of it.
        decision: What is decided then, and the responders that do so.
    """

    name: str
    path: str
    form: Fields
    other: Fields
    event: type[Any]
    decision: str


REQUESTS = [
    Request(
        "album",
        "/albums",
        {"name": "Knees", "description": "é", "addUser": "true"},
        {"name": "Knees"},
        AlbumCreated,
        "albums.create_album",
    ),
    Request(
        "comment",
        COMMENTS,
        {"comment": "Look", "to_user": CAROL},
        {"comment": "Look"},
        CommentPosted,
        "comments.post_comment",
    ),
    Request(
        "study comment",
        f"/studies/{STUDY}/comments",
        {"comment": "Look"},
        {"comment": "look"},
        StudyCommentPosted,
        "comments.post_study_comment",
    ),
]
each_request = pytest.mark.parametrize("request_", REQUESTS, ids=lambda one: one.name)


def prepare(world: World) -> None:
    """Let the people here be, and the study be in the album."""
    settle(world)
    world.store({CT: "CT"}, owner=ALICE)
    world.act(ALICE, import_series, STUDY, CT)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A settled world with a study in the album."""
    made = open_world(tmp_path, start=prepare)
    yield made
    made.service.close()


@pytest.fixture
def elsewhere(world: World, tmp_path: Path) -> Iterator[World]:
    """The same store in another process, as far as can be told; ids of albums that it makes are its own."""
    other = open_world(tmp_path)
    other.clock.now = world.clock.now
    for _ in range(50):
        other.service.make_id(1)
    yield other
    other.service.close()


def send(
    world: World,
    request: Request,
    key: str = KEY,
    by: str = ALICE,
    form: Fields | None = None,
) -> Answer:
    """Send a request with a key, as it is or with another form."""
    return world.request(
        by, "POST", request.path, form or request.form, headers={"Idempotency-Key": key}
    )


def whole(answer: Answer) -> tuple[int, Mapping[str, str], bytes]:
    """All that an answer says."""
    return answer.status_code, dict(answer.headers), answer.content


@each_request
def test_a_request_that_comes_again(request_: Request, world: World, elsewhere: World) -> None:
    """The same answer to the letter, and one event: here, in another process, after rebuilding the rows."""
    before = world.position()
    first = send(world, request_)
    assert first.status_code < 300
    world.clock.tick(3600)
    assert whole(send(world, request_)) == whole(first)
    assert whole(send(elsewhere, request_)) == whole(first)
    world.service.albums.rebuild()
    assert whole(send(world, request_)) == whole(first)
    assert [type(one) for one in world.news(before)] == [request_.event]
    assert world.service.albums.verify() == []


@each_request
def test_the_same_without_a_key_and_with(request_: Request, world: World) -> None:
    """A key changes nothing of the first answer, but for what is of the moment and by chance."""
    bare = world.request(ALICE, "POST", request_.path, request_.form)
    first = send(world, request_)
    of_the_moment = {"album_id", "created_time", "last_event_time"}
    told, told_again = [
        {name: value for name, value in one.json.items() if name not in of_the_moment}
        if one.content
        else None
        for one in (bare, first)
    ]
    assert (first.status_code, told_again) == (bare.status_code, told)


@each_request
def test_a_key_is_of_one_request(request_: Request, world: World) -> None:
    """With another form it is 409 and names the header; with another key the same request is another one."""
    first = send(world, request_)
    before = world.position()
    answer = send(world, request_, form=request_.other)
    assert (answer.status_code, answer.json["detail"]) == (409, USED)
    assert world.news(before) == []
    assert send(world, request_, key="another").status_code == first.status_code
    assert [type(one) for one in world.news(before)] == [request_.event]


@each_request
def test_a_key_is_of_one_caller(request_: Request, world: World) -> None:
    """Nobody meets the keys of others; a capability token that acts as a user is somebody else than he."""
    before = world.position()
    token = world.user_token("alices", ALICE)
    for by in (ALICE, BOB, token):
        for _ in range(2):
            assert send(world, request_, by=by).status_code < 300
    assert [type(one) for one in world.news(before)][1:] == [request_.event] * 3


@each_request
def test_two_at_the_same_moment(
    request_: Request, world: World, elsewhere: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second comes while the first is decided on, in another process: one event, and the same answer to both."""
    name = request_.decision.rpartition(".")[2]
    decide: Callable[..., Any] = getattr(albumcore, name)
    others: list[Answer] = []

    def slowly(*args: Any, **kwargs: Any) -> Any:
        monkeypatch.undo()
        others.append(send(elsewhere, request_))
        return decide(*args, **kwargs)

    before = world.position()
    monkeypatch.setattr(f"albumcore_adapters.http.kheops.{request_.decision}", slowly)
    first = send(world, request_)
    assert [whole(other) for other in others] == [whole(first)]
    assert first.status_code < 300
    assert [type(one) for one in world.news(before)] == [request_.event]


def test_album_as_it_was(world: World) -> None:
    """A creation that comes again shows the album as it was created: edited since, with members, and deleted."""
    create = REQUESTS[0]
    first = send(world, create)
    album = first.json["album_id"]
    for decision, *args in (
        (edit_album, "Hips", "All of them", {"add_user": False}),
        (add_member, BOB),
        (set_favorite, True),
        (import_series, STUDY, CT),
    ):
        world.act(ALICE, decision, *args, album=album)
    assert whole(send(world, create)) == whole(first)
    assert world.get(ALICE, f"/albums/{album}")["name"] == "Hips"
    world.act(ALICE, delete_album, album=album)
    assert whole(send(world, create)) == whole(first)
    assert world.request(ALICE, "GET", f"/albums/{album}").status_code == 404


def test_comment_where_one_is_no_more(world: World) -> None:
    """Whoever left in between is still told that his comment was posted; nothing else is open to him by that key."""
    comment = REQUESTS[1]
    first = send(world, comment, by=BOB)
    world.act(BOB, leave_album)
    assert whole(send(world, comment, by=BOB)) == whole(first)
    assert send(world, comment, by=BOB, form=comment.other).json["detail"] == USED
    assert send(world, comment, by=BOB, key="new").status_code == 404
    assert send(world, comment, by=DAVE).status_code == 404
    world.act(ALICE, delete_album)
    assert whole(send(world, comment, by=BOB)) == whole(first)


def test_study_comment_where_one_sees_no_more(world: World) -> None:
    """As with albums."""
    comment = REQUESTS[2]
    first = send(world, comment, by=BOB)
    world.act(ALICE, remove_study, STUDY)
    assert whole(send(world, comment, by=BOB)) == whole(first)
    assert send(world, comment, by=BOB, key="new").status_code == 403


def test_a_token_for_something_narrower_learns_nothing(world: World) -> None:
    """What a user was answered is not for a viewer of one study that he lent his token to."""
    request = REQUESTS[0]
    assert send(world, request).status_code == 201
    viewer = Viewer(world.token_of(ALICE), STUDY, (READ,))
    token = viewer_token(world.service.auth.issuer, viewer, world.clock.now)
    for form in (request.form, request.other):
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": KEY}
        assert world.request(None, "POST", request.path, form, headers=headers).status_code == 403


def test_a_refusal_is_not_remembered(world: World) -> None:
    """The same key and request, refused at first, may succeed when things have changed."""
    comment = REQUESTS[1]
    assert send(world, comment, by=DAVE).status_code == 404
    world.act(ALICE, add_member, DAVE)
    assert send(world, comment, by=DAVE).status_code == 204
    assert send(world, comment, by=DAVE).status_code == 204
    with pytest.raises(AlbumNotFound):
        world.act("sub-nobody", leave_album)
    assert len(world.events(CAROL, types="comments")) == 1


def test_what_is_the_same_request(world: World) -> None:
    """What is asked where: not the order of the fields, nor whether they are in the body or in the query string."""
    before = world.position()
    headers = {"Idempotency-Key": KEY}
    for form, query in (
        ({"comment": "é", "to_user": BOB}, None),
        ({"to_user": BOB, "comment": "é"}, None),
        (None, {"comment": "é", "to_user": BOB}),
    ):
        answer = world.request(ALICE, "POST", COMMENTS, form, query, headers)
        assert answer.status_code == 204
    assert len(world.news(before)) == 1
    other = world.request(ALICE, "POST", "/albums", {"name": "Hips"}, headers=headers)
    assert other.status_code == 201, "another route, another request"
    elsewhere = f"/albums/{other.json['album_id']}/comments"
    answer = world.request(
        ALICE, "POST", elsewhere, {"comment": "é", "to_user": BOB}, headers=headers
    )
    assert (answer.status_code, answer.json["detail"]) == (409, USED)


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ("abc", '"abc"'),
        ('"a,b"', '"a,b"'),
        (r'"a\"b\\c"', r'"a\"b\\c"'),
        ("x" * 255, f'"{"x" * 255}"'),
        ("!", '"!"'),
        ("a\\b;c~", r'"a\\b;c~"'),
    ],
)
def test_forms_of_a_key(one: str, same: str, world: World) -> None:
    """In quotes, as the draft standard has it, or bare."""
    before = world.position()
    for key in (one, same):
        assert send(world, REQUESTS[1], key=key).status_code == 204
    assert len(world.news(before)) == 1


MALFORMED = ["", '""', '"', '"a', 'a"b', "a b", '"a b"', "a,b", '"a", "b"', '"a";x', '"a\\b"', "é"]


@pytest.mark.parametrize("key", [*MALFORMED, "x" * 256, f'"{"x" * 256}"'])
def test_a_malformed_key(key: str, world: World) -> None:
    """It is 400, and names the header; to whom nobody knows, it is 401 all the same."""
    before, headers = world.position(), {"Idempotency-Key": key}
    for request in REQUESTS:
        answer = send(world, request, key=key)
        assert answer.status_code == 400
        assert answer.json["detail"].startswith("Idempotency-Key: ")
        assert (
            world.request(None, "POST", request.path, request.form, headers=headers).status_code
            == 401
        )
    assert world.news(before) == []


def test_other_routes_ignore_it(world: World) -> None:
    """Whatever it is."""
    for key in (KEY, ""):
        headers = {"Idempotency-Key": key}
        answer = world.request(
            ALICE, "PATCH", f"/albums/{ALBUM}", {"name": key or "x"}, headers=headers
        )
        assert (answer.status_code, answer.json["name"]) == (200, key or "x")
        assert (
            world.request(ALICE, "GET", f"/albums/{ALBUM}/events", headers=headers).status_code
            == 200
        )


def test_neither_key_nor_caller_is_kept(world: World) -> None:
    """What is stored of a key tells neither; and what was asked can be confirmed by nobody who lacks the key."""
    send(world, REQUESTS[1])
    send(world, REQUESTS[1], key="another")
    one, other = [recorded.act.command for _, recorded in world.service.albums.follow()][-2:]
    assert one is not None
    assert other is not None
    assert one.content != other.content
    for told in (one.id, one.content):
        assert isinstance(told, str)
        assert len(told) == 64
        assert KEY not in told
