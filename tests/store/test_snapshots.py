"""Snapshots: when they are kept, that they are used, and that nothing depends on them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import accumulate, pairwise

import orjson
import pytest
from eventsourcing.persistence import StoredEvent
from hypothesis import given
from hypothesis import strategies as st

from albumcore import (
    Albumcore,
    add_admin,
    create_album,
    demote_admin,
    edit_album,
    issue_capability_token,
    post_comment,
    state_cache,
)
from albumcore.codec import SNAPSHOT_FORMAT, Snapshot
from albumcore.ids import AlbumId
from albumcore.streams import album_stream
from albumcore_adapters.store import open_memory, snapshots
from albumcore_adapters.store.snapshots import BYTES_A_VERSION
from support.album import CAROL, DIGEST, KEY, NO_GRANTS, carol
from support.given import ALICE, START
from support.raw import query, tamper

A1 = album_stream(AlbumId("A1"))
Open = Callable[..., Albumcore]


def kept(app: Albumcore) -> list[int]:
    """The versions that snapshots are kept of."""
    found = query(app, "SELECT originator_version FROM stored_snapshots ORDER BY 1")
    return [version for (version,) in found]


def comment(app: Albumcore, times: int) -> None:
    """Make the history longer."""
    for _ in range(times):
        app.handle(A1, post_comment, ALICE, "Hm")


def test_a_snapshot_is_kept_at_every_multiple(open_store: Open) -> None:
    """Of the number asked for, and nowhere else; it takes the place of one that is near."""
    app = open_store(snapshot_every=3)
    app.handle(A1, create_album, ALICE, "Knees")
    comment(app, 1)
    assert kept(app) == []
    comment(app, 3)
    assert kept(app) == [3]
    comment(app, 2)
    assert kept(app) == [6]


def test_a_command_of_several_events_may_pass_the_multiple(open_store: Open) -> None:
    """The snapshot is of where it led to then."""
    app = open_store(snapshot_every=4)
    app.handle(A1, create_album, ALICE, "Knees")
    app.handle(A1, add_admin, ALICE, carol)
    app.handle(A1, issue_capability_token, CAROL, KEY, DIGEST, "T", NO_GRANTS)
    revoked = app.handle(A1, demote_admin, ALICE, carol)
    assert [one.version for one in revoked] == [4, 5]
    assert kept(app) == [5]


def test_a_snapshot_holds_the_state_of_its_version(open_again: Open) -> None:
    """With the time of its last event, so that time cannot go back after it."""
    app = open_again(snapshot_every=3)
    app.handle(A1, create_album, ALICE, "Knees")
    comment(app, 4)
    assert app.snapshots is not None
    (snapshot,) = app.snapshots.get(A1.name)
    at = START + timedelta(seconds=2)
    assert snapshot == Snapshot(A1.name, 3, at, app.load(A1, version=3))


def test_the_present_starts_from_the_last_snapshot(open_again: Open) -> None:
    """Seen by changing what the snapshot says: a store that is opened again takes it for true."""
    app = open_again(snapshot_every=3)
    app.handle(A1, create_album, ALICE, "Knees")
    comment(app, 3)
    rewrite(app, 3, name="Changed")
    assert app.load(A1).name == "Knees"
    fresh = open_again()
    assert fresh.load(A1).name == "Changed"
    assert fresh.load(A1, version=3).name == "Changed"
    assert fresh.load(A1, version=2).name == "Knees"
    fresh.rebuild()
    assert open_again().load(A1).name == "Knees"
    assert kept(app) == []


def test_a_long_replay_is_worth_a_snapshot(
    open_again: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who comes next starts there; what was read in parts is what was told."""
    monkeypatch.setattr(state_cache, "LONG", 6)
    monkeypatch.setattr(state_cache, "_BATCH", 3)
    app = open_again(snapshot_every=1000)
    app.handle(A1, create_album, ALICE, "Knees")
    for name in ("Hips", "Toes", "Heads", "Hands"):
        app.handle(A1, edit_album, ALICE, name=name)
    assert open_again().load(A1).name == "Hands"
    assert kept(app) == []
    comment(app, 2)
    app.handle(A1, edit_album, ALICE, name="Feet")
    assert open_again().load(A1).name == "Feet"
    assert kept(app) == [8]
    assert app.verify() == []


def test_a_long_replay_to_the_past_stores_snapshots_on_its_way(
    open_again: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next replay to the past begins there; a verification stores none."""
    monkeypatch.setattr(state_cache, "LONG", 6)
    monkeypatch.setattr(state_cache, "_BATCH", 3)
    monkeypatch.setattr(snapshots, "BYTES_A_VERSION", 1000)
    app = open_again(snapshot_every=1000)
    app.handle(A1, create_album, ALICE, "N1")
    for number in range(2, 30):
        app.handle(A1, edit_album, ALICE, name=f"N{number}")
    assert app.verify() == []
    assert kept(app) == []
    assert app.load(A1, version=20).name == "N20"
    assert kept(app) == [6, 12, 18]
    rewrite(app, 12, name="Changed")
    assert app.load(A1, version=12).name == "Changed"
    assert app.load(A1, version=11).name == "N11"
    assert app.verify() == ["album-A1: its snapshot is not what the history says"]


@given(
    written=st.lists(
        st.tuples(st.integers(1, 500), st.integers(2, 60_000)), min_size=1, max_size=40
    )
)
def test_snapshots_are_few_and_none_is_far(written: list[tuple[int, int]]) -> None:
    """All together take so many bytes a version; a version is as far from one as its size allows."""
    with open_memory() as app:
        assert app.snapshots is not None
        recorder, version = app.snapshots.recorder, 0
        for gap, size in written:
            version += gap
            recorder.insert_events([StoredEvent(A1.name, version, "snapshot", b"x" * size)])
        versions = kept(app)
        sizes = dict(query(app, "SELECT originator_version, length(state) FROM stored_snapshots"))
    assert versions[-1] == version
    places = list(accumulate(gap for gap, _ in written))
    largest = max(size for _, size in written)
    for before, one in pairwise([0, *versions]):
        if one != version:
            assert sizes[one] <= BYTES_A_VERSION * (one - before)
        # Each that was deleted between them was too near to the one before it.
        deleted = [place for place in places if before < place < one]
        assert all(BYTES_A_VERSION * (place - before) < largest for place in deleted)


@pytest.mark.parametrize("format_", [0, SNAPSHOT_FORMAT - 1, SNAPSHOT_FORMAT + 1, None])
def test_a_snapshot_of_another_format_is_replayed_past(
    open_again: Open, format_: int | None
) -> None:
    """One that is damaged too; commands go on, and the next multiple brings a good one."""
    app = open_again(snapshot_every=3)
    app.handle(A1, create_album, ALICE, "Knees")
    comment(app, 3)
    if format_ is None:
        tamper(app, "UPDATE stored_snapshots SET state = ?", b"{")
    else:
        rewrite(app, 3, name="Changed", format_=format_)
    fresh = open_again(snapshot_every=3)
    assert fresh.load(A1).name == "Knees"
    comment(fresh, 2)
    assert kept(fresh)[-1] == 6
    assert open_again().load(A1).name == open_again().load(A1, version=5).name == "Knees"


def test_a_snapshot_that_cannot_be_kept_fails_no_command(
    open_again: Open, caplog: pytest.LogCaptureFixture
) -> None:
    """The events are stored by then, and the snapshot is only a cache."""
    app = open_again(snapshot_every=2)
    app.handle(A1, create_album, ALICE, "Knees")
    assert app.load(A1).name == "Knees"
    tamper(app, "DROP TABLE stored_snapshots")
    (posted,) = app.handle(A1, post_comment, ALICE, "Hm")
    assert posted.version == 2
    assert [one.getMessage() for one in caplog.records] == ["no snapshot of album-A1 was kept"]
    assert open_again().load(A1).name == "Knees"


def rewrite(app: Albumcore, version: int, *, name: str, format_: int = SNAPSHOT_FORMAT) -> None:
    """Make a snapshot say something else."""
    ((raw,),) = query(
        app, "SELECT state FROM stored_snapshots WHERE originator_version = ?", version
    )
    told = orjson.loads(raw)
    told["state"]["name"] = name
    told["format"] = format_
    tamper(
        app,
        "UPDATE stored_snapshots SET state = ? WHERE originator_version = ?",
        orjson.dumps(told),
        version,
    )
