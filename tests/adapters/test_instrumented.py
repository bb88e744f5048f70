"""What OpenTelemetry's instrumentation of the framework makes of our answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import falcon
import falcon.testing
import pytest
from attrs import frozen
from opentelemetry.instrumentation.falcon import FalconInstrumentor
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from albumcore.errors import Conflict, Forbidden, Invalid, NotFound
from albumcore_adapters.access.restoring import Gone
from albumcore_adapters.base.concurrency import LimitReached
from albumcore_adapters.base.cursors import CursorGone
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.blobs import BlobsUnavailable
from albumcore_adapters.decoding import DecoderUnavailable
from albumcore_adapters.http.app import create_app
from albumcore_adapters.http.errors import STATUS
from albumcore_adapters.identity.errors import Unauthorized
from albumcore_adapters.identity.jwks import KeysUnavailable
from albumcore_adapters.outbound import PacsFailed, PacsTimedOut
from albumcore_adapters.service import open_service
from albumcore_adapters.store import StoreError, StoreUnavailable

ERRORS = (
    (Invalid("name", "bad"), 400),
    (Unauthorized("who?"), 401),
    (Forbidden("no"), 403),
    (NotFound("none"), 404),
    (Conflict("twice"), 409),
    (Gone("too late"), 410),
    (CursorGone("of another history"), 410),
    (DecoderUnavailable("no process"), 503),
    (falcon.HTTPContentTooLarge(), 413),
    (falcon.HTTPTooManyRequests(), 429),
    (KeysUnavailable("away"), 503),
    (StoreUnavailable("away"), 503),
    (PacsFailed("away"), 502),
    (PacsTimedOut("slow"), 504),
    (BlobsUnavailable("away"), 503),
    (LimitReached("later", 1), 503),
    (StoreError("damaged"), 500),
    (RuntimeError("a fault"), 500),
)


@frozen
class _Raises:
    """A resource of which every request ends in an error."""

    error: Exception

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Raise it."""
        raise self.error


@frozen
class _Traced:
    """The application as it is instrumented, and the spans that were made."""

    app: falcon.App[falcon.Request, falcon.Response]
    exporter: InMemorySpanExporter

    def request(self, path: str) -> tuple[int, ReadableSpan]:
        """The status of an answer, and the span of its request."""
        self.exporter.clear()
        answer = falcon.testing.TestClient(self.app).simulate_get(path)
        (span,) = self.exporter.get_finished_spans()
        return answer.status_code, span


@pytest.fixture
def traced(tmp_path: Path) -> Iterator[_Traced]:
    """An application over an empty data directory, made while the framework is instrumented."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    instrumentor = FalconInstrumentor()
    instrumentor.instrument(tracer_provider=provider)
    service = open_service(Settings(data=tmp_path))
    try:
        yield _Traced(create_app(service), exporter)
    finally:
        service.close()
        instrumentor.uninstrument()
        provider.shutdown()


def test_every_family_of_errors_is_among_those_that_are_traced() -> None:
    """A new family cannot be forgotten below."""
    assert {type(error) for error, _ in ERRORS} >= set(STATUS)


@pytest.mark.parametrize("path", ["/raises", "/tscharts/v1/raises"])
@pytest.mark.parametrize(("error", "status"), ERRORS, ids=lambda one: str(type(one).__name__))
def test_only_5xx_is_a_fault(traced: _Traced, path: str, error: Exception, status: int) -> None:
    """A refusal is the client's affair, in both APIs; a fault is ours, with the status that was answered."""
    traced.app.add_route(path, _Raises(error))
    answered, span = traced.request(path)
    assert answered == status
    assert span.attributes is not None
    assert span.attributes["http.status_code"] == status
    assert (span.status.status_code is StatusCode.ERROR) == (status >= 500)


@pytest.mark.parametrize(
    "path", ["/albums", "/albums/A1/events", "/tscharts/v1/patient/1", "/tscharts/v1/none"]
)
def test_a_request_without_a_token_is_no_fault(traced: _Traced, path: str) -> None:
    """Of routes as they are, and where there is none."""
    answered, span = traced.request(path)
    assert (answered, span.status.status_code) == (401, StatusCode.UNSET)
