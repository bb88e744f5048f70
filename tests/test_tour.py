"""The guided tour is true: its pictures are those of the source, and its walks those of three requests."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping

import pytest

from sources import ROOT
from tour import PAGE, page

LIMITS: Mapping[str, tuple[int, int, int]] = {
    "POST a comment": (149, 52, 2),
    "GET the events": (185, 61, 1),
    "GET a frame": (173, 57, 1),
}
"""How many functions, files and transactions each request may take at most. The aim for a comment is 90, 25 and 2."""

WALKS = {
    "POST a comment": "A comment is posted",
    "GET the events": "The feed is read",
    "GET a frame": "A frame is shown",
}
"""The titles under which the page walks through each request."""


@pytest.fixture(scope="module")
def hops() -> str:
    """What ``python -m benchmarks.hops --list`` prints."""
    command = [sys.executable, "-m", "benchmarks.hops", "--list"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_the_pictures_are_what_the_source_says() -> None:
    """If this fails: ``python docs/tour.py``."""
    text = PAGE.read_text(encoding="utf-8")
    assert page(text) == text


@pytest.mark.parametrize("name", WALKS)
def test_each_hop_of_a_walk_is_called_in_its_order(name: str, hops: str) -> None:
    """By the request that the walk is about; what was cached before is not read again."""
    section = (
        PAGE.read_text(encoding="utf-8").partition(f"## {WALKS[name]}")[2].partition("\n## ")[0]
    )
    told = re.findall(r"^\d+\. `(\S+\.py:\S+)`", section, re.MULTILINE)
    called = re.findall(
        r"^ +\d+ (\S+)$", hops.partition(name)[2].partition("\n\n")[0], re.MULTILINE
    )
    assert len(told) > 10
    assert [hop for hop in told if hop not in called] == []
    assert [hop for hop in called if hop in told] == told


@pytest.mark.parametrize("name", LIMITS)
def test_a_request_takes_no_more_than_it_did(name: str, hops: str) -> None:
    """A hop more is a hop that every reader of the code makes; a limit is lowered when a change allows it."""
    found = re.search(
        rf"^{name}: (\d+) functions in (\d+) files, \d+ calls, (\d+) tr", hops, re.MULTILINE
    )
    assert found
    assert all(int(took) <= limit for took, limit in zip(found.groups(), LIMITS[name], strict=True))
