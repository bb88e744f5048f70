"""A small world with webhooks: albums, a clock that tests set, and a receiver over HTTP."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import falcon.testing
from attrs import define, field

from albumcore import WebhookEvent, create_webhook
from albumcore.ids import AlbumId, WebhookId
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.http.app import create_app
from albumcore_adapters.service import open_service
from albumcore_adapters.webhooks import Outbox, catch_up, deliver_due, store_secret
from support.kheops import ALBUM, ALICE, Clock, World, begun, settle
from support.named import NAMED
from support.receiver import Receiver, Request, receiving
from support.templates import place

HOOK = WebhookId("h" * 20)
OTHER_HOOK = WebhookId("o" * 20)
ROOT = "https://albums.example"
SECRET = "a secret of the receiver"


@define
class Hooked:
    """A world whose albums can have webhooks, and their receiver."""

    data: Path
    world: World
    receiver: Receiver
    settings: Settings

    @property
    def outbox(self) -> Outbox:
        """The open outbox."""
        return self.world.service.outbox

    def reopen(self) -> None:
        """Close the data directory and open it again."""
        self.world.service.close()
        self.world.service = open_service(self.settings, clock=self.world.clock)

    def hook(
        self,
        *events: WebhookEvent,
        webhook_id: WebhookId = HOOK,
        secret: str | None = None,
        enabled: bool = True,
        album: AlbumId = ALBUM,
        url: str | None = None,
    ) -> None:
        """Create a webhook as Alice, at the receiver; its path is its id unless an address is given."""
        self.act(
            create_webhook,
            webhook_id,
            "Hook",
            url or f"{self.receiver.address}/{webhook_id}",
            events,
            enabled,
            None if secret is None else store_secret(self.outbox, secret),
            album=album,
        )

    def act(
        self,
        decision: Callable[..., tuple[Any, ...]],
        *args: Any,
        by: str = ALICE,
        album: AlbumId = ALBUM,
        **through: Any,
    ) -> None:
        """Make a decision as a user, a second after the one before."""
        self.world.act(by, decision, *args, album=album, **through)

    def run(self, seconds: float = 0) -> list[Request]:
        """Let time pass, project events and make the deliveries that are due; the requests that were received."""
        before = len(self.receiver.requests)
        self.world.clock.tick(seconds)
        catch_up(self.outbox)
        deliver_due(self.outbox, self.world.clock.now)
        return self.receiver.requests[before:]

    def bodies(self, seconds: float = 0) -> list[dict[str, Any]]:
        """As `run`, but the bodies alone."""
        return bodies_of(self.run(seconds))


def bodies_of(requests: Iterable[Request]) -> list[dict[str, Any]]:
    """The bodies of requests."""
    return [json.loads(request.body) for request in requests]


@contextmanager
def hooked(data: Path, clock: Clock | None = None, **others: Any) -> Iterator[Hooked]:
    """A settled world and its receiver, until the block ends."""
    given: dict[str, Any] = {"allow_private_addresses": True, "public_url": ROOT, **others}
    settled_at, _ = begun(data, settle)
    settings = Settings(**place(data), **given)
    clock = clock or Clock(settled_at)
    with receiving() as receiver:
        service = open_service(settings, clock=clock)
        world = World(service, clock, falcon.testing.TestClient(create_app(service), headers=NAMED))
        made = Hooked(data, world, receiver, settings)
        try:
            yield made
        finally:
            made.world.service.close()


def rows(outbox: Outbox, select: str) -> list[dict[str, Any]]:
    """The rows that a statement finds."""
    with outbox.database.transaction(commit=False) as cursor:
        cursor.execute(select)
        return [dict(row) for row in cursor.fetchall()]


def new_users(outbox: Outbox) -> Counter[str]:
    """The number of triggers for each new user."""
    return Counter(row["user"] for row in rows(outbox, 'SELECT "user" FROM webhook_trigger'))


@define
class Holding:
    """Holds the requests to one path until they are released, and sends the others."""

    path: str
    outbox: Outbox
    is_there: threading.Event = field(factory=threading.Event)
    let_go: threading.Event = field(factory=threading.Event)

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Hold the request, or send it."""
        if url.endswith(self.path):
            self.is_there.set()
            assert self.let_go.wait(30)
        return self.outbox.outbound.post(url, body, headers)


def follow_until(settings: Settings, last: str) -> None:
    """Project in a process of its own, until the last new user has a trigger."""
    service = open_service(settings)
    try:
        while last not in new_users(service.outbox):
            catch_up(service.outbox, 2)
    finally:
        service.close()
