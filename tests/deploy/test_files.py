"""The files of `examples/deploy`: linted everywhere, and tried with the programs that read them, if there are any."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from attrs import frozen

from albumcore_adapters.base.settings_file import settings_from
from albumcore_adapters.cli.base import app
from albumcore_adapters.cli.commands import load_commands
from support.deep import IS_DEEP

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "examples" / "deploy"
UNITS = sorted(DEPLOY.glob("*.service")) + sorted(DEPLOY.glob("*.timer"))

PINNED = re.compile(r"[a-z0-9./_-]+(?::(?!latest)[\w.-]*\d[\w.-]*|@sha256:[0-9a-f]{64})")
"""An image by a tag with a number in it, or by its digest."""


def needs(program: str) -> str:
    """The path of a program; the test is skipped where there is none."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"there is no {program} on this machine")
    return found


# The container


@frozen
class Instruction:
    """An instruction of a Containerfile."""

    name: str
    rest: str


KNOWN = {
    *("ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "RUN"),
    *("STOPSIGNAL", "USER", "VOLUME", "WORKDIR"),
}
"""The instructions that may be used: ADD may fetch, MAINTAINER and ONBUILD are of the past."""


def instructions(text: str) -> list[Instruction]:
    """Read a Containerfile: comments are dropped, and lines joined that end in a backslash."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    read = [line.partition(" ") for line in joined.splitlines() if line.strip()]
    return [Instruction(name, rest.strip()) for name, _, rest in read]


def problems_of(text: str) -> list[str]:
    """What is wrong with a Containerfile, one word each."""
    read = instructions(text)
    found = [f"unknown {one.name}" for one in read if one.name not in KNOWN]
    images = [one.rest.split()[0] for one in read if one.name == "FROM"]
    found += [f"unpinned {image}" for image in images if not PINNED.fullmatch(image)]
    last = max(number for number, one in enumerate(read) if one.name == "FROM")
    final = read[last + 1 :]
    users = [one.rest for one in final if one.name == "USER"]
    if not users or not re.fullmatch(r"[1-9]\d*(:[1-9]\d*)?", users[-1]):
        found.append("root")
    if not any(one.name == "HEALTHCHECK" and "CMD" in one.rest for one in final):
        found.append("no healthcheck")
    if [one.name for one in final][-1] not in ("CMD", "ENTRYPOINT"):
        found.append("no command")
    addresses = re.findall(r"https?://([^/:'\"]+)", "\n".join(one.rest for one in read))
    found += [f"address {host}" for host in addresses if host != "127.0.0.1"]
    found += ["index"] * bool(re.search(r"--(extra-)?index-url|--find-links|-i ", text))
    return found


def test_the_containerfile() -> None:
    """Pinned images, a user without rights, a check of its health, and no address that packages come from."""
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    assert problems_of(text) == []
    read = instructions(text)
    for copied in (one.rest for one in read if one.name == "COPY" and "--from" not in one.rest):
        assert all((ROOT / source).exists() for source in copied.split()[:-1])
    [variables] = [one.rest for one in read if one.name == "ENV"]
    settings = settings_from(dict(part.split("=", 1) for part in shlex.split(variables)))
    assert [one.rest for one in read if one.name == "VOLUME"] == [f'["{settings.data}"]']
    command = json.loads(read[-1].rest)
    load_commands()
    assert app.parse_args(command[1:], exit_on_error=False, print_error=False)


@pytest.mark.parametrize(
    ("line", "instead", "problem"),
    [
        (r"FROM python:\S+(?= AS)", "FROM python", "unpinned python"),
        (
            r"FROM python:\S+(?= AS)",
            "FROM python:latest",
            "unpinned python:latest",
        ),
        (r"^USER .*", "", "root"),
        (r"^USER .*", "USER root", "root"),
        (r"^USER .*", "USER 0:0", "root"),
        (r"^HEALTHCHECK (.*\n)*?.*\]\n", "", "no healthcheck"),
        (r"^HEALTHCHECK (.*\n)*?.*\]\n", "HEALTHCHECK NONE\n", "no healthcheck"),
        (r"^VOLUME", "ADD", "unknown ADD"),
        (r"\Z", "EXPOSE 1", "no command"),
        (r"--no-cache-dir", "--index-url x", "index"),
        (r"^STOPSIGNAL .*", "RUN curl https://packages.example/a", "address packages.example"),
    ],
)
def test_the_lint_finds(line: str, instead: str, problem: str) -> None:
    """Each of what it is there for."""
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    changed = re.sub(line, instead, text, count=1, flags=re.MULTILINE)
    assert changed != text
    assert problem in problems_of(changed)


def _engine() -> str | None:
    """The container engine that runs on this machine, if there is one."""
    for engine in filter(shutil.which, ("podman", "docker")):
        if not subprocess.run([engine, "info"], capture_output=True).returncode:
            return engine
    return None


ENGINES = [engine for engine in [_engine() if IS_DEEP else None] if engine is not None]
"""In the deep run alone: an image is fetched from outside."""

if ENGINES:

    def test_the_container_is_built() -> None:
        """As the file says."""
        build = (
            *ENGINES,
            "build",
            "--file",
            str(DEPLOY / "Containerfile"),
            "--tag",
            "albumcore-test",
        )
        subprocess.run([*build, str(ROOT)], check=True)
