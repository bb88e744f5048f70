"""One record per request. Never a header, a query or a body: they hold secrets.

Of a login that failed there is a record with the name that was typed.
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

REQUEST_ID = "X-Request-Id"
"""The header by which a request is known, in the log and in the answer."""

TRACE_PARENT = "traceparent"
"""The header by which a request belongs to a trace (W3C Trace Context, section 3.2)."""

# Visible ASCII; a comma would be two headers that were made one.
_SANE = re.compile(r"[!-+\--~]{1,128}")

# Version, trace id, parent id, flags, and what later versions append; the version ff and ids of zeros are invalid.
_TRACE_PARENT = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-[!-~]*)?"
)

_faults = logging.getLogger("albumcore.faults")
_logins = logging.getLogger("albumcore.logins")


class RequestLog:
    """Logs method, route, status, duration (milliseconds) and ids of every request, and has the ids come back.

    Args:
        requests: Where requests are counted.
    """

    def __init__(self, requests: RequestCounts) -> None:
        self._requests = requests

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Remember when the request came, and by what it is known: the client's own ids, if they are sane."""
        req.context.started = time.perf_counter()
        given = req.env.get("HTTP_X_REQUEST_ID")
        is_sane = given is not None and _SANE.fullmatch(given)
        req.context.request_id = given if is_sane else f"{getrandbits(128):032x}"

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, resource: Any, req_succeeded: bool
    ) -> None:
        """Name the request in its answer, count it, and log it."""
        request_id = getattr(req.context, "request_id", None)
        if request_id is None:  # the framework refused it before anything else
            self.process_request(req, resp)
            request_id = req.context.request_id
        resp.set_header(REQUEST_ID, request_id)
        given = req.env.get("HTTP_TRACEPARENT")
        trace = None if given is None else _trace_of(given)
        if trace is not None:
            resp.set_header(TRACE_PARENT, str(given))
        seconds = time.perf_counter() - req.context.started
        status = resp.status_code
        self._requests.count(_api_of(req), req.method, status, seconds)
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
    return "service" if path.endswith(("/healthz", "/openapi.json")) else "kheops"


def _trace_of(trace_parent: str) -> str | None:
    """The id of the trace that a request belongs to; None where it says nothing valid."""
    found = _TRACE_PARENT.fullmatch(trace_parent)
    if not found or (found[1] == "00" and found[3]):
        return None
    return str(found[2])


MOST_LOGGED = 255
"""Characters of a name that are logged, which are as many as the name of an account has."""


def log_failed_login(account: str, address: str, reason: str) -> None:
    """Log a login that failed, as a warning: of which account, from where, and why. Never the password.

    Args:
        account: The name as it was typed, whether or not there is such an account; its first 255 characters are logged.
        address: Where it came from.
        reason: Why it failed, in a few words of ours.
    """
    # What is no text in any encoding would make the line unreadable.
    name = account[:MOST_LOGGED].encode("utf-8", "backslashreplace").decode()
    log(_logins, logging.WARNING, "login_failed", account=name, address=address, reason=reason)


def log_fault(req: falcon.Request, error: Exception) -> str:
    """Log a fault of ours with its traceback; the log id that the answer may name."""
    log_id = random_id(20)
    req.context.log_id = log_id
    about = {"method": req.method, "route": req.uri_template, "log_id": log_id}
    about["request_id"] = req.context.get("request_id")
    log(_faults, logging.ERROR, "fault", error, **about)
    return log_id
