"""The how-to pages: those that add something are followed in a copy of the tree, and examples are pieces of files."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from blocks import blocks_of
from support.kheops import ALICE, open_world, settle
from support.patches import follow

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs" / "how-to").glob("*.md"))


FOLLOWED = sorted((ROOT / "docs" / "how-to").glob("add-a-*.md"))
"""The pages that a copy of the tree is changed by."""

ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("COV", "PYTEST", "PYTHONDONTWRITEBYTECODE"))
}
"""Of the commands of a page, which share the bytecode of the copy."""
ENVIRONMENT["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # importing plugins takes longer than the tests
ENVIRONMENT["HYPOTHESIS_PROFILE"] = "brief"


@pytest.mark.parametrize("page", FOLLOWED, ids=lambda page: page.stem)
def test_a_page_works_when_it_is_followed(page: Path, tmp_path: Path) -> None:
    """Each diff applies, the check that the page shows passes, and so do the tests that it names."""
    for name in ("src", "docs", "tests", "examples", "pyproject.toml", "README.md"):
        here = ROOT / name
        (shutil.copytree if here.is_dir() else shutil.copy2)(here, tmp_path / name)
    path = os.pathsep.join(
        str(tmp_path / name) for name in ("src", "src/adapters", "tests", "docs")
    )

    def run(command: str) -> None:
        program, *arguments = shlex.split(command)
        assert program == "python"
        ran = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env=ENVIRONMENT | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, f"{command}\n{ran.stdout[-5000:]}{ran.stderr[-2000:]}"

    assert follow(page.read_text(encoding="utf-8"), tmp_path, run) > 3


@pytest.mark.parametrize(
    ("page", "files"),
    [("add-a-mutation", 3), ("add-a-filter", 2), ("add-a-route", 1), ("add-a-column", 2)],
)
def test_a_change_costs_no_more_places_than_the_page_says(page: str, files: int) -> None:
    """Files of ``src`` that its diffs change, before what is optional."""
    text = (ROOT / "docs" / "how-to" / f"{page}.md").read_text(encoding="utf-8")
    needed = text.partition("\n## What a mutation may need besides\n")[0]
    assert len(set(re.findall(r"^\+\+\+ (src/\S+)", needed, re.MULTILINE))) == files


def pieces(page: Path) -> list[tuple[str, str]]:
    """Each piece of a file that a page shows, below the line that names the file."""
    found = [(block.file, dedent(block.code).strip("\n")) for block in blocks_of(page)]
    return [(name, piece) for name, piece in found if name is not None]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_piece_of_a_file_is_in_it(page: Path) -> None:
    """Line for line, however far it is indented there."""
    for name, piece in pieces(page):
        lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
        height = piece.count("\n") + 1
        starts = range(len(lines) - height + 1)
        assert piece in {dedent("\n".join(lines[start : start + height])) for start in starts}


def test_the_viewer_is_configured_as_the_service_configures_it(tmp_path: Path) -> None:
    """The options on the page are those of the response that a viewer reads its configuration from."""
    text = (ROOT / "examples" / "ohif-config.js").read_text(encoding="utf-8")
    config = json.loads(text.removeprefix("window.config = ").rstrip(";\n"))
    shown, by_link = config["dataSources"]
    world = open_world(tmp_path, start=settle)
    [served] = world.get(ALICE, "/ohifservermetadata")["servers"]["dicomWeb"]
    world.service.close()
    options = json.dumps(shown["configuration"]).replace(
        "https://albums.example", served["qidoRoot"]
    )
    of_a_page = {"friendlyName": "albumcore", "supportsFuzzyMatching": True}
    assert {**json.loads(options), "name": served["name"]} == {**served, **of_a_page}
    assert by_link["namespace"].endswith(".dicomwebproxy")


def test_the_configuration_of_orthanc_is_json() -> None:
    """Its address ends in a slash: Orthanc appends the path."""
    text = (ROOT / "examples" / "orthanc.json").read_text(encoding="utf-8")
    [server] = json.loads(text)["DicomWeb"]["Servers"].values()
    assert server["Url"].endswith("/")
    assert server["HttpHeaders"] == {"Authorization": "Bearer TOKEN"}


def test_every_example_of_embedding_is_shown() -> None:
    """On the page that is about it."""
    shown = {name for name, _ in pieces(ROOT / "docs" / "how-to" / "embed.md")}
    there = (ROOT / "examples").glob("embed_*.py")
    assert shown == {str(path.relative_to(ROOT)) for path in there}
