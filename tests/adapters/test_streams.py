"""Bodies that are sent while they are made: their length, their errors, HEAD, and the response cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from email import message_from_bytes
from pathlib import Path
from typing import Any

import falcon
import falcon.testing
import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from albumcore_adapters.base.request_counts import RequestCounts
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.blobs import BlobDamaged
from albumcore_adapters.http.conditional import etag_of
from albumcore_adapters.http.cors import HeadAsGet
from albumcore_adapters.http.dicomweb.multipart_response import Part, parts_response
from albumcore_adapters.http.request_log import RequestLog
from albumcore_adapters.http.response import BodyStream, RangedBody, Response
from albumcore_adapters.http.response_cache import ResponseCache
from albumcore_adapters.http.route import Route
from albumcore_adapters.http.router import Bound, resources
from albumcore_adapters.service import open_service
from albumcore_adapters.sql.database import Database

DIGEST = "0" * 64


@frozen
class OpenApi:
    """An API that admits every request, and whose responses may be cached."""

    def headers(self, path: str) -> Mapping[str, str]:
        """None."""
        return {}

    def handle(
        self, route: Route, respond: Bound, req: falcon.Request, path: Mapping[str, str]
    ) -> tuple[Response, bool]:
        """Call the responder."""
        return respond(req), True

    def revalidate(self, req: falcon.Request) -> None:
        """Accept."""


Serve = Callable[[Callable[..., Response]], falcon.testing.TestClient]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Serves a responder, at ``/``."""
    service = open_service(Settings(data=tmp_path))

    def serve(respond: Callable[..., Response]) -> falcon.testing.TestClient:
        middleware: list[Any] = [RequestLog(RequestCounts()), HeadAsGet()]
        app = falcon.App(middleware=middleware)
        route = Route("GET", "/", respond, "Show.", {}, from_store=True)
        components: Mapping[Any, object] = {
            Database: service.database,
            ResponseCache: ResponseCache(),
        }
        for path, resource in resources(OpenApi(), [route], components):
            app.add_route(path, resource)
        return falcon.testing.TestClient(app)

    yield serve
    service.close()


def _pieces(*pieces: bytes | Exception) -> Iterator[bytes]:
    for piece in pieces:
        if isinstance(piece, Exception):
            raise piece
        yield piece


@pytest.mark.parametrize("length", [None, 4])
def test_a_stream_is_sent_whole(serve: Serve, length: int | None) -> None:
    """With its length if that is known. HEAD has the same headers, and no body."""
    client = serve(
        lambda req: Response(206, BodyStream(_pieces(b"ab", b"cd"), length), "image/jpeg")
    )
    got, head = client.simulate_get("/"), client.simulate_head("/")
    assert (got.status_code, got.content) == (206, b"abcd")
    assert got.headers["content-type"] == "image/jpeg"
    assert got.headers.get("content-length") == (None if length is None else "4")
    assert (head.status_code, head.content) == (206, b"")
    assert head.headers.get("content-length") == got.headers.get("content-length")


def test_an_empty_stream_is_an_empty_body(serve: Serve) -> None:
    """It has no first piece."""
    assert (
        serve(lambda req: Response(200, BodyStream(_pieces(), 0))).simulate_get("/").content == b""
    )


def test_an_error_in_the_first_piece_has_a_status(serve: Serve) -> None:
    """Nothing was sent yet."""
    error = falcon.HTTPNotFound()
    got = serve(lambda req: Response(200, BodyStream(_pieces(error), 4))).simulate_get("/")
    assert got.status_code == 404
    assert got.content != b""


@pytest.mark.parametrize("is_short", [False, True])
def test_a_later_error_breaks_the_connection(
    serve: Serve, caplog: pytest.LogCaptureFixture, is_short: bool
) -> None:
    """It is logged as a fault. So is a body of another length: its client would wait for the rest."""
    error = BlobDamaged(DIGEST, "it has changed")
    pieces = (b"ab",) if is_short else (b"ab", error)
    client = serve(lambda req: Response(200, BodyStream(_pieces(*pieces), 4)))
    with pytest.raises(ConnectionAbortedError), caplog.at_level("ERROR", "albumcore.faults"):
        client.simulate_get("/")
    assert "fault" in caplog.text


class _Piece(bytes):
    """A piece that says when it is not in memory any more."""

    freed = 0

    def __del__(self) -> None:
        """Count it."""
        _Piece.freed += 1


@pytest.mark.parametrize("is_multipart", [False, True])
def test_what_is_sent_is_not_in_memory(serve: Serve, is_multipart: bool) -> None:
    """A client that reads slowly takes up the piece that waits for it, and none before it."""

    def pieces() -> Iterator[bytes]:
        for _ in range(5):
            yield _Piece(b"ab")

    def respond(req: falcon.Request) -> Response:
        if is_multipart:
            return parts_response(
                [Part("image/jpeg", pieces)], "image/jpeg", ["x"], is_multipart=True
            )
        return Response(200, BodyStream(pieces(), 10))

    _Piece.freed = 0
    answer = falcon.testing.StartResponseMock()
    body = iter(serve(respond).app(falcon.testing.create_environ("/"), answer))
    for number in range(5):
        while not isinstance(piece := next(body), _Piece):
            pass
        del piece
        assert _Piece.freed >= number


def test_a_stream_is_not_cached_but_what_makes_one_is(serve: Serve) -> None:
    """A stream can be read once."""
    calls: list[str] = []

    def made(req: falcon.Request) -> Response:
        calls.append("response")
        stream = BodyStream(_pieces(b"ab"), 2)
        return Response(200, stream if req.params else lambda: BodyStream(_pieces(b"cd"), 2))

    client = serve(made)
    assert [client.simulate_get("/?one=1").content for _ in range(2)] == [b"ab", b"ab"]
    assert len(calls) == 2
    assert [client.simulate_get("/").content for _ in range(3)] == [b"cd"] * 3
    assert len(calls) == 3


CONTENT = bytes(range(100))
RANGED = Response(
    200,
    RangedBody(100, lambda start, stop: _pieces(CONTENT[start:stop])),
    "application/pdf",
    {"ETag": '"1"'},
)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("bytes=0-9", (0, 10)),
        ("bytes = 10-19 ", (10, 20)),
        ("bytes=90-", (90, 100)),
        ("bytes=90-200", (90, 100)),
        ("bytes=-7", (93, 100)),
        ("bytes=-200", (0, 100)),
    ],
)
def test_a_part_of_a_body(serve: Serve, asked: str, expected: tuple[int, int]) -> None:
    """By one range."""
    start, stop = expected
    got = serve(lambda req: RANGED).simulate_get("/", headers={"Range": asked})
    assert (got.status_code, got.content) == (206, CONTENT[start:stop])
    assert got.headers["content-range"] == f"bytes {start}-{stop - 1}/100"
    assert got.headers["content-length"] == str(stop - start)
    assert got.headers["content-type"] == "application/pdf"


@pytest.mark.parametrize("asked", ["bytes=100-", "bytes=200-300", "bytes=-0"])
def test_a_part_that_a_body_does_not_have(serve: Serve, asked: str) -> None:
    """The response says how long it is."""
    got = serve(lambda req: RANGED).simulate_get("/", headers={"Range": asked})
    assert got.status_code == 416
    assert got.headers["content-range"] == "bytes */100"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Range": "bytes=0-9,20-29"},
        {"Range": "bytes=-"},
        {"Range": "bytes=9-0"},
        {"Range": "lines=0-9"},
        {"Range": "bytes=0-9", "If-Range": '"0"'},
    ],
)
def test_what_asks_for_no_part_gets_the_whole(serve: Serve, headers: dict[str, str]) -> None:
    """Also with several ranges, or of another version."""
    client = serve(lambda req: RANGED)
    got = client.simulate_get("/", headers=headers)
    assert (got.status_code, got.content) == (200, CONTENT)
    assert got.headers["accept-ranges"] == "bytes"
    head = client.simulate_head("/", headers=headers)
    assert (head.headers["content-length"], head.content) == ("100", b"")


def test_a_part_of_the_present_version(serve: Serve) -> None:
    """If-Range names it."""
    headers = {"Range": "bytes=0-9", "If-Range": '"1"'}
    got = serve(lambda req: RANGED).simulate_get("/", headers=headers)
    assert (got.status_code, got.content) == (206, CONTENT[:10])


@pytest.mark.parametrize("named", ['"1"', 'W/"1"', '"0", "1"', "*"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_the_client_has_is_not_sent_again(serve: Serve, named: str, method: str) -> None:
    """Not even opened; the tag is sent."""
    headers = {"If-None-Match": named, "Range": "bytes=0-9"}
    got = serve(lambda req: RANGED).simulate_request(method, "/", headers=headers)
    assert (got.status_code, got.content, got.headers["etag"]) == (304, b"", '"1"')
    assert "content-type" not in got.headers
    assert "accept-ranges" not in got.headers


def test_what_the_client_has_not_is_sent(serve: Serve) -> None:
    """Another version; or a response without a tag."""
    headers = {"If-None-Match": '"0"'}
    assert serve(lambda req: RANGED).simulate_get("/", headers=headers).content == CONTENT
    got = serve(lambda req: Response(200, b"here")).simulate_get(
        "/", headers={"If-None-Match": "*"}
    )
    assert got.content == b"here"


contents = st.lists(st.lists(st.binary(max_size=20), max_size=3), min_size=1, max_size=4)


def stored(pieces: list[bytes]) -> RangedBody:
    """Stored content that is read in these pieces."""
    return RangedBody(sum(map(len, pieces)), lambda start, stop: iter(pieces))


@given(contents, st.booleans())
def test_parts_come_in_their_order(found: list[list[bytes]], has_length: bool) -> None:
    """Each with its header, and the whole as long as it says."""
    parts = [
        Part(
            "application/dicom; transfer-syntax=1.2.840.10008.1.2.1",
            stored(pieces) if has_length else lambda pieces=pieces: pieces,  # type: ignore[misc]
            f"https://pacs.example/{number}",
        )
        for number, pieces in enumerate(found)
    ]
    response = parts_response(parts, "application/dicom", ["1"], is_multipart=True)
    assert callable(response.body)
    stream = response.body()
    assert isinstance(stream, BodyStream)
    body = b"".join(stream.pieces)
    assert stream.length == (len(body) if has_length else None)
    assert response.headers == {"ETag": etag_of("1", is_weak=True)}
    assert response.media_type is not None
    _, _, boundary = response.media_type.partition("boundary=")
    assert boundary.isalnum()
    delimiter = b"--" + boundary.encode()
    first, *between, last = (b"\r\n" + body).split(b"\r\n" + delimiter)
    assert (first, last) == (b"", b"--\r\n")
    for number, (one, pieces) in enumerate(zip(between, found, strict=True)):
        header, content = one.removeprefix(b"\r\n").split(b"\r\n\r\n", 1)
        assert header.decode() == (
            "Content-Type: application/dicom; transfer-syntax=1.2.840.10008.1.2.1\r\n"
            f"Content-Location: https://pacs.example/{number}"
        )
        assert content == b"".join(pieces)


def test_other_readers_understand_a_multipart_body() -> None:
    """As MIME."""
    parts = [Part("image/jpeg", lambda: [b"a"]), Part("image/jpeg", list)]
    response = parts_response(parts, "image/jpeg", [], is_multipart=True)
    assert callable(response.body)
    stream = response.body()
    assert isinstance(stream, BodyStream)
    header = f"Content-Type: {response.media_type}\r\n\r\n".encode()
    message = message_from_bytes(header + b"".join(stream.pieces))
    assert [part.get_payload() for part in message.walk()][1:] == ["a", ""]
