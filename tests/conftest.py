"""How hard Hypothesis tries, and what keeps the time of all tests short: the one place where that is said.

``HYPOTHESIS_PROFILE`` names a profile; without it, ``ci`` is taken where ``CI`` is set, and ``dev`` elsewhere.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Generator, Iterator

import pytest
from hypothesis import settings

from support.postgres import programs

# dev: new examples in every run, and few enough to wait for.
settings.register_profile("dev", max_examples=25, stateful_step_count=40, deadline=None)

# ci: the same examples in every run, so that a change fails for what it changed and nothing else;
# print_blob lets a failure be run again elsewhere.
settings.register_profile(
    "ci",
    max_examples=50,
    stateful_step_count=50,
    deadline=None,  # the machines it runs on are shared
    derandomize=True,
    print_blob=True,
)

# deep: twenty times as many examples as by default, fresh in every run; a test that is cheap may ask for more.
settings.register_profile(
    "deep", max_examples=500, stateful_step_count=60, deadline=None, print_blob=True
)

# brief: where a test runs tests of properties, to see that they pass, as `tests/test_how_to.py` does.
settings.register_profile(
    "brief", max_examples=5, stateful_step_count=20, deadline=None, derandomize=True
)

FIRST = ("tests/test_how_to.py", "tests/adapters/transfer/", "tests/contract/kheops/test_matrix.py")
"""Of each session, the tests that take longest: no process is left with one of them at the end."""

settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Have no search for garbage go through what is collected, which are 800,000 objects that live to the end.

    To go through them over and over took half of the time of most tests.
    """
    gc.disable()
    collected = yield
    gc.collect()
    gc.freeze()
    gc.enable()
    return collected


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have what takes longest `FIRST`."""
    items.sort(key=lambda item: not item.nodeid.startswith(FIRST))


@pytest.fixture(scope="session", autouse=True)
def _decoders() -> Iterator[None]:
    # Not before what is measured: the library is first imported as tests are collected; see tests/test_measured.py.
    from support.shared_decoders import shared_decoders

    with shared_decoders():
        yield


def pytest_report_header() -> str:
    """Which PostgreSQL server the tests will start, when one of them asks for it."""
    try:
        return f"PostgreSQL: {programs()}"
    except RuntimeError as error:
        return f"PostgreSQL: none; {error}"
