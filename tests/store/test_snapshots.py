"""Snapshots: when they are kept, that they are used, and that nothing depends on them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import orjson
import pytest

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
    """Of the number asked for, and nowhere else; it takes the place of the one before."""
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
    assert kept(fresh) == [6]
    assert open_again().load(A1).name == "Knees"


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
    tamper(app, "UPDATE stored_snapshots SET state = ?", orjson.dumps(told))
