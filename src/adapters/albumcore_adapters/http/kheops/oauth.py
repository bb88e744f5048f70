"""Requests and responses of OAuth clients: one value a parameter, errors by RFC 6749 section 5.2."""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve

from albumcore.errors import Invalid
from albumcore.json_object import Json
from albumcore_adapters.http.kheops.parameters import Fields
from albumcore_adapters.http.kheops.request import ApiRequest
from albumcore_adapters.http.response import Response

_UNCACHED = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_CHALLENGE = {"WWW-Authenticate": "Basic"}


class OAuthError(Exception):
    """An error response to a client (RFC 6749 section 5.2).

    Attributes:
        error: The error code.
        detail: One sentence for a person.
        status: The HTTP status.
    """

    def __init__(self, error: str, detail: str, status: int = 400) -> None:
        super().__init__(detail)
        self.error = error
        self.detail = detail
        self.status = status


def respond_to_client(request: ApiRequest, handle: Callable[[Fields], Json]) -> Response:
    """The response to a client: the result of ``handle`` for the form, or the error it raises; never cached."""
    try:
        _refuse_password(request)
        return _uncached(handle(request.form()))
    except OAuthError as error:
        return _error(error.error, error.detail, error.status)
    except Invalid as error:
        return _error("invalid_request", error.detail, 400)


def _refuse_password(request: ApiRequest) -> None:
    scheme, _, _ = (request.header("Authorization") or "").strip().partition(" ")
    if scheme.lower() == "basic":
        raise OAuthError("invalid_client", "clients with a password are not supported")


def _error(code: str, detail: str, status: int) -> Response:
    return _uncached({"error": code, "error_description": detail}, status)


def _uncached(value: Json, status: int = 200) -> Response:
    headers = _UNCACHED | (_CHALLENGE if status == 401 else {})
    return evolve(Response.json(value, status), headers=headers)


def one(form: Fields, name: str) -> str:
    """The value of a required parameter.

    Raises:
        Invalid: it is missing, empty or repeated.
    """
    text = at_most_one(form, name)
    if not text:
        raise Invalid(name, "it is required")
    return text


def at_most_one(form: Fields, name: str) -> str | None:
    """The value of an optional parameter; None if it is missing.

    Raises:
        Invalid: it is repeated.
    """
    if len(form.texts(name)) > 1:
        raise Invalid(name, "it is allowed once only")
    return form.text(name)
