"""What sealing costs: ``python -m benchmarks.sealed [ACT ...]``. Each act on a sealed store, and on one in clear.

Costs are instructions of the processor where valgrind is installed: they hardly differ from run to run, whatever else
the machine does. Elsewhere they are the processor's time, of the fastest of the acts.

Valgrind has no vector instructions of 512 bits and none for SHA: it counts AES and SHA-256 as they run on an older
processor, with several times as many instructions. It counts none of the operating system.
"""

from __future__ import annotations

import base64
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import falcon.testing
import orjson
from attrs import frozen

from albumcore import UserId, album_stream
from albumcore_adapters.base.data_directory import DATABASE_FILE
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.http.app import create_app
from albumcore_adapters.service import Service, open_service
from albumcore_adapters.store import open_sqlite
from benchmarks.bench import Bench
from benchmarks.figures import Taken
from benchmarks.history import ALBUM
from benchmarks.load import ApiRequest
from benchmarks.rates import Rate
from benchmarks.service import serving
from benchmarks.stores import a_patient, bearer, fill_album

FORMS: dict[str, dict[str, Any]] = {"clear": {}, "sealed": {"sealed": True}}
"""What a store of each form is opened with when it is made."""

WRITER = UserId("sealed-1")
WARM, FEW, MANY = 3, 5, 15
"""How often an act is done before it counts, and how often it is done in the two runs whose difference counts."""

EVENTS = 1000
"""How many events are replayed in one act."""

PAGE = 20
_IMAGE = "/tscharts/v1/image/{}/"
IMAGES = {"image": 100_000, "image-large": 1_000_000}
"""Bytes of the images that are shown, by the name of the act."""

_VALGRIND = shutil.which("valgrind")
UNIT = "thousand instructions" if _VALGRIND else "us"

Act = Callable[[int], object]
"""One act; called with the number of those before."""

Ask = tuple[str, str, str]
"""The path, the query and the body of a request."""


@frozen
class Site:
    """An open store.

    Attributes:
        service: The service.
        about: What the store was made with.
    """

    service: Service
    about: dict[str, Any]

    def member(self) -> falcon.testing.TestClient:
        """A client of the album API."""
        return self._client(bearer(self.service, WRITER))

    def nurse(self) -> falcon.testing.TestClient:
        """A client of the image API."""
        return self._client(self.nurse_header())

    def nurse_header(self) -> str:
        """What a client of the image API sends as ``Authorization``."""
        account = self.service.accounts.named("nurse")
        assert account is not None
        return f"Token {self.service.accounts.token(account)}"

    def _client(self, authorization: str) -> falcon.testing.TestClient:
        headers = {"Authorization": authorization, "Content-Type": falcon.MEDIA_URLENCODED}
        return falcon.testing.TestClient(create_app(self.service), headers=headers)

    @property
    def album(self) -> str:
        """The path of the album."""
        return f"/albums/{self.about['album']}"


def repeated(client: falcon.testing.TestClient, method: str, ask: Callable[[int], Ask]) -> Act:
    """Requests to the application itself, made up before they are sent: a client would cost more than the answer."""
    application, headers = client.app, client._default_headers

    def environ(number: int) -> dict[str, Any]:
        path, query, body = ask(number)
        return falcon.testing.create_environ(path, query, method=method, body=body, headers=headers)

    environs = [environ(number) for number in range(WARM + MANY)]

    def act(number: int) -> None:
        status = ""

        def start(given: str, *_: object) -> Callable[[bytes], object]:
            nonlocal status
            status = given
            return lambda _: None

        body = application(environs[number], start)
        assert b"".join(body) is not None
        assert status.startswith("2"), status

    return act


def comment(site: Site) -> Act:
    """A comment that is posted."""
    path = f"{site.album}/comments"
    return repeated(
        site.member(), "POST", lambda number: (path, "", f"comment=The+knee+again+{number}")
    )


def page(site: Site) -> Act:
    """The newest page of a feed."""
    # With a parameter that means nothing, so that no cached response answers.
    return _pages(site, lambda number: f"limit={PAGE}&again={number}")


def page_first(site: Site) -> Act:
    """Pages of a feed, none of whose events was read before in this process."""
    return _pages(site, lambda number: f"limit={PAGE}&offset={number * PAGE}")


def page_cached(site: Site) -> Act:
    """The newest page of a feed, answered by the cache of responses."""
    return _pages(site, lambda _: f"limit={PAGE}")


def _pages(site: Site, query: Callable[[int], str]) -> Act:
    path = f"{site.album}/events"
    return repeated(site.member(), "GET", lambda number: (path, query(number), ""))


def image(name: str, step: int) -> Callable[[Site], Act]:
    """An image that is shown again; with a step of 1, another image each time."""

    def act_of(site: Site) -> Act:
        ids = site.about[name]
        return repeated(
            site.nurse(), "GET", lambda number: (_IMAGE.format(ids[number * step]), "", "")
        )

    return act_of


def replay(site: Site) -> Act:
    """The state of an album by its events. None of them is a snapshot."""
    albums, stream = site.service.albums, album_stream(ALBUM)
    return lambda _: albums.load(stream, version=EVENTS)


ACTS: dict[str, Callable[[Site], Act]] = {
    "comment": comment,
    "page": page,
    "page-first": page_first,
    "page-cached": page_cached,
    "image": image("image", 0),
    "image-first": image("image", 1),
    "image-large": image("image-large", 0),
    "image-large-first": image("image-large", 1),
    "replay": replay,
}


def _good(answer: falcon.testing.Result) -> falcon.testing.Result:
    assert answer.status_code in (200, 201, 204), answer.text
    return answer


def make(path: Path, **form: Any) -> None:
    """Make a store for all acts."""
    path.mkdir(mode=0o700)
    albums = open_sqlite(path / DATABASE_FILE, **form)
    fill_album(albums, album_stream(ALBUM), EVENTS + 1)
    albums.rebuild()  # which drops the snapshots
    albums.close()
    with closing(open_service(Settings(data=path))) as service:
        service.accounts.add("nurse", "the password of the bench")
        service.patients.add(a_patient(0))
        site = Site(service, {})
        member, nurse = site.member(), site.nurse()
        member.simulate_put("/users")
        site.about["album"] = _good(member.simulate_post("/albums?name=Knees")).json["album_id"]
        for number in range((WARM + MANY) * PAGE):
            body = f"comment=The+knee+{number}"
            _good(member.simulate_post(f"{site.album}/comments", body=body))
        for name, size in IMAGES.items():
            site.about[name] = [_photo(nurse, number, size) for number in range(WARM + MANY)]
    (path / "about.json").write_bytes(orjson.dumps(site.about))


def _photo(nurse: falcon.testing.TestClient, number: int, size: int) -> int:
    data = base64.b64encode(random.Random(number).randbytes(size)).decode()
    body = {"patient": 1, "type": "Xray", "data": data}
    return int(_good(nurse.simulate_post("/tscharts/v1/image/", json=body)).json["id"])


def run(path: Path, name: str, times: int) -> float:
    """Do an act so many times, and return the least microseconds of the processor that one took."""
    about = orjson.loads((path / "about.json").read_bytes())
    with closing(open_service(Settings(data=path, log_level="warning"))) as service:
        act = ACTS[name](Site(service, about))
        seen = []
        for number in range(WARM + times):
            began = time.process_time()
            act(number)
            seen.append(time.process_time() - began)
    return min(seen[WARM:]) * 1e6


def run_all(stores: Path, names: Sequence[str]) -> None:
    """Run acts, each in a process of its own, which is this one up to there: so nothing is imported twice."""
    for name in names:
        for form in FORMS:
            for times in (FEW, MANY):
                if child := os.fork():
                    assert os.waitpid(child, 0)[1] == 0, f"{name} failed"
                    continue
                # Copied here: instructions of this process count for every child that comes after.
                path = stores / f"{form}-{name}-{times}"
                shutil.copytree(stores / form, path)
                found = {"name": name, "form": form, "times": times, "cpu": run(path, name, times)}
                shutil.rmtree(path)
                (stores / f"run-{os.getpid()}.json").write_bytes(orjson.dumps(found))
                os._exit(0)


def costs(directory: Path, names: Sequence[str] = tuple(ACTS)) -> dict[str, dict[str, float]]:
    """What each act costs on a store of each form, in `UNIT`."""
    make_all(directory)
    command = [sys.executable, "-m", "benchmarks.sealed", "--run", str(directory), *names]
    if _VALGRIND:
        tool = ("--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")
        command = [_VALGRIND, *tool, f"--log-file={directory}/%p.log", *command]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": "0"})
    found: dict[str, dict[str, dict[int, float]]] = {name: {} for name in names}
    for file in directory.glob("run-*.json"):
        one = orjson.loads(file.read_bytes())
        cost = one["cpu"]
        if _VALGRIND:
            log = (directory / f"{file.stem.removeprefix('run-')}.log").read_text()
            [text] = re.findall(r"I +refs: +([0-9,]+)", log)
            cost = int(text.replace(",", "")) / 1000
        found[one["name"]].setdefault(one["form"], {})[one["times"]] = cost
    return {
        name: {
            form: (of[MANY] - of[FEW]) / (MANY - FEW) if _VALGRIND else min(of.values())
            for form, of in forms.items()
        }
        for name, forms in found.items()
    }


def make_all(directory: Path) -> None:
    """Make a store of each form."""
    for form, options in FORMS.items():
        make(directory / form, **options)


def cost(name: str) -> Callable[[Bench], Taken]:
    """How an act is measured: all of them are, at once."""

    def taken(bench: Bench) -> Taken:
        found = bench.once("sealed", _every).details[name]
        return Taken([found["sealed"]], [found["clear"]])

    return taken


def _every(bench: Bench) -> Taken:
    directory = bench.directory()
    directory.mkdir()
    bench.say("every act on both stores")
    return Taken([0], details=costs(directory))


def shown(bench: Bench) -> Taken:
    """Images over HTTP, in the time of the processor that a request costs the workers."""
    directory = bench.directory()
    directory.mkdir()
    make_all(directory)
    with ExitStack() as stack:

        def side(form: str) -> Callable[[], float]:
            path = directory / form
            with closing(open_service(Settings(data=path))) as service:
                authorization = Site(service, {}).nurse_header()
            known = orjson.loads((path / "about.json").read_bytes())
            headers = {"Authorization": authorization}
            asks = [ApiRequest(_IMAGE.format(one), headers) for one in known["image"]]
            server = stack.enter_context(serving(path))
            spent: list[float] = []
            rate = Rate(server, asks, bench.scale.seconds, spent)

            def turn() -> float:
                rate()
                return spent[-1]

            return turn

        seen = bench.alternate({form: side(form) for form in FORMS}, turns=bench.scale.turns)
    return Taken(seen["sealed"], seen["clear"])


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    if arguments[:1] == ["--run"]:
        run_all(Path(arguments[1]), arguments[2:])
        return
    with tempfile.TemporaryDirectory() as directory:
        found = costs(Path(directory), arguments or tuple(ACTS))
    for name, of in found.items():
        ours, other = of["sealed"], of["clear"]
        ratio = f"{ours / other:6.3f} x"
        sys.stdout.write(f"{name:18} {ratio}: {ours:10,.1f} against {other:10,.1f} {UNIT}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
