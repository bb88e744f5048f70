"""The metrics of a service with several workers."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from albumcore_adapters.outbound.client import default_tls
from support.server import Server, serving

WORKERS = 3
SOON = 30


def _answered(server: Server) -> float:
    """The number of health requests that the service reports, from any worker."""
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
    """Whether the count reaches a number; a response may reach its client before it is counted."""
    until = time.monotonic() + SOON
    while (found := _answered(server)) != expected:
        assert found < expected
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def test_every_worker_tells_of_all(tmp_path: Path) -> None:
    """Each worker reports the sum of all, including those of killed workers."""
    asked = 12
    with serving(tmp_path, workers=WORKERS) as server:
        before = int(_answered(server))
        for _ in range(asked):  # each on a connection of its own, so that workers take turns
            assert (
                httpx.get(f"{server.address}/healthz", timeout=60, verify=default_tls()).status_code
                == 200
            )
        assert all(_settled(server, before + asked) for _ in range(2 * WORKERS))
        killed = _workers(server)
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        until = time.monotonic() + SOON
        while set(killed) & set(_workers(server)) or len(_workers(server)) < WORKERS:
            assert time.monotonic() < until
            time.sleep(0.05)
        assert all(_settled(server, before + asked) for _ in range(2 * WORKERS))
