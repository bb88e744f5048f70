"""Systems other than Linux: macOS opens every store, and Windows is told in a sentence what it cannot."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from albumcore import (
    AlbumId,
    Source,
    UserId,
    album_stream,
    create_album,
    edit_album,
    open_sqlite,
)

CASES = album_stream(AlbumId("Cases00001"))
ALICE = Source(UserId("alice"))

ON_WINDOWS = """\
import sys
for name in ("fcntl", "grp", "pwd", "resource", "termios"):
    sys.modules[name] = None
import albumcore
cases, alice = albumcore.album_stream(albumcore.AlbumId("C1")), albumcore.Source(albumcore.UserId("alice"))
"""
"""The start of a program that runs as if there were no POSIX."""


def run(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """What comes of a program."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_store_needs_nothing_that_linux_alone_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on macOS, which cannot set space aside for a file."""
    for name in ("posix_fallocate", "posix_fadvise", "fdatasync", "sched_getaffinity", "eventfd"):
        monkeypatch.delattr(os, name, raising=False)
    file = tmp_path / "cases.sqlite"
    for name in ("Cases", "Knees"):
        with open_sqlite(file) as store:
            decision = edit_album if name == "Knees" else create_album
            store.handle(CASES, decision, ALICE, name=name)
            assert store.load(CASES).name == name


def test_the_library_is_imported_anywhere(tmp_path: Path) -> None:
    """And a store in memory works on any system."""
    code = """\
with albumcore.open_memory() as store:
    store.handle(cases, albumcore.create_album, alice, "Cases")
    print(store.load(cases).name)
"""
    done = run(ON_WINDOWS + code, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "Cases\n", "")


def test_a_file_is_refused_in_a_sentence(tmp_path: Path) -> None:
    """Nothing is made then."""
    code = """\
try:
    albumcore.open_sqlite("cases.sqlite")
except OSError as error:
    print(error)
"""
    done = run(ON_WINDOWS + code, tmp_path)
    assert done.stdout.startswith("a store needs the file locks of POSIX systems")
    assert (done.returncode, done.stdout.count("\n"), done.stderr) == (0, 1, "")
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_so_too(tmp_path: Path) -> None:
    """As a module and as a script, in one line, with status 2."""
    for start in (
        "from albumcore_adapters.__main__ import main; main()",
        "import runpy; runpy.run_module('albumcore_adapters', run_name='__main__')",
    ):
        done = run(ON_WINDOWS + start, tmp_path)
        assert done.stderr.startswith("albumcore: a store needs the file locks of POSIX systems")
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
