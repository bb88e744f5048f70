"""Count what one request costs in hops: ``python -m benchmarks.hops [--list]``.

One POST of a comment to an album, one GET of its events, and one GET of a frame of an image, in process through the
WSGI application over an SQLite file. Everything is warm, and a write comes before each, so that no cached response
answers.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import falcon.testing
import pydicom
from attrs import field, frozen
from pydicom.data import get_testdata_file

import albumcore
import albumcore_adapters
from albumcore import UserId
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.http.app import create_app
from albumcore_adapters.service import open_service
from benchmarks.stores import bearer

OURS = tuple(f"{Path(str(one.__file__)).parent}/" for one in (albumcore, albumcore_adapters))
WRITER = UserId("hops-1")
WARM = 5
_PARTS_OF_A_FUNCTION = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")


@frozen
class Hops:
    """What one request took.

    Attributes:
        calls: How often each function of ours was called, by its code.
        transactions: How many transactions SQLite began, those that only read included.
    """

    calls: Counter[CodeType]
    transactions: int

    def text(self) -> str:
        """One line of figures."""
        files = {code.co_filename for code in self.calls}
        return (
            f"{len(self.calls)} functions in {len(files)} files, {self.calls.total()} calls, "
            f"{self.transactions} transactions"
        )

    def lines(self) -> Iterator[str]:
        """Each function by its file and name, and how often it was called, in the order of first calls."""
        for code, times in self.calls.items():
            root = next(root for root in OURS if code.co_filename.startswith(root))
            file = f"{Path(root).name}/{code.co_filename.removeprefix(root)}"
            yield f"{times:5} {file}:{code.co_qualname.replace('<locals>.', '')}"


@frozen
class Tracer:
    """Counts the calls of ours on this thread, and the transactions of every SQLite connection opened under it."""

    calls: Counter[CodeType] = field(factory=Counter)
    statements: list[str] = field(factory=list)

    def opened(
        self, connect: Callable[..., sqlite3.Connection]
    ) -> Callable[..., sqlite3.Connection]:
        """`sqlite3.connect`, with each connection's statements noted."""

        def traced(*args: Any, **kwargs: Any) -> sqlite3.Connection:
            connection = connect(*args, **kwargs)
            connection.set_trace_callback(self.statements.append)
            return connection

        return traced

    def profile(self, frame: FrameType, event: str, _: object) -> None:
        """Note one call; see `sys.setprofile`."""
        code = frame.f_code
        is_ours = code.co_filename.startswith(OURS) and code.co_name not in _PARTS_OF_A_FUNCTION
        if is_ours and event == "call":
            self.calls[code] += 1

    def hops(self, request: Callable[[], falcon.testing.Result]) -> Hops:
        """What a request takes."""
        self.calls.clear()
        self.statements.clear()
        sys.setprofile(self.profile)
        try:
            answer = request()
        finally:
            sys.setprofile(None)
        assert answer.status_code in (200, 201, 204), answer.text
        begun = [one for one in self.statements if one.upper().startswith("BEGIN")]
        return Hops(Counter(self.calls), len(begun))


@contextmanager
def tracing() -> Iterator[Tracer]:
    """A tracer that sees every connection opened in the block."""
    tracer, connect = Tracer(), sqlite3.connect
    sqlite3.connect = tracer.opened(connect)  # type: ignore[assignment]
    try:
        yield tracer
    finally:
        sqlite3.connect = connect


def measured(data: Path) -> dict[str, Hops]:
    """The hops of each request, by its name."""
    with tracing() as tracer, closing(open_service(Settings(data=data))) as service:
        client = falcon.testing.TestClient(
            create_app(service), headers={"Authorization": bearer(service, WRITER)}
        )
        client.simulate_put("/users")
        made = client.simulate_post("/albums", params={"name": "Hops"})
        path = f"/albums/{made.json['album_id']}"
        numbers = iter(range(1_000_000))

        def post() -> falcon.testing.Result:
            number = next(numbers)
            return client.simulate_post(
                f"{path}/comments",
                body=f"comment=Number+{number}",
                headers={"Content-Type": "application/x-www-form-urlencoded"},
            )

        def events() -> falcon.testing.Result:
            return client.simulate_get(f"{path}/events", params={"limit": 20})

        frame_path = f"{stored_image(client)}/frames/1"

        def frame() -> falcon.testing.Result:
            return client.simulate_get(frame_path)

        for _ in range(WARM):
            post()
            events()
            frame()
        found = {"POST a comment": tracer.hops(post), "GET the events": tracer.hops(events)}
        post()
        return {**found, "GET a frame": tracer.hops(frame)}


def stored_image(client: falcon.testing.TestClient) -> str:
    """Store a small image in the inbox of the client's user, and return its path."""
    file = Path(str(get_testdata_file("CT_small.dcm", download=False)))
    answer = client.simulate_post(
        "/studies", body=file.read_bytes(), headers={"Content-Type": "application/dicom"}
    )
    assert answer.status_code == 200, answer.text
    header = pydicom.dcmread(file, stop_before_pixels=True)
    series = f"/studies/{header.StudyInstanceUID}/series/{header.SeriesInstanceUID}"
    return f"{series}/instances/{header.SOPInstanceUID}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="benchmarks.hops")
    parser.add_argument("--list", action="store_true", help="each function, and how often")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        for name, hops in measured(Path(directory)).items():
            sys.stdout.write(f"{name}: {hops.text()}\n")
            if chosen.list:
                sys.stdout.writelines([*(f"{line}\n" for line in hops.lines()), "\n"])


if __name__ == "__main__":
    main()
