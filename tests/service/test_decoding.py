"""Decoding under gunicorn: several threads share the processes, one that is killed is replaced, and all end with it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from albumcore_adapters.decoding.process import DecodingProcess
from support.dicom_files import RELATED, message
from support.encoded_files import FILES
from support.server import bearer, opened, serving

NAMES = ("CT_small.dcm", "MR_small.dcm", "examples_ybr_color.dcm", "JPEG2000.dcm")


def decoding_processes(group: int) -> set[int]:
    """The decoding processes of a server."""
    listed = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pgid=,pid=,args="], capture_output=True, text=True, check=True
    )
    rows = [line.split(None, 2) for line in listed.stdout.splitlines()]
    return {
        int(pid)
        for pgid, pid, args in rows
        if int(pgid) == group and "albumcore_adapters.decoding.child" in args
    }


def test_a_worker_starts_a_process_before_it_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One in each worker, without a request; opening a store, as most commands do, starts none."""
    with monkeypatch.context() as patch:
        patch.setattr(DecodingProcess, "start", None)
        with opened(tmp_path):
            pass
    with serving(tmp_path, workers=2, anew=True) as server:
        until = time.monotonic() + 20
        while len(decoding_processes(server.process.pid)) < 2:
            assert time.monotonic() < until
            time.sleep(0.05)


def test_processes_that_decode_live_and_end_with_the_service(tmp_path: Path) -> None:
    """No request is answered with an error of the server, and nothing is left behind."""
    with opened(tmp_path) as service:
        headers = bearer(service, "ann")
    with (
        serving(tmp_path) as server,
        httpx.Client(base_url=server.address, headers=headers, timeout=60) as client,
    ):
        files = [(FILES / name).read_bytes() for name in NAMES]
        body = message(files)
        stored = client.post("/studies", content=body, headers={"Content-Type": RELATED})
        assert stored.status_code == 200, stored.text
        paths = [
            urlsplit(one["00081190"]["Value"][0]).path for one in stored.json()["00081199"]["Value"]
        ]

        def rendered(number: int) -> int:
            url = f"{server.address}{paths[number % len(paths)]}/rendered"
            return httpx.get(url, headers=headers, timeout=60).status_code

        with ThreadPoolExecutor(8) as threads:
            assert set(threads.map(rendered, range(32))) == {200}
        running = decoding_processes(server.process.pid)
        assert 1 <= len(running) <= 2
        for pid in running:
            os.kill(pid, signal.SIGKILL)
        with ThreadPoolExecutor(8) as threads:
            assert set(threads.map(rendered, range(32))) == {200}
        assert decoding_processes(server.process.pid)
        assert server.stop() == 0
        until = time.monotonic() + 20
        while decoding_processes(server.process.pid):
            assert time.monotonic() < until
            time.sleep(0.05)
