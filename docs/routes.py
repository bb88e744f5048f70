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
from albumcore_adapters.http import tscharts
from albumcore_adapters.http.kheops.all_routes import ROUTES as KHEOPS_ROUTES
from albumcore_adapters.http.route import Callers, Route

ROOT = Path(__file__).parents[1]
PAGE = Path(__file__).parent / "reference" / "routes.md"
CONTRACT = ROOT / "tests" / "contract"

HEAD = """\
# Routes

Every operation of both APIs, the permissions it needs, and the events it records.
[HTTP](http.md) describes requests and responses.
"""
WHO: Mapping[Callers, str] = {
    one: "public" if one is Callers.ANYBODY else one.name.lower().replace("_", " ")
    for one in Callers
    if one is not Callers.ACCOUNT
}
"""The words for callers in a table."""

_LEGEND = "\n".join(f"- *{word}*: {one.value};" for one, word in WHO.items()).rstrip(";") + "."

KHEOPS = f"""\
## Kheops album API

*Callers*:

{_LEGEND}

*Needs* names the [permission](#permissions) in the album of the path, then the one in the album of the query.
Further requirements follow.
An album in path or query must exist for the caller; otherwise the response is 404.
*Records* names the mutation as the feed shows it, `a comment`, or the stored name of an event that is not in the feed.
Any operation may also record `user.person_registered`, if the JWT is the first of its user.
*Tests* are in `tests/contract/kheops`.
"""
PERMITTED = """\
## Permissions

Admins hold every permission in their album, whatever its flags.
A capability token that acts as a user holds the permissions of the user.
A viewer token holds those permissions of the token it was made from that read and add series.
"""
TSCHARTS = """\
## TSCharts image API

With and without a slash at the end.
*Records* names the stored events; none of them is in a feed.
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
                ("Route", "Callers", "Needs", "Records", "Tests"),
                (
                    (
                        f"`{one.name}`",
                        WHO[one.callers],
                        takes(one),
                        records(one.records),
                        tests(covered.get(one.name, ())),
                    )
                    for one in KHEOPS_ROUTES
                ),
            ),
            PERMITTED,
            _table(
                ("Permission", "Plain member", "Capability token of the album", "Report provider"),
                ((f"`{one.value}`", *_holders(holders)) for one, holders in PERMISSIONS.items()),
            ),
            TSCHARTS,
            _table(
                ("Route", "Needs", "Records", "Tests"),
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
    """The requirements of a route of the Kheops API; empty if its row has none."""
    said = [
        f"`{route.permission.value}`" if route.permission else "",
        f"`{route.query_permission.value}` in `?album`" if route.query_permission else "",
        route.needs or "",
    ]
    if not any(said) and "{album}" in route.path:
        return "the album exists for the caller"
    return "; ".join(one for one in said if one)


def records(classes: Iterable[type[Any]]) -> str:
    """The names of some classes of events."""
    return ", ".join(map(_called, classes))


def _called(cls: type[Any]) -> str:
    line = FEED[cls]
    if line is None:
        return f"`{stored_name(cls).name}`"
    return "a comment" if line.mutation is None else f"`{line.mutation}`"


def tests(modules: Iterable[str]) -> str:
    """The names of some test modules, without their prefix."""
    return ", ".join(f"`{one.removeprefix('test_')}`" for one in modules)


def covering() -> Mapping[str, list[str]]:
    """The contract modules that cover each route, by their ``COVERS``."""
    found: dict[str, list[str]] = {}
    for module, routes in covers().items():
        for route in routes or ():
            found.setdefault(route, []).append(module.stem)
    return found


def covers() -> Mapping[Path, tuple[str, ...] | None]:
    """``COVERS`` of each contract module; None without one."""
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
