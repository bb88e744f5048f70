"""The rings: which room may import which, and no circle anywhere."""

from __future__ import annotations

import sys

import pytest

from arch.rings import COMMON, KNOWN_BY, LAYERS, LAZY_CIRCLES, ROOMS, TAKES_THE_WHOLE, WHOLE
from sources import MODULES, PACKAGES, circles, imports_of

OURS = [name for name in MODULES if name.partition(".")[0] != "albumcore_hypothesis"]
each_module = pytest.mark.parametrize("module", OURS)


def room_of(module: str) -> str:
    """The part of albumcore or the room of the adapters that a module is in; empty for the package itself."""
    _, _, rest = module.partition(".")
    return rest.partition(".")[0]


def imported_by(module: str) -> set[str]:
    """The modules of ours that a module imports, without those whose circle is stated."""
    found = {one.module for one in imports_of(module) if one.module in MODULES}
    return {one for one in found if one != module and (module, one) not in LAZY_CIRCLES}


def executed_with(module: str, imported: str) -> set[str]:
    """An imported module, and the packages that are executed before it: those around it that are not around both."""
    parts = imported.split(".")
    packages = {".".join(parts[:length]) for length in range(1, len(parts) + 1)}
    return {one for one in packages if not f"{module}.".startswith(f"{one}.")}


def test_every_part_and_every_room_has_its_ring() -> None:
    """A new one is placed before it is used."""
    for package, rings in (("albumcore", LAYERS), ("albumcore_adapters", ROOMS)):
        placed = [name for ring in rings for name in ring]
        there = {room_of(name) for name in MODULES if name.partition(".")[0] == package}
        assert sorted(placed) == sorted(there - {""})


@each_module
def test_a_module_imports_its_own_ring_and_those_below(module: str) -> None:
    """One way: never from a ring above, and the core never from an adapter."""
    package, room = module.partition(".")[0], room_of(module)
    rings = LAYERS if package == "albumcore" else ROOMS
    heights = {name: height for height, ring in enumerate(rings) for name in ring}
    for one in imported_by(module):
        if package == "albumcore":
            assert one.partition(".")[0] == "albumcore", f"{module} imports {one}"
        if not room or one.partition(".")[0] != package:
            continue
        other = room_of(one)
        if not other:
            assert room == "testing", f"{module} imports {one}"
        else:
            assert heights[other] <= heights[room], f"{module} imports {one}"


def test_no_module_is_in_a_circle() -> None:
    """Imports inside functions and for types count: what knows each other is one thing in two files."""
    assert circles({module: imported_by(module) for module in MODULES}) == []


def test_each_module_may_be_imported_first() -> None:
    """No package imports, when it is executed, what imports a module of it from elsewhere."""
    graph = {
        module: {one for imported in imported_by(module) for one in executed_with(module, imported)}
        for module in MODULES
    }
    assert circles(graph) == []


@pytest.mark.parametrize("package", ["albumcore", "albumcore_adapters"])
def test_no_room_is_in_a_circle(package: str) -> None:
    """Also where no two of their modules are: a room can be read before those that use it."""
    graph: dict[str, set[str]] = {}
    for module in MODULES:
        if module.startswith(f"{package}.") and (room := room_of(module)):
            others = {room_of(one) for one in imported_by(module) if one.startswith(f"{package}.")}
            graph.setdefault(room, set()).update(others - {room})
    assert circles(graph) == []


@each_module
def test_what_is_private_is_imported_in_its_own_package_alone(module: str) -> None:
    """Modules and names with a leading underscore."""
    for one in imports_of(module):
        if one.module not in MODULES:
            continue
        parts = one.module.split(".")
        hidden = next((n for n, part in enumerate(parts) if _is_private(part)), None)
        if hidden is not None:
            owner = ".".join(parts[:hidden])
            assert f"{module}.".startswith(f"{owner}."), f"{module} imports {one.module}"
        if _is_private(one.name):
            owner = (
                one.module if MODULES[one.module].name == "__init__.py" else ".".join(parts[:-1])
            )
            assert f"{module}.".startswith(f"{owner}."), f"{module} imports {one.name}"


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


@each_module
def test_a_package_is_known_by_its_room_alone(module: str) -> None:
    """The core knows none of them; a framework's next release concerns one room."""
    room = "" if module.startswith("albumcore.") else room_of(module)
    for one in imports_of(module):
        package = one.module.partition(".")[0]
        if package in KNOWN_BY:
            assert room in KNOWN_BY[package], f"{module} imports {package}"


def test_every_package_that_is_imported_is_known_or_common() -> None:
    """A new dependency says which rooms it is for."""
    packages = {one.module.partition(".")[0] for module in MODULES for one in imports_of(module)}
    others = packages - set(PACKAGES) - COMMON - set(sys.stdlib_module_names)
    assert others == set(KNOWN_BY) - set(sys.stdlib_module_names)


def test_the_whole_service_is_for_the_edges_alone() -> None:
    """Everything else is handed what it uses."""
    knowing = {
        module.removeprefix("albumcore_adapters.")
        for module in MODULES
        if any((one.module, one.name) == WHOLE for one in imports_of(module))
        and room_of(module) not in ("server", "cli")
    }
    assert knowing <= TAKES_THE_WHOLE
