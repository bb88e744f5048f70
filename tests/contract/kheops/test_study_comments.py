"""Comments on a study, which belong to no album: who sees them, and who may write them (Kheops API 7.3 and 7.4)."""

from __future__ import annotations

from typing import Any

import pytest

from albumcore import (
    StudyCommentPosted,
    add_member,
    create_album,
    demote_admin,
    import_series,
    post_comment,
    remove_member,
    remove_study,
)
from support.kheops import (
    ALBUM,
    ALICE,
    BOB,
    CAROL,
    CT,
    DAVE,
    MR,
    NOBODY,
    OTHER,
    STUDY,
    World,
    email_of,
    local,
    unregister,
)
from support.kheops_cases import (
    BAD_FORM,
    BAD_QUERY,
    FORBIDDEN,
    NO_STUDY,
    NO_USER,
    Case,
    check,
    each,
    flags,
    held,
)

COVERS = (
    "GET /albums/{album}",
    "GET /albums/{album}/events",
    "GET /studies/{study}/comments",
    "POST /studies/{study}/comments",
)

COMMENTS = f"/studies/{STUDY}/comments"

NO_ACCESS = "No access"

# What is in the world of a case: Bob has a series of the study in his inbox, and so has Dave.

POSTING = [
    Case(
        "public",
        BOB,
        f"POST {COMMENTS}",
        204,
        form={"comment": " a\nb "},
        events=[StudyCommentPosted(" a\nb ")],
    ),
    Case(
        "private, to who has some of it in the inbox",
        BOB,
        f"POST {COMMENTS}",
        204,
        form={"comment": "x", "to_user": email_of(DAVE).upper()},
        events=[StudyCommentPosted("x", DAVE)],
    ),
    Case(
        "private, to who sees it in an album",
        BOB,
        f"POST {COMMENTS}",
        204,
        form={"comment": "x", "to_user": CAROL},
        given=held(CT),
        events=[StudyCommentPosted("x", CAROL)],
    ),
    Case(
        "to oneself",
        BOB,
        f"POST {COMMENTS}",
        204,
        form={"comment": "x", "to_user": BOB},
        events=[StudyCommentPosted("x", BOB)],
    ),
    Case(
        "seen in an album without any right",
        CAROL,
        f"POST {COMMENTS}",
        204,
        form={"comment": "é" * 1024},
        given=[
            *held(CT),
            (ALICE, demote_admin, {"target": CAROL}),
            *flags(write_comments=False),
        ],
        events=[StudyCommentPosted("é" * 1024)],
    ),
    Case("too long", BOB, f"POST {COMMENTS}", 400, BAD_FORM, form={"comment": "x" * 1025}),
    Case("empty", BOB, f"POST {COMMENTS}", 400, BAD_FORM, form={"comment": ""}),
    Case("missing", BOB, f"POST {COMMENTS}", 400, BAD_FORM, form={"to_user": BOB}),
    Case("no body", BOB, f"POST {COMMENTS}", 400, BAD_FORM),
    Case("NUL", BOB, f"POST {COMMENTS}", 400, BAD_FORM, form={"comment": "\0"}),
    Case(
        "to unknown user",
        BOB,
        f"POST {COMMENTS}",
        404,
        NO_USER,
        form={"comment": "x", "to_user": NOBODY},
    ),
    Case("to nobody", BOB, f"POST {COMMENTS}", 404, NO_USER, form={"comment": "x", "to_user": ""}),
    Case(
        "to who does not see it",
        BOB,
        f"POST {COMMENTS}",
        404,
        NO_ACCESS,
        form={"comment": "x", "to_user": CAROL},
    ),
    Case("not seen", CAROL, f"POST {COMMENTS}", 403, NO_STUDY, form={"comment": "x"}),
    Case("not seen comes before empty", CAROL, f"POST {COMMENTS}", 403, NO_STUDY),
    Case("unknown study", BOB, "POST /studies/9.9/comments", 403, NO_STUDY, form={"comment": "x"}),
    Case("no UID", BOB, "POST /studies/x/comments", 400, BAD_QUERY, form={"comment": "x"}),
]


@pytest.mark.parametrize("case", each(POSTING))
def test_post(case: Case, world: World) -> None:
    """A comment is 204 for whoever sees the study, whatever he may do in an album; the target must see it too."""
    check(case, world)


def say(world: World, by: str, comment: str, to_user: str | None = None) -> None:
    """Post a comment that must be taken."""
    form = {"comment": comment} | ({} if to_user is None else {"to_user": to_user})
    assert world.request(by, "POST", COMMENTS, form=form).status_code == 204


def seen(world: World, by: str, **query: str) -> list[str]:
    """The comments that one of the people sees."""
    return [event["comment"] for event in world.get(by, COMMENTS, **query)]


@pytest.fixture
def shared(world: World) -> World:
    """The study is in the album of Alice, Bob and Carol, and in the inbox of Dave."""
    world.store({CT: "CT"})
    world.store({MR: "MR"}, owner=DAVE)
    world.act(ALICE, import_series, STUDY, CT)
    return world


def test_form(shared: World) -> None:
    """A comment tells its author and its second, and its target if it is private; a study has no admins."""
    shared.clock.tick(0.75)
    say(shared, DAVE, "for all")
    posted_at = shared.clock.now.replace(microsecond=0)
    say(shared, BOB, "for one", DAVE)
    private, public = shared.get(DAVE, COMMENTS)
    dave = {"email": email_of(DAVE), "name": "Dave", "sub": DAVE, "can_access": True}
    assert list(public.items()) == [
        ("event_type", "Comment"),
        ("source", dave),
        ("comment", "for all"),
        ("post_date", local(posted_at)),
        ("is_private", False),
    ]
    assert list(private) == [
        "event_type",
        "source",
        "comment",
        "post_date",
        "is_private",
        "target",
    ]
    assert (private["is_private"], private["target"]) == (True, dave)


def test_public_comment(shared: World) -> None:
    """A public comment is there for everybody who sees any series of the study, wherever, and for nobody else."""
    say(shared, DAVE, "x")
    assert [seen(shared, by) for by in (ALICE, BOB, CAROL, DAVE)] == [["x"]] * 4
    shared.register(NOBODY)
    answer = shared.request(NOBODY, "GET", COMMENTS)
    assert (answer.status_code, answer.json["message"]) == (403, NO_STUDY)


def test_private_comment(shared: World) -> None:
    """A private comment is there for its author and its target alone, in the total too."""
    say(shared, DAVE, "psst", BOB)
    assert [seen(shared, by) for by in (ALICE, BOB, CAROL, DAVE)] == [[], ["psst"], [], ["psst"]]
    totals = [shared.request(by, "GET", COMMENTS).headers["x-total-count"] for by in (ALICE, BOB)]
    assert totals == ["0", "1"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["2", "1", "0"]),
        ({"limit": "2"}, ["2", "1"]),
        ({"limit": "1", "offset": "1"}, ["1"]),
        ({"offset": "3"}, []),
        ({"limit": "0"}, []),
    ],
)
def test_page(query: dict[str, str], expected: list[str], shared: World) -> None:
    """A page is a part of the comments, newest first; X-Total-Count counts all that the caller can see."""
    for number in range(3):
        say(shared, DAVE, str(number))
    answer = shared.request(BOB, "GET", COMMENTS, query=query)
    assert [event["comment"] for event in answer.json] == expected
    assert answer.headers["x-total-count"] == "3"


@pytest.mark.parametrize("query", [{"limit": "x"}, {"limit": "-1"}, {"offset": ""}])
def test_bad_page(query: dict[str, str], shared: World) -> None:
    """A limit or offset that is no number is 400."""
    answer = shared.request(BOB, "GET", COMMENTS, query=query)
    assert (answer.status_code, answer.json["message"]) == (400, BAD_QUERY)


def test_not_in_the_feed_of_an_album(shared: World) -> None:
    """Comments on a study are in no album's feed or numbers, and do not move its time; nor the other way round."""
    at, events = shared.last_event_at(), shared.events(BOB)
    say(shared, BOB, "on the study")
    assert (shared.last_event_at(), shared.events(BOB)) == (at, events)
    assert shared.get(BOB, f"/albums/{ALBUM}")["number_of_comments"] == 0
    shared.act(BOB, post_comment, "on the album")
    assert seen(shared, BOB) == ["on the study"]


def test_access_is_of_now(shared: World) -> None:
    """Who cannot see the study any more sees no comments, and his own show that; it all comes back with the access."""
    say(shared, BOB, "public")
    say(shared, BOB, "private", CAROL)
    shared.act(ALICE, remove_member, BOB)

    def shown() -> list[Any]:
        return [event["source"]["can_access"] for event in shared.get(CAROL, COMMENTS)]

    assert shared.request(BOB, "GET", COMMENTS).status_code == 403
    assert shown() == [False, False]
    shared.act(ALICE, add_member, BOB)
    assert seen(shared, BOB) == ["private", "public"]
    assert shown() == [True, True]


def test_access_of_the_target_is_of_now(shared: World) -> None:
    """can_access is told of the target too."""
    say(shared, BOB, "private", DAVE)
    shared.service.inbox.remove(shared.user(DAVE), STUDY, [MR])
    [private] = shared.get(BOB, COMMENTS)
    assert private["target"]["can_access"] is False


def test_access_by_another_album(shared: World) -> None:
    """Any album that holds any series of the study gives access to the comments."""
    say(shared, DAVE, "x")
    shared.register(NOBODY)
    shared.act(DAVE, create_album, "Other", album=OTHER)
    shared.act(DAVE, add_member, NOBODY, album=OTHER)
    assert shared.request(NOBODY, "GET", COMMENTS).status_code == 403
    shared.act(DAVE, import_series, STUDY, MR, album=OTHER)
    assert seen(shared, NOBODY) == ["x"]


def test_an_author_who_is_unknown_is_named_by_the_user_id_alone(shared: World) -> None:
    """Of an author whom the directory does not know, there is nothing else to tell."""
    shared.register("sub-ghost")
    ghost = shared.user("sub-ghost")
    shared.act(ALICE, add_member, "sub-ghost")
    say(shared, "sub-ghost", "boo")
    unregister(shared, "sub-ghost")
    assert shared.get(BOB, COMMENTS)[0]["source"] == {"sub": ghost, "can_access": True}


def test_through_a_token_of_an_album(shared: World) -> None:
    """A token of an album that may read sees the public comments on its studies, and none of its creator's private."""
    say(shared, BOB, "public")
    say(shared, BOB, "private", ALICE)
    reading, writing = shared.album_token("read", read=True), shared.album_token("up", write=True)
    answer = shared.request(reading, "GET", COMMENTS)
    assert [event["comment"] for event in answer.json] == ["public"]
    assert answer.headers["x-total-count"] == "1"
    assert shared.request(writing, "GET", COMMENTS).status_code == 403
    shared.act(ALICE, remove_study, STUDY)
    assert shared.request(reading, "GET", COMMENTS).status_code == 403
    answer = shared.request(reading, "POST", COMMENTS, form={"comment": "x"})
    assert (answer.status_code, answer.json["message"]) == (403, FORBIDDEN)


def test_through_a_token_that_acts_as_a_user(shared: World) -> None:
    """A token that acts as a user sees and says what he does, in his name alone."""
    token = shared.user_token("bobs", BOB)
    say(shared, DAVE, "private", BOB)
    say(shared, token, "public")
    assert seen(shared, token) == ["public", "private"]
    assert list(shared.get(ALICE, COMMENTS)[0]["source"]) == ["email", "name", "sub", "can_access"]


def test_fields_in_the_query_string(shared: World) -> None:
    """The fields of a form with an empty body may stand in the query string."""
    query = {"comment": "psst", "to_user": DAVE}
    assert shared.request(BOB, "POST", COMMENTS, form={}, query=query).status_code == 204
    assert (seen(shared, ALICE), seen(shared, DAVE)) == ([], ["psst"])


# Who claims a series that is not there yet has seen nothing of its study


def test_a_claim_shows_nothing_of_a_study_of_others(world: World) -> None:
    """Neither what is said of it, nor who sees it; nor can anything be said to them."""
    world.store({CT: "CT"}, owner=ALICE)
    assert (
        world.request(ALICE, "POST", COMMENTS, {"comment": "for those who see it"}).status_code
        == 204
    )
    assert world.request(DAVE, "PUT", f"/studies/{STUDY}/series/1.9.9").status_code == 201
    before = world.position()
    assert world.request(DAVE, "GET", COMMENTS).status_code == 403
    assert (
        world.request(DAVE, "POST", COMMENTS, {"comment": "x", "to_user": ALICE}).status_code == 403
    )
    wanted = {"search": "ali", "studyInstanceUID": STUDY}
    assert world.request(DAVE, "GET", "/users", query=wanted).status_code == 404
    told = {"comment": "x", "to_user": DAVE}
    assert world.request(ALICE, "POST", COMMENTS, told).json["message"] == NO_ACCESS
    assert world.news(before) == []


@pytest.mark.parametrize(("owner", "seen"), [(ALICE, [200, 403]), (DAVE, [403, 200])])
def test_a_claim_shows_a_study_that_nobody_had(owner: str, seen: list[int], world: World) -> None:
    """The first to claim some of a study sees it, and those who claim after do not; images that come decide anew."""
    for by, series in ((ALICE, CT), (DAVE, MR)):
        assert world.request(by, "PUT", f"/studies/{STUDY}/series/{series}").status_code == 201
    assert [world.request(by, "GET", COMMENTS).status_code for by in (ALICE, DAVE)] == [200, 403]
    world.store({CT: "CT"}, owner=owner)
    assert [world.request(by, "GET", COMMENTS).status_code for by in (ALICE, DAVE)] == seen
