"""The image of `examples/deploy`, built and run by a container engine: in the deep run, where the machine has one.

The base of the image must be on the machine, or come from a registry that the engine knows.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from attrs import frozen

from support.deep import IS_DEEP

ROOT = Path(__file__).parents[2]
FILE = ROOT / "examples" / "deploy" / "Containerfile"
TAG = "albumcore-test"
SECONDS = 120


@frozen
class Engine:
    """A program that builds images, and in two cases runs them.

    Attributes:
        program: Its name.
        build: The arguments that build an image, but for its file, its tag and its context.
        inspect: The arguments that say what an image is.
        runs: Whether it runs containers in the background.
    """

    program: str
    build: tuple[str, ...]
    inspect: tuple[str, ...]
    runs: bool = True

    def succeeds(self, *arguments: str) -> bool:
        """Whether it does something."""
        return not subprocess.run([self.program, *arguments], capture_output=True).returncode

    def ask(self, *arguments: str) -> str:
        """What it prints when it does something."""
        command = [self.program, *arguments]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr[-2000:]
        return ended.stdout.strip()


ENGINES = (
    Engine("podman", ("build", "--format", "docker"), ("image", "inspect")),
    Engine("docker", ("build",), ("image", "inspect")),
    Engine("buildah", ("build", "--format", "docker"), ("inspect", "--type", "image"), runs=False),
)


def _engine() -> Engine | None:
    """The first that this machine has, and that runs here."""
    there = (one for one in ENGINES if shutil.which(one.program) is not None)
    return next((one for one in there if one.succeeds("info")), None)


def _bases() -> set[str]:
    lines = FILE.read_text(encoding="utf-8").splitlines()
    return {line.split()[1] for line in lines if line.startswith("FROM ")}


if IS_DEEP and (engine := _engine()) is not None:
    ENGINE = engine

    @pytest.fixture(scope="module")
    def image() -> Iterator[str]:
        """The image, built as the guide says."""
        for base in _bases():
            if not ENGINE.succeeds(*ENGINE.inspect, base) and not ENGINE.succeeds("pull", base):
                pytest.skip(f"{ENGINE.program} finds no {base}")
        ENGINE.ask(*ENGINE.build, "--file", str(FILE), "--tag", TAG, str(ROOT))
        yield TAG
        ENGINE.succeeds("rmi", TAG)

    def test_the_image_is_built(image: str) -> None:
        """With its healthcheck, which not every format of images has."""
        assert '"Healthcheck": {' in ENGINE.ask(*ENGINE.inspect, image)

    if ENGINE.runs:

        def test_the_service_in_a_container(image: str) -> None:
            """It serves from a root that is read-only, as a user without rights, finds itself well, and ends."""
            root = ("--read-only", "--tmpfs=/tmp")  # Podman mounts the latter by itself
            safely = (*root, "--cap-drop=ALL", "--security-opt=no-new-privileges")
            started = ("run", "--detach", "--publish=127.0.0.1::8000", *safely, image)
            container = ENGINE.ask(*started)
            try:
                address = ENGINE.ask("port", container, "8000/tcp").splitlines()[0]
                _wait_until_healthy(address)
                assert ENGINE.ask("exec", container, "id", "-u") == "10001"
                ENGINE.ask("exec", container, "albumcore", "doctor", "--without", "backups")
                assert ENGINE.succeeds("exec", container, "sh", "-c", "! touch /opt/albumcore/file")
                ENGINE.ask("stop", "-t", "40", container)
                assert ENGINE.ask("inspect", "--format", "{{.State.ExitCode}}", container) == "0"
            finally:
                ENGINE.succeeds("rm", "--force", "--volumes", container)


def _wait_until_healthy(address: str) -> None:
    until = time.monotonic() + SECONDS
    while True:
        try:
            if httpx.get(f"http://{address}/healthz").status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            pass
        assert time.monotonic() < until
        time.sleep(0.1)
