"""Writes ``docs/reference/routes.md`` from the code: ``python docs/routes.py``.

Everything on the page is read from the route tables, the feed table, the permissions, and from what the contract
tests say they cover. A test holds the page to what this module makes.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from albumcore.albums.album import PERMISSIONS, Holders
from albumcore.feed import FEED
from albumcore.kernel import stored_name
from albumcore_adapters.http import kheops, tscharts
from albumcore_adapters.http.route import Callers, Route

ROOT = Path(__file__).parents[1]
PAGE = Path(__file__).parent / "reference" / "routes.md"
CONTRACT = ROOT / "tests" / "contract"

HEAD = """\
# Routes

Every operation of both APIs, what it takes, and what it leads to in the history.
[HTTP](http.md) says how to ask and how answers look.
"""
WHO: Mapping[Callers, str] = {one: one.name.lower().replace("_", " ") for one in Callers}
"""What callers are called in a table."""

_LEGEND = "\n".join(f"- *{word}*: {one.value};" for one, word in WHO.items()).rstrip(";") + "."

KHEOPS = f"""\
## Kheops album API

*Who may ask*:

{_LEGEND}

*Takes* names the [permission](#permissions) in the album of the path.
After it come that in the album of the query, and what else must hold.
An album that is named must be there for the caller, or it is 404.
*Records* names the mutation as it shows in the feed, `a comment`, or the stored name of an event that does not show.
*Tests* are in `tests/contract/kheops`.
"""
PERMITTED = """\
## Permissions

An admin holds every permission in his album, whatever its flags.
A capability token that acts as a user holds what the user does.
A viewer token holds what the token does that it was made of, to read and to add series at most.
"""
TSCHARTS = """\
## TSCharts image API

With and without a slash at the end.
*Records* names the stored events; none of them shows in a feed.
*Tests* are in `tests/contract/tscharts`.
"""
FOOT = "This page is generated: `python docs/routes.py`.\n"


def page() -> str:
    """The whole page."""
    covered = covering()
    return "\n".join(
        [
            HEAD,
            KHEOPS,
            _table(
                ("Route", "Who may ask", "Takes", "Records", "Tests"),
                (
                    (
                        f"`{one.name}`",
                        WHO[one.callers],
                        takes(one),
                        records(one.records),
                        tests(covered.get(one.name, ())),
                    )
                    for one in kheops.ROUTES
                ),
            ),
            PERMITTED,
            _table(
                ("Permission", "Plain member", "Capability token of the album", "Report provider"),
                ((f"`{one.value}`", *_holders(holders)) for one, holders in PERMISSIONS.items()),
            ),
            TSCHARTS,
            _table(
                ("Route", "Takes", "Records", "Tests"),
                (
                    (
                        f"`{two.name}`",
                        two.needs or "an account's token",
                        records(two.records),
                        tests(covered.get(two.name, ())),
                    )
                    for two in tscharts.ROUTES
                ),
            ),
            FOOT,
        ]
    )


def takes(route: Route) -> str:
    """What a route of the Kheops API asks of the caller; nothing where its row does not say."""
    said = [
        f"`{route.permission.value}`" if route.permission else "",
        f"`{route.query_permission.value}` in `?album`" if route.query_permission else "",
        route.needs or "",
    ]
    if not any(said) and "{album}" in route.path:
        return "the album is there for the caller"
    return "; ".join(one for one in said if one)


def records(classes: Iterable[type[Any]]) -> str:
    """How some classes of events are called."""
    return ", ".join(map(_called, classes))


def _called(cls: type[Any]) -> str:
    line = FEED[cls]
    if line is None:
        return f"`{stored_name(cls).name}`"
    return "a comment" if line.mutation is None else f"`{line.mutation}`"


def tests(modules: Iterable[str]) -> str:
    """The names of some test modules, the shortest that tells them."""
    return ", ".join(f"`{one.removeprefix('test_')}`" for one in modules)


def covering() -> Mapping[str, list[str]]:
    """The contract modules that cover each route, by what they say of themselves."""
    found: dict[str, list[str]] = {}
    for module, routes in covers().items():
        for route in routes or ():
            found.setdefault(route, []).append(module.stem)
    return found


def covers() -> Mapping[Path, tuple[str, ...] | None]:
    """What each contract module says of itself in ``COVERS``; None where it says nothing."""
    return {path: _covers(path) for path in sorted(CONTRACT.glob("*/test_*.py"))}


def _covers(path: Path) -> tuple[str, ...] | None:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        match node:
            case ast.Assign(targets=[ast.Name(id="COVERS")], value=value):
                return tuple(ast.literal_eval(value))
            case ast.AnnAssign(target=ast.Name(id="COVERS"), value=ast.expr() as value):
                return tuple(ast.literal_eval(value))
    return None


def _holders(holders: Holders) -> tuple[str, str, str]:
    member = (
        f"with the flag `{holders.member}`"
        if isinstance(holders.member, str)
        else _yes(holders.member)
    )
    token = "no" if holders.token is None else " and ".join(sorted(holders.token, key=GRANTS.index))
    return member, token, _yes(holders.report_provider)


GRANTS = ("read", "write", "download", "appropriate")


def _yes(held: bool) -> str:
    return "yes" if held else "no"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
