"""The query parameters ``at`` and ``version``, which neither API knows: a moment of the past."""

from __future__ import annotations

from albumcore_adapters.http.openapi.specs import Parameters, ParameterSpec, at_most_one, group
from albumcore_adapters.http.openapi.value_schemas import PAST_TIME, POSITIVE


def then_of(history: str) -> Parameters:
    """The moment of a history to show, as query parameters; without them, the present is shown."""
    fields = {
        "at": ParameterSpec(
            PAST_TIME, "As of this time, or of the end of this second if it has no fraction."
        ),
        "version": ParameterSpec(POSITIVE, f"As of the event of this version of {history}."),
    }
    return {"moment": group(fields, at_most_one("at", "version"))}
