"""What goes wrong with webhooks. Never what is told, nor to whom: both hold secrets."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

from albumcore_adapters.base.logs import log

_log = logging.getLogger("albumcore.webhooks")


def log_error(error: Exception | None = None, **facts: Any) -> None:
    """Log an error. Where that is not possible, work goes on all the same."""
    with suppress(Exception):
        log(_log, logging.ERROR, "webhooks", error, **facts)
