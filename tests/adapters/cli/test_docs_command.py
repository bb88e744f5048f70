"""`albumcore docs`: the documentation of an installation, or how it is made."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import pytest

from albumcore_adapters.cli import docs
from support.command_line import Run


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that a browser was asked to open."""
    addresses: list[str] = []
    monkeypatch.setattr(webbrowser, "open", addresses.append)
    return addresses


def test_the_first_page_is_opened(
    run: Run, opened: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its address is printed, too; with ``--print`` it is printed alone."""
    monkeypatch.setattr(docs, "BUILT_DOCS", tmp_path)
    (tmp_path / "index.html").touch()
    address = (tmp_path / "index.html").as_uri()
    assert run("docs", "--print") == (0, f"{address}\n", "")
    assert opened == []
    assert run("docs") == (0, f"{address}\n", "")
    assert opened == [address]


def test_a_checkout_says_how_it_is_made(
    run: Run, opened: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command of the session, and where the pages can be read as they are."""
    monkeypatch.setattr(docs, "BUILT_DOCS", tmp_path / "built_docs")
    status, output, error = run("docs")
    assert (status, output, opened) == (1, "", [])
    assert "`nox -s docs`" in error
    assert "docs/README.md" in error
