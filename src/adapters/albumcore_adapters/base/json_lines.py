"""The log of a process that serves, as JSON Lines on standard error. Commands do without what writes tracebacks."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

import orjson
from structlog.tracebacks import ExceptionDictTransformer

_OURS = ("albumcore", "albumcore_adapters")

# Tracebacks without local variables: those may hold tokens, or the secret of the data directory.
_traceback = ExceptionDictTransformer(show_locals=False)


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
