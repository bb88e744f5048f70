"""The settings file of a command, and the example of one."""

from __future__ import annotations

import os
from pathlib import Path

from albumcore_adapters.base.settings_page import example_file
from support.command_line import Run


def test_a_command_with_a_settings_file(run: Run, tmp_path: Path) -> None:
    """`--config` stands before the command or after it, wins over the variable, and its data directory is used."""
    file = tmp_path / "our.toml"
    file.write_text('data = "here"\nlog_level = "error"\n')
    for arguments in (("--config", file, "verify"), ("verify", f"--config={file}")):
        status, _, err = run(*arguments)
        assert (status, err) == (2, f"albumcore: there is no store in {tmp_path / 'here'}\n")
    assert "ALBUMCORE_CONFIG" not in os.environ


def test_a_settings_file_that_is_mistyped(run: Run, tmp_path: Path) -> None:
    """The command is refused, with the nearest right name."""
    (tmp_path / "albumcore.toml").write_text("max_uplaod = 1\n")
    status, out, err = run("verify", "--data", tmp_path)
    assert (status, out) == (2, "")
    assert err == (
        f"albumcore: {tmp_path}/albumcore.toml: max_uplaod: expected the name of a setting; the nearest is max_upload\n"
    )


def test_the_example(run: Run) -> None:
    """It is printed as it is."""
    assert run("settings") == (0, example_file(), "")
