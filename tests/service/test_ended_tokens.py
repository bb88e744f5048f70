"""Invalidating a user's tokens takes effect in every worker at once, by the command and over real HTTP."""

from __future__ import annotations

import subprocess
from pathlib import Path

import httpx

from albumcore_adapters.outbound.client import default_tls
from support.forked import albumcore
from support.server import serving

ROUNDS = 12
"""Requests on connections of their own: enough for both workers to have verified the token."""


def output_of(*arguments: str) -> str:
    """What ``albumcore`` prints with some arguments."""
    done = subprocess.run(albumcore(*arguments), capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_no_worker_believes_an_ended_token(tmp_path: Path) -> None:
    """Cached responses are not returned either; a token issued afterwards is valid at once."""
    data = ("--data", str(tmp_path))
    issue = ("token", "--sub", "alice", "--email", "alice@x.example", "--name", "Alice", *data)
    with serving(tmp_path) as server:

        def statuses(token: str) -> set[int]:
            headers = {"Authorization": f"Bearer {token}"}
            return {
                httpx.get(
                    f"{server.address}/albums", headers=headers, timeout=60, verify=default_tls()
                ).status_code
                for _ in range(ROUNDS)
            }

        before = output_of(*issue)
        assert statuses(before) == {200}
        output_of("token", "--revoke-all", "alice", *data)
        assert statuses(before) == {401}
        assert statuses(output_of(*issue)) == {200}
        assert statuses(before) == {401}
