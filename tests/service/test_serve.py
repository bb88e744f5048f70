"""The service as a new user meets it: the demo, and the shell commands that it prints."""

from __future__ import annotations

import base64
import os
import re
import runpy
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import falcon
import falcon.testing
import httpx
import pytest
from PIL import Image

from albumcore_adapters.base.settings import Settings
from albumcore_adapters.server import serve
from albumcore_adapters.server.serve import GunicornApplication
from albumcore_adapters.store import StoreError, StoreUnavailable
from support.server import serving


def _request(client: httpx.Client, line: str) -> httpx.Response:
    """Send the request of a printed curl command."""
    words = iter(shlex.split(line)[2:])
    method, url, headers, data = "GET", "", {}, None
    for word in words:
        match word:
            case "-X":
                method = next(words)
            case "-H":
                name, _, value = next(words).partition(": ")
                headers[name] = value
            case "-d":
                method, data = "POST", next(words)
            case "-o":
                next(words)
            case _:
                url = word
    # The demo is told to listen on any free port; the client knows which.
    path = re.sub(r"^http://[^/]+", "", url)
    return client.request(method, path, headers=headers, content=data)


def test_demo_answers_every_line_it_prints(tmp_path: Path) -> None:
    """Each printed command works as it is, over real HTTP."""
    printed = tmp_path / "printed"
    with serving(tmp_path / "data", "--demo") as server:
        os.set_blocking(server.output.fileno(), False)
        printed.write_text(server.output.read())
        lines = [line for line in printed.read_text().splitlines() if line.startswith("curl")]
        page, link = re.findall(r"^http://[^/]+(/\S+)$", printed.read_text(), re.MULTILINE)
        with httpx.Client(base_url=server.address, timeout=60) as client:
            assert client.get(page, follow_redirects=True).status_code == 200
            answers = [_request(client, line) for line in lines]
            events, study, search, get, create, delete = answers
            with Image.open(BytesIO(client.get(link).content)) as image:
                shades = sum(map(bool, image.convert("L").histogram()))
                assert (image.format, shades > 50) == ("JPEG", True)
            with zipfile.ZipFile(BytesIO(study.content)) as archive:
                assert archive.namelist()[-1] == "DICOMDIR"
            kinds = [one.get("mutation_type", "comment") for one in events.json()]
            assert int(events.headers["X-Total-Count"]) == len(kinds) == 26
            assert (kinds[0], kinds[-1]) == ("LEAVE_ALBUM", "CREATE_ALBUM")
            shown = search.json()
            assert len(shown) == 4
            headshot = (
                files("albumcore_adapters.server")
                .joinpath("demo_images", "headshot.jpg")
                .read_bytes()
            )
            assert base64.b64decode(get.json()["data"]) == headshot
            assert create.json() == {"id": max(shown) + 1}
            assert (delete.status_code, delete.json()) == (200, {})
            assert len(_request(client, lines[2]).json()) == 4
            assert _request(client, lines[5]).status_code == 404
        # A connection that is kept open may be waited for, as long as gunicorn is patient.
        assert server.stop() == 0


def test_workers_are_told_the_settings() -> None:
    """Gunicorn is configured with the settings."""
    server = GunicornApplication(Settings(bind="127.0.0.1:0", workers=3), print)
    assert server.cfg.workers == 3
    assert server.cfg.bind == ["127.0.0.1:0"]


@pytest.mark.parametrize(
    ("listens", "asked"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://0.0.0.0:8000", "http://localhost:8000"),
        ("http://[::]:8000", "http://localhost:8000"),
    ],
)
def test_what_is_announced_can_be_asked(listens: str, asked: str) -> None:
    """A service that listens at every address, as in a container, names one that each browser here knows."""
    announced: list[str] = []
    server = GunicornApplication(Settings(), announced.append)
    server.cfg.when_ready(SimpleNamespace(LISTENERS=[listens]))
    assert announced == [asked]


class _Forked:
    """A worker as gunicorn's hooks see it."""

    slot: int


def test_a_worker_that_ended_is_not_counted() -> None:
    """Gunicorn's hooks assign a slot before the fork, and release it when the worker is reaped."""
    server = GunicornApplication(Settings(), print)
    living, ended = _Forked(), _Forked()
    for worker, count in ((living, 1), (ended, 0)):
        server.cfg.pre_fork(None, worker)
        server.connection_counts.set_count(worker.slot, count)
    assert not server.connection_counts.has_fewest(living.slot)
    server.cfg.child_exit(None, ended)
    assert server.connection_counts.has_fewest(living.slot)


def test_wsgi_module_serves_what_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any WSGI server can import the application, which opens the directory of the environment."""
    monkeypatch.setenv("ALBUMCORE_DATA", str(tmp_path / "data"))
    module: dict[str, Any] = runpy.run_module("albumcore_adapters.http.wsgi")
    app: falcon.App[falcon.Request, falcon.Response] = module["app"]
    answer = falcon.testing.TestClient(app).simulate_get("/healthz")
    assert (answer.status, answer.json) == (falcon.HTTP_200, {"status": "ok"})
    assert (tmp_path / "data" / "albumcore.sqlite").exists()
    module["runner"].stop()
    module["service"].close()


@pytest.mark.parametrize(
    "named",
    [("-m", "albumcore_adapters"), (str(files("albumcore_adapters") / "__main__.py"),)],
    ids=["name", "path"],
)
def test_module_is_the_command(named: Sequence[str]) -> None:
    """``python -m albumcore_adapters`` is ``albumcore``; gunicorn starts its successor by the path of the file."""
    helped = subprocess.run(
        [sys.executable, *named, "--help"], capture_output=True, text=True, check=True
    )
    assert "albumcore serve" in helped.stdout


def test_a_worker_waits_for_its_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that exits would end the whole service; other errors are raised at once."""
    monkeypatch.setattr(serve, "_RETRY_SECONDS", 0)
    told: list[Exception | None] = [StoreUnavailable("away"), StoreUnavailable("still"), None]

    def open_() -> Any:
        if error := told.pop(0):
            raise error
        return "open"

    opened: Any = serve._retrying(open_)
    assert opened == "open"
    told = [StoreError("damaged")]
    with pytest.raises(StoreError):
        serve._retrying(open_)
