"""A PgBouncer of the tests' own between clients and their PostgreSQL server, which pools transactions."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from attrs import frozen

from support.postgres import START_SECONDS, SUPERUSER, PostgresServer, owner

PORT = 6432
_CONFIGURATION = """\
[databases]
* = host={server} user={user}
[pgbouncer]
listen_addr =
listen_port = {port}
unix_socket_dir = {folder}
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
server_idle_timeout = 600
query_wait_timeout = {wait}
"""


@frozen
class Pooler:
    """A pooler that runs: the folder of its socket, and what it pools."""

    folder: Path
    mode: str

    def url(self, direct: str) -> str:
        """The address by way of it of a database that has this address on the server."""
        name = direct.split("/")[3].split("?")[0]
        folder = quote(str(self.folder), safe="")
        return f"postgresql://{SUPERUSER}@/{name}?host={folder}&port={PORT}"


@contextmanager
def pooler(
    server: PostgresServer, mode: str = "transaction", size: int = 4, wait: int = 120
) -> Iterator[Pooler]:
    """The same server behind a pooler, until the block ends. A client waits so many seconds for a connection.

    Skips the test where PgBouncer is not installed; where ``CI`` is set, that is an error.
    """
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    if program is None and not os.environ.get("CI"):
        pytest.skip("PgBouncer is not installed")
    assert program is not None, "PgBouncer is not installed: apt-get install pgbouncer"
    folder = Path(tempfile.mkdtemp(prefix="albumcore-pooler-"))
    file = folder / "pgbouncer.ini"
    file.write_text(
        _CONFIGURATION.format(
            server=server.folder,
            user=SUPERUSER,
            port=PORT,
            folder=folder,
            mode=mode,
            size=size,
            wait=wait,
        )
    )
    run_as = owner()
    if run_as:
        for path in (folder, file):
            os.chown(path, run_as["user"], run_as["group"])
    running = subprocess.Popen(
        [program, str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **run_as
    )
    try:
        pooled = Pooler(folder, mode)
        _wait_until_it_answers(pooled.url(server.url()))
        yield pooled
    finally:
        running.kill()
        running.wait(START_SECONDS)
        shutil.rmtree(folder)


def _wait_until_it_answers(url: str) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        with suppress(psycopg.OperationalError):
            psycopg.connect(url, autocommit=True).close()
            return
        time.sleep(0.02)
    raise RuntimeError("PgBouncer did not start")
