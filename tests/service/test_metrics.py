"""The metrics of a service with several workers."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from support.server import Server, serving

WORKERS = 3
SOON = 30


def _answered(server: Server) -> float:
    """How many requests for health the service says it has answered, by whichever worker is asked."""
    answer = httpx.get(f"{server.address}/metrics", headers={"Accept": "text/plain"}, timeout=60)
    return sum(
        one.value
        for family in text_string_to_metric_families(answer.text)
        for one in family.samples
        if one.name == "albumcore_http_requests_total" and one.labels["api"] == "service"
    )


def _workers(server: Server) -> list[int]:
    pid = server.process.pid
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _settled(server: Server, expected: int) -> bool:
    """Whether the count comes to a number; the last answer may reach its client before it is counted elsewhere."""
    until = time.monotonic() + SOON
    while (found := _answered(server)) != expected:
        assert found < expected
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def test_every_worker_tells_of_all(tmp_path: Path) -> None:
    """Whichever is asked; and nothing is lost with a worker that is killed, nor once another is in its place."""
    asked = 12
    with serving(tmp_path, workers=WORKERS) as server:
        before = int(_answered(server))
        for _ in range(asked):  # each on a connection of its own, so that workers take turns
            assert httpx.get(f"{server.address}/healthz", timeout=60).status_code == 200
        assert all(_settled(server, before + asked) for _ in range(2 * WORKERS))
        killed = _workers(server)
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        until = time.monotonic() + SOON
        while set(killed) & set(_workers(server)) or len(_workers(server)) < WORKERS:
            assert time.monotonic() < until
            time.sleep(0.05)
        assert all(_settled(server, before + asked) for _ in range(2 * WORKERS))
