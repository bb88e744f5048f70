"""Structured logs: the record of each request, its ids, and the lines of JSON."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import falcon.testing
import pytest

from albumcore import utc_now
from albumcore_adapters.base import logs
from albumcore_adapters.base.json_lines import JsonLinesHandler
from albumcore_adapters.base.logs import RequestLogRecord, log
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.http.app import create_app
from albumcore_adapters.identity.jwt import issue_token
from albumcore_adapters.service import Service, open_service
from support.logs import written

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """An empty data directory."""
    opened = open_service(Settings(data=tmp_path))
    yield opened
    opened.close()


def request(service: Service, path: str = "/healthz", **headers: str) -> falcon.testing.Result:
    """Send a request with headers; underscores in their names stand for hyphens."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return falcon.testing.TestClient(create_app(service)).simulate_get(path, headers=given)


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """The lines of JSON for the records logged so far."""
    found = [json.loads(line) for line in written(caplog).splitlines()]
    caplog.clear()
    return found


@pytest.mark.parametrize(("level", "count"), [("INFO", 1), ("DEBUG", 1), ("WARNING", 0)])
def test_requests_are_logged_where_that_is_wanted(
    service: Service, caplog: pytest.LogCaptureFixture, level: str, count: int
) -> None:
    """Each request has one record of level INFO, which every handler receives."""
    caplog.set_level(level, "albumcore")
    request(service)
    assert [record.getMessage() for record in caplog.records] == ["GET /healthz 200"] * count


def test_the_line_of_a_request(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    """The record has the route instead of the path, and neither query nor headers."""
    caplog.set_level("INFO", "albumcore")
    request(service, "/albums/A1?cap=SECRET", Authorization="Bearer SECRET")
    [line] = lines(caplog)
    assert "SECRET" not in str(line)
    assert line.pop("milliseconds") >= 0
    assert re.fullmatch(r"[0-9a-f]{32}", line.pop("request_id"))
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "request",
        "level": "info",
        "method": "GET",
        "route": "/albums/{album}",
        "status": 401,
    }


@pytest.mark.parametrize("given", ["a", "R-1:2/3=;x", "~" * 128])
def test_a_request_id_comes_back(
    service: Service, caplog: pytest.LogCaptureFixture, given: str
) -> None:
    """A valid X-Request-Id of the client is returned and logged."""
    caplog.set_level("INFO", "albumcore")
    assert request(service, X_Request_Id=given).headers["X-Request-Id"] == given
    assert [line["request_id"] for line in lines(caplog)] == [given]


@pytest.mark.parametrize("given", ["", "a b", "a,b", "\xe9", "a\x7f", "~" * 129, None])
def test_a_request_id_is_made_where_none_is_sane(
    service: Service, caplog: pytest.LogCaptureFixture, given: str | None
) -> None:
    """Generated request ids are unique, and logged."""
    caplog.set_level("INFO", "albumcore")
    headers = {} if given is None else {"X_Request_Id": given}
    made = [request(service, **headers).headers["X-Request-Id"] for _ in range(2)]
    assert all(re.fullmatch(r"[0-9a-f]{32}", one) for one in made)
    assert made[0] != made[1]
    assert [line["request_id"] for line in lines(caplog)] == made


@pytest.mark.parametrize("given", [PARENT, f"01{PARENT[2:]}", f"cc{PARENT[2:]}-more"])
def test_a_trace_comes_back(service: Service, caplog: pytest.LogCaptureFixture, given: str) -> None:
    """The trace id is logged. Later versions may append fields (W3C Trace Context, section 3.2.4)."""
    caplog.set_level("INFO", "albumcore")
    assert request(service, traceparent=given).headers["traceparent"] == given
    assert [line["trace_id"] for line in lines(caplog)] == [TRACE]


@pytest.mark.parametrize(
    "given",
    [
        "",
        "nonsense",
        f"ff{PARENT[2:]}",
        f"{PARENT}-more",
        f"01{PARENT[2:]}more",
        PARENT.upper(),
        f"{PARENT},{PARENT}",
        PARENT.replace(TRACE, "0" * 32),
        PARENT.replace("00f067aa0ba902b7", "0" * 16),
        PARENT[:-1],
    ],
)
def test_an_invalid_trace_is_ignored(
    service: Service, caplog: pytest.LogCaptureFixture, given: str
) -> None:
    """An invalid traceparent is neither returned nor logged."""
    caplog.set_level("INFO", "albumcore")
    assert "traceparent" not in request(service, traceparent=given).headers
    assert not any("trace_id" in line for line in lines(caplog))


def test_an_answer_that_is_kept_has_the_ids_of_the_request(service: Service) -> None:
    """A cached response has the ids of the request it answers, not those of the first one."""
    token = issue_token(service.secret, "a", "a@clinic.example", "A", 600, utc_now())
    app = falcon.testing.TestClient(create_app(service))
    headers = {"Authorization": f"Bearer {token}"}
    app.simulate_get("/albums", headers=headers)
    answers = [
        app.simulate_get("/albums", headers=headers | {"X-Request-Id": one, **extra})
        for one, extra in (("one", {"traceparent": PARENT}), ("two", {}))
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert [answer.headers["X-Request-Id"] for answer in answers] == ["one", "two"]
    assert ["traceparent" in answer.headers for answer in answers] == [True, False]


def test_a_page_of_another_origin_may_read_the_ids(service: Service) -> None:
    """A script of another origin may send and read the ids."""
    headers = request(service, "/albums").headers
    allowed = headers["Access-Control-Allow-Headers"].split(", ")
    assert {"X-Request-Id", "traceparent"} <= set(allowed)
    assert headers["Access-Control-Expose-Headers"] == "X-Request-Id, traceparent"


@pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD")
def test_a_method_that_is_none_is_named_too(service: Service) -> None:
    """A request that the framework refuses before any middleware runs has an id too."""
    client = falcon.testing.TestClient(create_app(service))
    answer = client.simulate_request("WEBSOCKET", "/healthz")
    assert answer.status_code == 400
    assert answer.headers["X-Request-Id"]


def test_a_fault_is_logged_with_the_request(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """Fault and request have the same request id in the log. Tracebacks are without local variables."""
    app = create_app(service)

    class Broken:
        def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
            token = "SECRET"
            raise RuntimeError(f"a fault with a token of {len(token)} characters")

    app.add_route("/broken", Broken())
    caplog.set_level("INFO", "albumcore")
    falcon.testing.TestClient(app).simulate_get("/broken", headers={"X-Request-Id": "one"})
    fault, request = lines(caplog)
    assert (fault["event"], fault["level"], request["event"]) == ("fault", "error", "request")
    assert fault["request_id"] == request["request_id"] == "one"
    assert fault["exception"][0]["exc_value"] == "a fault with a token of 6 characters"
    assert "SECRET" not in str(fault)


def test_the_record_of_a_request_is_a_record() -> None:
    """A `RequestLogRecord` has all attributes of a `logging.LogRecord`, with its own thread and time."""
    made: list[logging.LogRecord] = []

    def make() -> None:
        made.extend(RequestLogRecord({"method": "GET", "route": None, "status": 404}) for _ in "12")

    thread = threading.Thread(target=make, name="thread of the test")
    thread.start()
    thread.join()
    usual = logging.makeLogRecord({})
    for one in made:
        assert set(vars(usual)) <= set(vars(one))
        assert (one.threadName, one.getMessage()) == (thread.name, "GET None 404")
        assert abs(one.created - usual.created) < 60
        assert abs(one.relativeCreated - usual.relativeCreated) < 60_000
        assert 0 <= one.msecs < 1000
    assert made[1].created >= made[0].created


_FORKED = """
import os
from albumcore_adapters.base.logs import RequestLogRecord
fields = {"method": "GET", "route": None, "status": 200}
RequestLogRecord(fields)
if (child := os.fork()) == 0:
    os._exit(RequestLogRecord(fields).process != os.getpid())
_, status = os.waitpid(child, 0)
assert status == 0
"""


def test_a_record_is_of_the_process_it_is_made_in() -> None:
    """After a fork, records name the child process, also where the parent made one before."""
    subprocess.run([sys.executable, "-c", _FORKED], check=True)


def test_a_record_is_made_as_the_application_has_it(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """A record factory set by the application makes the records of requests too."""
    usual = logging.getLogRecordFactory()

    def make(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = usual(*args, **kwargs)
        record.tenant = "north"
        return record

    caplog.set_level("INFO", "albumcore")
    logging.setLogRecordFactory(make)
    try:
        request(service)
    finally:
        logging.setLogRecordFactory(usual)
    [record] = caplog.records
    shown = logging.Formatter("%(tenant)s %(message)s").format(record)
    assert shown == "north GET /healthz 200"
    assert lines(caplog)[0]["route"] == "/healthz"


def test_a_message_of_any_logger_is_a_line() -> None:
    """Every message becomes one line of printable ASCII, also lone surrogates and control sequences."""
    for text in ("plain", "M\xfcller", "\x1b[31m\n\x9b2J", "\udcff"):
        record = logging.makeLogRecord({"name": "a", "msg": text, "levelname": "WARNING"})
        line = JsonLinesHandler().format(record)
        assert line.isascii()
        assert line.isprintable()
        told = json.loads(line)
        assert (told["event"], told["logger"], told["level"]) == (text, "a", "warning")
        at = datetime.fromtimestamp(record.created, UTC).isoformat()
        assert told["timestamp"] == at.replace("+00:00", "Z")


def test_what_cannot_be_written_ends_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of the handler is not raised: a request does not fail because its line is lost."""
    monkeypatch.setattr(logging, "raiseExceptions", False)

    class Closed:
        def write(self, line: str) -> None:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Closed())
    JsonLinesHandler().handle(logging.makeLogRecord({"msg": "lost"}))


_EMBEDDED = """
import logging, sys
from albumcore_adapters.base.json_lines import configure_logging
from albumcore_adapters.base.logs import REQUEST_LOGGER, RequestLogRecord
if sys.argv[1:]:
    logging.basicConfig(format="mine %(message)s")
for level in ("warning", "info"):
    configure_logging(level)
    if REQUEST_LOGGER.isEnabledFor(logging.INFO):
        REQUEST_LOGGER.handle(RequestLogRecord({"method": "GET", "route": level, "status": 200}))
logging.getLogger("httpx").info("of others")
logging.getLogger("albumcore_adapters.any").info("of ours")
"""


@pytest.mark.parametrize("arguments", [[], ["with a handler of its own"]])
def test_lines_are_written_unless_the_process_has_handlers(arguments: list[str]) -> None:
    """Records are written once each, at the level of the setting; of other libraries from WARNING on."""
    ended = subprocess.run(
        [sys.executable, "-c", _EMBEDDED, *arguments], capture_output=True, text=True, check=True
    )
    found = ended.stderr.splitlines()
    if arguments:
        assert found == ["mine GET info 200", "mine of ours"]
    else:
        assert [json.loads(line).get("route") for line in found] == ["info", None]


def test_facts_are_not_made_into_a_record_that_is_not_wanted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """No record is made below the level of the logger."""
    caplog.set_level("ERROR", "albumcore")
    log(logs.REQUEST_LOGGER, logging.WARNING, "unwanted")
    assert caplog.records == []
