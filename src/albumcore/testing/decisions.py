"""The public decisions, found in the rooms of the stored events."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from inspect import isfunction
from typing import Any

from albumcore.kernel import STORED, Decision


def decisions_on(state: type[Any]) -> Mapping[str, Decision]:
    """The public decisions on a state, by name.

    They are the functions in ``__all__`` of the modules of the stored events whose first parameter is the state.
    """
    found: dict[str, Decision] = {}
    for module in dict.fromkeys(cls.__module__ for cls in STORED.values()):
        room = sys.modules[module]
        for name in room.__all__:
            one = getattr(room, name)
            if isfunction(one) and next(iter(one.__annotations__.values())) == state.__name__:
                found[name] = one
    return found
