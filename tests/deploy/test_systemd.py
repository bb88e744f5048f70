"""The units of systemd in `examples/deploy`: linted everywhere, and tried with its own tools, if there are any."""

from __future__ import annotations

import re
import shlex
import subprocess
from configparser import RawConfigParser
from pathlib import Path

import pytest

from albumcore_adapters.base.settings_file import settings_from
from albumcore_adapters.cli.base import app
from support.programs import needs

DEPLOY = Path(__file__).parents[2] / "examples" / "deploy"
UNITS = sorted(DEPLOY.glob("*.service")) + sorted(DEPLOY.glob("*.timer"))


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_runs_a_command_that_exists(unit: Path) -> None:
    """With settings that are accepted; a timer has a service."""
    read = RawConfigParser(strict=False)
    read.optionxform = str  # type: ignore[assignment,method-assign]
    read.read(unit, encoding="utf-8")
    if unit.suffix == ".timer":
        assert unit.with_suffix(".service").exists()
        return
    program, *arguments = shlex.split(read["Service"]["ExecStart"])
    assert program == "/opt/albumcore/bin/albumcore"
    app.parse_args(arguments, exit_on_error=False, print_error=False)
    lines = re.findall(r"^Environment=(.*?)=", unit.read_text(encoding="utf-8"), re.MULTILINE)
    settings_from(dict.fromkeys(lines, ""))
    for hardened in ("NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices"):
        assert read["Service"][hardened] == "yes"
    assert read["Service"]["ProtectSystem"] == "strict"
    assert read["Service"]["CapabilityBoundingSet"] == ""
    assert read["Service"]["User"] not in ("", "root")


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    """It verifies them together; the program is another, which is there."""
    verify = needs("systemd-analyze")
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8")
        (tmp_path / unit.name).write_text(text.replace("/opt/albumcore/bin/albumcore", "/bin/true"))
    units = [str(tmp_path / unit.name) for unit in UNITS]
    ended = subprocess.run(
        [verify, "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    about_ours = [line for line in ended.stderr.splitlines() if "albumcore" in line]
    assert (about_ours, ended.returncode) == ([], 0)


def test_systemd_finds_little_exposed() -> None:
    """Its own figure is 1.4 of 10 for the service; 2 and less is what it calls well protected."""
    verify = needs("systemd-analyze")
    command = [verify, "security", "--offline=true", "--threshold=20", "--no-pager"]
    ended = subprocess.run(
        [*command, DEPLOY / "albumcore.service"], capture_output=True, text=True, check=False
    )
    if "unrecognized option" in ended.stderr:
        pytest.skip("this systemd does not examine files")
    assert ended.returncode == 0, ended.stdout[-300:]
