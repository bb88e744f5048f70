"""The configuration of nginx, in a real nginx before a server that notes what reaches it, and before the service."""

from __future__ import annotations

import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import frozen

from support.certificates import write_certificate
from support.server import serving

CONFIG = Path(__file__).parents[2] / "examples" / "deploy" / "nginx.conf"
HOST = "albums.example.org"
SECONDS = 30


@frozen
class Nginx:
    """A running nginx, and the port of its https."""

    port: int
    certificate: Path

    def connect(self) -> ssl.SSLSocket:
        """A connection to it by TLS, by the name of its certificate."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS)
        return context.wrap_socket(plain, server_hostname=HOST)

    def get(self, path: str) -> bytes:
        """The whole answer to a GET."""
        with self.connect() as connection:
            request = f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n"
            connection.sendall(request.encode())
            return b"".join(iter(lambda: connection.recv(65536), b""))


def free_port() -> int:
    """A port that nothing listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def start(folder: Path, upstream: int, text: str = CONFIG.read_text("utf-8")) -> Iterator[Nginx]:
    """Have nginx serve our configuration, at other ports and with a certificate of our own."""
    program = shutil.which("nginx")
    if program is None:
        pytest.skip("there is no nginx on this machine")
    certificate, port = folder / "certificate.pem", free_port()
    write_certificate(certificate, HOST)
    text = re.sub(r"(?m)^ +listen \[::\].*\n", "", text)
    for written, here in (
        ("127.0.0.1:8000", f"127.0.0.1:{upstream}"),
        ("listen 80;", f"listen 127.0.0.1:{free_port()};"),
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        (f"/etc/ssl/{HOST}.pem", str(certificate)),
        (f"/etc/ssl/private/{HOST}.key", str(certificate)),
    ):
        assert written in text
        text = text.replace(written, here)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log {folder}/errors;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{temporary}{text}\n}}\n"
    )
    command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr
    assert "[warn]" not in tested.stderr or "listen ... http2" in tested.stderr
    process = subprocess.Popen(command)
    try:
        _wait_until_open(port)
        yield Nginx(port, certificate)
    finally:
        process.terminate()
        process.wait(SECONDS)


def _wait_until_open(port: int) -> None:
    until = time.monotonic() + SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < until
            time.sleep(0.01)
        else:
            return


class Upstream:
    """A server of one connection at a time, which a test speaks for."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(SECONDS)
        self.port: int = self.listener.getsockname()[1]

    def accept(self) -> tuple[socket.socket, bytes]:
        """The next connection, and the header of its request with what came with it."""
        connection, _ = self.listener.accept()
        connection.settimeout(SECONDS)
        read = b""
        while b"\r\n\r\n" not in read:
            read += connection.recv(65536)
        return connection, read


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A server behind nginx."""
    made = Upstream()
    yield made
    made.listener.close()


@pytest.fixture
def nginx(upstream: Upstream, tmp_path: Path) -> Iterator[Nginx]:
    """Nginx before that server."""
    yield from start(tmp_path, upstream.port)


def test_an_upload_is_passed_on_while_it_arrives(nginx: Nginx, upstream: Upstream) -> None:
    """Its beginning reaches the service before the client has sent the rest."""
    with nginx.connect() as client:
        head = f"POST /studies HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 2000000\r\n\r\nbeginning"
        client.sendall(head.encode())
        connection, read = upstream.accept()
        with connection:
            while not read.endswith(b"beginning"):
                read += connection.recv(65536)
            assert b"content-length: 2000000" in read.lower()
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 200")


def test_an_answer_is_passed_on_while_it_is_made(nginx: Nginx, upstream: Upstream) -> None:
    """The client reads the first piece before there is a second, as of a live feed or of a large download."""
    with nginx.connect() as client:
        client.sendall(f"GET /albums/a/events HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        connection, _ = upstream.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
            read = b""
            while not read.endswith(b"first"):
                read += client.recv(65536)
            connection.sendall(b"other")
            assert client.recv(100) == b"other"


def test_the_client_is_named_and_cannot_name_itself(nginx: Nginx, upstream: Upstream) -> None:
    """The address that nginx saw is the last of X-Forwarded-For, which is the one that the service trusts."""
    with nginx.connect() as client:
        forged = (
            "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: a.example"
        )
        client.sendall(f"GET / HTTP/1.1\r\nHost: {HOST}\r\n{forged}\r\n\r\n".encode())
        connection, read = upstream.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
    fields = dict(
        line.lower().split(": ", 1) for line in read.decode().split("\r\n")[1:] if ": " in line
    )
    assert fields["host"] == fields["x-forwarded-host"] == HOST
    assert fields["x-forwarded-proto"] == "https"
    assert fields["x-forwarded-for"] == "192.0.2.1, 127.0.0.1"
    assert len(fields["x-request-id"]) == 32


def test_a_poll_may_be_long() -> None:
    """The longest takes 60 seconds, and nginx waits for longer."""
    text = CONFIG.read_text(encoding="utf-8")
    for name in ("proxy_read_timeout", "send_timeout"):
        assert all(int(found) >= 90 for found in re.findall(rf"\b{name} (\d+)s;", text))


def test_a_poll_that_waits(nginx: Nginx, upstream: Upstream) -> None:
    """An answer that takes its time reaches the client, and one connection is used for the next request."""
    answers: list[bytes] = []
    asking = threading.Thread(target=lambda: answers.append(nginx.get("/albums/a/events?wait=2")))
    asking.start()
    connection, read = upstream.accept()
    with connection:
        assert b"?wait=2 HTTP/1.1" in read
        asking.join(2)
        assert asking.is_alive()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")
        asking.join(SECONDS)
        assert answers[0].endswith(b"[]")


def test_the_service_behind_it(tmp_path: Path) -> None:
    """It answers through nginx, with a header for browsers to come by https alone."""
    (tmp_path / "nginx").mkdir()
    with serving(tmp_path / "data", workers=1) as server:
        port = int(server.address.rpartition(":")[2])
        for nginx in start(tmp_path / "nginx", port):
            answer = nginx.get("/healthz")
            assert answer.startswith(b"HTTP/1.1 200")
            assert b"strict-transport-security: max-age=" in answer.lower()
            assert nginx.get("/metrics").startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "path", ["/metrics", "/metrics/", "/api/metrics", "/link/x/metrics", "/%6detrics//"]
)
def test_the_numbers_are_for_this_machine_alone(tmp_path: Path, path: str) -> None:
    """By each address that the service has them at."""
    text = CONFIG.read_text(encoding="utf-8").replace("allow 127.0.0.1;", "")
    for nginx in start(tmp_path, free_port(), text):
        assert nginx.get(path).startswith(b"HTTP/1.1 403")
