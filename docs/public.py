"""Writes ``docs/reference/public.json``, the names that a release promises: ``python docs/public.py``.

It is run when a release is made. A test compares the file with the code: a name that is in the file and no longer in
the code fails it.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from itertools import chain
from pathlib import Path

from albumcore import Albumcore, errors
from albumcore.errors import AlbumcoreError
from albumcore_adapters.cli import base as command_line
from albumcore_adapters.cli.commands import load_commands
from sources import tree_of

REFERENCE = Path(__file__).parent / "reference"
FILE = REFERENCE / "public.json"

ADAPTERS = (
    "albumcore_adapters.base.settings:Settings",
    "albumcore_adapters.base.settings:SettingsError",
    "albumcore_adapters.http.app:create_app",
    "albumcore_adapters.http.wsgi:app",
    "albumcore_adapters.identity.issuing:issue",
    "albumcore_adapters.service:Service",
    "albumcore_adapters.service:open_service",
    "albumcore_adapters.webhooks:Runner",
)
"""What an application that embeds the service imports."""

FOLLOWING = ("AlbumFollower", "AlbumLogClient", "environment_of")
"""What followers of the event store library import from `albumcore.following`."""


def public() -> Mapping[str, list[str]]:
    """The public names of the code as it is, by where they are used."""
    found: Mapping[str, Iterator[str]] = {
        "library": chain(listed("albumcore"), methods()),
        "library.testing": listed("albumcore.testing"),
        "library.following": there("albumcore.following", FOLLOWING),
        "adapters": adapters(),
        "error codes": codes(),
        "stored events": in_table("events.md", r"^### (\w+\.\w+)$"),
        "routes": in_table("routes.md", r"^\| `([A-Z]+ /[^`]*)`"),
        "settings": in_table("settings.md", r"^\| `(ALBUMCORE_\w+)`"),
        "commands": commands(),
    }
    return {name: sorted(set(names)) for name, names in found.items()}


def listed(module: str) -> Iterator[str]:
    """The names in a module's ``__all__``."""
    yield from import_module(module).__all__


def methods() -> Iterator[str]:
    """The methods of an open store, but those by which the event store library works on it."""
    ours = [part for part in Albumcore.__mro__ if part.__module__.startswith("albumcore.")]
    theirs = {name for part in Albumcore.__mro__ if part not in ours for name in vars(part)}
    for part in ours:
        for name, one in vars(part).items():
            if inspect.isfunction(one) and not name.startswith("_") and name not in theirs:
                yield f"Albumcore.{name}"


def there(module: str, names: tuple[str, ...]) -> Iterator[str]:
    """Those of some names that a module has."""
    return (name for name in names if hasattr(import_module(module), name))


def adapters() -> Iterator[str]:
    """Those of the adapters' names that are there. The module of the WSGI application opens a store when imported."""
    for one in ADAPTERS:
        module, _, name = one.partition(":")
        source = ast.unparse(tree_of(module))
        if re.search(
            rf"^(class {name}\b|def {name}\b|{name} = |from .*\b{name}\b)", source, re.MULTILINE
        ):
            yield one


def codes() -> Iterator[str]:
    """The code of every error of the domain."""
    for one in vars(errors).values():
        if isinstance(one, type) and issubclass(one, AlbumcoreError):
            yield one.code


def in_table(page: str, pattern: str) -> Iterator[str]:
    """What a generated page of the reference has in each place of a pattern."""
    yield from re.findall(pattern, (REFERENCE / page).read_text(encoding="utf-8"), re.MULTILINE)


def commands() -> Iterator[str]:
    """Every command with each of its options and arguments."""
    load_commands()
    for name in command_line.app:
        if not name.startswith("-"):
            yield f"albumcore {name}"
            for argument in command_line.app[name].assemble_argument_collection():
                yield from (f"albumcore {name} {option}" for option in argument.names)


if __name__ == "__main__":
    FILE.write_text(json.dumps(public(), indent=1) + "\n", encoding="utf-8")
