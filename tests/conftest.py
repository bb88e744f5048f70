"""How hard Hypothesis tries, and what keeps the time of all tests short: the one place where that is said.

``HYPOTHESIS_PROFILE`` names a profile; without it, ``ci`` is taken where ``CI`` is set, and ``dev`` elsewhere.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Generator, Iterator

import pytest
from coverage import Coverage
from hypothesis import settings

from support.postgres import programs
from support.shared_decoders import shared_decoders

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

UNMEASURED = (
    *("tests/property/", "tests/service/", "tests/documents/"),
    *("tests/contract/kheops/test_matrix.py", "tests/adapters/test_openapi.py"),
    *("tests/adapters/blobs/test_service.py", "tests/adapters/access/test_image_histories.py"),
    *(f"tests/store/test_{name}.py" for name in ("contention", "index_fingerprint", "pooler")),
    *("tests/test_examples.py", "tests/test_how_to.py"),
)
"""Tests that run without a measure of coverage, which would take many of them twice as long.

Tests of single rules reach every line that these reach. Lines that only drawn examples reach would also be covered in
one run and not in another.
"""

LONG = (
    *("tests/service/", "tests/property/", "tests/documents/", "tests/adapters/transfer/"),
    *("tests/test_how_to.py", "tests/test_examples.py", "tests/contract/kheops/test_matrix.py"),
)
"""Tests that take longest. They come first, so that no process is left with one of them at the end."""

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
    """Have what is `LONG` first."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Measure no coverage of what is `UNMEASURED`, its fixtures included."""
    measured = Coverage.current()
    if measured is None or not item.nodeid.startswith(UNMEASURED):
        return (yield)
    measured.stop()
    try:
        return (yield)
    finally:
        measured.start()


@pytest.fixture(scope="session", autouse=True)
def _decoders() -> Iterator[None]:
    with shared_decoders():
        yield


def pytest_report_header() -> str:
    """Which PostgreSQL server the tests will start, when one of them asks for it."""
    try:
        return f"PostgreSQL: {programs()}"
    except RuntimeError as error:
        return f"PostgreSQL: none; {error}"
