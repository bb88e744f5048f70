"""Bare Falcon under the gunicorn of the service: what the service is measured against.

``python -m benchmarks.bare DIRECTORY --bind HOST:PORT --workers N`` serves what the directory says: known answers,
or uploads kept with a file and one row.
"""

from __future__ import annotations

import argparse
import base64
import os
import sqlite3
import tempfile
import threading
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import falcon
import orjson

from albumcore_adapters.base.settings import Settings
from albumcore_adapters.server.serve import GunicornApplication

ANSWERS = "answers.json"
UPLOADS = "uploads.json"
_OF_THE_SERVER = {"server", "date", "connection", "content-length", "transfer-encoding"}


class Known:
    """Answers each address with bytes that are known, and with headers that are."""

    def __init__(self, answers: Mapping[str, tuple[bytes, list[tuple[str, str]]]]) -> None:
        self._answers = answers

    def on_get(self, req: falcon.Request, resp: falcon.Response, **path: str) -> None:
        """Answer."""
        resp.data, headers = self._answers[req.env["RAW_URI"]]
        resp.set_headers(headers)


class Uploads:
    """Keeps the body of a request: a file, synced and renamed, then one row in one synced transaction."""

    def __init__(self, directory: Path, state: bytes) -> None:
        self._files = directory / "files"
        self._database = directory / "rows.sqlite"
        self._state = state
        self._mine = threading.local()

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Keep it."""
        body = req.bounded_stream.read()
        descriptor, draft = tempfile.mkstemp(dir=self._files)
        with open(descriptor, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        name = uuid.uuid4().hex
        os.replace(draft, self._files / name)
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        row = connection.execute(
            "INSERT INTO kept (name, state) VALUES (?, ?)", (name, self._state)
        ).lastrowid
        connection.execute("COMMIT")
        resp.content_type = "application/json"
        resp.data = b'{"id":%d}' % (row or 0)

    def _connection(self) -> sqlite3.Connection:
        if not hasattr(self._mine, "connection"):
            opened = sqlite3.connect(self._database, isolation_level=None, timeout=30)
            opened.execute("PRAGMA synchronous=FULL")
            self._mine.connection = opened
        connection: sqlite3.Connection = self._mine.connection
        return connection


class Nothing:
    """Answers that the server is there."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Answer."""


def write_answers(
    directory: Path, route: str, answers: Mapping[str, tuple[bytes, Mapping[str, str]]]
) -> Path:
    """Write down what a bare server is to answer at the addresses of a route, with the headers it was answered with."""
    directory.mkdir(parents=True)
    kept = {
        address: [
            base64.b64encode(body).decode(),
            [(n, v) for n, v in headers.items() if n not in _OF_THE_SERVER],
        ]
        for address, (body, headers) in answers.items()
    }
    (directory / ANSWERS).write_bytes(orjson.dumps({"route": route, "answers": kept}))
    return directory


def write_uploads(directory: Path, route: str, state: bytes) -> Path:
    """Prepare what a bare server keeps uploads in: an empty directory and an empty table."""
    (directory / "files").mkdir(parents=True)
    connection = sqlite3.connect(directory / "rows.sqlite")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE kept (id INTEGER PRIMARY KEY, name TEXT, state BLOB)")
    connection.close()
    kept = {"route": route, "state": base64.b64encode(state).decode()}
    (directory / UPLOADS).write_bytes(orjson.dumps(kept))
    return directory


def _app(directory: Path) -> falcon.App[falcon.Request, falcon.Response]:
    app = falcon.App()
    app.req_options.strip_url_path_trailing_slash = True
    app.add_route("/", Nothing())
    if (directory / ANSWERS).exists():
        known = orjson.loads((directory / ANSWERS).read_bytes())
        answers = {
            address: (base64.b64decode(body), [(name, value) for name, value in headers])
            for address, (body, headers) in known["answers"].items()
        }
        app.add_route(known["route"], Known(answers))
    if (directory / UPLOADS).exists():
        known = orjson.loads((directory / UPLOADS).read_bytes())
        app.add_route(known["route"], Uploads(directory, base64.b64decode(known["state"])))
    return app


class Bare(GunicornApplication):
    """The service's gunicorn, with another application in it."""

    def __init__(self, settings: Settings, directory: Path) -> None:
        self._directory = directory
        super().__init__(settings, lambda address: None)

    def load(self) -> Any:
        """Compose the application in this worker."""
        return _app(self._directory)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("--bind")
    parser.add_argument("--workers", type=int)
    given = parser.parse_args()
    settings = Settings.from_environment(os.environ, bind=given.bind, workers=given.workers)
    Bare(settings, given.directory).run()
