"""The entry point by which Hypothesis learns of albumcore's ids and events.

Hypothesis loads it in every project of an environment, and cannot be imported where that fails. So it is a package by
itself, whose name no folder of a project has, and imports nothing that may be missing or damaged.
"""

from __future__ import annotations

import sys


def register() -> None:
    """Register the strategies of `albumcore.testing.types`, if albumcore is imported: Hypothesis calls this.

    Where it is not, nothing of it is imported, so that the entry point costs other projects no time; `albumcore`
    registers them when it is imported after Hypothesis.
    """
    if sys.modules.get("albumcore") is not None:
        import albumcore.testing.types  # noqa: F401 - importing it registers them
