"""Structured logging: `logging` records with named fields, which the service writes as JSON Lines on standard error.

The loggers are ``albumcore.requests``, ``albumcore.faults``, ``albumcore.logins`` and ``albumcore.webhooks``, and
those of the modules. An application that embeds the service configures them like any others; the attribute ``fields``
of a record holds its fields.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from structlog.tracebacks import ExceptionDictTransformer

_OURS = ("albumcore", "albumcore_adapters")

# Tracebacks without local variables: those may hold tokens, or the secret of the data directory.
_traceback = ExceptionDictTransformer(show_locals=False)


def log(
    logger: logging.Logger,
    level: int,
    event: str,
    error: Exception | None = None,
    **fields: Any,
) -> None:
    """Log one structured record.

    Args:
        logger: The logger that handles the record.
        level: Severity, as `logging` numbers it.
        event: What happened, in one word; it is the message of the record.
        error: An exception whose traceback is logged too, without local variables.
        fields: Strings and numbers by name. No secrets.
    """
    if logger.isEnabledFor(level):
        named = {"event": event, **fields}
        logger.log(level, "%s", event, exc_info=error, extra={"fields": named})


class _ThreadState(threading.local):
    """The attributes that all request records of one thread share."""

    shared: Mapping[str, Any] | None = None


_thread_state = _ThreadState()
# They name the process, which a fork changes.
os.register_at_fork(after_in_child=lambda: _thread_state.__dict__.clear())


class RequestLogRecord(logging.LogRecord):
    """The record of one request, made by copying a template: a tenth of the cost of a plain `logging.LogRecord`.

    Args:
        fields: The fields; the message is made of ``method``, ``route`` and ``status``.
    """

    def __init__(self, fields: Mapping[str, Any]) -> None:
        shared = _thread_state.shared
        if shared is None:
            super().__init__(REQUEST_LOGGER.name, logging.INFO, __file__, 0, _REQUEST, (), None)
            shared = _thread_state.shared = dict(self.__dict__)
        at = time.time()
        self.__dict__.update(shared)
        self.args = self.fields = fields
        self.created = at
        self.msecs = at * 1000 % 1000 // 1
        self.relativeCreated += (at - shared["created"]) * 1000


REQUEST_LOGGER = logging.getLogger("albumcore.requests")
"""The logger of requests: one record each, at level ``INFO``."""

_REQUEST = "%(method)s %(route)s %(status)s"


def log_request(fields: Mapping[str, Any]) -> None:
    """Log a request to `REQUEST_LOGGER`.

    Where the application has set its own record factory, as OpenTelemetry does, the record is made by that factory:
    formatters may need the attributes it adds.

    Args:
        fields: As for `RequestLogRecord`.
    """
    if logging.getLogRecordFactory() is logging.LogRecord:
        REQUEST_LOGGER.handle(RequestLogRecord(fields))
    else:
        REQUEST_LOGGER.info(_REQUEST, fields, extra={"fields": fields})


class JsonLinesHandler(logging.Handler):
    """Writes each record as one line of JSON to the current standard error.

    The line is pure ASCII: no value can break the line, or reach a terminal as a control sequence.
    """

    def handle(self, record: logging.LogRecord) -> bool:
        """Filter a record and write it. Without the handler's lock: each line is written whole, by one call.

        A thread that waited for the lock would also wait for the interpreter to schedule it again.
        """
        # Since Python 3.12, a filter may return a record to use instead of this one.
        filtered: Any = self.filter(record)
        if filtered:
            self.emit(record if filtered is True else filtered)
        return bool(filtered)

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line and flush it."""
        try:
            sys.stderr.write(f"{self.format(record)}\n")
            sys.stderr.flush()
        except Exception:
            self.handleError(record)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line: the fields, or the message of a record without fields; level, time (UTC) and exception."""
        fields = getattr(record, "fields", None) or {
            "event": record.getMessage(),
            "logger": record.name,
        }
        at = datetime.fromtimestamp(record.created, UTC)
        line = {**fields, "level": record.levelname.lower(), "timestamp": at}
        if record.exc_info and record.exc_info[0]:
            line["exception"] = _traceback(record.exc_info)
        try:
            written = orjson.dumps(line, default=str, option=orjson.OPT_UTC_Z).decode()
        except orjson.JSONEncodeError:  # a lone surrogate, as in the name of a file
            return json.dumps({**line, "timestamp": f"{at.isoformat()[:-6]}Z"}, default=str)
        return written if written.isascii() else json.dumps(orjson.loads(written))


def configure_logging(level: str) -> None:
    """Write the log of this process as JSON Lines, unless the root logger has handlers already.

    Args:
        level: The least severe records of albumcore to write: ``debug``, ``info``, ``warning`` or ``error``. Records
            of other libraries are written from ``warning`` on.
    """
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(JsonLinesHandler())
    for name in _OURS:
        logging.getLogger(name).setLevel(level.upper())
