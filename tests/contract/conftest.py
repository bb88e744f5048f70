"""Every contract module answers for what it says of itself: the routes in its ``COVERS``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from albumcore_adapters.http import tscharts
from albumcore_adapters.http.kheops.all_routes import ROUTES as KHEOPS_ROUTES
from support.watched import WATCHED

RECORDS = {route.name: set(route.records) for route in (*KHEOPS_ROUTES, *tscharts.ROUTES)}
"""The classes of events that each route may lead to, by its row."""

_LEFT_OUT = pytest.StashKey[set[str]]()


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Remember which modules do not run whole."""
    for item in items:
        item.config.stash.setdefault(_LEFT_OUT, set()).add(item.nodeid.partition("::")[0])


@pytest.fixture(scope="module", autouse=True)
def covers(request: pytest.FixtureRequest) -> Iterator[None]:
    """See to it that a module that ran whole had a good answer from every route in its ``COVERS``.

    And that no route recorded what its row does not tell.
    """
    WATCHED.clear()
    yield
    surplus = {route: told - RECORDS.get(route, set()) for route, told in WATCHED.recorded.items()}
    surplus = {route: classes for route, classes in surplus.items() if classes}
    assert not surplus, f"recorded, and not in the row of the route: {surplus}"
    if not _ran_whole(request):
        return
    missing = set(request.module.COVERS) - WATCHED.answered
    assert not missing, f"in COVERS, but never answered below 400: {sorted(missing)}"


def _ran_whole(request: pytest.FixtureRequest) -> bool:
    config, module = request.config, str(request.node.nodeid)
    return not (
        request.session.testsfailed
        or module in config.stash.get(_LEFT_OUT, set())
        or any("::" in argument for argument in config.args)
    )
