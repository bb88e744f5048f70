"""What the measure of coverage rests on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_IMPORTED = """
import sys
import conftest
print(*(one for one in sys.modules if one.partition(".")[0] in ("albumcore", "albumcore_adapters")))
"""


def test_nothing_that_is_measured_is_imported_before_the_measure_begins() -> None:
    """In a process of pytest-xdist it begins after `conftest`, and decides on a file by what runs of it first.

    That is its module, where it is imported then. Otherwise it may be a function that Hypothesis puts around one of the
    file's, as around each rule of a state machine: it has the name of the file, and of a module of Hypothesis. The file
    is then taken for one of Hypothesis, and nothing of it is measured in that process.
    """
    ran = subprocess.run(
        [sys.executable, "-c", _IMPORTED],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.split() == []
