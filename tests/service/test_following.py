"""Following an album of a running service: nothing is missed, nothing comes twice, and private stays private.

Writers post comments, workers are killed, and readers break off and go on from their cursor, by long polls and by
Server-Sent Events.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext, suppress
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from attrs import define, field

from albumcore import EntryKind, FeedQuery, Source, add_member, album_stream, create_album
from albumcore.ids import AlbumId
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.outbound.client import default_tls
from albumcore_adapters.service import Service, open_service
from support.deep import at_length
from support.postgres import empty_database
from support.server import bearer, serving, serving_asgi, user_of

ALBUM = AlbumId("Followed01")
EVENTS, COMMENTS = f"/albums/{ALBUM}/events", f"/albums/{ALBUM}/comments"
PEOPLE = ("alice", "bob", "carol")
READERS = ("bob", "carol")
WRITERS = at_length(64, 8)
RECONNECTS = at_length(1000, 50)
KILLS = at_length(20, 3)
SOON = 60.0
FAULTS = (httpx.TransportError, httpx.HTTPStatusError)
CURSOR = "X-Next-Cursor"


@pytest.fixture(params=["sqlite", "postgres"])
def settings(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    """A store on each database, which the environment names."""
    with empty_database() if request.param == "postgres" else nullcontext() as url:
        monkeypatch.setenv("ALBUMCORE_DATA", str(tmp_path))
        if url is not None:
            monkeypatch.setenv("ALBUMCORE_DATABASE", url)
        yield Settings.from_environment(os.environ)


def begun(service: Service) -> dict[str, dict[str, str]]:
    """Create the album with its members; the header of each."""
    for name in PEOPLE:
        service.people.register(name, f"{name}@clinic.example", name.title())
    stream, alice = album_stream(ALBUM), Source(user_of(service, "alice"))
    service.albums.handle(stream, create_album, alice, "Followed")
    for name in READERS:
        service.albums.handle(stream, add_member, alice, user_of(service, name))
    return {name: bearer(service, name) for name in PEOPLE}


@define
class Reader:
    """Follows the album, breaks off at random moments, and goes on from the cursor that it has."""

    address: str
    headers: dict[str, str]
    random: random.Random
    cursor: str = ""
    seen: list[str] = field(factory=list)
    reconnects: int = 0
    is_last: threading.Event = field(factory=threading.Event)

    def follow(self) -> None:
        """Follow by long polls until the last event is seen."""
        while True:
            is_last = self.is_last.is_set()
            query = {"after": self.cursor, "limit": "7", "types": "comments"}
            query["wait"] = "0" if is_last else "20"
            patience = SOON if is_last else self.random.uniform(0.02, 0.3)
            self.reconnects += 1
            with (
                suppress(*FAULTS),
                httpx.Client(
                    verify=default_tls(), timeout=httpx.Timeout(SOON, read=patience)
                ) as client,
            ):
                answer = client.get(self.address + EVENTS, params=query, headers=self.headers)
                answer.raise_for_status()
                self.cursor = answer.headers[CURSOR]
                self.seen += [one["comment"] for one in answer.json()]
                if is_last and not answer.json():
                    return

    def follow_stream(self) -> None:
        """Follow by Server-Sent Events, and by ``Last-Event-ID`` after a break."""
        while not self.is_last.is_set():
            self.reconnects += 1
            patience = self.random.uniform(0.05, 0.5)
            headers = {**self.headers, "Accept": "text/event-stream"}
            headers |= {"Last-Event-ID": self.cursor} if self.cursor else {}
            timeout = httpx.Timeout(SOON, read=patience)
            query = {"types": "comments", "after": ""}
            with (
                suppress(*FAULTS),
                httpx.stream(
                    "GET",
                    self.address + EVENTS,
                    params=query,
                    headers=headers,
                    timeout=timeout,
                    verify=default_tls(),
                ) as answer,
            ):
                answer.raise_for_status()
                self._take(answer.iter_lines(), time.monotonic() + patience)
        self.follow()

    def _take(self, lines: Iterator[str], until: float) -> None:
        found: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(": ")
            if line:
                found[name] = value
                continue
            self.cursor = found.get("id", self.cursor)
            if "data" in found:
                self.seen.append(orjson.loads(found["data"])["comment"])
            found = {}
            if time.monotonic() > until:
                return


def write(address: str, headers: dict[str, str], number: int, is_over: Callable[[], bool]) -> None:
    """Post comments, public ones and ones for one reader, until it is over."""
    for count in range(1_000_000):
        if is_over():
            return
        target = (None, *READERS)[(number + count) % 3]
        form = {"comment": f"{number}/{count} for {target}"} | (
            {"to_user": target} if target else {}
        )
        with suppress(httpx.TransportError):
            httpx.post(
                address + COMMENTS, data=form, headers=headers, timeout=SOON, verify=default_tls()
            )


def expected(service: Service, name: str) -> list[str]:
    """The comments that a reader may see, oldest first."""
    query = FeedQuery(frozenset({EntryKind.COMMENT}))
    page = service.albums.feed(ALBUM, user_of(service, name), query)
    return [str(one.shown_comment) for one in reversed(page.entries)]


def kill_a_worker(master: int, chance: random.Random) -> None:
    """Kill one of the processes that a master has begun."""
    children = Path(f"/proc/{master}/task/{master}/children").read_text(encoding="ascii").split()
    for one in chance.sample(children, min(1, len(children))):
        with suppress(ProcessLookupError):
            os.kill(int(one), signal.SIGKILL)


def run(
    settings: Settings,
    address: str,
    headers: dict[str, dict[str, str]],
    follow: Callable[[Reader], None],
    kill: Callable[[random.Random], None],
) -> None:
    """Write, read and kill; then compare what each reader has seen with the history."""
    chance = random.Random(7)
    readers = {name: Reader(address, headers[name], random.Random(name)) for name in READERS}
    over = threading.Event()
    threads = [threading.Thread(target=follow, args=(one,)) for one in readers.values()]
    writers = [
        threading.Thread(target=write, args=(address, headers["alice"], number, over.is_set))
        for number in range(WRITERS)
    ]
    for one in (*threads, *writers):
        one.start()
    for step in range(KILLS + 1):
        enough = RECONNECTS * (step + 1) / (KILLS + 1)
        while sum(one.reconnects for one in readers.values()) < enough:
            time.sleep(0.02)
        if step < KILLS:
            kill(chance)
    over.set()
    for one in writers:
        one.join()
    for reader in readers.values():
        reader.is_last.set()
    for one in threads:
        one.join()
    with closing(open_service(settings)) as service:
        for name, reader in readers.items():
            assert reader.seen == expected(service, name)
            assert any(f"for {name}" in one for one in reader.seen)


def test_long_polls_miss_nothing(settings: Settings) -> None:
    """With four workers, some of which are killed."""
    with closing(open_service(settings)) as service:
        headers = begun(service)
    with serving(settings.data, workers=4) as server:
        run(
            settings,
            server.address,
            headers,
            Reader.follow,
            lambda chance: kill_a_worker(server.process.pid, chance),
        )


def test_streams_miss_nothing(settings: Settings) -> None:
    """With the ASGI application, which sends Server-Sent Events."""
    with closing(open_service(settings)) as service:
        headers = begun(service)
    with serving_asgi(settings.data, workers=2) as (address, _):
        run(settings, address, headers, Reader.follow_stream, lambda chance: None)


def test_an_entry_comes_at_once(settings: Settings) -> None:
    """From the commit in one process to the answer of another, it is a moment."""
    with closing(open_service(settings)) as service:
        headers = begun(service)
    found: list[float] = []
    with serving(settings.data, workers=2) as server, httpx.Client(timeout=SOON) as client:
        cursor = client.get(server.address + EVENTS, headers=headers["bob"]).headers[CURSOR]

        def wait() -> None:
            query = {"after": cursor, "wait": "60"}
            answer = httpx.get(
                server.address + EVENTS, params=query, headers=headers["bob"], timeout=SOON
            )
            assert [one["comment"] for one in answer.json()] == ["now"]
            found.append(time.monotonic())

        reader = threading.Thread(target=wait)
        reader.start()
        time.sleep(1)
        posted = client.post(
            server.address + COMMENTS, data={"comment": "now"}, headers=headers["alice"]
        )
        assert posted.status_code == 204
        committed = time.monotonic()
        reader.join()
        assert found[0] - committed < 5  # a share of a second, on a machine that has time


@pytest.mark.parametrize("number", [20])
def test_a_service_that_stops_ends_waiting_requests(number: int, settings: Settings) -> None:
    """At once, with an empty list and the cursor: none is cut off, and none holds the stop up."""
    with closing(open_service(settings)) as service:
        headers = begun(service)
    answers: list[Any] = []
    with (
        serving(settings.data, workers=2) as server,
        httpx.Client(timeout=SOON, limits=httpx.Limits(max_connections=number)) as client,
    ):
        cursor = client.get(server.address + EVENTS, headers=headers["bob"]).headers[CURSOR]

        def wait() -> None:
            query = {"after": cursor, "wait": "60"}
            answer = client.get(server.address + EVENTS, params=query, headers=headers["bob"])
            answers.append((answer.status_code, answer.json(), answer.headers[CURSOR]))

        threads = [threading.Thread(target=wait) for _ in range(number)]
        for one in threads:
            one.start()
        time.sleep(2)
        assert answers == []
        began = time.monotonic()
        server.stop()
        for one in threads:
            one.join()
        assert time.monotonic() - began < 20
    assert answers == [(200, [], cursor)] * number


def test_streams_end_with_the_server(settings: Settings) -> None:
    """A server that is told to stop waits for its connections: the streams end themselves."""
    with closing(open_service(settings)) as service:
        headers = begun(service)
    lines: list[str] = []
    with serving_asgi(settings.data, workers=1) as (address, pid):
        accept = {**headers["bob"], "Accept": "text/event-stream"}
        with httpx.stream("GET", address + EVENTS, headers=accept, timeout=SOON) as answer:
            for line in answer.iter_lines():
                lines.append(line)
                if line.startswith("id: "):
                    for child in (pid, *_children(pid)):
                        os.kill(child, signal.SIGTERM)
    assert lines[:2] == ["retry: 1000", ""]


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
        return [int(one) for one in found.split()]
    return []
