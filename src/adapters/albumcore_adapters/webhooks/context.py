"""What every part of the outbox works with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

from attrs import field, frozen

from albumcore import Albumcore
from albumcore_adapters.directory import People
from albumcore_adapters.sql.database import Database


class Sends(Protocol):
    """Sends requests to addresses that users name, as `albumcore_adapters.outbound.client.Outbound` does."""

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Send a JSON body and return the status of the answer.

        Raises:
            OutboundError: nothing was sent, or nobody answered.
        """
        ...


@frozen
class Box:
    """The store that is followed, the database of what is to be sent, and the way out.

    Attributes:
        albums: The history that is followed.
        database: Holds the tables of the outbox, beside those of the history and the directory.
        people: Who is known, by name and e-mail address.
        outbound: Sends the requests.
        host: The public root of this service, as receivers are told it.
        base: What the addresses of studies begin with: the root, and the prefix of the routes.
        clock: Tells the present moment, aware and in UTC.
        make_id: Makes an id of that many characters that nobody can guess.
    """

    albums: Albumcore = field(repr=False)
    database: Database = field(repr=False)
    people: People = field(repr=False)
    outbound: Sends = field(repr=False)
    host: str
    base: str
    clock: Callable[[], datetime]
    make_id: Callable[[int], str]
