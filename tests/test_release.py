"""What is built of the project: the same bytes each time, with everything that belongs in it and nothing else."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BUILT_FROM = (
    *("src", "tests", "benchmarks", "docs", "examples"),
    *("pyproject.toml", "noxfile.py", "LICENSE", ".gitignore"),
    *(path.name for path in ROOT.glob("*.md")),
)
IGNORED = shutil.ignore_patterns("__pycache__", ".*_cache", ".hypothesis")


def copied(target: Path, mode: int) -> Path:
    """A copy of the tree, whose files have another mode and another time than here."""
    for name in BUILT_FROM:
        here = ROOT / name
        if here.is_dir():
            shutil.copytree(here, target / name, ignore=IGNORED, copy_function=shutil.copyfile)
        else:
            target.mkdir(exist_ok=True)
            shutil.copyfile(here, target / name)
    for path in target.rglob("*"):
        if path.is_file():
            path.chmod(mode)
    return target


def built(tree: Path, *kinds: str) -> Mapping[str, Path]:
    """What hatchling builds of a tree, by its kind."""
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1767225600"}
    command = [sys.executable, "-m", "hatchling", "build"]
    options = [f"--target={kind}" for kind in kinds]
    subprocess.run([*command, *options], cwd=tree, env=environment, check=True, capture_output=True)
    names = {"wheel": "*.whl", "sdist": "*.tar.gz"}
    return {kind: next((tree / "dist").glob(names[kind])) for kind in kinds}


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """A wheel and an sdist."""
    tree = copied(tmp_path_factory.mktemp("build") / "once", 0o644)
    return built(tree, "wheel", "sdist")


def test_built_twice(once: Mapping[str, Path], tmp_path: Path) -> None:
    """In another directory, at another time and under another umask, the bytes are the same."""
    again = built(copied(tmp_path / "again", 0o600), "wheel", "sdist")
    assert {kind: digest(path) for kind, path in again.items()} == {
        kind: digest(path) for kind, path in once.items()
    }


def test_the_wheel_of_the_sdist(once: Mapping[str, Path], tmp_path: Path) -> None:
    """It is the same wheel: the sdist lacks nothing that is built from."""
    with tarfile.open(once["sdist"]) as sdist:
        sdist.extractall(tmp_path, filter="data")
    [tree] = tmp_path.iterdir()
    assert digest(built(tree, "wheel")["wheel"]) == digest(once["wheel"])


def test_the_wheel_has_every_module_and_file_of_the_packages(once: Mapping[str, Path]) -> None:
    """Templates, texts and pictures too; tests, benchmarks and what tools leave behind are not in it."""
    places = {
        "albumcore": "src",
        "albumcore_hypothesis": "src",
        "albumcore_adapters": "src/adapters",
    }
    expected = {
        str(path.relative_to(ROOT / place))
        for package, place in places.items()
        for path in (ROOT / place / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and "built_docs" not in path.parts
    }
    with zipfile.ZipFile(once["wheel"]) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert {name for name in names if "/built_docs/" not in name} == expected
    assert any(name.endswith("LICENSE") for name in zipfile.ZipFile(once["wheel"]).namelist())


def test_the_sdist_has_what_a_change_is_tested_with(once: Mapping[str, Path]) -> None:
    """Tests, documentation and examples."""
    with tarfile.open(once["sdist"]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    for name in ("noxfile.py", "tests/test_release.py", "docs/README.md", "examples/quickstart.py"):
        assert name in names
    assert "examples/deploy/Containerfile" in names
