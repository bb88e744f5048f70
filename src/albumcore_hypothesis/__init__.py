"""The entry point by which Hypothesis learns of albumcore's ids and events.

Hypothesis loads it in every project of an environment, and cannot be imported where that fails. So it is a package by
itself, whose name no folder of a project has, and imports nothing that may be missing or damaged.
"""

from __future__ import annotations

import sys


def register() -> None:
    """Have `albumcore`, if it is imported, register its strategies: Hypothesis calls this.

    Where it is not, nothing of it is imported, so that the entry point costs other projects no time; it registers them
    itself when it is imported after Hypothesis.
    """
    # A module of that name may be another one.
    getattr(sys.modules.get("albumcore"), "_register_types", lambda: None)()
