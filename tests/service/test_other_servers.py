"""Other WSGI servers serve ``albumcore_adapters.http.wsgi:app``: both APIs, their refusals, and webhooks."""

from __future__ import annotations

import base64
import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from albumcore import Source, WebhookEvent, album_stream, create_album, create_webhook
from albumcore.ids import AlbumId, WebhookId
from support.receiver import receiving
from support.server import bearer, opened, user_of
from support.tscharts import PATIENT

APP = "albumcore_adapters.http.wsgi:app"
SERVERS: dict[str, Sequence[str]] = {
    "granian": ("granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", "{port}"),
    "waitress": ("waitress", "--listen=127.0.0.1:{port}"),
}
ALBUM = AlbumId("Other00001")
LIMIT = 64 * 1024
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256))


@contextmanager
def _served(server: str, data: Path) -> Iterator[int]:
    """Serve a data directory by another WSGI server until the end of the block; yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    environ = {
        **os.environ,
        "ALBUMCORE_DATA": str(data),
        "ALBUMCORE_ALLOW_PRIVATE_ADDRESSES": "true",
        "ALBUMCORE_MAX_UPLOAD": str(LIMIT),
    }
    arguments = [part.format(port=port) for part in SERVERS[server]]
    log = data / "server.log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments, APP],
            env=environ,
            stdout=written,
            stderr=written,
            start_new_session=True,
        )
    try:
        transport = httpx.HTTPTransport(retries=10)
        with httpx.Client(transport=transport, timeout=60) as client:
            client.get(f"http://127.0.0.1:{port}/healthz").raise_for_status()
        yield port
    except BaseException:
        print(log.read_text())
        raise
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _put_raw(port: int, path: str, headers: dict[str, str]) -> int:
    """The status of a path that the client does not encode again."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        client.request("PUT", path, headers=headers)
        return client.getresponse().status
    finally:
        client.close()


@pytest.mark.parametrize("server", SERVERS)
def test_another_server_serves_both_apis(server: str, tmp_path: Path) -> None:
    """It also delivers webhooks, and an encoded slash makes nobody an admin."""
    with receiving() as receiver:
        with opened(tmp_path) as service:
            for name in ("alice", "bob"):
                service.people.register(name, f"{name}@clinic.example", name.title())
            stream, alice = album_stream(ALBUM), Source(user_of(service, "alice"))
            service.albums.handle(stream, create_album, alice, "Other")
            service.albums.handle(
                stream,
                create_webhook,
                alice,
                WebhookId("h" * 20),
                "Hook",
                f"{receiver.address}/hook",
                (WebhookEvent.NEW_USER,),
            )
            headers = bearer(service, "alice")
            account = service.accounts.add("nurse", "correct horse")
            nurse = {"Authorization": f"Token {service.accounts.token(account)}"}
        with (
            _served(server, tmp_path) as port,
            httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
        ):
            members = f"/albums/{ALBUM}/users"
            assert client.put(f"{members}/bob", headers=headers).status_code == 201
            [told] = receiver.wait(1)
            assert b'"NewUser"' in told.body or b"new_user" in told.body
            events = client.get(f"/albums/{ALBUM}/events", headers=headers)
            assert (events.status_code, events.headers["X-Total-Count"]) == (200, "3")

            assert _put_raw(port, f"{members}/bob%2Fadmin", headers) == 404
            shown = client.get(members, headers=headers).json()
            assert [one["sub"] for one in shown if one["is_admin"]] == ["alice"]

            data = base64.b64encode(PNG).decode()
            root = "/tscharts/v1"
            patient = client.post(f"{root}/patient/", headers=nurse, json=PATIENT).json()["id"]
            image = {"patient": patient, "type": "Headshot", "data": data}
            made = client.post(f"{root}/image/", headers=nurse, json=image)
            assert made.status_code == 200
            found = client.get(f"{root}/image/{made.json()['id']}/", headers=nurse)
            assert base64.b64decode(found.json()["data"]) == PNG
            image["data"] = "A" * (LIMIT + 4)
            assert client.post(f"{root}/image/", headers=nurse, json=image).status_code == 413
            assert client.get(f"{root}/image/1/").status_code == 401
