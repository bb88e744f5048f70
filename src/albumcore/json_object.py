"""JSON objects: their type, and how one is written without the values that are unknown."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
"""A JSON object."""


def present(**values: Any) -> Json:
    """A JSON object without the values that are None."""
    return {name: value for name, value in values.items() if value is not None}
