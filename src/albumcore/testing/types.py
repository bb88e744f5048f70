"""Strategies by type: with them ``st.from_type`` and ``st.builds`` know ids, values and events.

Importing this module registers them. Hypothesis does that through its entry point.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from albumcore.kernel import STORED
from albumcore.testing.events import events
from albumcore.testing.values import BY_TYPE


def _strategy(type_: Any) -> st.SearchStrategy[Any]:
    return BY_TYPE[type_]() if type_ in BY_TYPE else events(type_)


for _type in (*BY_TYPE, *STORED.values()):
    st.register_type_strategy(_type, _strategy)
