"""Help and completion: examples can be pasted into a shell, at any width of the terminal."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from albumcore_adapters.cli import main
from albumcore_adapters.cli.base import app
from albumcore_adapters.cli.commands import COMMANDS, load_commands
from blocks import PAGES, blocks_of

NARROW, WIDE = 60, 200
load_commands()
INVOCATION = re.compile(r"(?:^|\(|\| )albumcore ([^|<>()]+)")
"""A command within a line of shell: at its beginning, after a pipe, or in a substitution."""

DOCUMENTED = re.compile(r"(?:^|&& |\| |\()(?:[A-Z_]+=\S+ +)*(?:\.venv/bin/)?albumcore ([^|()>]+)")
"""The same on a page, where it may have settings before it, or the path of an environment."""


def help_of(command: str, width: int) -> str:
    """The output of ``--help`` at a width of the terminal, for a command or for the application."""
    console = Console(width=width, file=StringIO())
    with console.capture() as captured:
        app.help_print(command, console=console)
    return captured.get()


def examples(text: str) -> list[str]:
    """The indented lines of a help page."""
    return [line.strip() for line in text.splitlines() if line.startswith("    ")]


@pytest.mark.parametrize("command", ["", *sorted(COMMANDS)])
def test_examples_can_be_pasted(command: str) -> None:
    """Each is one line that a shell parses, and calls the command with valid arguments."""
    lines = examples(help_of(command, NARROW))
    assert lines
    assert lines == examples(help_of(command, WIDE))
    for line in lines:
        subprocess.run(["bash", "-n", "-c", line], check=True)
        found = INVOCATION.search(line)
        assert found, line
        tokens = shlex.split(found[1])
        function, _, _ = app.parse_args(tokens, exit_on_error=False, print_error=False)
        assert function.__module__.startswith("albumcore_adapters.cli."), line
        assert not command or function is app[command].default_command


def test_a_command_is_in_the_module_that_is_loaded_for_it() -> None:
    """And no command is without one."""
    found = {name: app[name].default_command for name in app if not name.startswith("-")}
    assert {name: function.__module__ for name, function in found.items() if function} == {
        name: f"albumcore_adapters.cli.{module}" for name, module in COMMANDS.items()
    }


ALONE = """
import sys
from albumcore_adapters.cli.base import app
from albumcore_adapters.cli.commands import load_commands
load_commands(["token", "--sub", "serve"])
print(*(name for name in app if not name.startswith("-")))
print(*{"albumcore_adapters.http.app", "gunicorn", "structlog"} & {*sys.modules})
"""


def test_a_command_is_loaded_without_the_others() -> None:
    """Nor is what only they need: the pages, the server, and what writes its log."""
    loaded = subprocess.run(
        [sys.executable, "-c", ALONE], check=True, capture_output=True, text=True
    )
    assert loaded.stdout.splitlines() == ["token", ""]


def test_the_help_of_the_whole_shows_commands_that_exist() -> None:
    """It has an example of each command except the one that `serve --demo` runs itself."""
    lines = examples(help_of("", NARROW))
    shown = {found[1].split()[0] for line in lines if (found := INVOCATION.search(line))}
    assert shown == set(COMMANDS) - {"fill-demo"}


def test_commands_on_pages_are_understood() -> None:
    """Every command in a code block of the docs can be parsed."""
    seen = set()
    for block in (block for page in PAGES for block in blocks_of(page)):
        text = block.code.replace("\\\n", " ").replace("<post_date>", "2026-03-14T12:00:00")
        for line in map(str.strip, text.splitlines()):
            for found in DOCUMENTED.finditer(line):
                tokens = shlex.split(found[1], comments=True)
                app.parse_args(tokens, exit_on_error=False, print_error=False)
                seen.add(tokens[0])
    assert {"serve", "token", "import-dicom", "events", "verify", "copy"} <= seen


def test_prose_fills_the_width() -> None:
    """Docstrings are wrapped anew to the width of the terminal."""
    for width in (NARROW, WIDE):
        text = help_of("token", width)
        prose = [line for line in text.splitlines() if line[:1].isalpha()]
        assert max(map(len, prose)) <= width
        paragraph = next(line for line in prose if line.startswith("With --revoke-all"))
        assert len(paragraph) > width * 0.7


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_of_its_shell(
    shell: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The shell, if it is installed, parses the script; every command is in it."""
    monkeypatch.setattr(sys, "argv", ["albumcore", "completion", shell])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    script = tmp_path / "script"
    script.write_text(capsys.readouterr().out)
    assert all(command in script.read_text() for command in COMMANDS)
    if shutil.which(shell) is not None:
        subprocess.run([shell, "-n", str(script)], check=True)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("albumcore", "imp"), "import-dicom"),
        (("albumcore", "verify", "--js"), "--json"),
        (("albumcore", "completion", "z"), "zsh"),
    ],
)
def test_bash_completes(words: tuple[str, ...], expected: str) -> None:
    """It completes a command, an option, and an enumerated argument."""
    script = app.generate_completion(shell="bash")
    asked = f"COMP_WORDS=({shlex.join(words)})\nCOMP_CWORD={len(words) - 1}\n_albumcore\n"
    answer = subprocess.run(
        ["bash", "-c", f'{script}\n{asked}echo "${{COMPREPLY[@]}}"'],
        check=True,
        capture_output=True,
        text=True,
    )
    assert answer.stdout.split() == [expected]
