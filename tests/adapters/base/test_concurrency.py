"""A limit on threads: who is refused at once, who waits for a slot, and for how long."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from threading import Event

import pytest

from albumcore_adapters.base.concurrency import ConcurrencyLimit, LimitReached

LONG = 60.0
"""A patience, in seconds, that no test waits for."""


def test_without_patience_a_caller_is_refused_at_once() -> None:
    """With the sentence and the time to wait; a slot that is given back is free again, after an error, too."""
    limit = ConcurrencyLimit(2, "busy", 7)
    with suppress(ZeroDivisionError), limit.slot(), limit.slot():
        with pytest.raises(LimitReached, match="busy") as refused, limit.slot():
            pass
        assert (refused.value.detail, refused.value.retry_after) == ("busy", 7)
        raise ZeroDivisionError
    with limit.slot(), limit.slot():
        pass


def test_a_holder_has_a_share() -> None:
    """Others have the rest; a slot that is given back counts no more."""
    limit = ConcurrencyLimit(2, "busy", 7, LONG, share=1)
    for _ in range(2):
        with limit.slot("one"):
            with pytest.raises(LimitReached, match="busy"), limit.slot("one"):
                pass
            with limit.slot("other"):
                pass


def test_with_patience_a_caller_waits_for_a_slot() -> None:
    """It gets the one that becomes free."""
    limit, waits = ConcurrencyLimit(1, "busy", 1, LONG), Event()

    def work() -> str:
        waits.set()
        with limit.slot():
            return "done"

    with ThreadPoolExecutor(1) as pool:
        with limit.slot():
            future = pool.submit(work)
            assert waits.wait(LONG)
            assert not future.done()
        assert future.result(LONG) == "done"


def test_the_patience_begins_when_the_last_slot_is_taken() -> None:
    """Once it was in vain, nobody waits again until a slot is given back."""
    limit = ConcurrencyLimit(1, "busy", 1, 0.05)
    with ExitStack() as first:
        first.enter_context(limit.slot())
        for _ in range(2):
            with pytest.raises(LimitReached), limit.slot():
                pass
        first.close()
        with limit.slot():
            pass
