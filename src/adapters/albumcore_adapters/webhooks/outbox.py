"""The context that every function of this package takes, how times are stored, and how errors are logged.

The tables of the outbox are in the database of the events, but are not an index of them: attempts and secrets
cannot be rebuilt from events, so these tables are never dropped.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Protocol

from attrs import field, frozen

from albumcore import Albumcore
from albumcore.times import in_utc
from albumcore_adapters.base.cursors import Cursors
from albumcore_adapters.base.logs import log
from albumcore_adapters.directory.people import People
from albumcore_adapters.sql.database import Database

_log = logging.getLogger("albumcore.webhooks")


class HttpSender(Protocol):
    """Sends requests to addresses that users name, as `albumcore_adapters.outbound.Outbound` does."""

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Send a JSON body and return the status of the response.

        Raises:
            OutboundError: nothing was sent, or no response came.
        """
        ...


@frozen
class Outbox:
    """An open outbox. Threads may share it, and several processes may open the same database.

    Attributes:
        albums: The event store that is read.
        database: Holds the tables of the outbox, those of the events and those of the directory.
        people: Names and e-mail addresses of users.
        outbound: Sends the requests.
        cursors: Makes the cursor in each body.
        root_url: The public root address of this service: the ``host`` of every body.
        api_url: The address that ``/studies/...`` is appended to: the root, and the prefix of the routes.
        clock: Returns the current time, aware, in UTC.
        make_id: Returns an unguessable id of that many characters.
    """

    albums: Albumcore = field(repr=False)
    database: Database = field(repr=False)
    people: People = field(repr=False)
    outbound: HttpSender = field(repr=False)
    cursors: Cursors = field(repr=False)
    root_url: str
    api_url: str
    clock: Callable[[], datetime]
    make_id: Callable[[int], str]


def open_outbox(outbox: Outbox) -> Outbox:
    """Return the outbox, ready for use.

    The first time that a store is opened, the position of its last event is stored: no event up to there is delivered.
    """
    last = outbox.albums.recorder.max_notification_id() or 0
    with outbox.database.transaction(commit=True) as cursor:
        cursor.execute(
            'INSERT INTO webhook_position ("only", position, silent_until) VALUES (1, 0, ?)'
            " ON CONFLICT DO NOTHING",
            (last,),
        )
    return outbox


def timestamp(at: datetime) -> str:
    """A time as stored: text in UTC with microseconds, of fixed width, so that texts sort as the times do."""
    return in_utc(at).isoformat(timespec="microseconds")


def parse_timestamp(text: str) -> datetime:
    """The time that `timestamp` made a text of."""
    return datetime.fromisoformat(text)


def log_error(error: Exception | None = None, **fields: Any) -> None:
    """Log an error, never with the content of a delivery or its address: both may hold secrets.

    A failure to log is ignored, so that deliveries go on.
    """
    with suppress(Exception):
        log(_log, logging.ERROR, "webhooks", error, **fields)
