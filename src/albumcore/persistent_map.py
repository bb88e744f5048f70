"""Persistent maps: immutable mappings with structural sharing, so that a changed copy of a large one is cheap.

The order of keys differs between processes; sort them where they are shown or recorded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from albumcore.kernel import dissoc

K = TypeVar("K")
V = TypeVar("V")

FEW = 256
"""Up to this many keys, a plain dict is copied."""
_SHARDS = 256


class _Large(Mapping[K, V]):
    """A mapping in shards, by the hash of the key. A copy shares all shards but the changed one."""

    __slots__ = ("_number", "_shards")

    def __init__(self, shards: list[dict[K, V]], number: int) -> None:
        self._shards = shards
        self._number = number

    def __getitem__(self, key: K) -> V:
        return self._shards[hash(key) % _SHARDS][key]

    def __iter__(self) -> Iterator[K]:
        for shard in self._shards:
            yield from shard

    def __len__(self) -> int:
        return self._number

    def __repr__(self) -> str:
        return repr(dict(self))

    def replaced(self, key: K, shard: dict[K, V]) -> _Large[K, V]:
        """A copy in which the shard of a key is replaced."""
        place = hash(key) % _SHARDS
        shards = self._shards.copy()
        number = self._number - len(shards[place]) + len(shard)
        shards[place] = shard
        return _Large(shards, number)

    def shard_of(self, key: K) -> dict[K, V]:
        """The shard of a key."""
        return self._shards[hash(key) % _SHARDS]


def _large(mapping: Mapping[K, V]) -> _Large[K, V]:
    shards: list[dict[Any, Any]] = [{} for _ in range(_SHARDS)]
    for key, value in mapping.items():
        shards[hash(key) % _SHARDS][key] = value
    return _Large(shards, len(mapping))


def added(mapping: Mapping[K, V], key: K, value: V) -> Mapping[K, V]:
    """A copy of ``mapping`` with ``key``."""
    if type(mapping) is not _Large:
        if len(mapping) < FEW:
            return {**mapping, key: value}
        mapping = _large(mapping)
    return mapping.replaced(key, {**mapping.shard_of(key), key: value})


def removed(mapping: Mapping[K, V], key: K) -> Mapping[K, V]:
    """A copy of ``mapping`` without ``key``."""
    if type(mapping) is _Large:
        return mapping.replaced(key, dissoc(mapping.shard_of(key), key))
    return dissoc(mapping, key)
