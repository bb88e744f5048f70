"""Requests that follow an album."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Any

from support.kheops import ALBUM, BOB, Answer, World

EVENTS = f"/albums/{ALBUM}/events"
CURSOR = "x-next-cursor"


def comments(answer: Answer) -> list[str]:
    """The comments of an answer, in its order."""
    assert answer.status_code == 200, answer.text
    return [one["comment"] for one in answer.json if one["event_type"] == "Comment"]


def after(world: World, by: str, cursor: str, **query: Any) -> Answer:
    """The answer to a request for what came after a cursor."""
    return world.request(by, "GET", EVENTS, query={"after": cursor, **query})


def now(world: World, by: str = BOB, **query: Any) -> str:
    """The cursor of the plain list."""
    return world.request(by, "GET", EVENTS, query=query).headers[CURSOR]


SOON = 20.0
"""Seconds in which what is waited for must come, however slow the machine is."""


@contextmanager
def waiting(
    world: World, by: str, cursor: str, wait: int = 60, **query: Any
) -> Iterator[Future[Answer]]:
    """A request that waits, in a thread."""
    number = waiting_requests(world)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(after, world, by, cursor, wait=str(wait), **query)
        until = monotonic() + SOON
        while waiting_requests(world) == number and not asked.done():
            assert monotonic() < until
            sleep(0.005)
        yield asked


def waiting_requests(world: World) -> int:
    """How many requests wait for events of the album."""
    waits = world.service.log_watch._waiting
    return len(waits.get(f"album-{ALBUM}", ()))
