"""Posts comments on an album of its own for some seconds, once a line comes in, and prints how many.

``python -m benchmarks.writer SECONDS DATA [URL]``
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from albumcore import album_stream, create_album, post_comment
from albumcore.ids import AlbumId
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.service import open_service
from benchmarks.commands import COMMENT, WRITER


def main(seconds: float, data: Path, url: str | None = None) -> None:
    """Open, say so, wait, post, and tell how often."""
    service = open_service(Settings(data=data, database=url))
    albums, stream = service.albums, album_stream(AlbumId(service.make_id(10)))
    albums.handle(stream, create_album, WRITER, "Busy")
    _say("ready")
    sys.stdin.readline()
    posted, until = 0, time.perf_counter() + seconds
    while time.perf_counter() < until:
        albums.handle(stream, post_comment, WRITER, COMMENT)
        posted += 1
    _say(str(posted))
    service.close()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(float(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
