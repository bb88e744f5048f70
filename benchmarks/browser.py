"""The page of a large album in Chromium: how soon there is something to see, and how soon the slider answers."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from random import Random
from typing import Any

from albumcore import Source, album_stream, import_study, utc_now
from albumcore.ids import SeriesUID, StudyUID
from albumcore_adapters.directory.instances import InstanceRecord
from albumcore_adapters.directory.sessions import Sessions
from albumcore_adapters.service import Service
from benchmarks.bench import Bench
from benchmarks.figures import LeftOut, Taken
from benchmarks.history import ALBUM, VIEWERS
from benchmarks.service import serving

STUDIES = 500
"""Studies of the album."""

_READER = VIEWERS[3]
_UID = "1.2.826.0.1.3680043.10.778"
_REST = 150  # milliseconds without another move, after which the page asks for the moment
_MOVES = 9  # in a round

_PAINTED = """() => new Promise((done) => {
  const seen = (list) => list.getEntriesByName("first-contentful-paint").forEach((one) => done(one.startTime));
  new PerformanceObserver(seen).observe({type: "paint", buffered: true});
})"""
_MOVE = """async (share) => {
  const slider = document.getElementById("stop");
  slider.value = Math.round(slider.max * share);
  const began = performance.now();
  const old = document.getElementById("past-then");
  const swapped = new Promise((done) => {
    const watched = new MutationObserver(() => { if (!old.isConnected) { watched.disconnect(); done(); } });
    watched.observe(document.getElementById("main"), {childList: true});
  });
  slider.dispatchEvent(new Event("input"));
  await swapped;
  return performance.now() - began;
}"""


def first_paint(bench: Bench) -> Taken:
    """From the request to the first contentful paint, in a browser that has been to no page before."""
    with _shown(bench) as window:
        rounds = []
        for _ in range(bench.scale.rounds + 1):
            with window() as page:
                rounds.append(float(page.evaluate(_PAINTED)))
                size = page.evaluate("document.documentElement.outerHTML.length")
        return Taken(rounds[1:], details={"characters": size})


def slider(bench: Bench) -> Taken:
    """From the end of the pause after the last move to the page of that moment, at moments all over the history."""
    random = Random(STUDIES)
    with _shown(bench) as window, window() as page:

        def move() -> float:
            seen = sorted(page.evaluate(_MOVE, random.uniform(0.05, 0.95)) for _ in range(_MOVES))
            return float(seen[_MOVES // 2]) - _REST

        return Taken(bench.alternate({"a move": move})["a move"])


@contextmanager
def _shown(bench: Bench) -> Iterator[Callable[[], Any]]:
    """What opens a window of a new browser, in which a member has opened the album.

    Raises:
        LeftOut: there is no Chromium, or nothing to drive it.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise LeftOut("playwright is not installed") from None
    if (path := shutil.which("chromium")) is None:
        raise LeftOut("there is no Chromium")
    store = bench.store(bench.scale.long)
    with store.opened() as service:
        _add_studies(service)
        now = utc_now()
        session = Sessions(service.database).begin("kheops", _READER, now + timedelta(days=1), now)
    with serving(store.path) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        cookie = {"name": "albumcore_session", "value": session, "url": server.address}

        @contextmanager
        def window() -> Iterator[Any]:
            with browser.new_context() as context:
                context.add_cookies([cookie])  # type: ignore[list-item]
                page = context.new_page()
                page.goto(f"{server.address}/ui/albums/{ALBUM}")
                yield page

        yield window
        browser.close()


def _add_studies(service: Service) -> None:
    """Import studies until the album has as many as are wanted."""
    stream = album_stream(ALBUM)
    for number in range(STUDIES - len(service.albums.load(stream).studies)):
        study, series = StudyUID(f"{_UID}.{number}"), SeriesUID(f"{_UID}.{number}.1")
        about = {"00081030": {"vr": "LO", "Value": [f"Knee, later visit {number}"]}}
        kind = {"00080060": {"vr": "CS", "Value": ["MR"]}}
        service.catalogue.store([InstanceRecord(study, series, f"{series}.1", about, kind, {})])
        service.albums.handle(stream, import_study, Source(VIEWERS[1]), study, [series])
