"""What is logged: records of `logging` with facts, which the service writes as lines of JSON on standard error.

Records come from the loggers ``albumcore.requests``, ``albumcore.faults``, ``albumcore.logins`` and
``albumcore.webhooks``, and from those of the modules. An application that embeds the service configures them as any
others; their attribute ``fields`` holds the facts.
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

# Tracebacks go without local variables: among them are tokens, and the secret of the data directory.
_traceback = ExceptionDictTransformer(show_locals=False)


def log(
    logger: logging.Logger,
    level: int,
    event: str,
    error: Exception | None = None,
    **facts: Any,
) -> None:
    """Log an event with its facts, and with the error that it is about.

    Args:
        logger: Whose record it becomes.
        level: How severe it is, as `logging` numbers it.
        event: What happened, in one word; it is the message of the record.
        error: Its traceback is logged too, without local variables.
        facts: Texts and numbers by name. No secrets.
    """
    if logger.isEnabledFor(level):
        fields = {"event": event, **facts}
        logger.log(level, "%s", event, exc_info=error, extra={"fields": fields})


class _OfThread(threading.local):
    """What records of one logger have in common, in a thread."""

    common: Mapping[str, Any] | None = None


_of_thread = _OfThread()
# The process that a record names is another one then.
os.register_at_fork(after_in_child=lambda: _of_thread.__dict__.clear())


class RequestRecord(logging.LogRecord):
    """The record of a request, of which every request has one: it is made in a tenth of the usual time.

    Args:
        fields: Its facts; ``method``, ``route`` and ``status`` are its message.
    """

    def __init__(self, fields: Mapping[str, Any]) -> None:
        common = _of_thread.common
        if common is None:
            super().__init__(REQUESTS.name, logging.INFO, __file__, 0, _REQUEST, (), None)
            common = _of_thread.common = dict(self.__dict__)
        at = time.time()
        self.__dict__.update(common)
        self.args = self.fields = fields
        self.created = at
        self.msecs = at * 1000 % 1000 // 1
        self.relativeCreated += (at - common["created"]) * 1000


REQUESTS = logging.getLogger("albumcore.requests")
_REQUEST = "%(method)s %(route)s %(status)s"


def log_request(fields: Mapping[str, Any]) -> None:
    """Log a request, whose level is ``info``.

    An application may have records made in its own way, as OpenTelemetry does, and its formatters need what they hold.

    Args:
        fields: As for `RequestRecord`.
    """
    if logging.getLogRecordFactory() is logging.LogRecord:
        REQUESTS.handle(RequestRecord(fields))
    else:
        REQUESTS.info(_REQUEST, fields, extra={"fields": fields})


class JsonLines(logging.Handler):
    """Writes each record as one line of JSON, to standard error as it is at that moment.

    The line is of ASCII alone: no text in it breaks it, or reaches a terminal as a control sequence.
    """

    def handle(self, record: logging.LogRecord) -> bool:
        """Write a record that no filter refuses. No lock is held: a line is written whole, by one call.

        A thread that waited for the lock of another one's line would wait for its turn to run again, too.
        """
        # From Python 3.12 on, a filter may put another record in the place of this one.
        found: Any = self.filter(record)
        if found:
            self.emit(record if found is True else found)
        return bool(found)

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line, at once."""
        try:
            sys.stderr.write(f"{self.format(record)}\n")
            sys.stderr.flush()
        except Exception:
            self.handleError(record)

    def format(self, record: logging.LogRecord) -> str:
        """The facts of the record, or its message where it has none; its level, its time in UTC, and its error."""
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
        except orjson.JSONEncodeError:  # a text that is none in any encoding, such as a file's name
            return json.dumps({**line, "timestamp": f"{at.isoformat()[:-6]}Z"}, default=str)
        return written if written.isascii() else json.dumps(orjson.loads(written))


def write_lines(level: str) -> None:
    """Have this process write what is logged as lines of JSON, unless its root logger has handlers already.

    Args:
        level: The least severe records of ours that are wanted: ``debug``, ``info``, ``warning`` or ``error``.
            Of other libraries, these are warnings.
    """
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(JsonLines())
    for name in _OURS:
        logging.getLogger(name).setLevel(level.upper())
