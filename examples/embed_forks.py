"""A process that forks: every child opens the store for itself, after the fork."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from albumcore import (
    Albumcore,
    Source,
    album_stream,
    create_album,
    open_sqlite,
    post_comment,
)
from albumcore.ids import AlbumId, UserId

ALBUM = AlbumId("Q7bZ2mP0xT")
ALICE = Source(UserId("alice"))
store: Albumcore


def open_store(path: Path) -> None:
    """Run in each child, before its first work: connections must not be carried over a fork."""
    global store
    store = open_sqlite(path)


def comment(number: int) -> None:
    """Run in some child."""
    store.handle(album_stream(ALBUM), post_comment, ALICE, f"comment {number}")


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        path = Path(folder) / "albums.sqlite"
        with open_sqlite(path) as first:
            first.handle(album_stream(ALBUM), create_album, ALICE, "Knees")
        # Closed: what is open in the parent when it forks is not to be used in a child.
        with ProcessPoolExecutor(
            2, multiprocessing.get_context("fork"), initializer=open_store, initargs=(path,)
        ) as children:
            list(children.map(comment, range(20)))
        with open_sqlite(path) as again:
            print(len(again.feed(ALBUM, viewer=ALICE.user).entries), "entries")
