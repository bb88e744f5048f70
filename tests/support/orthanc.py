"""An Orthanc of the tests' own: a real archive that speaks DICOMweb."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from attrs import frozen

USER, PASSWORD = "albums", "a password: of the archive"
START_SECONDS = 60.0
_PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


@frozen
class Orthanc:
    """A running archive, and what a test does behind the back of the service.

    Attributes:
        root: Its address.
    """

    root: str

    @property
    def dicomweb(self) -> str:
        """The root of its DICOMweb services."""
        return f"{self.root}/dicom-web"

    def put(self, *files: bytes) -> None:
        """Store files, as a scanner does."""
        for file in files:
            self._request("POST", "/instances", content=file)

    def files(self) -> dict[str, bytes]:
        """All files that are stored, by SOPInstanceUID."""
        found = {}
        for name in self._request("GET", "/instances").json():
            uid = self._request("GET", f"/instances/{name}").json()["MainDicomTags"]
            found[uid["SOPInstanceUID"]] = self._request("GET", f"/instances/{name}/file").content
        return found

    def clear(self) -> None:
        """Delete everything."""
        for name in self._request("GET", "/patients").json():
            self._request("DELETE", f"/patients/{name}")

    def _request(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        answer = httpx.request(method, self.root + path, auth=(USER, PASSWORD), **kwargs)
        answer.raise_for_status()
        return answer


def authorization() -> str:
    """What the archive expects in Authorization."""
    return f"Basic {b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"


@contextmanager
def running_orthanc() -> Iterator[Orthanc]:
    """Run an archive on a free port of this machine until the block ends.

    Skips the test where Orthanc is not installed; where ``CI`` is set, that is an error.
    """
    program = shutil.which("Orthanc", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    if (program is None or not _PLUGIN.exists()) and not os.environ.get("CI"):
        pytest.skip("Orthanc is not installed")
    assert program is not None, "Orthanc is not installed: apt-get install orthanc orthanc-dicomweb"
    folder = Path(tempfile.mkdtemp(prefix="albumcore-orthanc-"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    configuration = {
        "Name": "tests",
        "StorageDirectory": str(folder / "db"),
        "IndexDirectory": str(folder / "db"),
        "HttpPort": port,
        "DicomServerEnabled": False,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": True,
        "RegisteredUsers": {USER: PASSWORD},
        "Plugins": [str(_PLUGIN)],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "EnableWado": False},
    }
    file = folder / "orthanc.json"
    file.write_bytes(orjson.dumps(configuration))
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen([program, str(file)], cwd=folder, stdout=log, stderr=log)
    try:
        archive = Orthanc(f"http://127.0.0.1:{port}")
        _wait_until_it_answers(archive, running)
        yield archive
    finally:
        running.terminate()
        running.wait(START_SECONDS)
        shutil.rmtree(folder)


def _wait_until_it_answers(archive: Orthanc, running: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        assert running.poll() is None, "Orthanc ended"
        with suppress(httpx.TransportError):
            archive.clear()
            return
        time.sleep(0.05)
    raise RuntimeError("Orthanc did not start")
