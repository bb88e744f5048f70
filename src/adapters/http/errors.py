"""Which HTTP status answers which family of errors. The shape of the answer is each API's own."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.blobs import BlobsUnavailable
from adapters.http.auth import KeysUnavailable, Unauthorized
from adapters.store import StoreUnavailable
from albumcore.errors import Conflict, Forbidden, Invalid, NotFound

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


def status_of(error: Exception) -> int | None:
    """The status that answers an error, or None where the error is a fault of ours."""
    return next((status for family, status in STATUS.items() if isinstance(error, family)), None)
