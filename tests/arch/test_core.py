"""What the core may not know: the clock, chance, the system, and, but for a few modules, the event store library."""

from __future__ import annotations

import ast

import pytest

from arch.rings import EVENT_STORE_LIBRARY, PURE
from sources import MODULES, imports_of, tree_of

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

CORE = [name for name in MODULES if name.startswith("albumcore.")]


def part_of(module: str) -> str:
    """The part of albumcore that a module belongs to."""
    return module.split(".")[1]


def packages_of(module: str) -> set[str]:
    """The top-level packages that a module imports from."""
    return {one.module.partition(".")[0] for one in imports_of(module)}


@pytest.mark.parametrize("module", MODULES)
def test_the_event_store_library_is_behind_few_doors(module: str) -> None:
    """Its next release renames much of what is used of it."""
    doors = {".".join(module.split(".")[:2]), module}
    assert "eventsourcing" not in packages_of(module) or doors & EVENT_STORE_LIBRARY


@pytest.mark.parametrize("module", [name for name in CORE if part_of(name) in PURE])
def test_a_pure_module_knows_no_clock_no_chance_and_no_system(module: str) -> None:
    """Times and ids come in by argument."""
    assert not packages_of(module) & OUTSIDE_OF_PURE
    calls = [
        node.func.attr
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]
    assert not {"now", "utcnow", "today"} & set(calls)


def test_the_clock_of_the_core_is_one_function() -> None:
    """The default of an argument; nothing else reads the time."""
    asking = [
        name
        for name in CORE
        if part_of(name) != "testing" and ".now(" in MODULES[name].read_text(encoding="utf-8")
    ]
    assert asking == ["albumcore.commands"]
