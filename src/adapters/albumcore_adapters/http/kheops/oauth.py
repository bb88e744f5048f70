"""Requests and responses of OAuth clients: one value a parameter, errors by RFC 6749 section 5.2."""

from __future__ import annotations

from collections.abc import Callable

from albumcore.errors import Invalid
from albumcore_adapters.http.kheops.feed_json import Json
from albumcore_adapters.http.kheops.params import Fields
from albumcore_adapters.http.kheops.request import UnconvertedRequest as ApiRequest


class Refused(Exception):
    """A request of a client that is refused in the way of OAuth (RFC 6749 section 5.2).

    Attributes:
        error: The code of the error.
        detail: One sentence for a person.
        status: The HTTP status.
    """

    def __init__(self, error: str, detail: str, status: int = 400) -> None:
        super().__init__(detail)
        self.error = error
        self.detail = detail
        self.status = status


def answer_client(request: ApiRequest, found: Callable[[ApiRequest, Fields], Json]) -> None:
    """Answer a client with what is found for its form, or with why not; nobody keeps a copy of it."""
    try:
        try:
            _refuse_internal(request)
            told, status = found(request, request.form()), 200
        except Invalid as error:
            raise Refused("invalid_request", error.detail) from None
    except Refused as error:
        told, status = {"error": error.error, "error_description": error.detail}, error.status
    request.answer(told, status)
    request.resp.set_headers({"Cache-Control": "no-store", "Pragma": "no-cache"})
    if status == 401:
        request.resp.set_header("WWW-Authenticate", "Basic")


def _refuse_internal(request: ApiRequest) -> None:
    scheme, _, _ = (request.req.get_header("Authorization") or "").strip().partition(" ")
    if scheme.lower() == "basic":
        raise Refused("invalid_client", "there are no clients with a password")


def one(form: Fields, name: str) -> str:
    """The value of a field that is there once.

    Raises:
        Invalid: it is not there, empty, or there more than once.
    """
    text = at_most_one(form, name)
    if not text:
        raise Invalid(name, "it is needed")
    return text


def at_most_one(form: Fields, name: str) -> str | None:
    """The value of a field that may be there once; None where it is not.

    Raises:
        Invalid: it is there more than once.
    """
    if len(form.texts(name)) > 1:
        raise Invalid(name, "it is needed once")
    return form.text(name)
