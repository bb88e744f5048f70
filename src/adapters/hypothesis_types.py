"""The entry point by which Hypothesis learns of albumcore's ids and events."""

from __future__ import annotations

import sys


def register() -> None:
    """Register the strategies of `albumcore.testing.types`, if albumcore is imported: Hypothesis calls this.

    Where it is not, nothing of it is imported, so that the entry point costs other projects no time; `albumcore`
    registers them when it is imported after Hypothesis.
    """
    if "albumcore" in sys.modules:
        import albumcore.testing.types  # noqa: F401 - importing it registers them
