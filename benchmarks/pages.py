"""The page of an album's feed: over HTTP, by size, far back, and the first one of a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Any
from urllib.parse import urlencode

from albumcore import Albumcore, album_stream
from albumcore.ids import UserId
from benchmarks import history
from benchmarks.bare import write_answers
from benchmarks.bench import Bench, milliseconds
from benchmarks.figures import Taken
from benchmarks.history import ALBUM, INSIDER, VIEWERS, WHISPERERS
from benchmarks.load import ApiRequest, load
from benchmarks.rates import against, anew, answer, commenting, latencies
from benchmarks.service import bare, serving
from benchmarks.stores import Store, bearer

READER, WRITER = VIEWERS[3], VIEWERS[4]
NEWEST: Mapping[str, Any] = {"limit": 20}
PAGES: tuple[Mapping[str, Any], ...] = (
    NEWEST,
    {**NEWEST, "offset": 20},
    {**NEWEST, "offset": 40},
    {**NEWEST, "types": "comments"},
    {**NEWEST, "types": "mutations"},
    {**NEWEST, "types": "mutations", "family": "SENDING"},
    {**NEWEST, "types": "mutations", "type": "IMPORT_SERIES"},
    {**NEWEST, "types": "mutations", "series": history.RARE_SERIES},
    {**NEWEST, "types": "mutations", "startDate": "2025-12-31"},
    {**NEWEST, "types": "mutations", "capabilityToken": history.BUSY_TOKEN},
)
"""Pages that clients ask for."""


def path(album: str = ALBUM, **query: Any) -> str:
    """The address of a page."""
    return f"/albums/{album}/events?{urlencode(query)}"


def asks_for(
    store: Store, members: Sequence[UserId], pages: Sequence[Mapping[str, Any]]
) -> list[ApiRequest]:
    """The requests of some members for some pages, each beginning at another page."""
    with store.opened() as service:
        tokens = [bearer(service, member) for member in members]
    return [
        ApiRequest(path(**page), {"Authorization": token, "Accept": "application/json"})
        for number, token in enumerate(tokens)
        for page in (*pages[number % len(pages) :], *pages[: number % len(pages)])
    ]


def repeated(bench: Bench) -> Taken:
    """The same member asks for the same page again and again."""
    return _page(bench, "info")


def quiet(bench: Bench) -> Taken:
    """The same, where nothing is logged of a request."""
    return _page(bench, "warning")


def _page(bench: Bench, log_level: str) -> Taken:
    store = bench.store(bench.scale.middle)
    asks = asks_for(store, [READER], [NEWEST])
    with serving(store.path, log_level) as ours:
        known = {asks[0].path: answer(ours, asks[0])}
        directory = write_answers(bench.directory(), "/albums/{album}/events", known)
        with bare(directory, log_level) as other:
            return against(bench, ours, asks, other)


def many(bench: Bench) -> Taken:
    """Fifty members ask for the newest page while somebody writes: what was answered before holds no more."""
    return _written_to(bench, [NEWEST])


def mixed(bench: Bench) -> Taken:
    """The same members ask for ten pages each while somebody writes."""
    return _written_to(bench, PAGES)


def _written_to(bench: Bench, pages: Sequence[Mapping[str, Any]]) -> Taken:
    store = bench.store(bench.scale.middle)
    asks = asks_for(store, VIEWERS, pages)
    with store.opened() as service:
        token = bearer(service, WRITER)
    with serving(store.path) as ours:
        known = {ask.path: answer(ours, ask) for ask in asks[: len(pages)]}
        directory = write_answers(bench.directory(), "/albums/{album}/events", known)
        with bare(directory) as other, commenting(ours, token):
            return against(bench, ours, asks, other)


# Growth


def growth(bench: Bench) -> Taken:
    """The newest page, by the number of events in the album; never one that was answered before."""
    stores = [bench.store(size) for size in bench.scale.sizes]
    sides = {one.size: (one.path, asks_for(one, [READER], [NEWEST])) for one in stores}
    return latencies(
        bench,
        {size: (path, [anew(ask) for ask in asks]) for size, (path, asks) in sides.items()},
    )


def wrong_totals(bench: Bench) -> Taken:
    """How many of the totals that pages are answered with are not what we counted ourselves."""
    store = bench.store(bench.scale.greatest)
    members = (READER, VIEWERS[0], INSIDER, WHISPERERS[1])
    wrong = 0
    details: dict[str, Any] = {}
    with store.opened() as service:
        added = _added(service.albums, store)
        tokens = {member: bearer(service, member) for member in members}
    with serving(store.path) as ours:
        for member, token in tokens.items():
            for offset in (0, store.size // 3, store.size * 9 // 10):
                ask = ApiRequest(path(limit=20, offset=offset), {"Authorization": token})
                body, headers = answer(ours, ask)
                counted = store.total(member) + added
                shown = min(20, max(0, counted - offset))
                told = int(headers["x-total-count"])
                if told != counted or len(json.loads(body)) != shown:
                    wrong += 1
                    details[f"{member}_{offset}"] = [told, counted]
    totals = {"reader": store.total(READER) + added, "insider": store.total(INSIDER) + added}
    return Taken([float(wrong)], details=totals | details)


def _added(albums: Albumcore, store: Store) -> int:
    """How many public comments the run has posted so far: all that came after what the store was made with."""
    return sum(1 for _ in albums.history(album_stream(ALBUM), after=store.size))


def far(bench: Bench) -> Taken:
    """A page that passes over nine tenths of all events, for a member who sees nearly all of them."""
    store = bench.store(bench.scale.greatest)
    with store.opened() as service:
        token = bearer(service, INSIDER)
    asks = [anew(ApiRequest(path(limit=20, offset=store.size * 9 // 10), {"Authorization": token}))]
    with serving(store.path) as ours:

        def far_back() -> float:
            return load(ours.address, asks, seconds=bench.scale.seconds, connections=1).p50

        return Taken(bench.alternate({"far back": far_back})["far back"])


MOMENTS = 500
"""How many moments of the past are asked for."""


def past(bench: Bench) -> Taken:
    """The newest page as of moments all over the history, and that of the present; none that was answered before."""
    store = bench.store(bench.scale.greatest)
    [now] = asks_for(store, [READER], [NEWEST])
    random = Random(store.size)
    moments = [_moment(random, store.size) for _ in range(MOMENTS)]
    sides = {
        "past": asks_for(store, [READER], [{**NEWEST, "at": at.isoformat()} for at in moments]),
        "present": [now],
    }
    with serving(store.path) as ours:

        def side(asks: Sequence[ApiRequest]) -> Callable[[], float]:
            sent = [anew(ask) for ask in asks]
            return lambda: load(ours.address, sent, seconds=1, connections=1).p50

        seen = bench.alternate(
            {name: side(asks) for name, asks in sides.items()}, turns=bench.scale.turns
        )
    return Taken(seen["past"], seen["present"])


def past_state(bench: Bench) -> Taken:
    """The state of the album at moments all over its history, in the library."""
    store = bench.store(bench.scale.greatest)
    random, stream = Random(store.size), album_stream(ALBUM)
    with store.opened() as service:
        albums = service.albums

        def state() -> float:
            return milliseconds(lambda: albums.load(stream, at=_moment(random, store.size)), 0.5)

        return Taken(bench.alternate({"state": state})["state"])


def _moment(random: Random, size: int) -> datetime:
    """A moment of the history of an album, when all its members were there."""
    return history.END - random.uniform(0.01, 0.9) * size * history.STEP


def first(bench: Bench) -> Taken:
    """A process opens the store and shows a page. What it reads is in the page cache of the machine."""
    store = bench.store(bench.scale.greatest)
    with store.opened() as service:
        token = bearer(service, READER)
    seen: list[dict[str, float]] = []

    def page() -> float:
        said = subprocess.run(
            [sys.executable, "-m", "benchmarks.first", str(store.path), ALBUM, READER],
            env=os.environ | {"BENCH_BEARER": token},
            capture_output=True,
            text=True,
            check=True,
        )
        seen.append(json.loads(said.stdout))
        return seen[-1]["open"] + seen[-1]["page"]

    rounds = bench.alternate({"a new process": page}, bench.scale.rounds + 2)
    middle = {
        f"{name}_milliseconds": round(sorted(one[name] for one in seen)[len(seen) // 2], 2)
        for name in seen[0]
    }
    return Taken(rounds["a new process"], details=middle)
