"""Following the whole store from a position: no event is missed, and none comes twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from albumcore import (
    Albumcore,
    AlbumCreated,
    AlbumEdited,
    CommentPosted,
    create_album,
    edit_album,
    post_comment,
)
from albumcore.errors import DamagedStoredEvent
from albumcore.ids import AlbumId
from albumcore.kernel import RecordedEvent
from albumcore.streams import album_stream
from support.given import ALICE
from support.raw import tamper

STREAMS = [album_stream(AlbumId(f"A{number}")) for number in range(3)]
Open = Callable[..., Albumcore]


def test_follow_from_the_start(app: Albumcore) -> None:
    """In the order of recording, each event with a position that grows."""
    for stream in STREAMS:
        app.handle(stream, create_album, ALICE, "Knees")
    followed = app.follow()
    assert [one.stream for _, one in followed] == [stream.name for stream in STREAMS]
    positions = [position for position, _ in followed]
    assert positions == sorted(set(positions))
    assert app.follow(positions[0]) == followed[1:]
    assert app.follow(positions[0], limit=1) == followed[1:2]
    assert app.follow(positions[-1]) == []
    assert app.follow(10**9) == []


def test_follow_only_some_kinds(app: Albumcore) -> None:
    """Every position comes, and the events of the kinds that are asked for; what cannot be read is told as such."""
    stream = STREAMS[0]
    app.handle(stream, create_album, ALICE, "Knees")
    for text in ("one", "two", "three"):
        app.handle(stream, post_comment, ALICE, text)
    app.handle(stream, edit_album, ALICE, name="Hips")
    followed = app.follow()
    comments = [one if type(one.event) is CommentPosted else None for _, one in followed]
    assert app.follow_only([CommentPosted]) == [
        (position, one) for (position, _), one in zip(followed, comments, strict=True)
    ]
    assert app.follow_only([]) == [(position, None) for position, _ in followed]
    assert app.follow_only([AlbumCreated, AlbumEdited], followed[1][0], 3) == [
        (followed[2][0], None),
        (followed[3][0], None),
        followed[4],
    ]
    tamper(app, "UPDATE stored_events SET state = '{' WHERE originator_version IN (1, 3)")
    found = [one for _, one in app.follow_only([CommentPosted])]
    assert isinstance(found[2], DamagedStoredEvent)
    assert [*found[:2], *found[3:]] == [*comments[:2], *comments[3:]]


def test_several_followers_while_others_write(open_again: Open) -> None:
    """Each at its own pace, through a store of its own, sees every event once, the streams' versions without gaps."""
    writers = [open_again(), open_again()]
    reader = open_again()
    followers: dict[int, list[tuple[int, RecordedEvent[Any]]]] = {1: [], 3: [], 1000: []}

    def poll() -> None:
        for limit, got in followers.items():
            got.extend(reader.follow(got[-1][0] if got else 0, limit))

    for round_ in range(8):
        for number, stream in enumerate(STREAMS):
            writer = writers[(round_ + number) % 2]
            if round_ == 0:
                writer.handle(stream, create_album, ALICE, "Knees")
            else:
                writer.handle(stream, post_comment, ALICE, f"{round_}")
        poll()
    while len(followers[1]) < 24:
        poll()
    poll()
    recorded = [[(one.stream, one.version) for _, one in got] for got in followers.values()]
    assert recorded[0] == recorded[1] == recorded[2]
    for stream in STREAMS:
        assert [version for name, version in recorded[0] if name == stream.name] == list(
            range(1, 9)
        )
