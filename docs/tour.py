"""Writes the pictures of ``docs/explanation/design.md`` from the source: ``python docs/tour.py``.

The rings are made from the imports, the tree from the docstrings of the packages. A test holds the page to what this
module makes.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from sources import MODULES, PACKAGES, circles, imports_of, tree_of

PAGE = Path(__file__).parent / "explanation" / "design.md"
NOT_DRAWN = {"__main__"}
"""Modules that only start what is drawn."""


def page(text: str) -> str:
    """The page with its pictures made anew, each between a comment with its name and one that ends it."""
    pictures = {
        "rings": rings("albumcore_adapters", below=["albumcore"]),
        "layers": rings("albumcore", above=["testing"]),
        "tree": tree(),
    }
    for name, picture in pictures.items():
        between = re.compile(rf"(?<=<!-- {name} -->\n).*?(?=<!-- end of {name} -->)", re.DOTALL)
        assert len(between.findall(text)) == 1, name
        text = between.sub(f"\n{picture}\n".replace("\\", r"\\"), text)
    return text


def rings(package: str, below: Iterable[str] = (), above: Iterable[str] = ()) -> str:
    """The rooms of a package as lines of text, the highest first: a room imports those below it, as far as named."""
    graph = rooms(package)
    lines: list[list[str]] = [[] for _ in range(1 + max(heights(graph).values()))]
    for room, height in sorted(heights(graph).items()):
        lines[height].append(room)
    drawn = [*([name] for name in below), *lines]
    picture = "".join(f"{'   '.join(line)}\n" for line in reversed(drawn))
    return f"```text\n{picture}```\n"


def rooms(package: str) -> Mapping[str, set[str]]:
    """The rooms of a package, each with those of the same package that it imports."""
    graph: dict[str, set[str]] = {}
    for module in MODULES:
        if not module.startswith(f"{package}.") or (room := module.split(".")[1]) in NOT_DRAWN:
            continue
        imported = [one.module for one in imports_of(module) if one.module in MODULES]
        others = {one.split(".")[1] for one in imported if one.startswith(f"{package}.")}
        graph.setdefault(room, set()).update(others - {room})
    return graph


def heights(graph: Mapping[str, set[str]]) -> Mapping[str, int]:
    """How many rooms are below each, one after the other; those of a circle have one height."""
    together = {room: frozenset(circle) for circle in circles(graph) for room in circle}
    found: dict[str, int] = {}

    def height(room: str) -> int:
        if room not in found:
            same = together.get(room, frozenset({room}))
            below = {other for one in same for other in graph.get(one, ())} - same
            found.update(dict.fromkeys(same, 1 + max(map(height, below), default=-1)))
        return found[room]

    for room in graph:
        height(room)
    return found


def tree() -> str:
    """Every package, and every module beside one at the top, with the first sentence of its docstring."""
    lines = ["| package or module | what is in it |", "| --- | --- |"]
    for module, path in sorted(MODULES.items()):
        is_package = path.name == "__init__.py"
        if is_package or module.count(".") == 1:
            place = (path.parent if is_package else path).relative_to(PACKAGES["albumcore"].parent)
            lines.append(f"| [`{module}`](../../src/{place}) | {first_sentence(module)} |")
    return "\n".join(lines) + "\n"


def first_sentence(module: str) -> str:
    """The first sentence of a module's docstring."""
    text = " ".join((ast.get_docstring(tree_of(module)) or "").split("\n\n")[0].split())
    return re.split(r"(?<=\.) (?=[A-Z])", text)[0].replace("``", "`")


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
