"""Response cache, valid until the next commit to the database."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Any

from attrs import define, field

MAX_SIZE = 8 * 1024 * 1024
"""Memory for all entries of a cache, in bytes."""

_OVERHEAD = 500
"""Memory for an entry beside its key and its value, in bytes."""


@define
class ResponseCache:
    """Least-recently-used cache of complete responses, bounded in bytes.

    An entry is valid for one data version of the database, which changes with each commit. Read the version *before*
    the data: after a commit in between, the entry is then stale, never wrong. With None as the version, for an
    unknown one, nothing is cached or returned.

    Thread-safe. Each worker process has its own.
    """

    max_size: int = MAX_SIZE
    _version: object = field(default=None, init=False)
    _entries: OrderedDict[Hashable, tuple[Any, int]] = field(
        factory=OrderedDict,
        init=False,
        repr=False,  # keys hold tokens
    )
    _size: int = field(default=0, init=False)
    _lock: Lock = field(factory=Lock, init=False)

    def get(self, key: Hashable, version: object) -> Any:
        """The entry of a key at a data version, or None."""
        if version is None:
            return None
        with self._lock:
            if version != self._version:
                self._entries.clear()
                self._size = 0
                self._version = version
            if key not in self._entries:
                return None
            self._entries.move_to_end(key)
            return self._entries[key][0]

    def put(self, key: Hashable, version: object, value: Any, size: int = 0) -> None:
        """Cache a value of ``size`` bytes; the least recently used entries are evicted if the cache is full."""
        size += _OVERHEAD + 2 * len(repr(key))
        with self._lock:
            if (
                version is None
                or version != self._version
                or key in self._entries
                or size > self.max_size
            ):
                return
            self._entries[key] = value, size
            self._size += size
            while self._size > self.max_size:
                self._size -= self._entries.popitem(last=False)[1][1]
