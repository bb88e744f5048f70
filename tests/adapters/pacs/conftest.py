"""An archive for all tests, and worlds whose images are in it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from albumcore_adapters import cli
from albumcore_adapters.decoding import Decoder
from support.command_line import Run
from support.kheops import World, open_world, settle
from support.orthanc import PASSWORD, USER, Orthanc, running_orthanc


@pytest.fixture(scope="session")
def decoder() -> Iterator[Decoder]:
    """A decoder for many worlds: its process takes seconds to start."""
    made, close = Decoder(), Decoder.close
    yield made
    close(made)


@pytest.fixture(autouse=True)
def shared_decoder(decoder: Decoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have worlds that are opened from now on use that one, and leave it open."""
    monkeypatch.setattr(Decoder, "of", lambda _: decoder)
    monkeypatch.setattr(Decoder, "close", lambda _: None)


@pytest.fixture(scope="session")
def _running() -> Iterator[Orthanc]:
    with running_orthanc() as archive:
        yield archive


@pytest.fixture
def orthanc(_running: Orthanc) -> Orthanc:
    """A real archive that is empty."""
    _running.clear()
    return _running


@pytest.fixture
def credentials(tmp_path: Path) -> Path:
    """The file with the credentials of the archive."""
    file = tmp_path / "pacs-credentials"
    file.write_text(f"{USER}:{PASSWORD}\n")
    file.chmod(0o600)
    return file


@pytest.fixture
def world(orthanc: Orthanc, credentials: Path, tmp_path: Path) -> Iterator[World]:
    """A settled world beside the archive."""
    made = open_world(
        tmp_path / "data", start=settle, pacs_url=orthanc.dicomweb, pacs_auth_file=credentials
    )
    yield made
    made.service.close()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process; return its status, standard output and standard error."""

    def typed(*arguments: str | Path, stdin: str = "") -> tuple[int, str, str]:
        assert not stdin
        monkeypatch.setattr(sys, "argv", ["albumcore", *map(str, arguments)])
        status = 0
        try:
            cli.main()
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return typed
