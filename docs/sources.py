"""The source of the project as data: its modules, what they import, and what they define. Nothing is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src"
PACKAGES: Mapping[str, Path] = {
    "albumcore": SRC / "albumcore",
    "albumcore_adapters": SRC / "adapters" / "albumcore_adapters",
    "albumcore_hypothesis": SRC / "albumcore_hypothesis",
}
"""The import packages of the distribution, and where each is."""


@dataclass(frozen=True)
class Import:
    """One imported name.

    Attributes:
        module: The module it is imported from, or the module itself.
        name: The name taken from that module; empty where the whole module is imported.
        function: The function that imports it; empty at the top of a module.
    """

    module: str
    name: str
    function: str


def _module_name(package: str, path: Path) -> str:
    parts = path.relative_to(PACKAGES[package]).with_suffix("").parts
    return ".".join((package, *parts)).removesuffix(".__init__")


MODULES: Mapping[str, Path] = {
    _module_name(package, path): path
    for package, directory in PACKAGES.items()
    for path in sorted(directory.rglob("*.py"))
}
"""Every module, by its import name."""


@cache
def tree_of(module: str) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


@cache
def imports_of(module: str) -> tuple[Import, ...]:
    """What a module imports: at its top, in functions, and for types alone."""
    return tuple(_imports(module, tree_of(module), ""))


def _imports(module: str, node: ast.AST, function: str) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(name.name, "", function) for name in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert not child.level, f"{module} imports relatively"
            assert child.module
            for name in child.names:
                whole = f"{child.module}.{name.name}"
                is_module = whole in MODULES
                yield Import(
                    whole if is_module else child.module, "" if is_module else name.name, function
                )
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _imports(module, child, child.name)
        else:
            yield from _imports(module, child, function)


def functions_of(module: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Every function and method of a module, by its qualified name."""
    yield from _functions(tree_of(module), "")


def _functions(
    node: ast.AST, prefix: str
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for child in ast.iter_child_nodes(node):
        name = prefix
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{prefix}.{child.name}".lstrip(".")
            if not isinstance(child, ast.ClassDef):
                yield name, child
        yield from _functions(child, name)


def defined_in(module: str) -> Iterator[str]:
    """The names that a module defines at its top: classes, functions, and what is assigned. Imports are not."""
    for node in _statements(tree_of(module).body):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                yield from (one.id for one in ast.walk(target) if isinstance(one, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try):
            yield from _statements([*node.body, *node.orelse])


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Each set of nodes that reach each other, sorted: the strongly connected components of more than one node."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in graph.get(node, ()):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            start = stack.index(node)
            component, stack[start:] = sorted(stack[start:]), []
            if len(component) > 1:
                found.append(component)

    for node in graph:
        if node not in index:
            visit(node)
    return sorted(found)
