"""Claims, seen from outside: to name a series is not to have it, whatever comes of it (Kheops API 14, 51 to 56)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from albumcore import (
    Act,
    Album,
    AlbumDeleted,
    MemberLeft,
    Source,
    add_member,
    create_album,
    delete_album,
    edit_album,
    import_series,
    import_study,
    remove_member,
)
from albumcore.albums.values import Member
from albumcore.errors import Forbidden
from albumcore.ids import SeriesUID, StudyUID, UserId
from albumcore_adapters.access.claims import keeping_images, put_in_album
from albumcore_adapters.access.series import Claim
from albumcore_adapters.directory.claims import Holding, inbox_holder
from albumcore_adapters.directory.inbox import Inbox
from albumcore_adapters.directory.instances import SeriesOfOtherStudy
from albumcore_adapters.identity.callers import Caller
from albumcore_adapters.store import StoreUnavailable
from support.kheops import (
    ALBUM,
    ALICE,
    BOB,
    CAROL,
    CT,
    DAVE,
    MR,
    OTHER,
    SR,
    STUDY,
    World,
    open_world,
    settle,
)
from support.older import forget_version

COVERS = (
    "PUT /studies/{study}/series/{series}",
    "PUT /studies/{study}/series/{series}/albums/{album}",
    "DELETE /albums/{album}",
    "DELETE /albums/{album}/users/{user}",
)

OF_STUDY = f"/studies/{STUDY}"
OF_CT = f"{OF_STUDY}/series/{CT}"
CT_THERE, CT_TO_OTHER = f"{OF_CT}/albums/{ALBUM}", f"{OF_CT}/albums/{OTHER}"
COMMENTS = f"{OF_STUDY}/comments"
NOTHING = {
    "modalities": [],
    "number_of_studies": 0,
    "number_of_series": 0,
    "number_of_instances": 0,
}


def images_of(world: World, owner: str, series: str = CT) -> None:
    """Images of a series come in, in somebody's name."""
    world.store({series: "CT"}, owner=owner, description="Knee", series_description="Of a patient")


def daves_album(world: World) -> None:
    """An album of Dave's, with nothing in it."""
    world.act(DAVE, create_album, "Dave's", album=OTHER)


def told(world: World, by: str, album: str | None = None) -> dict[str, Any]:
    """All that somebody is told of what images say: in numbers, in lists, in headers, in events and of people."""
    place = {"album": album} if album else {"inbox": "true"}
    answers = {
        path: world.request(by, "GET", path, query=place)
        for path in ("/studies", f"{OF_STUDY}/series", f"{OF_STUDY}/metadata")
    }
    numbers = world.get(by, f"/albums/{album}" if album else "/inboxinfo")
    events = world.events(by, album, types="mutations") if album else []
    people = {"search": "sub", "studyInstanceUID": STUDY}
    return {
        **{path: answer.status_code for path, answer in answers.items()},
        "numbers": {name: numbers[name] for name in NOTHING},
        "events": [
            event["study"] | event.get("series", {}) for event in events if "study" in event
        ],
        "comments": world.request(by, "GET", COMMENTS).status_code,
        "people": world.request(by, "GET", "/users", query=people).status_code,
    }


def nothing_told(album: bool) -> dict[str, Any]:
    """What is told of a placeholder of a study that others have: its UIDs, to whoever named them."""
    return {
        "/studies": 204,
        f"{OF_STUDY}/series": 204,
        f"{OF_STUDY}/metadata": 204,
        "numbers": NOTHING,
        "events": [{"UID": CT}] if album else [],
        "comments": 403,
        "people": 404,
    }


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("album", [None, OTHER])
def test_a_claim_shows_nothing_of_images(first: bool, album: str | None, world: World) -> None:
    """A stranger who claims a series, before its images or after, is told nothing of these, in no place."""
    daves_album(world)
    path = OF_CT if album is None else CT_TO_OTHER
    if not first:
        images_of(world, ALICE)
        world.request(ALICE, "DELETE", OF_CT)
    assert world.request(DAVE, "PUT", path).status_code == 201
    images_of(world, ALICE)
    assert told(world, DAVE, album) == nothing_told(album is not None)
    assert world.request(DAVE, "PUT", path).status_code == 201
    assert world.request(ALICE, "GET", COMMENTS).status_code == 200


def test_a_claim_keeps_no_owner_away(world: World) -> None:
    """A series that others have but claimed may be claimed as well; and those who bring its images have it."""
    assert world.request(DAVE, "PUT", OF_CT).status_code == 201
    assert world.request(ALICE, "PUT", CT_THERE).status_code == 201
    images_of(world, ALICE)
    assert world.get(BOB, f"/albums/{ALBUM}")["number_of_instances"] == 1
    [shown] = world.get(BOB, f"{OF_STUDY}/series", album=ALBUM)
    assert shown["0020000E"]["Value"] == [CT]
    assert world.request(DAVE, "GET", f"{OF_STUDY}/series").status_code == 204


@pytest.mark.parametrize(
    ("path", "query"), [(f"{OF_STUDY}/albums/{ALBUM}", {"inbox": "true"}), (CT_THERE, {})]
)
def test_a_claim_passed_on_stays_that_user_s(
    path: str, query: dict[str, str], world: World
) -> None:
    """Where a claim was sent or copied to, it shows the images once the user who made it brings them."""
    daves_album(world)
    world.request(DAVE, "PUT", OF_CT)
    world.request(DAVE, "PUT", f"{OF_CT}/users/{BOB}")
    world.request(BOB, "PUT", path, query=query)
    images_of(world, ALICE)
    assert world.get(CAROL, f"/albums/{ALBUM}")["number_of_series"] == 0
    images_of(world, DAVE)
    assert world.get(CAROL, f"/albums/{ALBUM}")["number_of_series"] == 1
    assert world.get(BOB, "/inboxinfo")["number_of_series"] == 1


def test_what_is_had_takes_the_place_of_a_claim(world: World) -> None:
    """A claim of an album is confirmed without an event when the series is sent there from a confirmed holding."""
    world.request(BOB, "PUT", CT_THERE)
    images_of(world, CAROL)
    assert world.get(BOB, f"/albums/{ALBUM}")["number_of_series"] == 0
    before = world.position()
    assert world.request(CAROL, "PUT", CT_THERE).status_code == 201
    assert world.news(before) == []
    assert world.get(BOB, f"/albums/{ALBUM}")["number_of_series"] == 1


def test_what_is_had_is_not_made_a_claim(world: World) -> None:
    """An album that has a series keeps showing it, whatever claim on it is brought there after."""
    world.request(BOB, "PUT", OF_CT)
    images_of(world, CAROL)
    world.request(CAROL, "PUT", CT_THERE)
    from_inbox = {"inbox": "true"}
    brought = world.request(BOB, "PUT", f"{OF_STUDY}/albums/{ALBUM}", query=from_inbox)
    assert brought.status_code == 201
    assert world.get(BOB, f"/albums/{ALBUM}")["number_of_series"] == 1


@pytest.mark.parametrize("wrong", ["1.1.1", "9.9.9"])
def test_a_gift_takes_nothing_away(wrong: str, world: World) -> None:
    """A claim under another study, sent to the one who has the series, changes nothing of what they have."""
    assert world.request(DAVE, "PUT", f"/studies/{wrong}/series/{CT}").status_code == 201
    images_of(world, ALICE)
    sent = world.request(DAVE, "PUT", f"/studies/{wrong}/users/{ALICE}", query={"inbox": "true"})
    assert sent.status_code == 201
    assert world.get(ALICE, "/inboxinfo")["number_of_instances"] == 1
    assert world.request(ALICE, "GET", COMMENTS).status_code == 200
    for path in (CT_THERE, f"{OF_CT}/users/{BOB}", OF_CT):
        assert world.request(ALICE, "PUT", path).status_code == 201
    assert world.get(BOB, "/inboxinfo")["number_of_instances"] == 1


def test_a_series_claimed_under_another_study_opens_none(world: World) -> None:
    """Each study that a series is claimed under has its own claim."""
    world.request(ALICE, "PUT", f"{OF_STUDY}/series/{MR}")
    for study in (STUDY, "9.9.9"):
        assert world.request(DAVE, "PUT", f"/studies/{study}/series/{CT}").status_code == 201
    assert world.request(DAVE, "GET", COMMENTS).status_code == 403
    assert world.request(DAVE, "GET", "/studies/9.9.9/comments").status_code == 200


def test_a_study_that_was_left_is_not_new(world: World) -> None:
    """Nor does a claim show a study that others held once."""
    for how in ("PUT", "DELETE"):
        world.request(ALICE, how, OF_CT)
    assert world.request(DAVE, "PUT", OF_CT).status_code == 201
    assert world.request(DAVE, "GET", COMMENTS).status_code == 403


def test_ones_own_claim_while_ones_images_come_in(world: World) -> None:
    """Noted a moment after the images were, it hides nothing."""
    images_of(world, ALICE)
    held = Holding(inbox_holder(world.user(ALICE)), STUDY, CT)
    world.service.claims.add(held, world.user(ALICE), is_new=True)
    assert world.get(ALICE, "/inboxinfo")["number_of_instances"] == 1


@pytest.mark.parametrize("study", [STUDY, "9.9.9"])
@pytest.mark.parametrize("first", [True, False])
def test_a_claim_in_a_shared_album_is_in_nobody_s_way(
    first: bool, study: str, world: World
) -> None:
    """The owner of the images adds the series there as well, before they come or after, and it is shown."""
    claimed = f"/studies/{study}/series/{CT}/albums/{ALBUM}"
    assert world.request(CAROL, "PUT", claimed).status_code == 201
    if first:
        assert world.request(BOB, "PUT", CT_THERE).status_code == 201
    images_of(world, BOB)
    if not first:
        put = world.request(BOB, "PUT", f"{OF_STUDY}/albums/{ALBUM}", query={"inbox": "true"})
        assert put.status_code == 201
    assert world.get(CAROL, f"/albums/{ALBUM}")["number_of_instances"] == 1


def test_what_comes_through_a_token_is_nobody_s_word(world: World) -> None:
    """The images of the token's maker are not shown for having been named by one who had the token."""
    token = world.album_token("drop", ALICE, write=True)
    assert world.request(token, "PUT", OF_CT).status_code == 201
    images_of(world, ALICE)
    assert world.get(BOB, f"/albums/{ALBUM}")["number_of_instances"] == 0
    assert world.request(BOB, "GET", "/studies", query={"album": ALBUM}).status_code == 204


def test_a_claim_that_comes_a_moment_too_late(world: World) -> None:
    """As the series came in from elsewhere meanwhile, it leads to no event, and leaves what is there as it is."""
    images_of(world, CAROL)
    origin = Claim(None, world.user(BOB), is_first=False, may_show=False)
    world.act(CAROL, import_series, STUDY, CT)
    holdings = world.service.holdings
    late = put_in_album(holdings, Source(world.user(BOB)), ALBUM, import_series, origin, STUDY, CT)
    assert late == ()
    assert world.get(BOB, f"/albums/{ALBUM}")["number_of_instances"] == 1


def test_a_refused_import_leaves_no_placeholder(world: World) -> None:
    """Nor a claim: both are written with the event, or not at all."""
    origin = Claim(None, world.user(BOB), is_first=True, may_show=True)
    holdings = world.service.holdings

    def refuses(state: Album, act: Act, study: StudyUID, series: SeriesUID) -> Any:
        raise Forbidden("not today")

    with pytest.raises(Forbidden):
        put_in_album(holdings, Source(world.user(BOB)), ALBUM, refuses, origin, STUDY, CT)
    assert not world.service.catalogue.series_exists(CT)
    assert not world.service.claims.on_series([CT])


def test_a_claim_that_cannot_be_written_leaves_no_event(world: World) -> None:
    """An import whose claim cannot be written is not recorded: a claim never becomes a confirmed holding."""
    images_of(world, CAROL)
    origin = Claim(None, world.user(BOB), is_first=True, may_show=True)
    before = world.position()
    other = StudyUID("9.9.9")
    with pytest.raises(SeriesOfOtherStudy):
        put_in_album(
            world.service.holdings, Source(world.user(BOB)), ALBUM, import_series, origin, other, CT
        )
    assert world.news(before) == []
    assert not world.state().studies
    assert not world.service.claims.on_series([CT])


def test_a_claim_shows_no_study_that_others_have(world: World) -> None:
    """A made-up series of a study shows neither its comments nor its people, whether it has images yet or not."""
    world.act(ALICE, import_series, STUDY, MR)
    daves_album(world)
    for path in (OF_CT, CT_TO_OTHER):
        assert world.request(DAVE, "PUT", path).status_code == 201
    assert told(world, DAVE)["comments"] == 403
    assert told(world, DAVE)["people"] == 404
    assert world.request(ALICE, "PUT", CT_THERE).status_code == 201
    assert world.request(BOB, "GET", COMMENTS).status_code == 200


@pytest.mark.parametrize(("send", "status"), [(True, 200), (False, 403)])
def test_a_study_is_shown_on_by_those_who_may_send_it(
    send: bool, status: int, world: World
) -> None:
    """A member's new series shows the study elsewhere only if the member may send it there."""
    world.act(ALICE, import_series, STUDY, MR)
    world.act(ALICE, edit_album, flags={"send_series": send})
    world.act(BOB, create_album, "Bob's", album=OTHER)
    world.act(BOB, add_member, DAVE, album=OTHER)
    assert world.request(BOB, "PUT", CT_TO_OTHER).status_code == 201
    assert world.request(DAVE, "GET", COMMENTS).status_code == status


@pytest.mark.parametrize("by", [BOB, CAROL])
def test_images_of_an_album_that_ends_stay_with_its_last(by: str, world: World) -> None:
    """What the admin who deletes it, or the last who leaves, has nowhere else is in their inbox then."""
    world.request(by, "PUT", OF_CT)  # which is a claim, and not to have it
    world.request(BOB, "PUT", f"{OF_STUDY}/series/{SR}/albums/{ALBUM}")
    for series in (CT, MR):
        images_of(world, ALICE, series)
    world.act(ALICE, import_study, STUDY, [CT, MR])
    world.act(by, create_album, "With another copy", album=OTHER)
    world.act(by, import_series, STUDY, MR, album=OTHER)
    if by == CAROL:
        assert world.request(CAROL, "DELETE", f"/albums/{ALBUM}").status_code == 204
    else:
        for sub in (ALICE, CAROL, BOB):
            assert world.request(sub, "DELETE", f"/albums/{ALBUM}/users/{sub}").status_code == 204
    assert world.service.inbox.contents(world.user(by)) == {STUDY: {CT}}
    shown = world.get(by, f"{OF_STUDY}/series", inbox="true")
    assert [one["0020000E"]["Value"] for one in shown] == [[CT]]


def test_an_end_that_turns_out_to_be_none(world: World) -> None:
    """Decided on the present, in which another member came in, the last one's leaving ends and gives nothing."""
    images_of(world, ALICE)
    world.act(ALICE, import_series, STUDY, CT)
    world.request(ALICE, "DELETE", OF_CT)
    for sub in (ALICE, CAROL):
        world.act(sub, remove_member, sub)
    seen = world.state()
    both, bob = evolve(seen, members={**seen.members, world.user(CAROL): Member()}), world.user(BOB)
    caller, act = Caller(Source(bob)), Act(Source(bob), world.clock.now)
    assert [type(event) for event in remove_member(seen, act, bob)] == [AlbumDeleted]

    def in_truth(state: Album, act: Act, user: UserId) -> tuple[Any, ...]:
        return remove_member(both, act, user)

    [left] = keeping_images(world.service.holdings, caller, ALBUM, in_truth, bob)
    assert type(left.event) is MemberLeft
    assert world.service.inbox.contents(world.user(BOB)) == {}


def test_an_album_whose_images_cannot_be_kept_does_not_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deletion and the inbox of the one who deletes it are written in one transaction."""
    images_of(world, ALICE)
    world.act(ALICE, import_series, STUDY, CT)
    world.request(ALICE, "DELETE", OF_CT)
    before = world.position()

    def full(*_: object) -> int:
        raise StoreUnavailable("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(Inbox, "add", full)
        with pytest.raises(StoreUnavailable):
            keeping_images(
                world.service.holdings, Caller(Source(world.user(ALICE))), ALBUM, delete_album
            )
    assert world.news(before) == []
    assert world.state().members
    assert world.request(ALICE, "DELETE", f"/albums/{ALBUM}").status_code == 204
    assert world.service.inbox.contents(world.user(ALICE)) == {STUDY: {CT}}


def test_a_refused_end_of_an_album_puts_nothing_anywhere(world: World) -> None:
    """Who may not delete an album is given nothing of it."""
    images_of(world, ALICE)
    world.act(ALICE, import_series, STUDY, CT)
    world.request(ALICE, "DELETE", OF_CT)
    assert world.request(BOB, "DELETE", f"/albums/{ALBUM}").status_code == 403
    assert world.service.inbox.contents(world.user(BOB)) == {}


def test_claims_of_a_store_that_knew_none(tmp_path: Path) -> None:
    """Opened the first time, an older store has its holdings without images noted on whoever put them there."""
    world = open_world(tmp_path, sealed=False)
    settle(world)
    daves_album(world)
    for by, path in ((BOB, CT_THERE), (DAVE, CT_TO_OTHER), (DAVE, OF_CT)):
        world.request(by, "PUT", path)
    with world.service.database.transaction(commit=True) as cursor:
        cursor.execute("DROP TABLE directory_claim")
        forget_version(cursor)
    world.service.close()
    world = open_world(tmp_path, sealed=False)
    assert world.request(DAVE, "GET", COMMENTS).status_code == 200
    images_of(world, BOB)
    assert world.get(CAROL, f"/albums/{ALBUM}")["number_of_series"] == 1
    assert told(world, DAVE) == nothing_told(album=False)
    assert told(world, DAVE, OTHER) == nothing_told(album=True)
    world.service.close()
