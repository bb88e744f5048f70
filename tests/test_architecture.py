"""The layers, held by their imports: which module may know which, and what the core may not know at all."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src"
CORE = SRC / "albumcore"
LIMIT = 400

LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"errors", "ids", "kernel", "persistent_map", "text", "times"}),
    frozenset({"albums", "user_tokens", "study_comments", "image_sets"}),
    frozenset({"feed", "streams"}),
    frozenset({"codec", "index"}),
    frozenset({"library_api", "state_cache", "verification"}),
    frozenset({"commands"}),
    frozenset({"application"}),
    frozenset({"following", "opening"}),
    frozenset({"testing"}),
)
"""The parts of albumcore, lowest first: each may import its own layer and those below it."""

PURE = frozenset().union(*LAYERS[:3], {"index"})
"""The parts in which nothing but their arguments decides what comes out."""

OUTSIDE_OF_PURE = {
    "asyncio",
    "eventsourcing",
    "io",
    "logging",
    "os",
    "pathlib",
    "random",
    "secrets",
    "socket",
    "sqlite3",
    "subprocess",
    "sys",
    "threading",
    "time",
    "uuid",
}

MODULES = sorted(SRC.rglob("*.py"))
CORE_MODULES = sorted(CORE.rglob("*.py"))
NAMES = {path: str(path.relative_to(SRC)) for path in MODULES}


def imports(path: Path) -> Iterator[str]:
    """The full names of what a module imports, wherever in it, also for types alone."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{NAMES[path]} imports relatively"
            yield from (f"{node.module}.{name.name}" for name in node.names)


def part_of(path: Path) -> str:
    """The part of albumcore that a module belongs to; empty for the package itself."""
    first = path.relative_to(CORE).parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


def height(part: str) -> int:
    """The layer of a part."""
    return next(number for number, layer in enumerate(LAYERS) if part in layer)


each_core_module = pytest.mark.parametrize("path", CORE_MODULES, ids=NAMES.get)
each_module = pytest.mark.parametrize("path", MODULES, ids=NAMES.get)


def test_every_part_of_the_core_has_one_layer() -> None:
    """A new module says where it stands."""
    parts = [part for layer in LAYERS for part in layer]
    assert sorted(parts) == sorted({part_of(path) for path in CORE_MODULES} - {""})


@each_core_module
def test_a_module_imports_its_own_layer_and_those_below(path: Path) -> None:
    """One way, without exception."""
    part = part_of(path)
    for name in imports(path):
        package, _, rest = name.partition(".")
        if package != "albumcore" or not part:
            continue
        imported = rest.partition(".")[0]
        is_part = any(imported in layer for layer in LAYERS)
        if is_part:
            assert height(imported) <= height(part), f"{part} imports {name}"
        else:
            assert part == "testing", f"{part} imports {name} from the package itself"


@each_core_module
def test_the_core_never_imports_an_adapter(path: Path) -> None:
    """Nor any framework of theirs."""
    known = {name.partition(".")[0] for name in imports(path)}
    assert not known & {
        "albumcore_adapters",
        "falcon",
        "gunicorn",
        "httpx",
        "joserfc",
        "pydicom",
        "sqlite3",
    }


@each_module
def test_the_event_store_library_is_behind_seven_doors(path: Path) -> None:
    """Its next release renames much of what is used of it."""
    names = ("codec", "state_cache", "library_api", "commands", "application", "following")
    doors = {f"albumcore/{name}.py" for name in names}
    if NAMES[path] in doors or NAMES[path].startswith(
        ("adapters/albumcore_adapters/store/", "adapters/albumcore_adapters/sql/")
    ):
        return
    assert "eventsourcing" not in {name.partition(".")[0] for name in imports(path)}


@each_core_module
def test_a_pure_module_knows_no_clock_no_chance_and_no_system(path: Path) -> None:
    """Times and ids come in by argument."""
    if part_of(path) not in PURE:
        return
    assert not {name.partition(".")[0] for name in imports(path)} & OUTSIDE_OF_PURE
    calls = [
        node.func.attr
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]
    assert not {"now", "utcnow", "today"} & set(calls)


def test_the_clock_of_the_core_is_one_function() -> None:
    """The default of an argument, and nothing else asks for the time."""
    asking = [
        NAMES[path]
        for path in CORE_MODULES
        if part_of(path) != "testing" and ".now(" in path.read_text(encoding="utf-8")
    ]
    assert asking == ["albumcore/commands.py"]


@each_module
def test_no_module_is_long(path: Path) -> None:
    """A module of more lines is asking to be split."""
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LIMIT, f"{NAMES[path]} has {lines} lines"
