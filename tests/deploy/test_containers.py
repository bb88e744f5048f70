"""The files for containers in `examples/deploy`, linted; `test_image` builds and runs what they say."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from attrs import frozen

from albumcore_adapters.base.settings_file import settings_from
from albumcore_adapters.cli.base import app
from albumcore_adapters.cli.commands import load_commands

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "examples" / "deploy"

PINNED = re.compile(r"[a-z0-9./_-]+(?::(?!latest)[\w.-]*\d[\w.-]*|@sha256:[0-9a-f]{64})")
"""An image by a tag with a number in it, or by its digest."""


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


# Containers together


def compose() -> Any:
    """The compose file."""
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))


def test_compose_pins_and_checks_each_service() -> None:
    """Each has a pinned image and a healthcheck; what it refers to is declared."""
    found = compose()
    for name, service in found["services"].items():
        assert PINNED.fullmatch(service["image"]), name
        assert service["healthcheck"]["test"][0] == "CMD", name
        assert "privileged" not in service, name
        assert set(service.get("secrets", ())) <= set(found["secrets"]), name
        assert set(service.get("depends_on", ())) <= set(found["services"]), name
        for volume in service.get("volumes", ()):
            assert volume.split(":")[0] in found["volumes"], name
        assert not [port for port in service.get("ports", ()) if not port.startswith("127.0.0.1:")]
    ours = found["services"]["albumcore"]
    assert ours["user"].split(":")[0] not in ("0", "root")
    assert (ours["build"]["context"], ours["read_only"]) == ("../..", True)
    assert (DEPLOY / ours["build"]["context"] / ours["build"]["dockerfile"]).exists()


def test_compose_checks_the_service_as_its_image_does() -> None:
    """An image that Podman builds in its own format has no healthcheck, so that both files have it."""
    read = instructions((DEPLOY / "Containerfile").read_text(encoding="utf-8"))
    [of_the_image] = [one.rest for one in read if one.name == "HEALTHCHECK"]
    options, _, command = of_the_image.partition(" CMD ")
    found = compose()["services"]["albumcore"]["healthcheck"]
    assert found["test"] == ["CMD", *json.loads(command)]
    names = {name: f"--{name.replace('_', '-')}={found[name]}" for name in found if name != "test"}
    assert set(options.split()) == set(names.values())


def test_compose_has_settings_that_are_accepted_and_no_secret() -> None:
    """Secrets are files; what is substituted is an address. The proxies are in the network of the containers."""
    found = compose()
    environment = {
        name: re.sub(r"\$\{.*?\}", "https://a.example", str(value))
        for name, value in found["services"]["albumcore"]["environment"].items()
    }
    settings = settings_from(environment)
    assert settings.public_url == "https://a.example"
    assert "passfile=/run/secrets/" in str(settings.database)
    [subnet] = [one["subnet"] for one in found["networks"]["default"]["ipam"]["config"]]
    assert settings.trusted_proxies == subnet
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    assert not re.search(r"(?i)(password|secret|key): *[\"']?(?!/run/secrets/|\{file)\w", text)


def test_no_secret_is_committed() -> None:
    """What the guide has made beside the compose file is left out of the repository."""
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"examples/deploy/.env", "examples/deploy/secrets/"} <= set(ignored)
