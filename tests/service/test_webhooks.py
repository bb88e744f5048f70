"""Webhooks of the running service: sent by its own threads, and not lost when it is killed."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from albumcore import (
    Source,
    WebhookEvent,
    add_member,
    album_stream,
    create_album,
    create_webhook,
    utc_now,
)
from albumcore.ids import AlbumId, WebhookId
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.service import Service, open_service
from albumcore_adapters.webhooks import catch_up, deliver_due, list_triggers, store_secret
from support.receiver import Answer, Receiver, receiving
from support.server import Server, bearer, opened, serving, user_of

ALBUM, HOOK = AlbumId("Told000001"), WebhookId("h" * 20)
ROOT = "https://albums.example"


@pytest.fixture(autouse=True)
def _private_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Allow private addresses: the receiver is on this machine."""
    monkeypatch.setenv("ALBUMCORE_ALLOW_PRIVATE_ADDRESSES", "true")
    monkeypatch.setenv("ALBUMCORE_PUBLIC_URL", ROOT)


def begin(service: Service, receiver: Receiver) -> dict[str, str]:
    """Create an album with a webhook, and return the headers of its admin."""
    for name in ("alice", "bob", "carol", "dave"):
        service.people.register(name, f"{name}@clinic.example", name.title())
    stream, alice = album_stream(ALBUM), Source(user_of(service, "alice"))
    service.albums.handle(stream, create_album, alice, "Told")
    service.albums.handle(
        stream,
        create_webhook,
        alice,
        HOOK,
        "Hook",
        f"{receiver.address}/hook",
        (WebhookEvent.NEW_USER, WebhookEvent.DELETE_ALBUM),
        secret=store_secret(service.outbox, "secret"),
    )
    return bearer(service, "alice")


def add(server: Server, headers: dict[str, str], user: str) -> None:
    """Add a user over HTTP."""
    url = f"{server.address}/albums/{ALBUM}/users/{user}"
    assert httpx.put(url, headers=headers, timeout=60).status_code == 201


def new_users_in(receiver: Receiver) -> list[str]:
    """The new users in the received bodies."""
    return [json.loads(request.body)["new_user"]["sub"] for request in receiver.requests]


def test_several_workers_deliver_each_event_once(tmp_path: Path) -> None:
    """Each event is delivered once, whichever workers record and send it; stopping is not delayed."""
    with receiving() as receiver:
        with opened(tmp_path) as service:
            headers = begin(service, receiver)
        with serving(tmp_path, workers=3) as server:
            for user in ("bob", "carol", "dave"):
                add(server, headers, user)
            receiver.wait(3)
            assert server.stop() == 0
        with opened(tmp_path) as service:
            triggers, total = list_triggers(service.outbox, ALBUM, HOOK)
        assert Counter(new_users_in(receiver)) == {"bob": 1, "carol": 1, "dave": 1}
        assert [attempt.status for one in triggers for attempt in one.attempts] == [200] * total


def test_killed_during_a_delivery(tmp_path: Path) -> None:
    """The attempt is repeated a minute later by the next process, with the same number and id."""
    with receiving() as receiver:
        with opened(tmp_path) as service:
            headers = begin(service, receiver)
        receiver.answer(Answer(delay=60), Answer())
        with serving(tmp_path) as server:
            add(server, headers, "bob")
            receiver.wait(1)
            server.kill()
        settings = Settings(data=tmp_path, allow_private_addresses=True, public_url=ROOT)
        later = open_service(settings, clock=lambda: utc_now() + timedelta(seconds=61))
        try:
            catch_up(later.outbox)
            assert deliver_due(later.outbox, later.clock()) == 1
        finally:
            later.close()
        with serving(tmp_path) as server:
            add(server, headers, "carol")
            first, again, _ = receiver.wait(3)
        for name in ("x-kheops-delivery", "x-kheops-attempt", "x-kheops-signature"):
            assert again.headers[name] == first.headers[name]
        assert again.body == first.body
        assert new_users_in(receiver) == ["bob", "bob", "carol"]


def test_events_recorded_while_no_service_ran(tmp_path: Path) -> None:
    """They are delivered when the service runs."""
    with receiving() as receiver:
        with opened(tmp_path) as service:
            begin(service, receiver)
            stream, alice = album_stream(ALBUM), Source(user_of(service, "alice"))
            service.albums.handle(stream, add_member, alice, user_of(service, "bob"))
        with serving(tmp_path):
            receiver.wait(1)
        assert new_users_in(receiver) == ["bob"]
