"""Requests that take turns."""

from __future__ import annotations

import threading
import time

import pytest

from adapters.http import turns
from adapters.http.turns import Turn


def test_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many threads there are; also after one of them failed."""
    monkeypatch.setattr(turns, "PATIENCE", 60)
    of_all, inside, most = threading.Lock(), [0], [0]

    def ask(fails: bool) -> None:
        try:
            with Turn(of_all):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                time.sleep(0.001)
                inside[0] -= 1
                if fails:
                    raise ValueError
        except ValueError:
            pass

    threads = [threading.Thread(target=ask, args=(number % 2 == 0,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, inside) == ([1], [0])


def test_a_turn_that_does_not_come() -> None:
    """Whoever waits in vain goes on, and gives back nothing that is not his."""
    of_all = threading.Lock()
    with Turn(of_all), Turn(of_all):
        pass
    assert not of_all.locked()
    with of_all:
        with Turn(of_all):
            pass
        assert of_all.locked()
