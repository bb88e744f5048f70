"""The response cache: valid for one data version, and bounded."""

from __future__ import annotations

import tracemalloc

import orjson

from albumcore_adapters.http.response import json_bytes
from albumcore_adapters.http.response_cache import ResponseCache

HERE, THERE, OVER_THERE = "here", "there", "over there"


def test_an_entry_is_valid_for_its_key_and_version() -> None:
    """Another version clears the cache, and what was read at an older one is not cached."""
    cache = ResponseCache()
    assert cache.get("where", 1) is None
    cache.put("where", 1, HERE)
    assert (cache.get("where", 1), cache.get("how", 1)) == (HERE, None)
    assert cache.get("where", 2) is None
    cache.put("where", 1, HERE)
    assert cache.get("where", 2) is None
    assert cache.get("where", 1) is None


def test_without_a_version_nothing_is_cached() -> None:
    """The entries of a known version stay. Keys are not in the representation, for they hold tokens."""
    cache = ResponseCache()
    cache.put("where", None, HERE)
    assert cache.get("where", None) is None
    cache.get("where", 1)
    cache.put("where", 1, HERE)
    assert cache.get("where", None) is None
    assert cache.get("where", 1) == HERE
    assert "where" not in repr(cache)


def test_the_least_recently_used_entry_goes_first() -> None:
    """Once all together are too large; one that is too large by itself is never cached."""
    cache = ResponseCache(max_size=4000)
    cache.get("any", 1)
    for key, value in (("a", HERE), ("b", THERE), ("a", HERE)):
        cache.put(key, 1, value, size=1000)
    assert cache.get("a", 1) == HERE
    cache.put("c", 1, OVER_THERE, size=1000)
    assert [cache.get(key, 1) for key in "abc"] == [HERE, None, OVER_THERE]
    cache.put("d", 1, HERE, size=4000)
    cache.put("e" * 2000, 1, HERE)
    assert [cache.get(key, 1) for key in ("a", "c", "d", "e" * 2000)] == [
        *(HERE, OVER_THERE),
        *(None, None),
    ]


def test_a_body_takes_no_more_memory_than_it_is_long() -> None:
    """Though orjson gives it in a larger block."""
    tracemalloc.start()
    bodies = [json_bytes([number]) for number in range(500)]
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [orjson.loads(body) for body in bodies] == [[number] for number in range(500)]
    assert taken < 500 * 100
