"""The request log: one record per request, without headers, query and body, which contain secrets.

A failed login is logged with the account name that was entered.
"""

from __future__ import annotations

import logging
import re
import time
from random import getrandbits
from typing import Any

import falcon

from albumcore_adapters.base.logs import REQUEST_LOGGER, log, log_request
from albumcore_adapters.base.random_ids import random_id
from albumcore_adapters.base.request_counts import RequestCounts
from albumcore_adapters.http.live import WAITED

REQUEST_ID = "X-Request-Id"
"""The header with the id of a request, in the log and in the response."""

TRACE_PARENT = "traceparent"
"""The header with the trace of a request (W3C Trace Context, section 3.2)."""

# Visible ASCII without commas: a comma may be the join of two headers of the same name.
_SANE = re.compile(r"[!-+\--~]{1,128}")

# Version, trace id, parent id, flags, and what later versions append; the version ff and ids of zeros are invalid.
_OF_PAGES = frozenset({"ui", "docs", "ohif"})  # in the template of a page
_TRACE_PARENT = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-[!-~]*)?"
)

_faults = logging.getLogger("albumcore.faults")
_logins = logging.getLogger("albumcore.logins")


class RequestLog:
    """Logs method, route, status, duration (milliseconds) and ids of every request; the response has the request id.

    Args:
        requests: The counters of requests.
    """

    def __init__(self, requests: RequestCounts) -> None:
        self._requests = requests

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Note the time and the ids of the request: the client's own ids if they are valid, otherwise new ones."""
        req.context.started = time.perf_counter()
        given = req.env.get("HTTP_X_REQUEST_ID")
        is_sane = given is not None and _SANE.fullmatch(given)
        req.context.request_id = given if is_sane else f"{getrandbits(128):032x}"

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, resource: Any, req_succeeded: bool
    ) -> None:
        """Add the request id to the response, count the request, and log it."""
        request_id = getattr(req.context, "request_id", None)
        if request_id is None:  # the framework refused the request before this middleware
            self.process_request(req, resp)
            request_id = req.context.request_id
        resp.set_header(REQUEST_ID, request_id)
        given = req.env.get("HTTP_TRACEPARENT")
        trace = None if given is None else _trace_of(given)
        if trace is not None:
            resp.set_header(TRACE_PARENT, str(given))
        seconds = time.perf_counter() - req.context.started
        status = resp.status_code
        worked = seconds - req.env.get(WAITED, 0.0)
        self._requests.count(_api_of(req), req.method, status, worked)
        if not REQUEST_LOGGER.isEnabledFor(logging.INFO):
            return
        fields = {
            "method": req.method,
            "route": req.uri_template,
            "status": status,
            "milliseconds": int(seconds * 10_000) / 10,
            "request_id": request_id,
            "event": "request",
        }
        if trace is not None:
            fields["trace_id"] = trace
        log_request(fields)


def _api_of(req: falcon.Request) -> str:
    path = req.path
    if path.startswith("/tscharts/"):
        return "tscharts"
    if not _OF_PAGES.isdisjoint((req.uri_template or "").split("/")):
        return "pages"
    return "service" if path.endswith(("/healthz", "/openapi.json")) else "kheops"


def _trace_of(trace_parent: str) -> str | None:
    """The trace id of a request; None if the header is malformed."""
    found = _TRACE_PARENT.fullmatch(trace_parent)
    if not found or (found[1] == "00" and found[3]):
        return None
    return str(found[2])


MOST_LOGGED = 255
"""Longest account name that is logged, in characters: that of valid names."""


def log_failed_login(account: str, address: str, reason: str) -> None:
    """Log a failed login as a warning: account, address and reason, never the password.

    Args:
        account: The name that was entered, of an account that may not exist; its first 255 characters are logged.
        address: The address of the client.
        reason: The reason, in a few words.
    """
    # Lone surrogates cannot be encoded and would make the line unreadable.
    name = account[:MOST_LOGGED].encode("utf-8", "backslashreplace").decode()
    log(_logins, logging.WARNING, "login_failed", account=name, address=address, reason=reason)


def log_fault(req: falcon.Request, error: Exception) -> str:
    """Log a fault of the service with its traceback; returns the log id for the response."""
    log_id = random_id(20)
    req.context.log_id = log_id
    about = {"method": req.method, "route": req.uri_template, "log_id": log_id}
    about["request_id"] = req.context.get("request_id")
    log(_faults, logging.ERROR, "fault", error, **about)
    return log_id
