"""A web server on this machine that records what it is sent and answers what the test says."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from attrs import define, field, frozen

WAIT_SECONDS = 10.0


@frozen
class Answer:
    """What the server sends back.

    Attributes:
        status: The HTTP status.
        body: The bytes of the body.
        headers: Beside Content-Length, which is right unless one is given here.
        raw: Sent as it is instead of all the above; the connection then ends.
        delay: Seconds before the first byte.
        drip: Seconds after each byte of the body, or of ``raw``; 0 sends them at once.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(factory=dict)
    raw: bytes | None = None
    delay: float = 0.0
    drip: float = 0.0

    @classmethod
    def json(cls, value: Any, **others: Any) -> Self:
        """Answer with a value as JSON."""
        return cls(
            body=json.dumps(value).encode(), headers={"Content-Type": "application/json"}, **others
        )

    @classmethod
    def redirect(cls, location: str, status: int = 302, **others: Any) -> Self:
        """Send the client elsewhere."""
        return cls(status=status, headers={"Location": location}, **others)


HANG_UP = Answer(raw=b"")
"""Ends the connection without a word."""


@frozen
class Request:
    """What the server was sent; the names of headers in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@define
class Receiver:
    """A running server.

    Attributes:
        address: Its root, such as ``http://127.0.0.1:4711``.
        requests: Every request so far, oldest first.
        refused: How many answers the client did not take to their end.
    """

    address: str = ""
    requests: list[Request] = field(factory=list)
    refused: int = 0
    _answers: dict[str | None, list[Answer]] = field(factory=lambda: {None: [Answer()]})
    _changed: threading.Condition = field(factory=threading.Condition)

    @property
    def port(self) -> int:
        """The port it listens at."""
        return int(self.address.rpartition(":")[2])

    @property
    def paths(self) -> list[str]:
        """The paths asked for so far, with their queries."""
        return [request.path for request in self.requests]

    def answer(self, *answers: Answer, path: str | None = None) -> None:
        """Answer so from now on, one after the other; the last stays.

        Args:
            answers: At least one.
            path: For requests to this path alone, with its query; else for all that have no answer
                of their own.
        """
        with self._changed:
            self._answers[path] = list(answers)

    def wait(self, count: int) -> list[Request]:
        """Return the requests, once there are this many."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.requests) >= count, WAIT_SECONDS)
            return list(self.requests)

    def take(self, request: Request) -> Answer:
        """Record a request and say what to answer."""
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()
            answers = self._answers.get(request.path) or self._answers[None]
            return answers.pop(0) if len(answers) > 1 else answers[0]


@contextmanager
def receiving(tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> Iterator[Receiver]:
    """Run a server on a free port until the block ends; with ``tls``, one of https."""
    receiver, stopped = Receiver(), threading.Event()
    server = _Server((host, 0), _handler(receiver, stopped))
    if tls is not None:
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    scheme = "http" if tls is None else "https"
    receiver.address = f"{scheme}://{host}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield receiver
    finally:
        stopped.set()
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def silent() -> Iterator[str]:
    """Listen on a free port, and never accept a connection; gives ``HOST:PORT``."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


@contextmanager
def crowded(host: str, port: int) -> Iterator[None]:
    """Listen at an address whose queue is full, so that further connections are left waiting."""
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(socket.create_server((host, port), backlog=0))
        for _ in range(8):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        yield


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # closing waits for every thread

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away, or trusts nobody, is what some tests are about."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def _handler(receiver: Receiver, stopped: threading.Event) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = WAIT_SECONDS

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(length)
            self.close_connection = True
            self.send(receiver.take(Request(self.command, self.path, headers, body)))

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = answer

        def send(self, answer: Answer) -> None:
            stopped.wait(answer.delay)
            try:
                if answer.raw is None:
                    self.send_response(answer.status)
                    length = {"Content-Length": str(len(answer.body))}
                    for name, value in (length | dict(answer.headers)).items():
                        self.send_header(name, value)
                    self.end_headers()
                self.drip(answer.body if answer.raw is None else answer.raw, answer.drip)
            except OSError:
                receiver.refused += 1

        def drip(self, data: bytes, seconds: float) -> None:
            if not seconds:
                self.wfile.write(data)
                return
            for byte in data:
                if stopped.is_set():
                    return
                self.wfile.write(bytes([byte]))
                stopped.wait(seconds)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    return Handler
