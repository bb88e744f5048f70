"""The filters of the events route, each by its query parameter (Kheops API 7.1).

That a filter chooses the right entries of any history is a property of the feed, and shown there. This is about what
the parameters mean, and what is no value of theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import pytest

from albumcore import (
    WebhookEvent,
    add_favorite,
    add_member,
    add_report,
    create_album,
    create_report_provider,
    create_webhook,
    delete_report_provider,
    edit_album,
    import_series,
    import_study,
    leave_album,
    post_comment,
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
    SR,
    STUDY,
    World,
    email_of,
    open_world,
    settle,
)
from support.kheops_cases import BAD_QUERY

COVERS = ("GET /albums/{album}/events",)

EVENTS = f"/albums/{ALBUM}/events"
MUTATIONS = {"types": "mutations"}

Query = Mapping[str, str | Sequence[str]]


def history(world: World) -> None:
    """Some of everything, each on a day of March 2026: what came n-th is of the n-th, a second past noon.

    Of the third it is half a second later, and of the fourth, in the last microsecond of the day.
    """

    def on(day: int) -> None:
        world.clock.now = datetime(2026, 3, day, 12, tzinfo=UTC)

    settle(world)
    world.store({CT: "CT", MR: "MR", SR: "SR"})
    world.store({"9.1": "CT"}, study="9")
    world.service.catalogue.add_placeholder("8", "8.1")  # type: ignore[arg-type]
    token = world.album_token("t1", read=True, write=True)
    world.album_token("t2", CAROL, read=True, write=True)
    world.act(DAVE, create_album, "Other", album=OTHER)
    world.album_token("elsewhere", DAVE, OTHER)
    world.act(DAVE, create_report_provider, "p9", "P", "https://p.example", album=OTHER)
    on(2)
    world.act(ALICE, edit_album, name="x")
    on(3)
    world.clock.tick(0.5)
    world.act(ALICE, add_member, DAVE)
    world.clock.now = datetime(2026, 3, 4, 23, 59, 58, 999_999, tzinfo=UTC)
    world.act(DAVE, leave_album)
    on(5)
    world.act(BOB, import_study, STUDY, [CT, MR])
    on(6)
    world.request(token, "DELETE", f"/studies/{STUDY}/series/{MR}")
    on(7)
    world.act(BOB, add_favorite, STUDY)
    on(8)
    world.act(ALICE, create_report_provider, "p1", "P", "https://p.example")
    on(9)
    world.act(BOB, add_report, STUDY, SR, report_provider="p1")
    on(10)
    world.act(ALICE, delete_report_provider, "p1")
    on(11)
    world.act(BOB, import_series, "9", "9.1")
    on(12)
    world.act(ALICE, create_webhook, "w1", "W", "https://w.example", [WebhookEvent.NEW_USER])
    on(13)
    world.act(BOB, post_comment, "to all")
    world.act(CAROL, post_comment, "to Bob", BOB)


NAMES: dict[str, int] = {
    "CREATE_ALBUM": 1,
    "EDIT_ALBUM": 2,
    "LEAVE_ALBUM": 4,
    "IMPORT_STUDY": 5,
    "REMOVE_SERIES": 6,
    "ADD_FAV": 7,
    "CREATE_REPORT_PROVIDER": 8,
    "NEW_REPORT": 9,
    "DELETE_REPORT_PROVIDER": 10,
    "IMPORT_SERIES": 11,
    "CREATE_WEBHOOK": 12,
}
"""The days of those mutations that happened once."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The history, answered as documented; no test changes it."""
    made = open_world(tmp_path_factory.mktemp("documented"))
    history(made)
    yield made
    made.service.close()


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The same history, answered as upstream does."""
    made = open_world(tmp_path_factory.mktemp("upstream"), compat="upstream")
    history(made)
    yield made
    made.service.close()


def days(world: World, query: Query, by: str = ALICE) -> list[int]:
    """The days of March of the mutations that a query selects, newest first; the total must be their number."""
    answer = world.request(by, "GET", EVENTS, query=MUTATIONS | dict(query))
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-total-count"] == str(len(answer.json))
    return [datetime.fromisoformat(event["post_date"]).day for event in answer.json]


ALL = [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1, 1]

CHOSEN = [
    ({}, ALL),
    # type and family: one or the other
    *[({"type": name}, [day]) for name, day in NAMES.items()],
    ({"type": "ADD_USER"}, [3, 1]),
    ({"type": "DEMOTE_ADMIN"}, []),
    ({"type": ["EDIT_ALBUM", "ADD_FAV"]}, [7, 2]),
    ({"family": "USERS"}, [4, 3, 1, 1]),
    ({"family": "sending"}, [11, 9, 6, 5]),
    ({"family": "Report_Provider"}, [10, 8]),
    ({"family": "WEBHOOKS"}, [12]),
    ({"family": ["WEBHOOKS", "REPORT_PROVIDER"]}, [12, 10, 8]),
    ({"type": "EDIT_ALBUM", "family": "WEBHOOKS"}, [12, 2]),
    ({"type": ["EDIT_ALBUM", "ADD_FAV"], "family": ["WEBHOOKS", "USERS"]}, [12, 7, 4, 3, 2, 1, 1]),
    # user: the source or the target
    ({"user": DAVE}, [4, 3]),
    ({"user": email_of(DAVE).upper()}, [4, 3]),
    ({"user": BOB}, [11, 9, 7, 5, 1]),
    ({"user": [DAVE, email_of(BOB)]}, [11, 9, 7, 5, 4, 3, 1]),
    # studies and series
    ({"studies": STUDY}, [9, 7, 6, 5]),
    ({"studies": "9"}, [11]),
    ({"studies": ["9", STUDY]}, [11, 9, 7, 6, 5]),
    ({"studies": "8"}, []),
    ({"series": CT}, [7, 5]),
    ({"series": MR}, [6, 5]),
    ({"series": SR}, [9]),
    ({"series": [SR, "9.1"]}, [11, 9]),
    ({"series": "8.1"}, []),
    # through what
    ({"reportProvider": "p1"}, [10, 9, 8]),
    ({"capabilityToken": "t1"}, [6]),
    ({"capabilityToken": "t2"}, []),
    ({"capabilityToken": ["t2", "t1"]}, [6]),
    # when
    ({"startDate": "2026-03-09"}, [12, 11, 10, 9]),
    ({"endDate": "2026-03-02"}, [2, 1, 1, 1]),
    ({"startDate": "2026-03-04", "endDate": "2026-03-06"}, [6, 5, 4]),
    ({"startDate": "2026-03-06 12:00:01"}, [12, 11, 10, 9, 8, 7, 6]),
    ({"startDate": "2026-03-06 12:00:02"}, [12, 11, 10, 9, 8, 7]),
    ({"endDate": "2026-03-02 12:00:01"}, [2, 1, 1, 1]),
    ({"endDate": "2026-03-02 12:00:00"}, [1, 1, 1]),
    ({"endDate": "2026-03-03 12:00:01"}, [3, 2, 1, 1, 1]),
    ({"startDate": "2026-03-03 12:00:01", "endDate": "2026-03-04"}, [4, 3]),
    ({"startDate": "2026-03-07", "endDate": "2026-03-06"}, []),
    ({"startDate": "0001-01-01", "endDate": "9999-12-31 23:59:59"}, ALL),
    ({"startDate": ["2026-03-11", "x"]}, [12, 11]),
    # several filters: all of them
    ({"user": BOB, "studies": STUDY}, [9, 7, 5]),
    ({"user": BOB, "family": "SENDING", "startDate": "2026-03-06"}, [11, 9]),
    ({"series": CT, "type": "ADD_FAV"}, [7]),
    ({"reportProvider": "p1", "type": "NEW_REPORT"}, [9]),
    ({"capabilityToken": "t1", "user": BOB}, []),
    # and what is no parameter, or one of another case
    ({"Type": "x", "event": "y"}, ALL),
]


@pytest.mark.parametrize(("query", "expected"), CHOSEN, ids=str)
def test_filter(query: Query, expected: list[int], world: World) -> None:
    """Values of one filter add up, as do type and family; different filters must all hold; the total is of those."""
    assert days(world, query) == expected


REFUSED = [
    ("type", "add_user"),
    ("type", "ADD_USERS"),
    ("type", ""),
    ("type", "ADD_USER,EDIT_ALBUM"),
    ("family", "USER"),
    ("family", ""),
    ("user", NOBODY),
    ("user", "nobody@example.org"),
    ("user", ""),
    ("user", "\0"),
    ("studies", "7"),
    ("studies", "x"),
    ("studies", ""),
    ("studies", "\0"),
    ("series", STUDY),
    ("series", "x"),
    ("series", ""),
    ("reportProvider", "p9"),
    ("reportProvider", ""),
    ("capabilityToken", "elsewhere"),
    ("capabilityToken", "The t1"),
    ("startDate", "20260301"),
    ("startDate", "2026-02-30"),
    ("startDate", "2026-03-01T12:00:00"),
    ("startDate", "2026-03-01 24:00:00"),
    ("startDate", "2026-03-01 12:00"),
    ("startDate", " 2026-03-01"),
    ("startDate", "\u0662\u0660\u0662\u0666-\u0660\u0663-\u0660\u0661"),  # digits, but not ASCII
    ("startDate", ""),
    ("endDate", "0000-01-01"),
    ("endDate", "tomorrow"),
]


@pytest.mark.parametrize(("parameter", "value"), REFUSED)
def test_bad_value(parameter: str, value: str, world: World) -> None:
    """A value that is none is 400, which names the parameter, even beside a good one."""
    # Of a moment only the first counts.
    beside = [] if parameter.endswith("Date") else [[GOOD[parameter], value]]
    for values in [[value], *beside]:
        query: Query = {**MUTATIONS, parameter: values}
        answer = world.request(ALICE, "GET", EVENTS, query=query)
        assert (answer.status_code, answer.json["message"]) == (400, BAD_QUERY)
        assert answer.json["detail"].startswith(f"{parameter}: ")


GOOD = {
    "type": "ADD_USER",
    "family": "USERS",
    "user": ALICE,
    "studies": STUDY,
    "series": CT,
    "reportProvider": "p1",
    "capabilityToken": "t1",
    "startDate": "2026-03-01",
    "endDate": "2026-03-31",
}
"""A value of each parameter."""


@pytest.mark.parametrize("types", [[], ["comments"], ["comments", "mutations"]])
@pytest.mark.parametrize("parameter", GOOD)
def test_passed_over(parameter: str, types: list[str], world: World) -> None:
    """Unless mutations alone are asked for, a filter is passed over, whatever its value."""
    unfiltered = world.events(BOB, types=types)
    assert unfiltered
    for value in (GOOD[parameter], "x"):
        assert world.events(BOB, types=types, **{parameter: value}) == unfiltered


def test_mutations_asked_for_twice(world: World) -> None:
    """Mutations asked for more than once are mutations alone, and filters hold."""
    types = ["mutations", "mutations,mutations"]
    assert len(world.events(ALICE, types=types, type="EDIT_ALBUM")) == 1


def test_same_for_every_member(world: World) -> None:
    """What a filter selects is the same for an admin and a plain member."""
    for query in ({}, {"user": CAROL}, {"capabilityToken": "t2"}, {"reportProvider": "p1"}):
        assert days(world, query, BOB) == days(world, query)


def test_page_of_a_selection(world: World) -> None:
    """Limit and offset are of what is selected; the total does not depend on them."""
    query = MUTATIONS | {"family": "SENDING", "limit": "2", "offset": "1"}
    answer = world.request(ALICE, "GET", EVENTS, query=query)
    assert [event["mutation_type"] for event in answer.json] == ["NEW_REPORT", "REMOVE_SERIES"]
    assert answer.headers["x-total-count"] == "4"


def test_report_as_documented(world: World) -> None:
    """A provider's upload is a NEW_REPORT, and no IMPORT_SERIES."""
    [report] = world.events(ALICE, **MUTATIONS, type="NEW_REPORT")
    assert report["mutation_type"] == "NEW_REPORT"
    assert days(world, {"type": "IMPORT_SERIES"}) == [11]


def test_report_upstream(upstream: World) -> None:
    """Upstream, a provider's upload is an IMPORT_SERIES, and there is no NEW_REPORT."""
    shown = upstream.events(ALICE, **MUTATIONS, type="IMPORT_SERIES")
    assert [event["mutation_type"] for event in shown] == ["IMPORT_SERIES"] * 2
    assert days(upstream, {"type": "IMPORT_SERIES"}) == [11, 9]
    answer = upstream.request(ALICE, "GET", EVENTS, query=MUTATIONS | {"type": "NEW_REPORT"})
    assert (answer.status_code, answer.json["message"]) == (400, BAD_QUERY)


@pytest.mark.parametrize("query", [{}, {"family": "SENDING"}, {"series": CT}, {"user": DAVE}])
def test_ways_of_answering_select_alike(query: Query, world: World, upstream: World) -> None:
    """Both ways of answering select the same events, but for the name of a provider's upload."""
    assert days(world, query) == days(upstream, query)
