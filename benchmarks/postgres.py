"""PostgreSQL: commands, writers and pages, on a server that is started for it and ended afterwards."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from albumcore import Albumcore, post_comment
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.service import open_service
from albumcore_adapters.store import open_postgres
from benchmarks.bench import Bench
from benchmarks.commands import COMMENT, STREAM, WRITER, per_second
from benchmarks.figures import LeftOut, Taken
from benchmarks.load import ApiRequest
from benchmarks.pages import NEWEST, READER, asks_for, path
from benchmarks.rates import against
from benchmarks.service import serving
from benchmarks.stores import bearer, fill_album, introduce

WRITERS = 8
_RAW = "INSERT INTO raw (originator_id, originator_version, topic, state) VALUES (%s, %s, %s, %s)"


def _server() -> Any:
    """The server that the tests have, but one that has everything on the disk.

    Raises:
        LeftOut: what it takes is not there.
    """
    tests = str(Path(__file__).parents[1] / "tests")
    if tests not in sys.path:
        sys.path.append(tests)
    try:
        from support import postgres

        postgres._SETTINGS.update(fsync="on", full_page_writes="on", autovacuum="on")
        return postgres.postgres_server()
    except (ImportError, RuntimeError) as error:
        raise LeftOut(f"there is no PostgreSQL: {error}") from error


def _database(bench: Bench) -> Settings:
    """The settings of a store in an empty database with an album in it."""
    server = _server()
    url = server.url(server.create())
    settings = Settings(data=bench.directory(), database=url)
    # By the library, in clear: the members of the album are named by their subs.
    with open_postgres(url) as albums:
        fill_album(albums, STREAM, bench.scale.middle, bench.say)
    service = open_service(settings)
    introduce(service)
    service.close()
    return settings


def commands(bench: Bench) -> Taken:
    """Comments through the library, and the same bytes by psycopg alone, a transaction for each."""
    import psycopg

    settings, number = _database(bench), 10
    service = open_service(settings)
    albums: Albumcore = service.albums
    albums.handle(STREAM, post_comment, WRITER, COMMENT)
    [stored] = albums.recorder.select_events(STREAM.name, desc=True, limit=1)
    versions = count(stored.originator_version + 1)
    with psycopg.connect(str(settings.database), autocommit=True) as raw:
        raw.execute("CREATE TABLE raw (LIKE stored_events INCLUDING ALL)")

        def insert() -> None:
            row = (stored.originator_id, next(versions), stored.topic, stored.state)
            raw.execute(_RAW, row)

        seen = bench.alternate(
            {
                "ours": lambda: per_second(
                    number, lambda: albums.handle(STREAM, post_comment, WRITER, COMMENT)
                ),
                "psycopg": lambda: per_second(number, insert),
            },
            turns=bench.scale.commands // number,
        )
    service.close()
    return Taken(seen["ours"], seen["psycopg"])


def writers(bench: Bench) -> Taken:
    """Eight processes that post comments, each on an album of its own, and the same on SQLite."""
    settings = _database(bench)
    store = bench.store(bench.scale.least)
    sides = {"postgres": [str(settings.data), str(settings.database)], "sqlite": [str(store.path)]}

    def written(name: str) -> float:
        seconds = bench.scale.turns * bench.scale.seconds
        command = [sys.executable, "-m", "benchmarks.writer", str(seconds), *sides[name]]
        with ExitStack() as stack:
            running = [
                stack.enter_context(
                    subprocess.Popen(
                        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
                    )
                )
                for _ in range(WRITERS)
            ]
            lines = [(one.stdin, one.stdout) for one in running if one.stdin and one.stdout]
            for _, ready in lines:
                ready.readline()
            for go, _ in lines:
                go.write("go\n")
                go.flush()
            return sum(int(posted.readline()) for _, posted in lines) / seconds

    seen = bench.alternate({name: partial(written, name) for name in sides})
    return Taken(seen["postgres"], seen["sqlite"])


def page(bench: Bench) -> Taken:
    """The newest page over HTTP, and the same from SQLite."""
    settings = _database(bench)
    service = open_service(settings)
    token = bearer(service, READER)
    service.close()
    store = bench.store(bench.scale.middle)
    asked = {
        "ours": [ApiRequest(path(**NEWEST), {"Authorization": token})],
        "other": asks_for(store, [READER], [NEWEST]),
    }
    with (
        serving(settings.data, ALBUMCORE_DATABASE=str(settings.database)) as ours,
        serving(store.path) as other,
    ):
        return against(bench, ours, asked["ours"], other, asked["other"])
