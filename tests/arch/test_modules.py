"""Modules that can be read: not too long, and each public name with one meaning."""

from __future__ import annotations

import ast
from collections.abc import Mapping

import pytest

from sources import MODULES, defined_in, functions_of, tree_of

MODULE_LINES = 400
FUNCTION_LINES = 60

SAME_MEANING: Mapping[str, str] = {
    "Clock": "the clock of the state machines is one of the type that the store takes",
    "Factory": "the event library asks for the class by this name, in a module for each database",
    "app": "the application of a server, by WSGI and by ASGI",
    "main": "where a process begins",
    "open_memory": "albumcore's finds the adapters' by entry point",
    "open_postgres": "albumcore's finds the adapters' by entry point",
    "open_sqlite": "albumcore's finds the adapters' by entry point",
}
"""Names that are defined more than once, and why that is no second meaning."""

FEATURES = (
    "albumcore_adapters.http.dicomweb.",
    "albumcore_adapters.http.kheops.",
    "albumcore_adapters.http.tscharts.",
    "albumcore_adapters.http.ui.",
    "albumcore_adapters.cli.",
)
"""Rooms in which a module is one feature: its functions are named after what a route or a command does there, and its
table of routes is ``ROUTES``."""


@pytest.mark.parametrize("module", MODULES)
def test_no_module_is_long(module: str) -> None:
    """A module of more lines is split."""
    lines = len(MODULES[module].read_text(encoding="utf-8").splitlines())
    assert lines <= MODULE_LINES, f"{module} has {lines} lines"


def test_no_function_is_long() -> None:
    """From its name to its end, the docstring included."""
    found = {
        f"{module.removeprefix('albumcore_adapters.')}:{name}"
        for module in MODULES
        for name, node in functions_of(module)
        if (node.end_lineno or 0) - node.lineno >= FUNCTION_LINES
    }
    assert found == set()


def places() -> Mapping[str, list[str]]:
    """The modules that define each public name, without type variables."""
    found: dict[str, list[str]] = {}
    for module in MODULES:
        for name in sorted(set(defined_in(module)) - type_variables(module)):
            if not name.startswith("_"):
                found.setdefault(name, []).append(module)
    return found


def type_variables(module: str) -> set[str]:
    """The names that a module gives to type variables: of one letter, and the same everywhere."""
    return {
        ast.literal_eval(node.value.args[0])
        for node in tree_of(module).body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Call)
        and ast.unparse(node.value.func) in ("TypeVar", "ParamSpec")
    }


def test_a_public_name_has_one_meaning() -> None:
    """What is defined in two modules is in the list of those that mean the same."""
    elsewhere = {
        name: [one for one in modules if not (one.startswith(FEATURES) and is_of_a_feature(name))]
        for name, modules in places().items()
    }
    twice = {name for name, modules in elsewhere.items() if len(modules) > 1}
    assert twice - set(SAME_MEANING) == set()


def is_of_a_feature(name: str) -> bool:
    """Whether a name is told apart by the module it is in: a function, or the table of routes."""
    return name.islower() or name == "ROUTES"
