"""Naive datetimes: refused wherever a time comes in, with the name of the value, and never taken for local time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from albumcore import (
    Act,
    Albumcore,
    CapabilityToken,
    FeedQuery,
    Grants,
    Source,
    create_album,
    issue_capability_token,
)
from albumcore.codec import stored_time
from albumcore.errors import Invalid
from albumcore.ids import AlbumId, CapabilityTokenId, UserId, study_uid
from albumcore.streams import album_stream
from albumcore.times import in_utc, local_time
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.service import open_service
from albumcore_adapters.webhooks.outbox import timestamp

NAIVE = datetime(2026, 3, 1, 9, 30)
ALICE = UserId("alice")
A1 = AlbumId("A1")
MOMENT = NAIVE.replace(tzinfo=UTC)
TOKEN = CapabilityToken("0f" * 32, "T", ALICE, MOMENT, MOMENT, MOMENT)

Takes = Callable[[Albumcore, Any], object]
TAKERS: dict[str, tuple[str, Takes]] = {
    "load": ("at", lambda app, at: app.load(album_stream(A1), at=at)),
    "load of a stream that is not there": (
        "at",
        lambda app, at: app.load(album_stream(AlbumId("None")), at=at),
    ),
    "feed": ("at", lambda app, at: app.feed(A1, ALICE, at=at)),
    "feed without a viewer": ("at", lambda app, at: app.feed(A1, None, at=at)),
    "since": ("since", lambda app, at: app.feed(A1, ALICE, FeedQuery(since=at))),
    "until": (
        "until",
        lambda app, at: app.study_comments(study_uid("1.2"), ALICE, FeedQuery(until=at)),
    ),
    "act": ("at", lambda app, at: Act(Source(ALICE), at)),
    "not_before": (
        "not_before_time",
        lambda app, at: app.handle(
            album_stream(A1),
            issue_capability_token,
            Source(ALICE),
            CapabilityTokenId("T"),
            "0f" * 32,
            "T",
            Grants(read=True),
            at,
        ),
    ),
    "usable": ("at", lambda app, at: TOKEN.usable_at(at)),
    "revocable": ("at", lambda app, at: TOKEN.revocable_at(at)),
    "stored form": ("at", lambda app, at: stored_time(at)),
    "webhook tables": ("at", lambda app, at: timestamp(at)),
    "shown": ("at", lambda app, at: local_time(at)),
}


@pytest.fixture
def filled(app: Albumcore) -> Albumcore:
    """A store with an album in it."""
    app.handle(album_stream(A1), create_album, Source(ALICE), "Knees")
    return app


@pytest.mark.parametrize("name", TAKERS)
def test_a_time_without_a_zone_is_refused_by_its_name(filled: Albumcore, name: str) -> None:
    """Nothing is compared with it, and it is taken for no zone at all. With one, the same call goes through."""
    field, takes = TAKERS[name]
    with pytest.raises(Invalid, match=r"needs a zone, .*2026-03-01T09:30:00 has none") as refused:
        takes(filled, NAIVE)
    assert refused.value.field == field
    takes(filled, datetime.now(UTC) if name.startswith("feed") else MOMENT)


def test_a_clock_without_a_zone_is_refused(open_store: Callable[..., Albumcore]) -> None:
    """Before anything is recorded."""
    app = open_store(clock=lambda: NAIVE)
    with pytest.raises(Invalid) as refused:
        app.handle(album_stream(A1), create_album, Source(ALICE), "Knees")
    assert refused.value.field == "clock"
    assert app.follow() == []


class Later(datetime):
    """A time as libraries of times have it, and those that stop the clock in tests."""


@pytest.mark.parametrize("microsecond", [0, 7])
def test_a_time_of_a_class_of_its_own_is_a_time(
    open_store: Callable[..., Albumcore], microsecond: int
) -> None:
    """It is stored as a plain one is, in events and in snapshots."""
    app = open_store(clock=lambda: Later(2026, 3, 1, tzinfo=UTC), snapshot_every=1)
    app.handle(album_stream(A1), create_album, Source(ALICE), "Knees")
    token = CapabilityTokenId("T")
    until = Later(2026, 3, 1, 9, 30, 0, microsecond, UTC)
    app.handle(
        album_stream(A1),
        issue_capability_token,
        Source(ALICE),
        token,
        "0f" * 32,
        "T",
        Grants(read=True),
        expires_at=until,
    )
    [*_, (_, recorded)] = app.follow()
    assert recorded.event.expires_at == until
    assert app.load(album_stream(A1)).capability_tokens[token].expires_at == until
    assert app.verify() == []


def test_the_moment_of_an_act_is_kept_in_utc() -> None:
    """Whatever the zone it was told in: a decision may put it into an event."""
    told = NAIVE.replace(tzinfo=timezone(timedelta(hours=2)))
    act = Act(Source(ALICE), told)
    assert act.at == told
    assert act.at.tzinfo is UTC


def test_the_clock_of_a_deployment_is_refused_as_well(tmp_path: Path) -> None:
    """What lives beside the events is told the time by it."""
    service = open_service(Settings(data=tmp_path), clock=lambda: NAIVE)
    with closing(service), pytest.raises(Invalid) as refused:
        service.clock()
    assert refused.value.field == "clock"


@pytest.mark.parametrize("edge", [datetime.max, datetime.min], ids=["last", "first"])
def test_a_moment_that_utc_has_not_is_refused(edge: datetime) -> None:
    """At both ends of the calendar."""
    hours = timedelta(hours=-1 if edge == datetime.max else 1)
    with pytest.raises(Invalid, match="no such time in UTC"):
        in_utc(edge.replace(tzinfo=timezone(hours)))
