"""The examples run as a newcomer would run them, and print what they are there to show."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from blocks import blocks_of
from support.deep import at_length

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"

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
    "download_images.py": "1 file\n['DICOM/0/1', 'DICOMDIR']\n2191\n",
    "embed_threads.py": "41 entries, of versions 1 to 41\n",
    "embed_forks.py": "21 entries\n",
    "embed_wsgi.py": "the clinic\n200 OK\nUnauthorized\n",
    "embed_flask.py": "['CREATE_ALBUM']\n404 NOT FOUND\n['Knees']\n",
    "embed_fastapi.py": "['CREATE_ALBUM']\n404\n['Knees']\n",
    "embed_django.py": "['CREATE_ALBUM']\n404 Not Found\n['Knees']\n",
}


FEW = """\
from hypothesis import settings
settings.register_profile("few", max_examples=10)
settings.load_profile("few")
"""


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
    """Each example, as a script; one of properties with as many examples as it has in the deep run alone."""
    script = str(EXAMPLES / name)
    with_few = ("-c", f"{FEW}import runpy\nrunpy.run_path({script!r}, run_name='__main__')")
    is_long = name.startswith("property_test")
    asked = at_length((script,), with_few) if is_long else (script,)
    assert run(tmp_path, *asked) == PRINTED[name]


def test_property_test_runs_under_pytest(tmp_path: Path) -> None:
    """The example of a property test, as a test; with few examples."""
    (tmp_path / "few.py").write_text(FEW, encoding="utf-8")
    name = str(EXAMPLES / "property_test_your_projection.py")
    assert "2 passed" in run(tmp_path, "-m", "pytest", "-p", "few", "-p", "no:cacheprovider", name)


def shown_python(page: Path) -> list[str]:
    """The Python that a page shows, block by block."""
    return [block.code for block in blocks_of(page) if block.language == "python"]


def test_the_library_as_the_front_page_shows_it(tmp_path: Path) -> None:
    """The first lines that somebody tries; they need nothing but albumcore itself."""
    [shown] = [one for one in shown_python(ROOT / "README.md") if "open_sqlite" in one]
    assert "albumcore_adapters" not in shown
    assert run(tmp_path, "-c", f"{shown}\nprint(page.total)") == "2\n"


def test_the_tutorial_from_its_first_line_to_its_last(tmp_path: Path) -> None:
    """What it says of the values comes out, and the decision that may not be taken is refused."""
    shown = shown_python(ROOT / "docs" / "tutorial" / "first-album.md")
    refused = "store.handle(cases, delete_album, bob)\n"
    script = "\n".join(shown)
    assert refused in script
    script = script.replace(
        refused, f"try:\n    {refused}except Exception as error:\n    print(error)\n"
    )
    lines = re.sub(r"^(\S.*?) +# (\[.*)$", r"assert \1 == \2", script, flags=re.MULTILINE)
    lines = re.sub(r"^(\[entry.*)\n# (.*)$", r"assert \1 == \2", lines, flags=re.MULTILINE)
    assert lines.count("assert ") == 5
    said = run(tmp_path, "-c", lines).splitlines()
    assert said[0] == "the permission DELETE_ALBUM is missing"
    assert said[-1] == "4 album-Cases00001 MemberLeft"


def test_every_example_is_run() -> None:
    """No example is forgotten."""
    assert {path.name for path in EXAMPLES.glob("*.py")} == PRINTED.keys()
