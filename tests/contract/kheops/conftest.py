"""Worlds to ask the Kheops album API in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from albumcore_adapters.decoding import Decoder
from support.kheops import World, open_world, settle


@pytest.fixture(scope="session")
def decoder() -> Iterator[Decoder]:
    """A decoder for many worlds: its process takes seconds to start."""
    made, close = Decoder(), Decoder.close
    yield made
    close(made)


@pytest.fixture
def shared_decoder(decoder: Decoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have worlds that are opened from now on use that one, and leave it open."""
    monkeypatch.setattr(Decoder, "of", lambda _: decoder)
    monkeypatch.setattr(Decoder, "close", lambda _: None)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A settled world that answers as documented."""
    made = open_world(tmp_path, start=settle)
    yield made
    made.service.close()


@pytest.fixture
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A settled world that answers as upstream does."""
    made = open_world(tmp_path_factory.mktemp("upstream"), compat="upstream", start=settle)
    yield made
    made.service.close()
