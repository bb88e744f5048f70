"""The pages about the project: their links lead somewhere, and they name what there is."""

from __future__ import annotations

import ast
import re
from importlib.metadata import version
from pathlib import Path

import pytest

from albumcore_adapters.http.event_stream import MOST_OF_ONE, MOST_STREAMS
from sources import MODULES, defined_in, imports_of

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
INDEXES = {"README.md", "index.md"}
"""Pages that only lead to others; the second is the place of the first in the site."""


def names(page: Path) -> str:
    """The name of a page, from the root of the project."""
    return str(page.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """What a link can name within a page: its titles, in lower case, with hyphens for spaces."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_links_within_the_project_lead_somewhere(page: Path) -> None:
    """To a file that is there, and a title in it."""
    for link in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("index", ["README.md", "docs/README.md"])
def test_an_index_names_every_page(index: str) -> None:
    """Of the documentation: none is to be found by chance alone."""
    place = ROOT / index
    linked = re.findall(r"\]\(([^)#]+)", place.read_text(encoding="utf-8"))
    found = {(place.parent / one).resolve() for one in linked if "://" not in one}
    pages = {page for page in (ROOT / "docs").rglob("*.md") if page.name not in INDEXES}
    assert pages <= found


def test_the_changelog_begins_with_this_version() -> None:
    """Its newest part is of what is installed."""
    titles = re.findall(
        r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert titles[0] == version("albumcore")


def _session(function: ast.FunctionDef) -> str:
    """The name of a session: that of its function, where its decorator gives no other."""
    for decorator in function.decorator_list:
        for option in decorator.keywords if isinstance(decorator, ast.Call) else []:
            if option.arg == "name":
                return str(ast.literal_eval(option.value))
    return function.name


def _decorator(decorator: ast.expr) -> str:
    """The name of a decorator, without its options."""
    return ast.unparse(decorator.func if isinstance(decorator, ast.Call) else decorator)


def test_contributors_are_told_of_every_session() -> None:
    """Each that nox knows has its row, by the name that nox knows it by."""
    tree = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    decorated = [
        node for node in functions if "nox.session" in map(_decorator, node.decorator_list)
    ]
    sessions = [_session(node) for node in decorated]
    rows = re.findall(
        r"^\| `([\w.-]+)`", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert rows == sessions


def test_the_command_that_runs_every_check_is_the_same_everywhere() -> None:
    """On the front page, for contributors, and where the checks run by themselves."""
    places = ("README.md", "CONTRIBUTING.md", ".ci/run")
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in places if (ROOT / name).exists()]
    commands = [re.findall(r"^python3 -m venv .*/nox$", text, re.MULTILINE) for text in texts]
    assert [len(found) for found in commands] == [1] * len(texts)
    assert len({found for [found] in commands}) == 1


def test_sessions_that_test_install_the_service() -> None:
    """Its modules are imported by tests in every folder but `tests/arch`, which reads the source alone."""
    tree = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    sessions = [ast.unparse(node) for node in tree.body if isinstance(node, ast.FunctionDef)]
    testing = [
        text
        for text in sessions
        if "'pytest'" in text and "dependency_groups(PYPROJECT, 'arch')" not in text
    ]
    assert testing
    assert all("'.[service]'" in text for text in testing)


def test_each_word_of_the_glossary_is_where_it_says() -> None:
    """Its path exists; words are in alphabetical order within their table, and none is explained twice."""
    text = (ROOT / "docs" / "reference" / "glossary.md").read_text(encoding="utf-8")
    words = []
    for part in text.split("\n## ")[1:]:
        rows = re.findall(r"^\| ([a-z, ]+) \| .* \| `([^`]*)` \|$", part, re.MULTILINE)
        assert len(rows) == part.count("\n| ") - 2
        assert rows == sorted(rows)
        words += [word for word, _ in rows]
        for word, path in rows:
            places = (ROOT / "src" / path, ROOT / "src" / "adapters" / path)
            assert any(place.exists() for place in places), word
    assert len(set(words)) == len(words) > 40


LOGGERS = {
    name
    for path in MODULES.values()
    for name in re.findall(r'"(albumcore\.\w+)"', path.read_text(encoding="utf-8"))
}
"""Names of loggers, which begin as modules do."""

OF_FILES = {"albumcore.sqlite"}
"""Names of files, which begin so too."""


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_a_name_of_the_code_is_there(page: Path) -> None:
    """Each dotted name of ours in a page leads to a module, or to what is defined or imported in one."""
    text = page.read_text(encoding="utf-8")
    for name in set(re.findall(r"`(albumcore(?:_adapters)?(?:\.\w+)+)", text)) - LOGGERS - OF_FILES:
        module = name
        while module not in MODULES:
            module = module.rpartition(".")[0]
        rest = name.removeprefix(module).removeprefix(".").split(".")[0]
        imported = {one.name for one in imports_of(module)}
        assert not rest or rest in {*defined_in(module), *imported}, name


def test_the_reference_says_how_many_streams_there_are() -> None:
    """As many as a process admits."""
    text = (ROOT / "docs" / "reference" / "http.md").read_text(encoding="utf-8")
    of_all = f"A process has {MOST_STREAMS:,} streams at a time, half of them for one user"
    assert f"{of_all}, and {MOST_OF_ONE} of them of one history" in text
