"""The public list of the library, and how it opens a store without knowing one."""

from __future__ import annotations

import builtins
import inspect
import re
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any, NewType

import pytest

import albumcore
from albumcore import following, ids
from albumcore.commands import Commands
from albumcore.errors import AlbumcoreError
from albumcore_adapters import store
from blocks import blocks_of

IDS = [name for name, one in vars(ids).items() if isinstance(one, NewType)]
OF_THE_EVENT_LIBRARY = {"ProcessApplication", "System", "NotificationLogJSONService"}
RULES = ["album_id", "user_id", "study_uid", "series_uid"]


def test_every_name_of_the_list_is_there() -> None:
    """Each of them, ``__version__`` too, and none twice."""
    assert len(set(albumcore.__all__)) == len(albumcore.__all__)
    assert [name for name in albumcore.__all__ if not hasattr(albumcore, name)] == []
    with pytest.raises(AttributeError, match="no attribute 'open_oracle'"):
        albumcore.open_oracle  # noqa: B018


def test_the_list_has_all_ids_and_all_errors() -> None:
    """A new one is not forgotten."""
    errors = {
        name
        for name, one in vars(albumcore.errors).items()
        if isinstance(one, type) and issubclass(one, AlbumcoreError)
    }
    assert {*IDS, *RULES, *errors} <= set(albumcore.__all__)
    assert len(IDS) == 9


def test_the_version_is_that_of_the_distribution() -> None:
    """Told once, in pyproject.toml."""
    assert albumcore.__version__ == metadata.version("albumcore")


def test_importing_the_library_imports_no_adapter() -> None:
    """Nor what it takes to find the version or a store: that would cost every process."""
    asked = (
        "import albumcore, sys; "
        "print([one for one in ('adapters', 'falcon', 'sqlite3', 'importlib.metadata') if one in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_options_are_those_of_the_application() -> None:
    """One that is new or has another name there is so here."""
    parameters = inspect.signature(Commands.__init__).parameters.values()
    keywords = {one.name for one in parameters if one.kind is inspect.Parameter.KEYWORD_ONLY}
    assert albumcore.StoreOptions.__optional_keys__ == keywords


@pytest.mark.parametrize(
    "opening", [albumcore, store], ids=["albumcore", "albumcore_adapters.store"]
)
def test_a_mistyped_option_is_told_before_anything_is_made(opening: Any, tmp_path: Path) -> None:
    """By its name, with those there are."""
    openers: list[Callable[..., object]] = [
        opening.open_memory,
        lambda **options: opening.open_sqlite(tmp_path / "albums.sqlite", **options),
        lambda **options: opening.open_postgres("postgresql://127.0.0.1:1/albums", **options),
    ]
    for opened in openers:
        with pytest.raises(
            TypeError,
            match=r"no option 'retires'; its options are busy_seconds, cache_size, clock, ",
        ):
            opened(retires=3)
    assert list(tmp_path.iterdir()) == []


def test_stores_are_opened_from_the_library_alone(tmp_path: Path) -> None:
    """With their options; what is kept in a file is there when it is opened again."""
    cases = albumcore.album_stream(albumcore.AlbumId("Cases00001"))
    alice = albumcore.Source(albumcore.UserId("alice"))
    file = tmp_path / "cases.sqlite"
    with albumcore.open_sqlite(file, cache_size=1) as opened:
        opened.handle(cases, albumcore.create_album, alice, "Cases")
    with albumcore.open_sqlite(file) as opened, albumcore.open_memory() as empty:
        assert opened.load(cases).name == "Cases"
        assert empty.follow() == []
    with pytest.raises(albumcore.NoAddress):
        albumcore.open_postgres("mysql://127.0.0.1/albums")


def test_a_store_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the files of the library lie on the path, and were never installed."""
    monkeypatch.setattr(metadata, "entry_points", lambda **_: ())
    with pytest.raises(
        albumcore.MissingExtra, match=r"store of the kind 'memory'.*install albumcore"
    ):
        albumcore.open_memory()


def test_the_reference_names_the_whole_list_and_nothing_else() -> None:
    """Each public name stands there; each option with its default; and each method of an open store."""
    page = (Path(__file__).parents[1] / "docs" / "reference" / "library.md").read_text("utf-8")
    named = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]*)`", page))))
    assert set(albumcore.__all__) - named == set()
    classes = set(re.findall(r"`([A-Z]\w+)`", page)) - set(albumcore.__all__)
    assert classes - vars(following).keys() - vars(builtins).keys() <= OF_THE_EVENT_LIBRARY
    rows = dict(re.findall(r"^\| `(\w+)` \| `?(\w+)`? \| .*\|$", page, re.MULTILINE))
    parameters = inspect.signature(Commands.__init__).parameters
    defaults = {
        name: getattr(parameters[name].default, "__name__", str(parameters[name].default))
        for name in albumcore.StoreOptions.__optional_keys__
    }
    assert {name: rows.get(name) for name in defaults} == defaults
    methods = {
        name
        for part in (albumcore.Albumcore, Commands)
        for name, one in vars(part).items()
        if inspect.isfunction(one) and not name.startswith(("_", "construct_"))
    }
    assert methods - named == set()


def test_the_reference_begins_with_what_runs(tmp_path: Path) -> None:
    """Its first lines, from the library alone."""
    first = next(blocks_of(Path(__file__).parents[1] / "docs" / "reference" / "library.md"))
    code = f"{first.code}print(shown[0]['source']['name'])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("Alice\n", "")
