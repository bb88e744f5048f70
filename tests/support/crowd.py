"""Several processes that write to one PostgreSQL store at the same time: ``python -m support.crowd``."""

from __future__ import annotations

import os
import sys

from albumcore import Source, album_stream, create_album, post_comment
from albumcore.ids import AlbumId, UserId
from albumcore_adapters.store import open_postgres

SHARED = album_stream(AlbumId("shared"))
SOMEBODY = Source(UserId("somebody"))


def main() -> None:
    """Let so many processes write to an album each, and now and then to one that all share; 0 if all is recorded."""
    url, processes, times = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    # Forked before anything is opened: one start of the interpreter is paid for, and not one each.
    children = []
    for number in range(processes):
        child = os.fork()
        if not child:
            _write(url, number, times)
            os._exit(0)
        children.append(child)
    sys.exit(sum(os.waitpid(child, 0)[1] != 0 for child in children))


def _write(url: str, number: int, times: int) -> None:
    with open_postgres(url) as app:
        own = album_stream(AlbumId(f"A{number}"))
        app.handle(own, create_album, SOMEBODY, "Own")
        for turn in range(times):
            stream = own if turn % 4 else SHARED
            app.handle(stream, post_comment, SOMEBODY, f"{number}.{turn}")


if __name__ == "__main__":
    main()
