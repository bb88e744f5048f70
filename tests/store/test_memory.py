"""The store in memory: each one its own, and gone when it is closed."""

from __future__ import annotations

import threading

from albumcore import Album, create_album, post_comment
from albumcore.ids import AlbumId
from albumcore.streams import album_stream
from albumcore_adapters.store import open_memory
from support.given import ALICE

A1 = album_stream(AlbumId("A1"))


def test_every_store_in_memory_is_its_own() -> None:
    """What is in one is not in another."""
    one, other = open_memory(), open_memory()
    one.handle(A1, create_album, ALICE, "Knees")
    assert other.load(A1) == Album()
    assert other.follow() == []
    other.handle(A1, create_album, ALICE, "Hips")
    assert one.load(A1).name == "Knees"
    one.close()
    other.close()


def test_threads_share_a_store_in_memory() -> None:
    """Every acknowledged command is in the stream once."""
    app = open_memory()
    app.handle(A1, create_album, ALICE, "Knees")
    acknowledged: list[int] = []

    def write() -> None:
        for _ in range(15):
            (posted,) = app.handle(A1, post_comment, ALICE, "Hm")
            acknowledged.append(posted.version)

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(acknowledged) == list(range(2, 47))
    assert app.verify() == []
    app.close()
