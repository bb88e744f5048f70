"""Secrets of webhooks: stored outside of the events, as long as they are used, and shown nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from attrs import define, evolve

from albumcore import WebhookEvent, add_member, delete_album, delete_webhook, edit_webhook
from albumcore.errors import Invalid
from albumcore_adapters.webhooks import (
    catch_up,
    delete_secret,
    deliver_due,
    list_triggers,
    purge_secrets,
    store_secret,
)
from albumcore_adapters.webhooks.queue import claim_delivery
from support.databases import ON_SQLITE
from support.kheops import ALBUM, DAVE
from support.receiver import Answer
from support.webhooks import HOOK, OTHER_HOOK, SECRET, Hooked


def stored_secrets(world: Hooked) -> set[str]:
    """The stored secrets."""
    with world.outbox.database.transaction(commit=False) as cursor:
        cursor.execute("SELECT secret FROM webhook_secret")
        return {row["secret"] for row in cursor.fetchall()}


@pytest.mark.parametrize("secret", ["", "x" * 1025, "\x00", "\ud800"])
def test_an_invalid_secret_is_refused(world: Hooked, secret: str) -> None:
    """It has 1 to 1024 characters that can be stored; the error does not repeat it."""
    with pytest.raises(Invalid) as refused:
        store_secret(world.outbox, secret)
    assert refused.value.field == "secret"
    assert not secret or secret not in str(refused.value)
    assert stored_secrets(world) == set()


@pytest.mark.parametrize("secret", ["x", "ü" * 1024])
def test_a_secret_is_stored_under_a_random_name(world: Hooked, secret: str) -> None:
    """The same secret has two names, so that names do not reveal equal secrets."""
    names = {store_secret(world.outbox, secret) for _ in range(2)}
    assert len(names) == 2
    assert secret not in names
    assert stored_secrets(world) == {secret}


def test_a_replaced_secret_is_deleted(world: Hooked) -> None:
    """So is one that is removed."""
    world.hook(secret=SECRET)
    world.act(edit_webhook, HOOK, name="Renamed")
    world.run()
    assert stored_secrets(world) == {SECRET}
    world.act(edit_webhook, HOOK, secret=store_secret(world.outbox, "second"))
    world.run()
    assert stored_secrets(world) == {"second"}
    world.act(edit_webhook, HOOK, secret="")
    world.run()
    assert stored_secrets(world) == set()


def test_the_secret_of_a_deleted_webhook_is_deleted(world: Hooked) -> None:
    """Those of other webhooks stay."""
    world.hook(secret=SECRET)
    world.hook(secret="other", webhook_id=OTHER_HOOK)
    world.act(delete_webhook, HOOK)
    world.run()
    assert stored_secrets(world) == {"other"}


def test_the_secrets_of_a_deleted_album_are_deleted_after_the_last_delivery(world: Hooked) -> None:
    """The last delivery is still signed. The secret of a webhook without deliveries is deleted at once."""
    world.receiver.answer(Answer(500), Answer(200))
    world.hook(WebhookEvent.DELETE_ALBUM, secret=SECRET)
    world.hook(secret="other", webhook_id=OTHER_HOOK)
    world.act(delete_album)
    world.run()
    assert stored_secrets(world) == {SECRET}
    [request] = world.run(20)
    assert "x-kheops-signature" in request.headers
    assert stored_secrets(world) == set()


def test_a_secret_that_no_event_names_is_deleted_after_a_day(world: Hooked) -> None:
    """Its decision was refused, or the process died. One that an event names stays, however late it is projected."""
    store_secret(world.outbox, "never named")
    world.hook(secret=SECRET)
    store_secret(world.outbox, "not named yet")
    world.world.clock.tick(23 * 3600)
    world.run()
    assert stored_secrets(world) == {"never named", SECRET, "not named yet"}
    world.world.clock.tick(3601)
    purge_secrets(world.outbox)
    assert stored_secrets(world) == {SECRET}


def test_no_secret_is_deleted_before_all_events_are_projected(world: Hooked) -> None:
    """The event that names it may be projected late."""
    world.hook(secret=SECRET)
    world.world.clock.tick(48 * 3600)
    purge_secrets(world.outbox)
    assert stored_secrets(world) == {SECRET}


def test_a_stored_secret_can_be_deleted_unless_it_is_used(world: Hooked) -> None:
    """Unless a webhook uses it."""
    name = store_secret(world.outbox, "needless")
    delete_secret(world.outbox, name)
    assert stored_secrets(world) == set()
    world.hook(secret=SECRET)
    catch_up(world.outbox)
    with world.outbox.database.transaction(commit=False) as cursor:
        cursor.execute("SELECT name FROM webhook_secret")
        [row] = cursor.fetchall()
    delete_secret(world.outbox, row["name"])
    assert stored_secrets(world) == {SECRET}


def test_nothing_is_sent_unsigned_that_is_to_be_signed(world: Hooked) -> None:
    """If the secret is missing, the attempt has failed."""
    world.hook(WebhookEvent.NEW_USER, secret=SECRET)
    with world.outbox.database.transaction(commit=True) as cursor:
        cursor.execute("DELETE FROM webhook_secret")
    world.act(add_member, DAVE)
    assert world.run() == []
    [trigger], _ = list_triggers(world.outbox, ALBUM, HOOK)
    assert [attempt.status for attempt in trigger.attempts] == [-1]


@define
class Watched:
    """Sends nothing, and collects what it was to send."""

    seen: str = ""

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Collect a request."""
        self.seen += f"{url}{body!r}{dict(headers)}"
        return 200


def test_a_secret_shows_nowhere(world: Hooked) -> None:
    """Not in events, requests or the repr of objects that hold it."""
    world.hook(WebhookEvent.NEW_USER, secret=SECRET)
    world.act(add_member, DAVE)
    catch_up(world.outbox)
    now = world.world.clock.now
    delivery = claim_delivery(world.outbox.database, now, "lease", now)
    assert delivery is not None
    assert delivery.secret == SECRET
    watched = Watched()
    outbox = evolve(world.outbox, outbound=watched)
    assert deliver_due(outbox, now) == 1
    albums = world.world.service.albums
    history = [recorded for _, recorded in albums.follow(0, 1000)]
    stored = [bytes(one.state) for one in albums.recorder.select_notifications(0, 1000)]
    shown = [
        repr(delivery),
        repr(outbox),
        repr(world.world.service),
        repr(history),
        repr(stored),
    ]
    assert watched.seen
    assert not any(SECRET in text for text in [*shown, watched.seen])


@ON_SQLITE
def test_the_outbox_is_in_the_one_database(world: Hooked, tmp_path: Path) -> None:
    """No other file holds a secret."""
    world.hook(secret=SECRET)
    holding = [
        file.name
        for file in world.data.rglob("*")
        if file.is_file() and SECRET.encode() in file.read_bytes()
    ]
    assert holding
    assert all(name.startswith("albumcore.sqlite") for name in holding)
