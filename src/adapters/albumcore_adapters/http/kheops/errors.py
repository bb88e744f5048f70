"""Error responses of the Kheops API, all in one form: message, detail, help."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import falcon
import orjson

from albumcore.errors import AlbumcoreError, ChangedSince
from albumcore.json_object import Json, present
from albumcore_adapters.http import errors
from albumcore_adapters.identity.errors import Unauthorized
from albumcore_adapters.outbound import PacsFailed

MEMBER = "/albums/{album}/users/{user}"
ADMIN = "/albums/{album}/users/{user}/admin"

MESSAGES: Mapping[str | tuple[str, str], str] = {
    "album_not_found": "Album Not Found",
    "user_not_found": "User Not Found",
    "member_not_found": "Not a member",
    ("member_not_found", MEMBER): "Album Not Found",
    ("member_not_found", ADMIN): "User not a member",
    "study_not_found": "Study Not Found",
    "series_not_found": "Series Not Found",
    "study_not_seen": "Study Not Found",
    "series_not_seen": "Series Not Found",
    "webhook_not_found": "Webhook Not Found",
    "event_not_found": "Event Not Found",
    "capability_token_not_found": "Not Found",
    "include_users_forbidden": "'includeUser' forbidden",
    "not_admin": "Not admin",
    "no_access": "No access",
    "report_provider_not_found": "Client ID not found",
    "email_taken": "E-mail Taken",
    "forbidden": "Authorization error",
    "invalid": "Bad Form Parameter",
    "bad_query_parameter": "Bad Query Parameter",
}
"""The message of an error, by its code, or by its code on one route (Kheops API, conventions)."""

_DETAILS: Mapping[str, str] = {
    **errors.DETAILS,
    "album_not_found": "no such album, or you are not a member of it",
}

STATUSES: Mapping[int, tuple[str, str]] = {
    404: ("Not Found", "there is no resource at this address"),
    405: ("Method Not Allowed", "this address does not support the method"),
    413: ("Content Too Large", "the body is too large"),
    503: (
        "Service Unavailable",
        "tokens cannot be verified at present, or the store is busy; try again",
    ),
}
"""Message and detail of errors without a code or without a detail, by status."""


def answer_error(
    documentation: str, req: falcon.Request, resp: falcon.Response, status: int, error: Exception
) -> None:
    """Respond to an error with ``{"message", "detail", "help"}``; a 401 also has ``WWW-Authenticate``.

    `ChangedSince` also has ``version`` and ``mutation_type``.

    Args:
        documentation: The address in ``help``.
        req: The request.
        resp: The response.
        status: The HTTP status.
        error: The error.
    """
    message, detail = _told(req, status, error)
    if status == 401:
        resp.set_header("WWW-Authenticate", "Basic, Bearer")
    resp.status = status
    resp.set_header("Cache-Control", "no-cache")
    resp.content_type = falcon.MEDIA_JSON
    resp.data = orjson.dumps(
        {"message": message, "detail": detail, "help": documentation, **_cause(error)}
    )


def _cause(error: Exception) -> Json:
    """What came since, of an undo that is too late: its version and mutation."""
    if not isinstance(error, ChangedSince):
        return {}
    return present(version=error.version, mutation_type=error.mutation_type)


def _told(req: falcon.Request, status: int, error: Exception) -> tuple[str, str]:
    if status == 500:
        log_id = f"log id : {req.context.get('log_id', 'none')}"
        return "Internal server error", "; ".join(filter(None, (errors.fault_of(error), log_id)))
    phrase = HTTPStatus(status).phrase
    message, detail = STATUSES.get(status, (phrase, phrase))
    detail = errors.fault_of(error) or detail
    match error:
        case AlbumcoreError(code=code):
            route = req.context.get("route")
            by_route = MESSAGES.get((code, route.path)) if route else None
            return (
                by_route or MESSAGES.get(code) or message,
                _DETAILS.get(code, error.detail),
            )
        case Unauthorized() | PacsFailed():
            return message, error.detail
        case falcon.HTTPError(description=str(description)):
            return message, description
        case _:
            return message, detail
