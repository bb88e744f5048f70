"""Opens a store, shows a page, and prints in milliseconds how long that took: ``first.py DATA ALBUM MEMBER``."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import falcon.testing
import orjson

from albumcore import FeedQuery
from albumcore.ids import AlbumId, UserId
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.http.app import create_app
from albumcore_adapters.service import open_service


def main(data: Path, album: AlbumId, member: UserId) -> None:
    """Measure and print."""
    seen = {}
    began = time.perf_counter()

    def note(name: str) -> None:
        nonlocal began
        seen[name] = (time.perf_counter() - began) * 1e3
        began = time.perf_counter()

    service = open_service(Settings(data=data, log_level="warning"), must_exist=True)
    note("open")
    for name in ("page", "second_page"):
        service.albums.feed(album, member, FeedQuery(limit=20))
        note(name)
    client = falcon.testing.TestClient(create_app(service))
    note("compose")
    for name in ("first_answer", "second_answer"):
        headers = {"Authorization": os.environ["BENCH_BEARER"]}
        answer = client.simulate_get(f"/albums/{album}/events?limit=20", headers=headers)
        assert answer.status_code == 200
        note(name)
    service.close()
    sys.stdout.buffer.write(orjson.dumps(seen))


if __name__ == "__main__":
    main(Path(sys.argv[1]), AlbumId(sys.argv[2]), UserId(sys.argv[3]))
