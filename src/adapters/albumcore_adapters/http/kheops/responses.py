"""How answers are written: JSON, times, and answers without a body (Kheops API, conventions)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import falcon
import orjson


def answer_json(
    resp: falcon.Response, value: Any, status: int = 200, total: int | None = None
) -> None:
    """Answer with ``value`` as JSON, and ``total`` in ``X-Total-Count`` where it is one page of something."""
    answer_nothing(resp, status)
    resp.content_type = falcon.MEDIA_JSON
    resp.data = orjson.dumps(value)
    if total is not None:
        resp.set_header("X-Total-Count", str(total))


def answer_nothing(resp: falcon.Response, status: int) -> None:
    """Answer with a status alone: 201 for something added, 204 for something done."""
    resp.status = status
    resp.set_header("Cache-Control", "no-cache")


def latest(at: datetime) -> datetime:
    """The last moment (UTC unless it says otherwise) that a shown time may mean: of a whole second, its end.

    So an event is there at the post date that it shows.
    """
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return aware if aware.microsecond else aware.replace(microsecond=999_999)
