"""Servers of others that ours is measured against: Orthanc, which stores DICOM files, and nginx, which sends files."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figures import LeftOut
from benchmarks.service import Peer, free_port, running

_ORTHANC_PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
_DICOMWEB = "/dicom-web"
_NGINX = """
daemon off;
master_process off;
pid {directory}/pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    client_body_temp_path {directory}/temporary;
    server {{ listen 127.0.0.1:{port}; root {directory}/files; }}
}}
"""


@contextmanager
def orthanc(directory: Path) -> Iterator[Peer]:
    """Debian's Orthanc with its DICOMweb plugin, over an empty directory; its address has the root of DICOMweb.

    Raises:
        LeftOut: it is not installed.
    """
    program = _program("Orthanc", "orthanc and orthanc-dicomweb")
    if not _ORTHANC_PLUGIN.exists():
        raise LeftOut("Debian's package orthanc-dicomweb is not installed")
    directory.mkdir()
    port = free_port()
    settings = {
        "StorageDirectory": str(directory),
        "IndexDirectory": str(directory),
        "HttpPort": port,
        "DicomServerEnabled": False,
        "AuthenticationEnabled": False,
        "KeepAlive": True,
        "HttpThreadsCount": 8,
        "Plugins": [str(_ORTHANC_PLUGIN)],
        "DicomWeb": {"Enable": True, "Root": f"{_DICOMWEB}/", "SeriesMetadata": "Full"},
    }
    path = directory / "orthanc.json"
    path.write_text(json.dumps(settings), encoding="utf-8")
    address = f"http://127.0.0.1:{port}"
    with running([program, str(path)], f"{address}/system", os.environ) as pid:
        yield Peer(pid, address + _DICOMWEB)


@contextmanager
def nginx(directory: Path, content: bytes) -> Iterator[Peer]:
    """nginx, which sends one file, ``/file``, by sendfile.

    Raises:
        LeftOut: it is not installed.
    """
    program = _program("nginx", "nginx")
    (directory / "files").mkdir(parents=True)
    (directory / "files" / "file").write_bytes(content)
    (directory / "files" / "health").write_bytes(b"well")
    port = free_port()
    path = directory / "nginx.conf"
    path.write_text(_NGINX.format(directory=directory, port=port), encoding="ascii")
    address = f"http://127.0.0.1:{port}"
    command = [program, "-p", str(directory), "-c", str(path)]
    with running(command, f"{address}/health", os.environ) as pid:
        yield Peer(pid, address)


def _program(name: str, packages: str) -> str:
    program = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        raise LeftOut(f"{name} is not installed: Debian's {packages}")
    return program
