"""The past of an album: as of a time or version, and what changed between two times. Kheops has no such parameters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from albumcore import (
    add_favorite,
    add_member,
    create_report_provider,
    delete_album,
    demote_admin,
    edit_album,
    import_study,
    leave_album,
    post_comment,
    remove_member,
    remove_study,
    revoke_capability_token,
)
from albumcore.ids import ReportProviderId, UserId
from albumcore_adapters.identity.service_tokens import Report, report_token
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
    Answer,
    World,
    email_of,
    local,
)
from support.kheops_cases import BAD_QUERY, NO_ALBUM

COVERS = (
    "GET /albums/{album}",
    "GET /albums/{album}/events",
    "GET /albums/{album}/users",
    "GET /albums/{album}/changes",
    "GET /studies",
)
HERE = f"/albums/{ALBUM}"
PATHS = (HERE, f"{HERE}/events", f"{HERE}/users", "/studies")
ZONES = ("", "Z", "z", "+00:00", "-00:00", " 00:00")
SECOND, TICK = timedelta(seconds=1), timedelta(microseconds=1)


def asked(path: str, **moment: str) -> dict[str, str]:
    """The query of a path as of a moment."""
    return moment | ({"album": ALBUM} if path == "/studies" else {})


def refused(world: World, by: str, path: str, field: str, **query: str) -> None:
    """Ask, and be refused with an error that names the field."""
    answer = world.request(by, "GET", path, query=query)
    assert (answer.status_code, answer.json["message"]) == (400, BAD_QUERY), answer.text
    assert answer.json["detail"].startswith(f"{field}: ")


def statuses(world: World, by: str, at: datetime, path: str = HERE) -> int:
    """The status of what somebody is answered as of a time."""
    answer = world.request(by, "GET", path, query=asked(path, at=local(at)))
    if answer.status_code == 404:
        assert answer.json["message"] == NO_ALBUM
    return answer.status_code


# Which moment


@pytest.mark.parametrize("zone", ZONES)
def test_a_post_date_can_be_pasted_back(world: World, zone: str) -> None:
    """As of the time that is shown of an event, it is included, also if it happened within that second."""
    world.clock.now += timedelta(milliseconds=300)
    world.act(ALICE, edit_album, "Renamed")
    [shown] = world.events(ALICE, types="mutations", type="EDIT_ALBUM")
    world.act(ALICE, edit_album, "Again")
    as_shown = shown["post_date"] + zone
    assert world.get(ALICE, HERE, at=as_shown)["name"] == "Renamed"
    [then] = world.events(ALICE, types="mutations", type="EDIT_ALBUM", at=as_shown)
    assert then == shown
    exactly = shown["post_date"] + ".0" + zone
    assert world.get(ALICE, HERE, at=exactly)["name"] == "Trial"


def test_an_upstream_post_date_can_be_pasted_back(upstream: World) -> None:
    """It has the fraction of the second, and counts as that."""
    upstream.clock.now += timedelta(milliseconds=300)
    upstream.act(ALICE, edit_album, "Renamed")
    [shown] = upstream.events(ALICE, types="mutations", type="EDIT_ALBUM")
    upstream.clock.now -= timedelta(milliseconds=800)
    upstream.act(ALICE, edit_album, "Again")
    assert shown["post_date"].endswith(".300000")
    assert upstream.get(ALICE, HERE, at=shown["post_date"])["name"] == "Renamed"


def test_an_offset(world: World) -> None:
    """A time means the same in each zone."""
    world.act(ALICE, edit_album, "Renamed")
    at = world.clock.now
    world.act(ALICE, edit_album, "Again")
    for offset, sign in ((timedelta(hours=2), "+02:00"), (timedelta(hours=-9), "-0900")):
        assert world.get(ALICE, HERE, at=local(at + offset) + sign)["name"] == "Renamed"
    assert world.get(ALICE, HERE, at=f"{local(at + timedelta(hours=2))} 02")["name"] == "Renamed"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("field", "moment"),
    [
        ("at", {"at": ""}),
        ("at", {"at": "yesterday"}),
        ("at", {"at": "2026-03-01"}),
        ("at", {"at": "2026-03-01 12:00:00"}),
        ("at", {"at": "2026-02-30T12:00:00Z"}),
        ("at", {"at": "2026-03-01T12:00:00+25:00"}),
        ("at", {"at": "0001-01-01T00:00:00+01:00"}),
        ("at", {"at": "2999-01-01T00:00:00Z"}),
        ("version", {"version": ""}),
        ("version", {"version": "x"}),
        ("version", {"version": "0"}),
        ("version", {"version": "-1"}),
        ("version", {"version": "4"}),
        ("version", {"version": "9" * 30}),
        ("version", {"at": "2026-03-01T12:00:00Z", "version": "1"}),
    ],
)
def test_no_moment_of_the_past(
    world: World, path: str, field: str, moment: Mapping[str, str]
) -> None:
    """Each is refused with the name of the parameter; the album has three events."""
    refused(world, ALICE, path, field, **asked(path, **moment))


@pytest.mark.parametrize("path", PATHS)
def test_the_future_is_refused_as_it_is_written(world: World, path: str) -> None:
    """The second that has begun is not the future, though it counts to its end; a refusal is not cached."""
    world.clock.now = world.clock.now.replace(microsecond=500_000)
    at = world.clock.now.replace(microsecond=0) + 2 * SECOND
    query = asked(path, at=local(at))
    refused(world, ALICE, path, "at", **query)
    assert world.request(ALICE, "GET", path, query=query).status_code in (200, 204)
    refused(world, ALICE, path, "at", **asked(path, at=local(world.clock.now + SECOND + TICK)))


def test_a_cached_response_of_the_second_that_has_begun(world: World) -> None:
    """An event later in that second belongs to it, and shows."""
    world.clock.now = world.clock.now.replace(microsecond=100_000)
    at = local(world.clock.now.replace(microsecond=0) + SECOND)
    assert world.get(ALICE, HERE, at=at)["name"] == "Trial"
    world.clock.now += timedelta(milliseconds=200) - SECOND
    world.act(ALICE, edit_album, "Renamed")
    assert world.get(ALICE, HERE, at=at)["name"] == "Renamed"
    world.act(ALICE, edit_album, "Again")
    assert world.get(ALICE, HERE, at=at)["name"] == "Renamed"


def test_other_routes_ignore_the_parameters(world: World) -> None:
    """As they ignore every parameter that they do not know."""
    for path in ("/albums", "/inboxinfo", f"{HERE}/reportproviders", "/capabilities", "/studies"):
        query = {} if path == "/studies" else {"at": "yesterday", "version": "x"}
        assert world.request(ALICE, "GET", path, query=query).status_code in (200, 204)
    answer = world.request(ALICE, "GET", f"{HERE}/changes", query={"at": "x", "version": "x"})
    assert answer.json["detail"].startswith("from: ")


# What there was


def test_an_album_of_the_past(world: World) -> None:
    """Everything in it is of then, but for the attributes of the series."""
    world.store({CT: "CT", MR: "MR"}, owner=ALICE)
    world.act(ALICE, import_study, STUDY, [CT, MR])
    world.act(BOB, post_comment, "For all")
    world.act(BOB, post_comment, "For Alice", ALICE)
    world.act(ALICE, add_member, DAVE)
    expected = world.get(BOB, HERE, includeUsers="true")
    assert expected["number_of_comments"] == 2
    version, at = 7, local(world.clock.now)
    world.act(ALICE, post_comment, "For Bob", BOB)
    world.act(ALICE, edit_album, "Renamed", "Otherwise", {"add_user": True}, True, True)
    world.act(ALICE, remove_study, STUDY)
    world.act(DAVE, leave_album)
    for moment in ({"at": at}, {"version": str(version)}):
        assert world.get(BOB, HERE, includeUsers="true", **moment) == expected
        assert world.get(BOB, f"{HERE}/users", **moment) == expected["users"]
        page = world.request(BOB, "GET", f"{HERE}/users", query={"limit": "1", **moment})
        assert (page.json, page.headers["X-Total-Count"]) == (expected["users"][:1], "4")
    assert world.get(BOB, HERE)["number_of_series"] == 0


def test_events_of_the_past(world: World) -> None:
    """With who was a member and an admin then, private comments, filters, and the total."""
    world.act(BOB, post_comment, "For Alice", ALICE)
    world.act(ALICE, demote_admin, CAROL)
    expected, at = world.events(BOB), local(world.clock.now)
    of_carol = world.events(BOB, types="mutations", user=CAROL)
    world.act(ALICE, remove_member, CAROL)
    world.act(BOB, post_comment, "For all")
    assert world.events(BOB, at=at) == world.events(BOB, version="5") == expected
    assert world.events(BOB, types="mutations", user=CAROL, at=at) == of_carol
    page = world.request(
        BOB, "GET", f"{HERE}/events", query={"at": at, "limit": "2", "offset": "1"}
    )
    assert (page.json, page.headers["X-Total-Count"]) == (expected[1:3], "5")


def test_studies_of_the_past(world: World) -> None:
    """Which studies and series there were, and which were favourites; their attributes are of the present."""
    world.store({CT: "CT", MR: "MR"}, owner=ALICE)
    nothing = local(world.clock.tick())
    world.act(ALICE, import_study, STUDY, [CT])
    world.act(ALICE, add_favorite, STUDY, CT)
    one = local(world.clock.now)
    world.act(ALICE, import_study, STUDY, [MR])
    both = local(world.clock.now)
    world.act(ALICE, remove_study, STUDY)
    world.store({CT: "CT"}, description="Described later")

    def studies(**query: str) -> Any:
        answer = world.request(BOB, "GET", "/studies", query={"album": ALBUM, **query})
        return answer.json if answer.status_code == 200 else []

    assert studies() == studies(at=nothing) == []
    [found] = studies(at=one, includefield="favorite")
    assert found["00201206"]["Value"] == [1]
    assert studies(at=one, favorite="true", includefield="favorite") == [found]
    assert studies(at=one, ModalitiesInStudy="MR") == []
    [found] = studies(at=both, includefield="00081030")
    assert found["00201206"]["Value"] == [2]
    assert found["00081030"]["Value"] == ["Described later"]


@pytest.mark.parametrize("query", [{}, {"inbox": "true"}])
@pytest.mark.parametrize("field", ["at", "version"])
def test_an_inbox_has_no_past(world: World, query: dict[str, str], field: str) -> None:
    """Its history is not recorded."""
    refused(world, ALICE, "/studies", field, **query, **{field: "1"})


# Who may see it


def test_members_of_now_and_then(world: World) -> None:
    """A former member sees nothing, and a new one nothing of before."""
    before = world.clock.now
    world.act(ALICE, add_member, DAVE)
    with_dave = world.clock.now
    for path in PATHS:
        assert statuses(world, DAVE, before, path) == 404
        assert statuses(world, DAVE, with_dave, path) in (200, 204)
    world.act(ALICE, remove_member, DAVE)
    for path in PATHS:
        assert statuses(world, DAVE, with_dave, path) == 404
    without = world.clock.now
    world.act(ALICE, add_member, DAVE)
    for path in PATHS:
        assert statuses(world, DAVE, with_dave, path) in (200, 204)
        assert statuses(world, DAVE, without, path) == 404
    world.act(ALICE, delete_album)
    for path in PATHS:
        assert statuses(world, ALICE, with_dave, path) == 404


def test_before_there_was_an_album(world: World) -> None:
    """There were no members."""
    before = world.events(ALICE)[-1]["post_date"]
    assert statuses(world, ALICE, datetime.fromisoformat(before + "Z") - SECOND) == 404


def test_a_capability_token(world: World) -> None:
    """It sees the past since it was made, while it was valid, and what it may read."""
    world.store({CT: "CT"}, owner=ALICE)
    world.act(ALICE, import_study, STUDY, [CT])
    before = world.clock.now
    reader = world.album_token("reader", ALICE, read=True)
    writer = world.album_token("writer", CAROL, write=True)
    made = world.clock.now
    world.act(ALICE, edit_album, "Renamed")
    shown = world.get(reader, HERE, at=local(made))
    assert (shown["name"], shown["number_of_series"]) == ("Trial", 1)
    assert shown.keys() == world.get(reader, HERE).keys()
    assert [statuses(world, reader, made, path) for path in PATHS] == [200, 403, 403, 200]
    assert world.request(reader, "GET", "/studies", query={"at": local(made)}).status_code == 200
    assert statuses(world, reader, before) == statuses(world, reader, before, "/studies") == 404
    assert statuses(world, writer, made) == 404
    own = world.user_token("own", BOB)
    assert world.get(own, HERE, at=local(made)) == world.get(BOB, HERE, at=local(made))
    other = world.album_token("other", ALICE, read=True)
    world.act(ALICE, revoke_capability_token, "other")
    assert statuses(world, other, world.clock.now) == 401


def test_a_token_whose_creator_was_no_admin(world: World) -> None:
    """It acts for them; as of that time it could not."""
    reader = world.album_token("reader", CAROL, read=True)
    assert statuses(world, reader, world.clock.now) == 200
    world.act(ALICE, demote_admin, CAROL)
    assert statuses(world, reader, world.clock.now) == 401


def test_a_report_provider(world: World) -> None:
    """It sees the studies of its token, since it was there."""
    provider = ReportProviderId("provider")
    world.store({CT: "CT"}, owner=ALICE)
    world.store({SR: "SR"}, "1.2.4", owner=ALICE)
    world.act(ALICE, import_study, STUDY, [CT])
    world.act(ALICE, import_study, "1.2.4", [SR])
    before = world.clock.now
    world.act(ALICE, create_report_provider, provider, "Scribe", "https://scribe.example/")
    made = world.clock.now
    world.act(ALICE, remove_study, "1.2.4")
    removed = world.clock.now
    report = Report(UserId(BOB), provider, (STUDY,), ("read",))
    token = report_token(world.service.auth.issuer, report, world.clock.now)

    def asks(path: str, at: datetime) -> Answer:
        return world.request(
            None,
            "GET",
            path,
            query=asked(path, at=local(at)),
            headers={"Authorization": f"Bearer {token}"},
        )

    assert asks(HERE, made).json["number_of_studies"] == 2
    assert len(asks("/studies", made).json) == len(asks("/studies", removed).json) == 1
    assert asks(HERE, before).status_code == asks("/studies", before).status_code == 404
    world.act(ALICE, remove_study, STUDY)
    gone = world.clock.now
    world.act(ALICE, import_study, STUDY, [CT])
    assert asks(HERE, gone).status_code == 404


# What changed


def changes(world: World, by: str, begin: datetime, end: datetime) -> Any:
    """What changed in the album."""
    return world.get(by, f"{HERE}/changes", **{"from": local(begin), "to": local(end)})


def test_changes(world: World) -> None:
    """What is different at the end; what came and went in between is not."""
    world.store({CT: "CT", MR: "MR", SR: "SR"}, owner=ALICE)
    world.act(ALICE, import_study, STUDY, [CT, MR])
    begin = world.clock.now
    nothing: dict[str, list[Any]] = {"added": [], "removed": []}
    unchanged = changes(world, BOB, begin, begin)
    assert unchanged == {
        "from": local(begin) + ".999999",
        "to": local(begin) + ".999999",
        "members": {**nothing, "changed": []},
        "studies": nothing,
        "series": nothing,
    }
    world.act(ALICE, edit_album, "Renamed", "Otherwise")
    world.act(ALICE, edit_album, description="What it is about")
    world.act(ALICE, remove_study, STUDY)
    world.act(ALICE, import_study, STUDY, [CT])
    world.act(ALICE, import_study, "1.2.4", [SR])
    world.act(ALICE, add_member, DAVE)
    world.act(ALICE, demote_admin, CAROL)
    end = world.clock.now
    dave = {"email": email_of(DAVE), "name": "Dave", "sub": DAVE, "is_admin": False}
    carol = {"email": email_of(CAROL), "name": "Carol", "sub": CAROL, "is_admin": False}
    found = changes(world, BOB, begin, end)
    assert {name: found[name] for name in found if name not in ("from", "to")} == {
        "name": ["Trial", "Renamed"],
        "members": {"added": [dave], "removed": [], "changed": [carol]},
        "studies": {"added": [{"UID": "1.2.4"}], "removed": []},
        "series": {
            "added": [{"UID": SR, "study": {"UID": "1.2.4"}}],
            "removed": [{"UID": MR, "study": {"UID": STUDY}}],
        },
    }
    world.act(ALICE, remove_member, CAROL)
    world.act(ALICE, remove_study, "1.2.4")
    world.act(ALICE, edit_album, description="Otherwise")
    found = changes(world, BOB, end, world.clock.now)
    assert found["description"] == ["What it is about", "Otherwise"]
    assert "name" not in found
    assert found["members"]["removed"] == [carol]
    assert found["studies"]["removed"] == [{"UID": "1.2.4"}]


@pytest.mark.parametrize(
    ("field", "query"),
    [
        ("from", {}),
        ("from", {"to": "2026-03-01T12:00:00Z"}),
        ("to", {"from": "2026-03-01T12:00:00Z"}),
        ("from", {"from": "x", "to": "2026-03-01T12:00:00Z"}),
        ("to", {"from": "2026-03-01T12:00:00Z", "to": "x"}),
        ("to", {"from": "2026-03-01T12:00:00Z", "to": "2999-03-01T12:00:00Z"}),
        ("to", {"from": "2026-03-01T12:00:01Z", "to": "2026-03-01T12:00:00Z"}),
    ],
)
def test_changes_between_no_two_times(world: World, field: str, query: dict[str, str]) -> None:
    """Both are needed, of the past, and in their order."""
    refused(world, ALICE, f"{HERE}/changes", field, **query)


def test_changes_for_members_of_both_times(world: World) -> None:
    """Not for those who came in between, even if they are members now."""
    before = world.clock.now
    world.act(ALICE, add_member, DAVE)
    since = world.clock.now

    def status(by: str, begin: datetime, end: datetime) -> int:
        query = {"from": local(begin), "to": local(end)}
        return world.request(by, "GET", f"{HERE}/changes", query=query).status_code

    assert (status(DAVE, before, since), status(DAVE, since, since)) == (404, 200)
    assert status(ALICE, before, since) == 200
    token = world.album_token("reader", ALICE, read=True)
    assert status(token, world.clock.now, world.clock.now) == 403
    world.act(ALICE, remove_member, DAVE)
    assert status(DAVE, since, since) == 404
