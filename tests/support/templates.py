"""Where the store of a world is, and worlds that begin as copies of one that was made before."""

from __future__ import annotations

import atexit
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Hashable, Iterator
from contextlib import closing, contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

from albumcore_adapters.base.data_directory import DATABASE_FILE
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.service import open_service
from support.postgres import Contents, StoreDatabases, postgres_server

T = TypeVar("T")

IS_ON_POSTGRES = os.environ.get("ALBUMCORE_TEST_DATABASE") == "postgres"
"""Whether worlds are in PostgreSQL databases; in SQLite files otherwise."""

_templates: dict[Hashable, tuple[Path, Contents | None, Any]] = {}
_places: dict[Path, str] = {}
_MOST_PLACES, _LEAST_PLACES = 16, 8
"""Databases that are not used again yet: a test may close several worlds, and open them once more."""


def place(data: Path) -> dict[str, Any]:
    """The settings that say where the store of a world is whose data directory this is."""
    if not IS_ON_POSTGRES:
        return {"data": data}
    return {"data": data, "database": _places.get(data) or _placed(data)}


def _placed(data: Path, contents: Contents | None = None) -> str:
    if len(_places) >= _MOST_PLACES:
        in_use = postgres_server().in_use()
        for other, url in list(_places.items())[:-_LEAST_PLACES]:
            if url not in in_use:
                _databases().give_back(_places.pop(other))
    _places[data] = _databases().take(contents)
    return _places[data]


@cache
def _databases() -> StoreDatabases:
    def make(url: str) -> None:
        with tempfile.TemporaryDirectory() as data:
            open_service(Settings(data=Path(data), database=url)).close()

    return StoreDatabases(make)


def begin(data: Path, kind: Hashable, make: Callable[[Path], T]) -> T:
    """Begin a world as a copy of the template of its kind.

    Args:
        data: The data directory of the new world.
        kind: Tells templates apart. Each is made once in each process, when it is first needed.
        make: Makes a template in a data directory, and closes it.

    Returns:
        What `make` returned, the same each time.
    """
    kind = kind, IS_ON_POSTGRES
    if kind not in _templates:
        template = Path(tempfile.mkdtemp(dir=_folder()))
        told = make(template)
        url = _places.get(template)
        _templates[kind] = template, None if url is None else Contents.of(url), told
    template, contents, told = _templates[kind]
    shutil.copytree(template, data, dirs_exist_ok=True)
    if contents is not None:
        _placed(data, contents)
    return told


@contextmanager
def kept(data: Path) -> Iterator[Callable[[], None]]:
    """Puts the database of an open world back to what it held, in a few milliseconds, until the block ends."""
    if IS_ON_POSTGRES:
        contents = Contents.of(_places[data])
        yield partial(contents.put, _places[data], cut_off=False)
        return
    file = data / DATABASE_FILE
    with closing(sqlite3.connect(":memory:")) as copy:
        with closing(sqlite3.connect(file)) as database:
            database.backup(copy)
        yield partial(_put_back, copy, file)


def _put_back(copy: sqlite3.Connection, file: Path) -> None:
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA synchronous=OFF")
        copy.backup(database)


@cache
def _folder() -> Path:
    path = Path(tempfile.mkdtemp(prefix="albumcore-templates-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path
