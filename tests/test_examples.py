"""The examples run as a newcomer would run them, and print what they are there to show."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"

PRINTED = {
    "quickstart.py": """\
bob LEAVE_ALBUM
bob For your eyes only
alice ADD_USER
alice CREATE_ALBUM
now ['alice']
at version 1 ['alice']
at the comment ['alice', 'bob']
1 album-Q7bZ2mP0xT AlbumCreated
2 album-Q7bZ2mP0xT MemberAdded
3 album-Q7bZ2mP0xT CommentPosted
4 album-Q7bZ2mP0xT MemberLeft
""",
    "own_projection.py": """\
['album-firstAlbum', 'album-nextAlbum1']
['album-nextAlbum1']
""",
    "property_test_your_projection.py": "The projection agrees with the albums.\n",
    "sqlite_store.py": """\
Knees and elbows
1 AlbumCreated by alice
2 AlbumEdited by alice
events read: 2 problems: []
""",
}


def run(folder: Path, *args: str) -> str:
    """What Python prints, run from another folder, where a warning is an error."""
    path = [str(EXAMPLES), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(os.path.abspath(one) for one in path if one),
        "PYTHONWARNINGS": "error",
    }
    done = subprocess.run(
        [sys.executable, *args],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("name", PRINTED)
def test_example_prints(name: str, tmp_path: Path) -> None:
    """Each example, as a script."""
    assert run(tmp_path, str(EXAMPLES / name)) == PRINTED[name]


def test_property_test_runs_under_pytest(tmp_path: Path) -> None:
    """The example of a property test, as a test."""
    name = str(EXAMPLES / "property_test_your_projection.py")
    assert "2 passed" in run(tmp_path, "-m", "pytest", "-p", "no:cacheprovider", name)


def test_every_example_is_run() -> None:
    """No example is forgotten."""
    assert {path.name for path in EXAMPLES.glob("*.py")} == PRINTED.keys()
