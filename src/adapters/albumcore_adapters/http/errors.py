"""The HTTP statuses of errors. The body of an error response is each API's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import falcon

from albumcore.errors import Conflict, Forbidden, Invalid, NotFound
from albumcore_adapters.access.restoring import Gone
from albumcore_adapters.base.concurrency import LimitReached
from albumcore_adapters.base.cursors import CursorGone
from albumcore_adapters.blobs import BlobDamaged, BlobsFull, BlobsUnavailable
from albumcore_adapters.decoding import DecoderUnavailable
from albumcore_adapters.identity.errors import Unauthorized
from albumcore_adapters.identity.jwks import KeysUnavailable
from albumcore_adapters.outbound import PacsFailed, PacsTimedOut
from albumcore_adapters.store import (
    StoreDamaged,
    StoreFull,
    StoreReplaced,
    StoreUnavailable,
)

STATUS: Mapping[type[Exception], int] = {
    Gone: 410,  # before its family
    CursorGone: 410,  # likewise
    Invalid: 400,
    Unauthorized: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    KeysUnavailable: 503,
    StoreUnavailable: 503,
    BlobsUnavailable: 503,
    DecoderUnavailable: 503,
    PacsTimedOut: 504,  # before its family
    PacsFailed: 502,
}
"""The statuses of errors, by base class. Any other error is a fault of the service: 500."""

DETAILS: Mapping[str, str] = {
    "command_reused": "Idempotency-Key: this key came with another request before",
}
"""Details of errors over HTTP, by code, in place of those that name what clients never see."""

_FULL = "the storage of this service is full; nothing was recorded"
FAULTS: Mapping[type[Exception], str] = {
    BlobDamaged: "the stored bytes of this image are damaged",
    BlobsFull: _FULL,
    DecoderUnavailable: "DICOM files cannot be read at present; try again",
    StoreFull: _FULL,
    StoreReplaced: "the database was replaced while it was open; this service must be restarted",
    StoreDamaged: "the database is damaged",
}
"""Details of faults that an administrator has to repair, by class; subclasses come first."""

_RETRY_AFTER: Mapping[type[Exception], int] = {DecoderUnavailable: 5}
"""Whole seconds after which to try again, by class of error."""


def fault_of(error: Exception) -> str | None:
    """The detail of a fault; None if there is only the log id."""
    return next((said for kind, said in FAULTS.items() if isinstance(error, kind)), None)


class Refused(falcon.HTTPError):
    """An error with a status, as the framework represents such errors.

    Instrumentation of the framework (OpenTelemetry, Sentry) reports any other exception of a responder as a fault,
    whatever the response is.

    Attributes:
        error: The error that was raised.
    """

    def __init__(self, status: int, error: Exception) -> None:
        seconds = _RETRY_AFTER.get(type(error))
        super().__init__(status, headers=None if seconds is None else {"Retry-After": str(seconds)})
        self.error = error


def status_of(error: Exception) -> int | None:
    """The status of an error; None if it is a fault of the service."""
    return next((status for family, status in STATUS.items() if isinstance(error, family)), None)


def refusing(respond: Callable[..., None]) -> Callable[..., None]:
    """Wrap a responder: errors with a status become `Refused`; faults are raised as they are."""

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
