"""Following the whole store from a position: no event is missed, and none comes twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from albumcore import Album, Albumcore
from albumcore.ids import AlbumId
from albumcore.kernel import Recorded
from albumcore.streams import album_stream
from support.given import ALICE

STREAMS = [album_stream(AlbumId(f"A{number}")) for number in range(3)]
Open = Callable[..., Albumcore]


def test_follow_from_the_start(app: Albumcore) -> None:
    """In the order of recording, each event with a position that grows."""
    for stream in STREAMS:
        app.handle(stream, Album.create, ALICE, "Knees")
    followed = app.follow()
    assert [one.stream for _, one in followed] == [stream.name for stream in STREAMS]
    positions = [position for position, _ in followed]
    assert positions == sorted(set(positions))
    assert app.follow(positions[0]) == followed[1:]
    assert app.follow(positions[0], limit=1) == followed[1:2]
    assert app.follow(positions[-1]) == []
    assert app.follow(10**9) == []


def test_several_followers_while_others_write(open_file: Open) -> None:
    """Each at his own pace, through stores of their own, sees every event once, the streams' versions without gaps."""
    writers = [open_file(), open_file()]
    reader = open_file()
    followers: dict[int, list[tuple[int, Recorded[Any]]]] = {1: [], 3: [], 1000: []}

    def poll() -> None:
        for limit, got in followers.items():
            got.extend(reader.follow(got[-1][0] if got else 0, limit))

    for round_ in range(8):
        for number, stream in enumerate(STREAMS):
            writer = writers[(round_ + number) % 2]
            if round_ == 0:
                writer.handle(stream, Album.create, ALICE, "Knees")
            else:
                writer.handle(stream, Album.post_comment, ALICE, f"{round_}")
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
