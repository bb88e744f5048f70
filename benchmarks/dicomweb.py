"""DICOMweb: instances stored and retrieved, beside Orthanc and nginx; and what a worker needs of memory for it."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import orjson
from attrs import frozen

from albumcore_adapters.base.settings import Settings
from albumcore_adapters.service import open_service
from benchmarks.bench import QUICK, Bench
from benchmarks.dicom_files import (
    HEADERS,
    CtImages,
    instance_uid,
    new_number,
    series_uid,
    study_uid,
)
from benchmarks.figures import Taken, by_cpu
from benchmarks.load import ApiRequest, LoadFailed
from benchmarks.pages import READER
from benchmarks.peers import nginx, orthanc
from benchmarks.rates import against
from benchmarks.service import Answering, Server, family, resident, serving
from benchmarks.stores import bearer, introduce

IMAGES = 100
"""CT images of 530 KB in a series."""

CONNECTIONS = 4
THUMBNAILS = 500
"""Studies of the album whose thumbnails are looked at."""

SHOWN = 30
"""Studies of its first page."""

_JSON = "application/dicom+json"
_ZIP = "application/zip"
_LONGEST = 600.0  # seconds
_AS_STORED = 'multipart/related; type="application/dicom"; transfer-syntax=*'
_FRAME = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'


@frozen
class _Side:
    """A server that has instances, and what its clients send along."""

    server: Answering
    headers: Mapping[str, str]

    def ask(self, path: str, accept: str) -> ApiRequest:
        """A request of wrk, which takes the place of the whole path: the root of the peer comes first."""
        root = urlsplit(self.server.address).path
        return ApiRequest(f"{root}{path}", {**self.headers, "Accept": accept})

    def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | Iterable[bytes] | None = None,
        length: int | None = None,
    ) -> bytes:
        """Send a request, and return the answer.

        Raises:
            LoadFailed: it is no success.
        """
        with self.answered(method, path, headers, body, length) as answer:
            return answer.read()

    @contextmanager
    def answered(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | Iterable[bytes] | None = None,
        length: int | None = None,
    ) -> Iterator[http.client.HTTPResponse]:
        """Send a request, and give the answer to be read."""
        address = urlsplit(self.server.address)
        connection = http.client.HTTPConnection(address.netloc, timeout=_LONGEST)
        sent = {**self.headers, **headers}
        if length is not None:
            sent["Content-Length"] = str(length)
        try:
            connection.request(method, address.path + path, body, sent)
            answer = connection.getresponse()
            if not 200 <= answer.status < 300:
                raise LoadFailed(f"{answer.status} to {method} {path}: {answer.read()[:200]!r}")
            yield answer
        finally:
            connection.close()

    def store(self, images: CtImages, query: str = "") -> int:
        """Store the images as a series of its own, and return its number."""
        number, message = images.message()
        self.send("POST", f"/studies{query}", HEADERS, message)
        return number


@contextmanager
def _ours(bench: Bench) -> Iterator[tuple[Server, _Side]]:
    directory = bench.directory()
    headers = _prepare(directory)
    with serving(directory, log_level="warning") as server:
        yield server, _Side(server, headers)


def _prepare(directory: Path) -> Mapping[str, str]:
    """Make a store with people, and return what one of them sends along."""
    service = open_service(Settings(data=directory))
    introduce(service)
    headers = {"Authorization": bearer(service, READER)}
    service.close()
    return headers


@contextmanager
def _beside_orthanc(bench: Bench) -> Iterator[tuple[_Side, _Side]]:
    with orthanc(bench.directory()) as peer, _ours(bench) as (_, ours):
        yield ours, _Side(peer, {})


def _series(number: int) -> str:
    return f"/studies/{study_uid(number)}/series/{series_uid(number)}"


def _instance(number: int) -> str:
    return f"{_series(number)}/instances/{instance_uid(number, IMAGES // 2)}"


def stored(bench: Bench) -> Taken:
    """A message with a series, which is durable when it is answered; instances a second."""
    images = CtImages.of(IMAGES)
    costs: dict[str, list[float]] = {"ours": [], "other": []}

    def turn(side: _Side, costs: list[float]) -> float:
        _, message = images.message()
        computed, began = sum(side.server.cpu_seconds()), time.perf_counter()
        side.send("POST", "/studies", HEADERS, message)
        spent = time.perf_counter() - began
        costs.append((sum(side.server.cpu_seconds()) - computed) / IMAGES * 1e6)
        return IMAGES / spent

    with _beside_orthanc(bench) as (ours, other):
        seen = bench.alternate(
            {
                "ours": lambda: turn(ours, costs["ours"]),
                "other": lambda: turn(other, costs["other"]),
            },
            turns=bench.scale.turns,
        )
    return Taken(seen["ours"], seen["other"], by_cpu(costs, "instance"))


def metadata_first(bench: Bench) -> Taken:
    """The metadata of a series that was just stored."""
    images = CtImages.of(IMAGES)

    def turn(side: _Side) -> float:
        path = f"{_series(side.store(images))}/metadata"
        began = time.perf_counter()
        side.send("GET", path, {"Accept": _JSON})
        return 1 / (time.perf_counter() - began)

    with _beside_orthanc(bench) as (ours, other):
        seen = bench.alternate({"ours": lambda: turn(ours), "other": lambda: turn(other)})
    return Taken(seen["ours"], seen["other"])


# Retrieving


def retrieved(
    path: Callable[[int], str], accept: str, connections: int = 1
) -> Callable[[Bench], Taken]:
    """The measure of a request for one stored series, over some connections, beside Orthanc.

    Args:
        path: The path that is asked for, by the number of the series.
        accept: The media types that are asked for.
        connections: How many connections ask.
    """

    def take(bench: Bench) -> Taken:
        images = CtImages.of(IMAGES)
        with _beside_orthanc(bench) as (ours, other):
            asks = [[side.ask(path(side.store(images)), accept)] for side in (ours, other)]
            return against(
                bench, ours.server, asks[0], other.server, asks[1], connections=connections
            )

    return take


metadata = retrieved(lambda number: f"{_series(number)}/metadata", _JSON)
frame = retrieved(lambda number: f"{_instance(number)}/frames/1", _FRAME, CONNECTIONS)
rendered = retrieved(
    lambda number: f"{_instance(number)}/rendered?viewport=512,512", "image/jpeg", CONNECTIONS
)


def series(bench: Bench) -> Taken:
    """A series, by a client that reads what Orthanc answers; wrk does not."""
    images = CtImages.of(IMAGES)
    costs: dict[str, list[float]] = {"ours": [], "other": []}

    def turn(side: _Side, number: int, costs: list[float]) -> float:
        computed, began = sum(side.server.cpu_seconds()), time.perf_counter()
        _download(side, _series(number), _AS_STORED)
        spent = time.perf_counter() - began
        costs.append((sum(side.server.cpu_seconds()) - computed) * 1e6)
        return 1 / spent

    with _beside_orthanc(bench) as (ours, other):
        numbers = [side.store(images) for side in (ours, other)]
        seen = bench.alternate(
            {
                "ours": lambda: turn(ours, numbers[0], costs["ours"]),
                "other": lambda: turn(other, numbers[1], costs["other"]),
            },
            turns=3 * bench.scale.turns,
        )
    return Taken(seen["ours"], seen["other"], by_cpu(costs, "series"))


def series_as_file(bench: Bench) -> Taken:
    """A series, and the same answer as a file that nginx sends."""
    with _ours(bench) as (server, ours):
        path = _series(ours.store(CtImages.of(IMAGES)))
        content = ours.send("GET", path, {"Accept": _AS_STORED})
        with nginx(bench.directory(), content) as other:
            asks = [ours.ask(path, _AS_STORED)]
            return against(bench, server, asks, other, [ApiRequest("/file")], connections=1)


def thumbnails(bench: Bench) -> Taken:
    """The first page of an album's studies and the thumbnails of their series, from a server that has just started."""
    images = CtImages.of(1, side=128)
    directory = bench.directory()
    headers = _prepare(directory)
    with serving(directory, log_level="warning") as server:
        side = _Side(server, headers)
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        album = orjson.loads(side.send("POST", "/albums", form, b"name=Knees"))["album_id"]
        bench.say(f"storing {THUMBNAILS} studies")
        for _ in range(THUMBNAILS):
            side.store(images, f"?album={album}")
    return Taken([_thumbnails(directory, headers, album) for _ in range(bench.scale.rounds)])


def _thumbnails(directory: Path, headers: Mapping[str, str], album: str) -> float:
    with serving(directory, log_level="warning") as server, ThreadPoolExecutor(CONNECTIONS) as pool:
        side = _Side(server, headers)
        began = time.perf_counter()
        query = f"/studies?album={album}&limit={SHOWN}&offset=0"
        studies = orjson.loads(side.send("GET", query, {"Accept": _JSON}))

        def show(study: str) -> None:
            path = f"/studies/{study}/series"
            for found in orjson.loads(side.send("GET", path, {"Accept": _JSON})):
                [uid] = found["0020000E"]["Value"]
                side.send("GET", f"{path}/{uid}/thumbnail", {"Accept": "image/jpeg"})

        list(pool.map(show, [one["0020000D"]["Value"][0] for one in studies]))
        return (time.perf_counter() - began) * 1e3


# Memory


def memory(bench: Bench) -> Taken:
    """The most that a worker needs while a series of some gigabytes is stored, and another one is downloaded."""
    images = CtImages.of(1, frames=100, copies=10 if bench.scale is QUICK else 100)
    with _ours(bench) as (server, side):
        at_rest = max(server.resident())

        first, second = new_number(), new_number()

        def send(number: int) -> None:
            side.send("POST", "/studies", HEADERS, images.pieces(number), images.length)

        bench.say("storing")
        send(first)
        failed: list[BaseException] = []

        def run(call: Callable[[], None]) -> threading.Thread:
            def safely() -> None:
                try:
                    call()
                except BaseException as error:
                    failed.append(error)

            thread = threading.Thread(target=safely, daemon=True)
            thread.start()
            return thread

        bench.say("storing and downloading")
        running = [
            run(lambda: send(second)),
            run(lambda: _download(side, f"/studies/{study_uid(first)}", _ZIP)),
        ]
        most, decoder = at_rest, 0.0
        while any(thread.is_alive() for thread in running):
            most = max(most, *server.resident())
            decoders = {one for worker in server.workers for one in family(worker)[1:]}
            decoder = max([decoder, *map(resident, decoders)])
            time.sleep(0.05)
        if failed:
            raise failed[0]
    details = {"at_rest": at_rest, "decoder": decoder, "bytes": images.length}
    return Taken([most], details=details)


def _download(side: _Side, path: str, accept: str) -> None:
    """Read an answer, and drop it."""
    dropped = bytearray(1024 * 1024)
    with side.answered("GET", path, {"Accept": accept}) as answer:
        while answer.readinto(dropped):
            pass
