"""Stored events as tuples with the attributes of the event library's class, which is slow to construct and to hash."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple


class _Stored(NamedTuple):
    """A stored event."""

    originator_id: str
    originator_version: int
    topic: str
    state: bytes


class _Keyed(NamedTuple):
    """The same in a sealed store."""

    originator_id: str
    originator_version: int
    topic: str
    state: bytes
    key: bytes | None


stored_tuple: Callable[[tuple[Any, ...]], Any] = partial(tuple.__new__, _Stored)
"""A stored event of its columns: stream, version, stored name, state."""

keyed_tuple: Callable[[tuple[Any, ...]], Any] = partial(tuple.__new__, _Keyed)
"""The same with its key, which is None where it has no sealed part or where the key was erased."""
