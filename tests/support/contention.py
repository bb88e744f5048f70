"""Several processes that comment on one album at the same time: ``python -m support.contention``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

from attrs import asdict, frozen

from albumcore import Albumcore, Source, album_stream, post_comment
from albumcore.errors import AlbumcoreError
from albumcore.ids import AlbumId, UserId
from albumcore_adapters.store import open_postgres, open_sqlite

SHARED = album_stream(AlbumId("shared"))
SOMEBODY = Source(UserId("somebody"))


@frozen
class Written:
    """What one process did: the comments it posted, and the codes of those that were refused."""

    posted: int
    refused: tuple[str, ...]
    slowest: float


def contend(database: str, writers: int, seconds: float) -> list[Written]:
    """Let processes comment on one album of a store for so many seconds; what each of them did.

    Args:
        database: The address of a PostgreSQL database, or the path of an SQLite file, with that album in it.
        writers: How many processes there are.
        seconds: How long each of them writes, once all of them are ready.
    """
    command = [sys.executable, "-m", "support.contention", database, str(seconds)]
    running = [
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        for _ in range(writers)
    ]
    for one in running:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in running:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    told = [json.loads(one.communicate(timeout=seconds + 60)[0]) for one in running]
    return [Written(one["posted"], tuple(one["refused"]), one["slowest"]) for one in told]


def opened(database: str) -> Albumcore:
    """The store at an address or path."""
    return open_postgres(database) if "://" in database else open_sqlite(database)


def main() -> None:
    """Say that this process is ready, wait for a line, write for so many seconds, and tell what was done."""
    database, seconds = sys.argv[1], float(sys.argv[2])
    with opened(database) as app:
        print("ready", flush=True)
        sys.stdin.readline()
        posted, slowest, refused = 0, 0.0, []
        until = time.monotonic() + seconds
        while (begun := time.monotonic()) < until:
            try:
                app.handle(SHARED, post_comment, SOMEBODY, "Hm")
                posted += 1
            except AlbumcoreError as error:
                refused.append(error.code)
            slowest = max(slowest, time.monotonic() - begun)
        print(json.dumps(asdict(Written(posted, tuple(refused), slowest))))


if __name__ == "__main__":
    main()
