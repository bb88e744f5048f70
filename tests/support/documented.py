"""A machine as the pages speak of it, in a folder: its paths, its addresses, and the programs that are run on it.

Blocks of shell are run by bash, each on a fresh copy of the store. The paths of the pages, such as `/srv/albumcore`,
are below the folder, and the addresses of the service are those of a server of its own.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from attrs import field, frozen

from albumcore import (
    ImageType,
    Source,
    add_admin,
    add_image,
    add_member,
    album_stream,
    create_album,
    delete_patient,
    edit_album,
    import_study,
    patient_stream,
    post_comment,
    promote_member,
    remove_image,
    utc_now,
)
from albumcore.ids import AlbumId, ImageId, PatientId, SeriesUID, StudyUID
from albumcore_adapters.access.images import upload_to
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.directory.patients import Patient
from albumcore_adapters.identity.callers import Caller
from albumcore_adapters.identity.jwt import issue_token
from albumcore_adapters.instances.importing import import_instances
from albumcore_adapters.service import Service, open_service
from blocks import ROOT
from support.dicom_files import dicom_file
from support.forked import albumcore

STAND_INS: Mapping[str, str] = {
    "pip": "it installs from an index of packages, which tests do not ask",
    "nox": "it runs the tests, of which this is one",
    "aws": "it needs a bucket, and the client of its provider",
    "certbot": "it needs a public name, and an authority that certifies it",
    "createuser": "it makes users of the whole database server",
    "createdb": "it needs the server and the user of the page",
    "pg_dump": "it needs the database of the page",
    "pg_restore": "it needs the database of the page",
    "psql": "it needs the database of the page",
    "gunicorn": "it serves until it is stopped; tests/service runs it",
    "granian": "it serves until it is stopped; tests/service runs it",
    "waitress-serve": "it serves until it is stopped; tests/service runs it",
    "uvicorn": "it serves until it is stopped; tests/service runs it",
    "docker": "it needs an engine of containers",
    "podman": "it needs an engine of containers",
    "promtool": "it is a program of Prometheus; the tests of its files run it, where it is installed",
    "sudo": "it changes the machine",
    "systemctl": "it changes the machine",
    "nginx": "it needs the names and certificates of the page; the configuration is parsed apart",
}
"""Programs that are not run, each with the reason: something that does nothing is in the place of each."""

ALBUM, PATIENT_ID = AlbumId("Q7bZ2mP0xT"), "MRN-4711"
STUDY, SERIES = StudyUID("1.2.840.113619.2.1"), SeriesUID("1.2.840.113619.2.1.7")
_ADDRESS = re.compile(r"https://albums\.example(?:\.org)?|http://127\.0\.0\.1:8000")
_PATH = re.compile(r"(?<![\w.:/-])/(?=(?:srv|backup|media|mnt|opt|run|var|short-lived|tmp|etc)\b)")
_PRELUDE = """\
set -euo pipefail
: > "$BOX/serving.pids"
trap 'xargs --no-run-if-empty kill < "$BOX/serving.pids"' EXIT
curl() { command curl --silent --show-error --fail-with-body "$@"; }
"""
_ALBUMCORE = """\
run=({command} "$@")
[[ ${{1:-}} == serve ]] || exec "${{run[@]}}"
"${{run[@]}}" > "$BOX/served" 2> "$BOX/serving" < /dev/null &
echo $! >> "$BOX/serving.pids"
until grep -q 'Listening at' "$BOX/serving"; do
  kill -0 $! 2> /dev/null || {{ cat "$BOX/serving" >&2; exit 1; }}
  sleep 0.05
done
cat "$BOX/served"
"""
"""The command, where ``serve`` ends as soon as the service listens, which then runs until the end of the block."""


@frozen
class Machine:
    """A folder that stands for a machine.

    Attributes:
        box: The folder.
        port: A port of 127.0.0.1, for the server of the block.
        environment: The environment of the commands.
    """

    box: Path
    port: int
    environment: Mapping[str, str] = field(factory=dict)

    def text(self, code: str) -> str:
        """A block with the paths and addresses of this machine."""
        code = code.replace("sqlite:///srv", f"sqlite://{self.box}/srv")
        code = _PATH.sub(f"{self.box}/", code)
        code = code.replace("127.0.0.1:8000", f"127.0.0.1:{self.port}")
        return _ADDRESS.sub(f"http://127.0.0.1:{self.port}", code)

    def run(self, code: str) -> subprocess.CompletedProcess[str]:
        """Run some shell; what it serves is stopped at the end."""
        return subprocess.run(
            ["bash", "-c", _PRELUDE + self.text(code)],
            cwd=self.box,
            env=dict(self.environment),
            input="",
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )


def machine(box: Path, **environment: str) -> Machine:
    """A machine in a new folder, with the programs of the pages."""
    programs = box / "bin"
    programs.mkdir(parents=True)
    for name in STAND_INS:
        _program(programs / name, "cat > /dev/null")  # it may be the end of a pipe
    _program(programs / "albumcore", _ALBUMCORE.format(command=shlex.join(albumcore())))
    _program(programs / "python", f'exec {sys.executable} "$@"')
    # A new environment is there already: it has the programs of this one.
    _program(programs / "python3", f'[[ "$1 $2" == "-m venv" ]] || exec {sys.executable} "$@"')
    (box / ".venv").mkdir()
    (box / ".venv" / "bin").symlink_to(programs)
    for folder in (
        "srv",
        "backup",
        "run/secrets",
        "short-lived",
        "var/lib",
        "tmp",
        "mnt",
        "media/cdrom",
    ):
        (box / folder).mkdir(parents=True)
    (box / "opt" / "albumcore").mkdir(parents=True)
    (box / "opt" / "albumcore" / "bin").symlink_to(programs)
    shutil.copytree(ROOT / "examples", box / "examples")
    (box / "backup" / "erasures.jsonl").touch()
    secret = box / "run" / "secrets" / "albumcore"
    secret.write_text("s" * 32, encoding="utf-8")
    secret.chmod(0o600)
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    paths = [str(ROOT / "src"), str(ROOT / "src" / "adapters"), os.environ.get("PYTHONPATH", "")]
    inherited = {
        name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ
    }
    variables = {
        **inherited,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        "BOX": str(box),
        "ALBUMCORE_DATA": str(box / "srv" / "albumcore"),
        "ALBUMCORE_BIND": f"127.0.0.1:{port}",
        "ALBUMCORE_WORKERS": "1",  # each starts a process that decodes, which takes half a second
        "SERVICE": f"http://127.0.0.1:{port}",
        "PASSWORD": "another long password",
    }
    return Machine(box, port, variables | environment)


def _program(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/bash\n{body}\n", encoding="utf-8")
    path.chmod(0o755)


def fill(data: Path) -> Mapping[str, str]:
    """Make the store that the pages speak of; return the variables of their commands.

    Alice's album has twelve events, of which the third is a comment and the last may be taken back. There is a study
    with images, a patient 7, an image 63 of a patient 8, and an account of the TSCharts API.
    """
    minutes, start = count(), datetime(2026, 3, 2, 9, tzinfo=UTC)
    settings = Settings(data=data, public_url="https://albums.example")
    service = open_service(settings, clock=lambda: start + timedelta(minutes=next(minutes)))
    with closing(service):
        alice, bob, carol = (
            service.people.register(name, f"{name}@clinic.example", name.title()).id
            for name in ("alice", "bob", "carol")
        )
        by, album = Source(alice), album_stream(ALBUM)
        _import(service, by, data.parent)
        handle = service.albums.handle
        handle(album, create_album, by, "Knees")
        handle(album, add_member, by, bob)
        handle(album, post_comment, by, "Look at the second series")
        handle(album, import_study, by, STUDY, (SERIES,))
        handle(album, edit_album, by, name="Knees and hips")
        handle(album, promote_member, by, bob)
        for number in range(5):
            handle(album, post_comment, Source(bob), f"Number {number}")
        handle(album, add_admin, by, carol)
        assert len(list(service.albums.history(album))) == 12
        patients = [service.patients.add(_patient(number)) for number in range(1, 9)]
        account = service.accounts.add("nurse", "a long password")
        content = service.image_bytes.put(b"A picture")
        for patient, image in ((patients[6], 62), (patients[7], 63)):
            arguments = (ImageId(image), None, None, ImageType.XRAY, *content)
            handle(patient_stream(patient), add_image, Source(account.user), *arguments)
        tscharts = service.accounts.token(account)
    jwts = {
        sub: issue_token(service.secret, sub, f"{sub}@clinic.example", sub.title(), 3600, utc_now())
        for sub in ("alice", "bob")
    }
    return {"TOKEN": jwts["alice"], "JWT": jwts["bob"], "TSCHARTS": tscharts, "ALBUM": ALBUM}


def remove_both(data: Path) -> None:
    """Remove image 63, and patient 7 with their images."""
    with closing(open_service(Settings(data=data))) as service:
        account = service.accounts.named("nurse")
        assert account is not None
        by = Source(account.user)
        service.albums.handle(patient_stream(PatientId(8)), remove_image, by, ImageId(63))
        service.albums.handle(patient_stream(PatientId(7)), delete_patient, by)


def _patient(number: int) -> Patient:
    texts: dict[str, Any] = {
        name: "" for name, kind in Patient.__annotations__.items() if kind == "str"
    }
    named = {"first": "Ana", "paternal_last": f"Number {number}"}
    return Patient(**texts | named, dob=date(1990, 1, 1), gender="Female")


def _import(service: Service, by: Source, folder: Path) -> None:
    """One image of the study."""
    name = folder / "one.dcm"
    name.write_bytes(dicom_file(STUDY, SERIES, f"{SERIES}.1", PatientID=PATIENT_ID))
    upload = upload_to(service.image_access, Caller(by, in_person=True))
    import_instances(service.instance_store, upload, [name])
