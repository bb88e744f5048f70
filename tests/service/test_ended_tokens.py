"""Invalidating a user's tokens takes effect in every worker at once, by the command and over real HTTP."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx

from albumcore_adapters.outbound.client import default_tls
from support.server import serving

ROUNDS = 12
"""Requests on connections of their own: enough for both workers to have verified the token."""


def albumcore(*arguments: str) -> str:
    """The output of the command."""
    command = [sys.executable, "-m", "albumcore_adapters", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


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

        before = albumcore(*issue)
        assert statuses(before) == {200}
        albumcore("token", "--revoke-all", "alice", *data)
        assert statuses(before) == {401}
        assert statuses(albumcore(*issue)) == {200}
        assert statuses(before) == {401}
