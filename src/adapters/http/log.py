"""One line of JSON on standard error per request. Never a header, a query or a body: they hold secrets.

Of a login that failed there is a line with the name that was typed.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import falcon
import orjson
import structlog

from adapters.deployment import random_id


class _StandardError:
    """Standard error as it is at the moment of writing: servers and tests put another in its place."""

    def msg(self, line: str) -> None:
        """Write one line, at once."""
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    error = msg


_standard_error = _StandardError()


def _json(value: Any, default: Callable[[Any], Any]) -> str:
    return orjson.dumps(value, default=default).decode()


# Tracebacks go without local variables: among them are tokens, and the secret of the data directory.
_tracebacks = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)
_log = structlog.wrap_logger(
    _standard_error,
    processors=[
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _tracebacks,
        structlog.processors.JSONRenderer(serializer=_json),
    ],
).bind()  # or it would be put together anew for every line


class RequestLog:
    """Writes method, route, status and duration (milliseconds) of every request.

    Args:
        level: The least severe messages that are wanted; these are ``info``.
    """

    def __init__(self, level: str) -> None:
        self._is_wanted = level in ("debug", "info")

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Remember when the request came."""
        req.context.started = time.perf_counter()

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, resource: Any, req_succeeded: bool
    ) -> None:
        """Write the line."""
        if not self._is_wanted:
            return
        # Every request has this one line, so it goes no longer way than it must.
        line = orjson.dumps(
            {
                "method": req.method,
                "route": req.uri_template,
                "status": resp.status_code,
                "milliseconds": int((time.perf_counter() - req.context.started) * 10_000) / 10,
                "event": "request",
                "level": "info",
                "timestamp": datetime.now(UTC),
            },
            option=orjson.OPT_UTC_Z,
        )
        _standard_error.msg(line.decode())


MOST_LOGGED = 255
"""Characters of a name that are logged, which are as many as the name of an account has."""


def log_failed_login(level: str, account: str, address: str, reason: str) -> None:
    """Write down a login that failed: of which account, from where, and why. Never the password.

    The line is of ASCII alone: no name breaks it, or reaches a terminal as a control sequence.

    Args:
        level: The least severe messages that are wanted; these are ``warning``.
        account: The name as it was typed, whether or not there is such an account; its first 255 characters are logged.
        address: Where it came from.
        reason: Why it failed, in a few words of ours.
    """
    if level == "error":
        return
    line = {
        "event": "login_failed",
        # What is no text in any encoding would make the line unreadable.
        "account": account[:MOST_LOGGED].encode("utf-8", "backslashreplace").decode(),
        "address": address,
        "reason": reason,
        "level": "warning",
        "timestamp": datetime.now(UTC).isoformat(),
    }
    _standard_error.msg(json.dumps(line))


def log_fault(req: falcon.Request, error: Exception) -> str:
    """Write down a fault of ours with its traceback; the log id that the answer may name."""
    log_id = random_id(20)
    req.context.log_id = log_id
    _log.error("fault", method=req.method, route=req.uri_template, log_id=log_id, exc_info=error)
    return log_id
