"""The outbox: what is to be told of the history, to whom, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from attrs import frozen

from albumcore import Albumcore
from albumcore_adapters.directory import People
from albumcore_adapters.store import database_of
from albumcore_adapters.webhooks.batches import Groups
from albumcore_adapters.webhooks.context import Sends
from albumcore_adapters.webhooks.history import History
from albumcore_adapters.webhooks.secrets import Secrets
from albumcore_adapters.webhooks.tables import begin
from albumcore_adapters.webhooks.worker import Courier


@frozen
class Outbox(Secrets, Groups, Courier, History):
    """Deliveries to webhooks (Kheops API 11): taken from the history once each, kept until made or given up.

    It has no thread of its own. Somebody calls it often, see `Runner`; several processes may.
    """

    def deliver_due(self, now: datetime) -> int:
        """Make one attempt at every delivery that is due at a moment; the number of them."""
        self.tell_new_series(now)
        made = 0
        while self.deliver_next(now):
            made += 1
        return made


def open_outbox(
    albums: Albumcore,
    people: People,
    outbound: Sends,
    *,
    root: str,
    base: str,
    clock: Callable[[], datetime],
    make_id: Callable[[int], str],
) -> Outbox:
    """The outbox of an open store; the first time, it begins at the end of the history.

    Args:
        albums: The store.
        people: Who is known, by name and e-mail address.
        outbound: Sends the requests.
        root: The public root of this service, as receivers are told it.
        base: What the addresses of studies begin with: the root, and the prefix of the routes.
        clock: Tells the present moment, aware and in UTC.
        make_id: Makes an id of that many characters that nobody can guess.
    """
    database = database_of(albums)
    begin(database, albums.recorder.max_notification_id() or 0)
    return Outbox(albums, database, people, outbound, root, base, clock, make_id)
