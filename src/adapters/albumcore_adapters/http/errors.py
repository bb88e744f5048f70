"""Which HTTP status answers which family of errors. The shape of the answer is each API's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import falcon
from falcon.routing import CompiledRouter

from albumcore.errors import Conflict, Forbidden, Invalid, NotFound
from albumcore_adapters.base.concurrency import LimitReached
from albumcore_adapters.blobs import BlobDamaged, BlobsFull, BlobsUnavailable
from albumcore_adapters.identity.errors import Unauthorized
from albumcore_adapters.identity.jwks import KeysUnavailable
from albumcore_adapters.store import (
    StoreDamaged,
    StoreFull,
    StoreReplaced,
    StoreUnavailable,
)

STATUS: Mapping[type[Exception], int] = {
    Invalid: 400,
    Unauthorized: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    KeysUnavailable: 503,
    StoreUnavailable: 503,
    BlobsUnavailable: 503,
}
"""Families of errors that are the client's to know about. Whatever is of none of them is a fault of ours: 500."""

DETAILS: Mapping[str, str] = {
    "command_reused": "Idempotency-Key: this key came with another request before",
}
"""What is said over HTTP of an error of this code, where its own words are of something that clients never see."""

_FULL = "there is no room left where this service keeps its data; nothing was recorded"
FAULTS: Mapping[type[Exception], str] = {
    BlobDamaged: "the stored bytes of this image are damaged",
    BlobsFull: _FULL,
    StoreFull: _FULL,
    StoreReplaced: "the database was replaced while it was open; this service must be restarted",
    StoreDamaged: "the database is damaged",
}
"""What clients are told of faults of ours that need their administrator. The more special kind comes first."""


def fault_of(error: Exception) -> str | None:
    """What is said of a fault of ours, or None where its log id says all."""
    return next((said for kind, said in FAULTS.items() if isinstance(error, kind)), None)


class Refused(falcon.HTTPError):
    """An error that has a status, as the framework knows such errors.

    Instrumentation of the framework (OpenTelemetry, Sentry) takes any other exception of a responder for a fault,
    whatever is answered.

    Attributes:
        error: What was raised.
    """

    def __init__(self, status: int, error: Exception) -> None:
        super().__init__(status)
        self.error = error


def status_of(error: Exception) -> int | None:
    """The status that answers an error, or None where the error is a fault of ours."""
    return next((status for family, status in STATUS.items() if isinstance(error, family)), None)


def refusing(respond: Callable[..., None]) -> Callable[..., None]:
    """A responder whose errors are of the framework's kind, where they have a status; faults stay as they are."""

    @wraps(respond)
    def responder(*args: Any, **kwargs: Any) -> None:
        try:
            respond(*args, **kwargs)
        except falcon.HTTPError:
            raise
        except LimitReached as error:
            raise falcon.HTTPServiceUnavailable(
                description=error.detail, retry_after=error.retry_after
            ) from error
        except Exception as error:
            if (status := status_of(error)) is None:
                raise
            raise Refused(status, error) from error

    return responder


class Router(CompiledRouter):
    """Falcon's router, with every responder `refusing`."""

    def map_http_methods(self, resource: object, **kwargs: Any) -> Any:
        """The responders of a resource, by HTTP method."""
        responders: Mapping[str, Any] = super().map_http_methods(resource, **kwargs)
        return {method: refusing(responder) for method, responder in responders.items()}
