"""Measuring over HTTP: requests a second of two servers side by side, and latency by size."""

from __future__ import annotations

import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from attrs import evolve, frozen

from benchmarks.bench import Bench
from benchmarks.figures import Taken, by_cpu
from benchmarks.history import ALBUM
from benchmarks.load import UNIQUE, ApiRequest, load
from benchmarks.service import Answering, Server, serving

COMMENTS_PER_SECOND = 50
"""How much is written while pages are asked for."""


def answer(server: Answering, ask: ApiRequest) -> tuple[bytes, dict[str, str]]:
    """What a server answers to one request, with its headers by their names in lower case."""
    request = urllib.request.Request(
        f"{server.address}{ask.path}",
        data=ask.body or None,
        headers=dict(ask.headers),
        method=ask.method,
    )
    with urllib.request.urlopen(request, timeout=60) as given:
        return given.read(), {name.lower(): value for name, value in given.headers.items()}


def anew(ask: ApiRequest) -> ApiRequest:
    """The same request with a parameter that means nothing, another each time: no answer that was kept fits it."""
    return evolve(ask, path=f"{ask.path}&again={UNIQUE}")


@frozen
class Rate:
    """Puts a server under load, and tells its requests a second; what they cost it is kept beside."""

    server: Answering
    asks: Sequence[ApiRequest]
    seconds: int
    costs: list[float]
    connections: int = 16

    def __call__(self) -> float:
        """Requests a second of all workers together."""
        before = self.server.cpu_seconds()
        seen = load(
            self.server.address, self.asks, seconds=self.seconds, connections=self.connections
        )
        spent = [now - then for then, now in zip(before, self.server.cpu_seconds(), strict=True)]
        self.costs.append(sum(spent) / seen.requests * 1e6)
        return seen.per_second


def against(
    bench: Bench,
    ours: Answering,
    asks: Sequence[ApiRequest],
    other: Answering,
    other_asks: Sequence[ApiRequest] = (),
    connections: int = 16,
) -> Taken:
    """Requests a second of two servers, asked in turns: the same, unless there are others for the other."""
    costs: dict[str, list[float]] = {"ours": [], "other": []}
    sides = {"ours": (ours, asks), "other": (other, other_asks or asks)}
    seen = bench.alternate(
        {
            name: Rate(server, sent, bench.scale.seconds, costs[name], connections)
            for name, (server, sent) in sides.items()
        },
        turns=bench.scale.turns,
    )
    return Taken(seen["ours"], seen["other"], by_cpu(costs, "request"))


def latencies(bench: Bench, sides: Mapping[int, tuple[Path, Sequence[ApiRequest]]]) -> Taken:
    """The median latency of one client at each size, the greatest against the least."""
    with ExitStack() as stack:
        servers = {size: stack.enter_context(serving(path)) for size, (path, _) in sides.items()}

        def side(size: int) -> Callable[[], float]:
            address, asks = servers[size].address, sides[size][1]
            return lambda: load(address, asks, seconds=1, connections=1).p50

        seen = bench.alternate({f"{size:,}": side(size) for size in sides}, turns=bench.scale.turns)
    curve = {size: seen[f"{size:,}"] for size in sides}
    return Taken(curve[max(curve)], curve[min(curve)], curve=curve)


@contextmanager
def commenting(server: Server, token: str) -> Iterator[None]:
    """Somebody posts comments at a steady pace until the block ends."""
    ended = threading.Event()
    failed: list[BaseException] = []

    def comment() -> None:
        headers = {"Authorization": token, "Content-Type": "application/x-www-form-urlencoded"}
        post = ApiRequest(f"/albums/{ALBUM}/comments", headers, b"comment=Seen+it", "POST")
        due = time.monotonic()
        try:
            while not ended.wait(max(0, due - time.monotonic())):
                answer(server, post)
                due = max(due + 1 / COMMENTS_PER_SECOND, time.monotonic() - 1)
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=comment, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    if failed:
        raise failed[0]
