"""What goes wrong with webhooks, on standard error. Never what is told, nor to whom: both hold secrets."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

import structlog


class _StandardError:
    """Standard error as it is at the moment of writing: servers and tests put another in its place."""

    def msg(self, line: str) -> None:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    error = msg


# Tracebacks go without local variables: among them are secrets and what is told of patients.
_log = structlog.wrap_logger(
    _StandardError(),
    processors=[
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.ExceptionRenderer(
            structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        ),
        structlog.processors.JSONRenderer(),
    ],
)


def log_error(error: Exception | None = None, **facts: Any) -> None:
    """Write a line of JSON. Where that is not possible, work goes on all the same."""
    with suppress(Exception):
        _log.error("webhooks", exc_info=error, **facts)
