"""Any moment of the past: states as of a version and a time, and histories in parts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from albumcore import (
    Album,
    Albumcore,
    add_admin,
    add_member,
    create_album,
    demote_admin,
    edit_album,
    promote_member,
    remove_member,
)
from albumcore.errors import Invalid
from albumcore.ids import AlbumId, UserId
from albumcore.kernel import fold
from albumcore.past_stops import Stop, joinings_of
from albumcore.streams import album_stream
from support.clock import Clock
from support.given import ALICE, START

A1 = album_stream(AlbumId("A1"))
MINUTE, TICK = timedelta(minutes=1), timedelta(microseconds=1)
Open = Callable[..., Albumcore]


@pytest.fixture(params=[2, 500])
def app(open_store: Open, clock: Clock, request: pytest.FixtureRequest) -> Albumcore:
    """An album that got a new name each minute: N1 at the start, N2 a minute later, up to N7; N6 and N7 at once.

    Once with snapshots on the way, and once without.
    """
    store = open_store(snapshot_every=request.param)
    clock.step = MINUTE
    store.handle(A1, create_album, ALICE, "N1")
    for number in range(2, 7):
        store.handle(A1, edit_album, ALICE, name=f"N{number}")
    clock.now = START
    store.handle(A1, edit_album, ALICE, name="N7")
    return store


@pytest.mark.parametrize(
    ("version", "name"), [(-1, ""), (0, ""), (1, "N1"), (4, "N4"), (7, "N7"), (99, "N7")]
)
def test_load_as_of_a_version(app: Albumcore, version: int, name: str) -> None:
    """Before the first there is nothing, and past the last it is the present."""
    assert app.load(A1, version=version).name == name


@pytest.mark.parametrize(
    ("at", "name"),
    [
        (START - TICK, ""),
        (START, "N1"),
        (START + MINUTE - TICK, "N1"),
        (START + MINUTE, "N2"),
        (START + 3 * MINUTE + TICK, "N4"),
        (START + 5 * MINUTE - TICK, "N5"),
        (START + 5 * MINUTE, "N7"),
        (START + 99 * MINUTE, "N7"),
    ],
)
def test_load_as_of_a_moment(app: Albumcore, at: datetime, name: str) -> None:
    """Everything up to and at that moment, the last of several at the same too."""
    assert app.load(A1, at=at).name == name


@pytest.mark.parametrize(
    ("version", "minutes", "name"), [(2, 4, "N2"), (4, 1, "N2"), (3, 2, "N3"), (3, -1, "")]
)
def test_load_as_of_both(app: Albumcore, version: int, minutes: int, name: str) -> None:
    """Whichever is earlier."""
    assert app.load(A1, version=version, at=START + minutes * MINUTE).name == name


def test_load_now(app: Albumcore) -> None:
    """The present is the whole history folded, also for a stream that never was."""
    assert app.load(A1) == fold(Album(), app.history(A1))
    assert app.load(A1).name == "N7"
    nothing = album_stream(AlbumId("A2"))
    assert (
        app.load(nothing) == app.load(nothing, version=1) == app.load(nothing, at=START) == Album()
    )


def test_history_in_parts(app: Albumcore) -> None:
    """From past one version up to another, oldest first."""

    def versions(**bounds: int) -> list[int]:
        return [one.version for one in app.history(A1, **bounds)]

    assert versions() == [1, 2, 3, 4, 5, 6, 7]
    assert versions(after=5) == [6, 7]
    assert versions(until=2) == [1, 2]
    assert versions(after=2, until=4) == [3, 4]
    assert versions(after=7) == []


@pytest.mark.parametrize("version", [None, -1, 0, 8, 2**31, 2**80])
def test_a_version_that_is_none(app: Albumcore, version: int | None) -> None:
    """The moment of a version is that of an event."""
    assert app.moment(A1, version=7).at == START + 5 * MINUTE
    with pytest.raises(Invalid):
        app.moment(A1, version=version)


def test_when_a_member_came(app: Albumcore, clock: Clock) -> None:
    """Each time; promotions are not among them, nor is what others do."""
    album, bob, before = AlbumId("A1"), UserId("bob"), START + 9 * MINUTE
    clock.now = before
    for decision in (add_member, promote_member, remove_member, add_admin, demote_admin):
        app.handle(A1, decision, ALICE, bob)
    assert joinings_of(app, album, ALICE.user) == [Stop(START, "CREATE_ALBUM")]
    assert joinings_of(app, album, bob) == [
        Stop(before, "ADD_USER"),
        Stop(before + 3 * MINUTE, "ADD_ADMIN"),
    ]
    assert joinings_of(app, album, UserId("carol")) == []
