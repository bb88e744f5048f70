"""Two ways to ask the application: in process, and over HTTP on 127.0.0.1."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Protocol
from wsgiref.simple_server import WSGIRequestHandler, make_server

import httpx
import orjson
from attrs import frozen

from albumcore_adapters.http.app import create_app
from albumcore_adapters.outbound.client import default_tls
from support.kheops import World


@frozen
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """What the body says; None where there is none."""
        return orjson.loads(self.body) if self.body else None


class Channel(Protocol):
    """A way to ask."""

    def request(
        self, method: str, path: str, query: str, headers: dict[str, str], body: bytes
    ) -> Answer:
        """Send one request."""

    def close(self) -> None:
        """Let go of what is open."""


class InProcess:
    """Asks the application by its WSGI interface."""

    def __init__(self, world: World) -> None:
        self._client = world.client

    def request(
        self, method: str, path: str, query: str, headers: dict[str, str], body: bytes
    ) -> Answer:
        """Send one request."""
        answer = self._client.simulate_request(
            method, path, query_string=query, headers=headers, body=body
        )
        return Answer(answer.status_code, answer.headers, answer.content)

    def close(self) -> None:
        """Nothing is open."""


class _Handler(WSGIRequestHandler):
    """Logs nothing, and tells the path as it was sent."""

    def get_environ(self) -> dict[str, Any]:
        return {**super().get_environ(), "RAW_URI": self.path}

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


class OverHttp:
    """Asks a server on 127.0.0.1, over one connection after the other."""

    def __init__(self, world: World) -> None:
        app = create_app(world.service)
        self._server = make_server("127.0.0.1", 0, app, handler_class=_Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), daemon=True
        )
        self._thread.start()
        address = f"http://127.0.0.1:{self._server.server_port}"
        self._client = httpx.Client(
            base_url=address, timeout=60, trust_env=False, verify=default_tls()
        )

    def request(
        self, method: str, path: str, query: str, headers: dict[str, str], body: bytes
    ) -> Answer:
        """Send one request."""
        answer = self._client.request(
            method, path, params=query or None, headers=headers, content=body
        )
        return Answer(answer.status_code, answer.headers, answer.content)

    def close(self) -> None:
        """Stop the server."""
        self._client.close()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
