"""An archive that fails: every request ends in time, with 502, 504 or 404, and nothing is half stored."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from attrs import evolve

from albumcore import Source
from albumcore.ids import SeriesUID, StudyUID
from albumcore_adapters.base.secret import SecretError, load_authorization
from albumcore_adapters.directory.stored_instances import StoredInstances
from albumcore_adapters.instances.pacs_archive import PacsArchive
from albumcore_adapters.outbound import Pacs, PacsFailed, PacsTimedOut
from support.certificates import write_certificate
from support.dicom_files import BOUNDARY, RELATED, dicom_file, message
from support.kheops import ALICE, CT, STUDY, World, open_world, settle
from support.receiver import HANG_UP, Answer, Receiver, receiving, silent

BRIEF = 0.3
"""A time limit, in seconds, for answers that never come."""

FILE = dicom_file(STUDY, CT, f"{CT}.1")
SERIES = f"/dicom/studies/{STUDY}/series/{CT}"
INSTANCE = f"{SERIES}/instances/{CT}.1"
EMPTY = Answer.json([])


def in_parts(*files: bytes, **others: Any) -> Answer:
    """An answer with files in parts."""
    return Answer(body=message(files), headers={"Content-Type": RELATED}, **others)


@pytest.fixture
def origin() -> Iterator[Receiver]:
    """An archive that answers what a test says; at first, it has nothing and stores nothing."""
    with receiving() as receiver:
        receiver.answer(EMPTY)
        receiver.answer(Answer(404), path=INSTANCE)
        yield receiver


@pytest.fixture
def world(origin: Receiver, tmp_path: Path) -> Iterator[World]:
    """A settled world beside it, with a time limit that is long enough for every answer that comes."""
    made = open_world(tmp_path / "data", start=settle, pacs_url=f"{origin.address}/dicom")
    yield made
    made.service.close()


def hasty(world: World) -> None:
    """Shorten the time limit."""
    archive = world.service.series_fetcher.archive
    assert archive is not None
    pacs = Pacs(archive.pacs._root.text, seconds=BRIEF)
    archive.pacs.close()
    for one in (
        archive,
        world.service.instance_store.archive,
        world.service.instance_reader.archive,
    ):
        assert isinstance(one, PacsArchive)
        one.pacs = pacs


def send(world: World) -> Any:
    """Store the instance."""
    return world.request(
        ALICE, "POST", "/studies", headers={"Content-Type": RELATED}, body=message([FILE])
    )


def stored(world: World, origin: Receiver) -> None:
    """Have the instance stored."""
    origin.answer(in_parts(FILE), path=INSTANCE)
    assert send(world).status_code == 200


def retrieve(world: World, **query: str) -> Any:
    """Retrieve the instance."""
    return world.request(
        ALICE, "GET", f"/studies/{STUDY}/series/{CT}/instances/{CT}.1", query=query
    )


def is_stored(world: World) -> bool:
    """Whether the catalogue has the instance."""
    return bool(StoredInstances(world.service.database).of_series(STUDY, CT))


def test_an_instance_is_sent_alone_and_read_again(world: World, origin: Receiver) -> None:
    """Nothing of the client's request goes along."""
    origin.answer(EMPTY, path=f"{SERIES}/instances?limit=1&offset=0")
    stored(world, origin)
    search, post, get, *_ = origin.requests  # The thumbnail of the series follows.
    assert (search.path, post.path, get.path) == (
        f"{SERIES}/instances?limit=1&offset=0",
        "/dicom/studies",
        INSTANCE,
    )
    assert FILE in post.body
    assert post.headers["content-type"].startswith('multipart/related; type="application/dicom"')
    assert get.headers["accept"] == 'multipart/related; type="application/dicom"; transfer-syntax=*'
    for request in origin.requests:
        assert request.headers["host"] == f"127.0.0.1:{origin.port}"
        assert not {"authorization", "cookie", "x-forwarded-for"} & set(request.headers)
    assert retrieve(world).status_code == 200


MALFORMED: dict[str, Answer] = {
    "500": Answer(500, b"a stack trace"),
    "401": Answer(401),
    "403": Answer(403),
    "400": Answer(400),
    "a redirect": Answer.redirect("/elsewhere"),
    "no HTTP": Answer(raw=b"DICM"),
    "half a header": Answer(raw=b"HTTP/1.1 200 OK\r\nContent-"),
    "less than it says": in_parts(FILE[:300]),
    "a body that ends early": evolve(
        in_parts(FILE), headers={"Content-Type": RELATED, "Content-Length": "100000"}
    ),
    "half of the parts": Answer(body=message([FILE])[:-60], headers={"Content-Type": RELATED}),
    "no boundary": Answer(body=message([FILE]), headers={"Content-Type": "multipart/related"}),
    "no parts": Answer(body=f"--{BOUNDARY}--".encode(), headers={"Content-Type": RELATED}),
    "nothing": Answer(),
    "two files": in_parts(FILE, FILE),
    "another file": in_parts(dicom_file(STUDY, CT, f"{CT}.1", PatientName="Other")),
    "no connection": HANG_UP,
}


@pytest.mark.parametrize("fault", MALFORMED)
def test_a_fault_of_the_archive_is_502(world: World, origin: Receiver, fault: str) -> None:
    """And says nothing of its address or its answer; once it answers, the instance is there."""
    stored(world, origin)
    origin.answer(MALFORMED[fault], path=INSTANCE)
    answer = retrieve(world)
    assert answer.status_code == 502, answer.text
    assert str(origin.port) not in answer.text
    assert "stack trace" not in answer.text
    origin.answer(in_parts(FILE), path=INSTANCE)
    assert retrieve(world).status_code == 200


@pytest.mark.parametrize(
    "fault",
    [
        Answer(delay=20),
        evolve(in_parts(FILE), drip=0.1),
        Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\n\r\n", drip=0.1),
    ],
)
def test_an_archive_that_is_slow_is_504(world: World, origin: Receiver, fault: Answer) -> None:
    """However often a byte arrives."""
    stored(world, origin)
    hasty(world)
    origin.answer(fault, path=INSTANCE)
    answer = retrieve(world)
    assert (answer.status_code, answer.json["message"]) == (504, "Gateway Timeout")


def test_a_connection_that_broke_is_made_again_once(world: World, origin: Receiver) -> None:
    """An archive closes connections that it thinks idle at any moment; an upload too is sent again."""
    origin.answer(HANG_UP, EMPTY, path="/dicom/studies")
    origin.answer(HANG_UP, in_parts(FILE), path=INSTANCE)
    assert send(world).status_code == 200
    assert [one.path for one in origin.requests].count("/dicom/studies") == 2
    assert retrieve(world).status_code == 200
    before = len(origin.requests)
    origin.answer(HANG_UP, path=INSTANCE)
    assert retrieve(world).status_code == 502
    assert len(origin.requests) == before + 2


def test_a_missing_instance_is_not_found(world: World, origin: Receiver) -> None:
    """The archive says so, in one of two ways."""
    stored(world, origin)
    for status in (404, 410):
        origin.answer(Answer(status), path=INSTANCE)
        assert retrieve(world).status_code == 404


def test_an_archive_that_is_not_there_is_502(world: World, origin: Receiver) -> None:
    """The connection is refused, or never accepted; the albums go on."""
    stored(world, origin)
    archive = world.service.instance_reader.archive
    assert isinstance(archive, PacsArchive)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    archive.pacs = Pacs(f"http://127.0.0.1:{port}/dicom")
    assert retrieve(world).status_code == 502
    assert world.request(ALICE, "GET", "/albums").status_code == 200
    archive.pacs = Pacs("http://archive.test", resolve=lambda *_, **__: [])
    assert retrieve(world).status_code == 502
    with silent() as address:
        archive.pacs = Pacs(f"http://{address}", seconds=BRIEF)
        assert retrieve(world).status_code == 504


STORE_FAULTS: dict[str, tuple[Answer, int, int | None]] = {
    "500": (Answer(500), 502, None),
    "403": (Answer(403), 502, None),
    "no such service": (Answer(404), 502, None),
    "not allowed": (Answer(405), 502, None),
    "no connection": (HANG_UP, 502, None),
    "too large": (Answer(413), 409, 0x0110),
    "nothing stored, no reason": (Answer(200), 409, 0x0110),
    "a list": (Answer.json([]), 409, 0x0110),
    "no number": (
        Answer.json({"00081198": {"Value": [{"00081197": {"Value": ["x"]}}]}}),
        409,
        0x0110,
    ),
    "a reason": (
        Answer.json(
            {"00081198": {"vr": "SQ", "Value": [{"00081197": {"Value": [0xA700]}}]}}, status=409
        ),
        409,
        0xA700,
    ),
    "400 with a reason": (
        Answer.json(
            {"00081198": {"vr": "SQ", "Value": [{"00081197": {"Value": [0xC122]}}]}}, status=400
        ),
        409,
        0xC122,
    ),
    "too long": (Answer(body=b" " * (1024 * 1024 + 1)), 502, None),
}


@pytest.mark.parametrize("fault", STORE_FAULTS)
def test_what_the_archive_does_not_store_is_not_stored(
    world: World, origin: Receiver, fault: str
) -> None:
    """It is refused with the reason that the archive gives; the catalogue knows nothing of it."""
    answer, status, reason = STORE_FAULTS[fault]
    origin.answer(answer, path="/dicom/studies")
    got = send(world)
    assert got.status_code == status, got.text
    if reason is not None:
        [failed] = got.json["00081198"]["Value"]
        assert failed["00081197"]["Value"] == [reason]
    assert not is_stored(world)


def test_an_instance_that_the_archive_cannot_show_is_not_stored(
    world: World, origin: Receiver
) -> None:
    """It said that it stored it; it is read to be sure."""
    origin.answer(Answer(500), path=INSTANCE)
    assert send(world).status_code == 502
    assert not is_stored(world)


def found(*uids: str, tag: str = "00080018") -> Answer:
    """The answer to a search."""
    return Answer.json([{tag: {"vr": "UI", "Value": [uid]}} for uid in uids])


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Answer(500), 502),
        (Answer(400), 502),
        (Answer(body=b"<html>"), 502),
        (Answer.json({"a": 1}), 502),
        (Answer.json([{"00080018": {"vr": "UI"}}]), 502),
        (Answer(204), 200),
        (Answer(404), 200),
        (Answer(), 200),
        (found("../../1"), 200),
    ],
)
def test_a_search_that_fails(world: World, origin: Receiver, answer: Answer, status: int) -> None:
    """Nothing is fetched; what is no UID is asked for nowhere."""
    stored(world, origin)
    origin.answer(answer, path=f"{SERIES}/instances?limit=500&offset=0")
    before = len(origin.requests)
    assert world.request(ALICE, "POST", f"/studies/{STUDY}/fetch").status_code == status
    assert len(origin.requests) == before + 1


def fetcher(world: World) -> Callable[..., Any]:
    """Fetches series."""
    return world.service.series_fetcher.fetch


def test_what_is_found_and_is_none_of_the_series_is_passed_over(
    world: World, origin: Receiver
) -> None:
    """Each is named, with the reason; the others are added."""
    uids = [f"{CT}.{number}" for number in range(1, 6)]
    origin.answer(found(*uids), path=f"{SERIES}/instances?limit=500&offset=0")
    origin.answer(in_parts(FILE), path=INSTANCE)
    other = dicom_file(StudyUID("1.9"), CT, uids[1])
    origin.answer(in_parts(other), path=f"{SERIES}/instances/{uids[1]}")
    origin.answer(in_parts(b"no image"), path=f"{SERIES}/instances/{uids[2]}")
    origin.answer(Answer(404), path=f"{SERIES}/instances/{uids[3]}")
    good = dicom_file(STUDY, CT, uids[4])
    origin.answer(in_parts(good), path=f"{SERIES}/instances/{uids[4]}")
    done: list[int] = []
    result = fetcher(world)(STUDY, [CT], Source(world.user(ALICE)), world.user(ALICE), done.append)
    assert (result.instances, result.known, done) == (2, 0, [5])
    assert [one.partition(":")[0] for one in result.passed_over] == uids[1:4]
    again = fetcher(world)(STUDY, [CT], Source(world.user(ALICE)))
    assert (again.instances, again.known) == (0, 2)


def test_a_series_that_belongs_elsewhere_is_passed_over(world: World, origin: Receiver) -> None:
    """The catalogue knows the series as one of another study."""
    world.store({CT: "CT"}, study="1.9")
    origin.answer(found(f"{CT}.1"), path=f"{SERIES}/instances?limit=500&offset=0")
    origin.answer(in_parts(FILE), path=INSTANCE)
    result = fetcher(world)(STUDY, [CT], Source(world.user(ALICE)))
    assert result.instances == 0
    assert "another study" in result.passed_over[0] or "belongs" in result.passed_over[0]


def test_searches_have_pages(world: World, origin: Receiver) -> None:
    """An archive that knows no offset is asked no more than once again."""
    archive = world.service.series_fetcher.archive
    assert archive is not None
    uids = [f"{CT}.{number}" for number in range(500)]
    origin.answer(found(*uids), path=f"{SERIES}/instances?limit=500&offset=0")
    origin.answer(found("1.7"), path=f"{SERIES}/instances?limit=500&offset=500")
    assert archive.instances_of(STUDY, CT) == [*uids, "1.7"]
    origin.answer(found(*uids), path=f"{SERIES}/instances?limit=500&offset=500")
    assert archive.instances_of(STUDY, CT) == uids
    origin.answer(
        found("1.2", tag="0020000E"), path=f"/dicom/studies/{STUDY}/series?limit=500&offset=0"
    )
    assert archive.series_of(STUDY) == [SeriesUID("1.2")]


def test_a_file_that_is_too_large_is_502(world: World, origin: Receiver) -> None:
    """It is read no further than an instance may be long."""
    stored(world, origin)
    archive = world.service.instance_reader.archive
    assert isinstance(archive, PacsArchive)
    archive.max_instance = len(FILE) - 1
    with pytest.raises(PacsFailed, match="larger"):
        archive.fetch(STUDY, CT, f"{CT}.1")


def test_ranges_of_a_fetched_file(world: World, origin: Receiver) -> None:
    """As of any byte source: a range outside of it is an error."""
    origin.answer(in_parts(FILE), path=INSTANCE)
    archive = world.service.series_fetcher.archive
    assert archive is not None
    file = archive.fetch(STUDY, CT, f"{CT}.1")
    assert file is not None
    assert file.read(10, 20) == FILE[10:20]
    with pytest.raises(ValueError, match="range"):
        file.read(0, len(FILE) + 1)


def test_without_the_archive_its_instances_are_not_found(
    world: World, origin: Receiver, tmp_path: Path
) -> None:
    """The setting was removed: what is known of them stays."""
    stored(world, origin)
    world.service.close()
    without = open_world(tmp_path / "data")
    try:
        answer = retrieve(without)
        assert (answer.status_code, "not configured" in answer.text) == (404, True)
        assert without.request(ALICE, "POST", f"/studies/{STUDY}/fetch").status_code == 200
    finally:
        without.service.close()


def test_an_instance_that_was_stored_here_before_is_read_here(
    origin: Receiver, tmp_path: Path
) -> None:
    """An archive may be named later; what is stored already stays where it is, and is not fetched."""
    before = open_world(tmp_path / "data", start=settle)
    assert send(before).status_code == 200
    before.service.close()
    beside = open_world(tmp_path / "data", pacs_url=f"{origin.address}/dicom")
    try:
        assert retrieve(beside).status_code == 200
        assert origin.requests == []
        origin.answer(found(f"{CT}.1"), path=f"{SERIES}/instances?limit=500&offset=0")
        assert fetcher(beside)(STUDY, [CT], Source(beside.user(ALICE))).known == 1
    finally:
        beside.service.close()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("alice:a secret", "Basic YWxpY2U6YSBzZWNyZXQ="),
        ("Bearer abc.def\n", "Bearer abc.def"),
        ("Basic YTpi\r\n", "Basic YTpi"),
        ("", None),
        ("two\nlines", None),
        ("umlaut:\u00e4", None),
        ("a:" + "b" * 9000, None),
    ],
)
def test_the_file_with_the_credentials(tmp_path: Path, text: str, value: str | None) -> None:
    """One line: user and password, or the whole value; nothing else is accepted, and it is never shown."""
    file = tmp_path / "credentials"
    file.write_text(text, encoding="utf-8", newline="")
    file.chmod(0o600)
    if value is None:
        with pytest.raises(SecretError, match="one line") as caught:
            load_authorization(file)
        assert not text or text not in str(caught.value)
    else:
        assert load_authorization(file) == value
    file.chmod(0o640)
    with pytest.raises(SecretError, match="other users"):
        load_authorization(file)


def ask(pacs: Pacs) -> int:
    """The status of an answer of the archive."""
    try:
        with pacs.get("/studies", "*/*") as answer:
            return answer.status
    finally:
        pacs.close()


def test_an_archive_that_speaks_https(tmp_path: Path) -> None:
    """Its certificate must be trusted; a handshake that does not end is a time-out."""
    path = tmp_path / "archive.pem"
    write_certificate(path, "archive.test")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    trusting = ssl.create_default_context(cafile=str(path))

    def here(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        return [(0, 0, 0, "", ("127.0.0.1", port))]

    with receiving(server) as origin:
        url = f"https://archive.test:{origin.port}"
        assert ask(Pacs(url, resolve=here, tls=trusting)) == 200
        with pytest.raises(PacsFailed, match="cannot be connected to"):
            ask(Pacs(url, resolve=here))
    with silent() as address, pytest.raises(PacsTimedOut):
        ask(Pacs(f"https://{address}", connect_seconds=BRIEF))


def test_a_time_limit_that_has_passed_is_a_time_out(origin: Receiver) -> None:
    """Nothing more is sent or read then."""
    with pytest.raises(PacsTimedOut):
        ask(Pacs(origin.address, seconds=0))


def test_the_host_of_an_address_of_ipv6_is_in_brackets() -> None:
    """As in every request; the default port is left out."""
    assert Pacs("http://[::1]:8042/dicom")._headers["Host"] == "[::1]:8042"
    assert Pacs("http://archive.test/dicom")._headers["Host"] == "archive.test"


def test_answers_that_are_read_in_part_end_their_connection(origin: Receiver) -> None:
    """The next request has a new one."""
    origin.answer(Answer(body=orjson.dumps(["x" * 100_000])))
    pacs = Pacs(f"{origin.address}", "Bearer token")
    for _ in range(2):
        with pacs.get("/studies", "*/*") as answer:
            assert answer.status == 200
    pacs.close()
    assert [one.headers["authorization"] for one in origin.requests] == ["Bearer token"] * 2
