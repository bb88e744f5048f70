"""What was found is kept as long as nothing is written: the same question has the same answer, without asking again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from threading import Lock
from typing import Any

from attrs import define, field, frozen

MOST = 8 * 1024 * 1024
"""What is kept in all, in bytes."""

_BESIDE = 500
"""What keeping anything takes beside its question and what was said of its size, in bytes."""


def in_its_own_block(body: bytes) -> bytes:
    """The same bytes, in memory of their length: orjson leaves them in what it wrote to, which is 8 kB and more."""
    return bytes(memoryview(body))


@frozen
class Answer:
    """An answer as it was given."""

    status: int | str
    headers: Mapping[str, str]
    body: bytes


@define
class ResponseCache:
    """What was found since the database was last written to.

    It goes by a mark, which is equal to itself for as long as nobody commits anything. Take it before you look:
    what is written meanwhile makes what you find a thing of the past, and nobody is given it.
    """

    most: int = MOST
    _mark: object = field(default=None, init=False)
    _found: OrderedDict[Hashable, tuple[Any, int]] = field(
        factory=OrderedDict,
        init=False,
        repr=False,  # tokens are among the questions
    )
    _size: int = field(default=0, init=False)
    _lock: Lock = field(factory=Lock, init=False)

    def get(self, question: Hashable, mark: object) -> Any:
        """What was found, if it is what would be found now; else None. A mark of None is equal to nothing."""
        if mark is None:
            return None
        with self._lock:
            if mark != self._mark:
                self._found.clear()
                self._size = 0
                self._mark = mark
            if question not in self._found:
                return None
            self._found.move_to_end(question)
            return self._found[question][0]

    def put(self, question: Hashable, mark: object, found: Any, size: int = 0) -> None:
        """Keep what was found, of some bytes, in the place of what was not asked for the longest."""
        size += _BESIDE + 2 * len(repr(question))
        with self._lock:
            if mark is None or mark != self._mark or question in self._found or size > self.most:
                return
            self._found[question] = found, size
            self._size += size
            while self._size > self.most:
                self._size -= self._found.popitem(last=False)[1][1]
