"""`albumcore doctor`: what it prints, its status, and what it leaves as it was."""

from __future__ import annotations

import json
import os
import secrets
from contextlib import closing
from pathlib import Path

from albumcore import utc_now
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.directory.operator_notes import last_backup
from albumcore_adapters.service import open_service
from support.command_line import Run


def test_a_backup_is_noted(run: Run, tmp_path: Path) -> None:
    """By the time at which it was begun; until then, the doctor misses it."""
    data = tmp_path / "data"
    open_service(Settings(data=data)).close()
    status, out, err = run("doctor", "--data", data)
    assert (status, err) == (1, "1 problem found\n")
    assert "\nPROBLEM: backups: There is no backup: " in out
    before = utc_now()
    assert run("backup", "--data", data, tmp_path / "backup")[0] == 0
    with closing(open_service(Settings(data=data))) as service:
        at = last_backup(service.database)
        assert at is not None
        assert before <= at <= utc_now()
    status, out, err = run("doctor", "--data", data)
    assert (status, err) == (0, "")
    assert {line.split(": ")[0] for line in out.splitlines()} == {"ok"}


def test_findings_as_json(run: Run, tmp_path: Path) -> None:
    """One object in one line: the number of problems, and the findings in order."""
    open_service(Settings(data=tmp_path / "data")).close()
    status, out, _ = run("doctor", "--json", "--data", tmp_path / "data")
    found = json.loads(out)
    assert (status, found["problems"], out.count("\n")) == (1, 1, 1)
    assert [each["check"] for each in found["findings"]] == [
        *("files", "disk", "database", "clock", "keys", "backups", "connections")
    ]
    assert {each["verdict"] for each in found["findings"]} == {"fine", "problem"}


def test_a_check_that_is_left_out(run: Run, tmp_path: Path) -> None:
    """Its problems do not count."""
    open_service(Settings(data=tmp_path / "data")).close()
    options = ("--data", tmp_path / "data", "--without", "backups", "--without", "disk")
    status, out, _ = run("doctor", *options)
    assert status == 0
    assert "backups" not in out
    assert "disk" not in out


def test_a_secret_that_was_replaced_on_purpose(run: Run, tmp_path: Path) -> None:
    """It is what other machines are compared with from now on."""
    data = tmp_path / "data"
    open_service(Settings(data=data)).close()
    (data / "secret").write_bytes(secrets.token_bytes(32))
    options = ("doctor", "--without", "backups", "--data", data)
    assert run(*options)[::2] == (1, "1 problem found\n")
    assert run(*options, "--accept-secret")[0] == 0
    assert run(*options)[0] == 0


def test_nothing_is_written(run: Run, tmp_path: Path) -> None:
    """Neither to the database nor beside it."""
    data = tmp_path / "data"
    open_service(Settings(data=data)).close()
    (data / "albumcore.sqlite-commits").unlink(missing_ok=True)
    before = {path.name: path.read_bytes() for path in data.iterdir() if path.is_file()}
    run("doctor", "--data", data)
    after = {path.name: path.read_bytes() for path in data.iterdir() if path.is_file()}
    assert {name: after[name] for name in before} == before
    assert os.listdir(data / "blobs") == []
