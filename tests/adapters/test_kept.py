"""Answers kept as long as nothing is written."""

from __future__ import annotations

import tracemalloc

import orjson

from albumcore_adapters.http.response_cache import ResponseCache, in_its_own_block

HERE, THERE, OVER_THERE = "here", "there", "over there"


def test_an_answer_is_kept_for_its_question_and_mark() -> None:
    """Another mark makes everything forgotten, and what was put together meanwhile is not kept."""
    kept = ResponseCache()
    assert kept.get("where", 1) is None
    kept.put("where", 1, HERE)
    assert (kept.get("where", 1), kept.get("how", 1)) == (HERE, None)
    assert kept.get("where", 2) is None
    kept.put("where", 1, HERE)
    assert kept.get("where", 2) is None
    assert kept.get("where", 1) is None


def test_without_a_mark_nothing_is_kept() -> None:
    """Nobody knows whether anything was written; what others keep stays, and is not for logs."""
    kept = ResponseCache()
    kept.put("where", None, HERE)
    assert kept.get("where", None) is None
    kept.get("where", 1)
    kept.put("where", 1, HERE)
    assert kept.get("where", None) is None
    assert kept.get("where", 1) == HERE
    assert "where" not in repr(kept)


def test_what_was_not_asked_for_the_longest_goes_first() -> None:
    """Once it is too much in all; what is too much alone is never kept."""
    kept = ResponseCache(most=4000)
    kept.get("any", 1)
    for question, answer in (("a", HERE), ("b", THERE), ("a", HERE)):
        kept.put(question, 1, answer, size=1000)
    assert kept.get("a", 1) == HERE
    kept.put("c", 1, OVER_THERE, size=1000)
    assert [kept.get(question, 1) for question in "abc"] == [HERE, None, OVER_THERE]
    kept.put("d", 1, HERE, size=4000)
    kept.put("e" * 2000, 1, HERE)
    assert [kept.get(question, 1) for question in ("a", "c", "d", "e" * 2000)] == [
        *(HERE, OVER_THERE),
        *(None, None),
    ]


def test_a_body_takes_no_more_memory_than_it_is_long() -> None:
    """Though orjson gives it in a larger block."""
    tracemalloc.start()
    bodies = [in_its_own_block(orjson.dumps([number])) for number in range(500)]
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [orjson.loads(body) for body in bodies] == [[number] for number in range(500)]
    assert taken < 500 * 100
