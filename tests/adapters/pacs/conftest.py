"""An archive for all tests, and worlds whose images are in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from albumcore_adapters.decoding import Decoder
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
