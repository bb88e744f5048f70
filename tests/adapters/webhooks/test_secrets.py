"""Secrets of webhooks: kept outside of the history, for as long as they are needed, and shown nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from attrs import define, evolve

from albumcore import Album, WebhookEvent
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


def kept(world: Hooked) -> set[str]:
    """The secrets that are kept."""
    with world.outbox.database.transaction(commit=False) as cursor:
        cursor.execute("SELECT secret FROM webhook_secret")
        return {row["secret"] for row in cursor.fetchall()}


@pytest.mark.parametrize("secret", ["", "x" * 1025, "\x00", "\ud800"])
def test_an_unsound_secret_is_refused(world: Hooked, secret: str) -> None:
    """1 to 1024 characters, all of them text; the refusal does not repeat it."""
    with pytest.raises(Invalid) as refused:
        store_secret(world.outbox, secret)
    assert refused.value.field == "secret"
    assert not secret or secret not in str(refused.value)
    assert kept(world) == set()


@pytest.mark.parametrize("secret", ["x", "ü" * 1024])
def test_a_sound_secret_is_kept_under_a_random_name(world: Hooked, secret: str) -> None:
    """Twice under two names, so that no name tells that two secrets are equal."""
    names = {store_secret(world.outbox, secret) for _ in range(2)}
    assert len(names) == 2
    assert secret not in names
    assert kept(world) == {secret}


def test_a_replaced_secret_is_dropped(world: Hooked) -> None:
    """And so is one that is taken away."""
    world.hook(secret=SECRET)
    world.act(Album.edit_webhook, HOOK, name="Renamed")
    world.run()
    assert kept(world) == {SECRET}
    world.act(Album.edit_webhook, HOOK, secret=store_secret(world.outbox, "second"))
    world.run()
    assert kept(world) == {"second"}
    world.act(Album.edit_webhook, HOOK, secret="")
    world.run()
    assert kept(world) == set()


def test_the_secret_of_a_deleted_webhook_is_dropped(world: Hooked) -> None:
    """Others stay."""
    world.hook(secret=SECRET)
    world.hook(secret="other", webhook_id=OTHER_HOOK)
    world.act(Album.delete_webhook, HOOK)
    world.run()
    assert kept(world) == {"other"}


def test_the_secrets_of_a_deleted_album_are_dropped_once_it_was_told(world: Hooked) -> None:
    """The last delivery is still signed; the secret of a webhook that tells nothing goes at once."""
    world.receiver.answer(Answer(500), Answer(200))
    world.hook(WebhookEvent.DELETE_ALBUM, secret=SECRET)
    world.hook(secret="other", webhook_id=OTHER_HOOK)
    world.act(Album.delete)
    world.run()
    assert kept(world) == {SECRET}
    [request] = world.run(20)
    assert "x-kheops-signature" in request.headers
    assert kept(world) == set()


def test_a_secret_that_no_event_came_to_name_is_dropped_after_a_day(world: Hooked) -> None:
    """The decision was refused, or its process died. One that is named in time stays, however late that is read."""
    store_secret(world.outbox, "never named")
    world.hook(secret=SECRET)
    store_secret(world.outbox, "not named yet")
    world.world.clock.tick(23 * 3600)
    world.run()
    assert kept(world) == {"never named", SECRET, "not named yet"}
    world.world.clock.tick(3601)
    purge_secrets(world.outbox)
    assert kept(world) == {SECRET}


def test_no_secret_is_dropped_before_all_is_taken_up(world: Hooked) -> None:
    """What names it may come late."""
    world.hook(secret=SECRET)
    world.world.clock.tick(48 * 3600)
    purge_secrets(world.outbox)
    assert kept(world) == {SECRET}


def test_a_dropped_secret_is_gone_unless_it_is_named(world: Hooked) -> None:
    """Whoever kept it knows that no event will name it; where one did, it stays."""
    name = store_secret(world.outbox, "needless")
    delete_secret(world.outbox, name)
    assert kept(world) == set()
    world.hook(secret=SECRET)
    catch_up(world.outbox)
    with world.outbox.database.transaction(commit=False) as cursor:
        cursor.execute("SELECT name FROM webhook_secret")
        [row] = cursor.fetchall()
    delete_secret(world.outbox, row["name"])
    assert kept(world) == {SECRET}


def test_nothing_goes_out_unsigned_that_was_to_be_signed(world: Hooked) -> None:
    """A secret that is lost, by a restored history for one, fails the attempt."""
    world.hook(WebhookEvent.NEW_USER, secret=SECRET)
    with world.outbox.database.transaction(commit=True) as cursor:
        cursor.execute("DELETE FROM webhook_secret")
    world.act(Album.add_member, DAVE)
    assert world.run() == []
    [trigger], _ = list_triggers(world.outbox, ALBUM, HOOK)
    assert [attempt.status for attempt in trigger.attempts] == [-1]


@define
class Watched:
    """Sends nothing, and shows what it was given to whoever looks."""

    seen: str = ""

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Look at it."""
        self.seen += f"{url}{body!r}{dict(headers)}"
        return 200


def test_a_secret_shows_nowhere(world: Hooked) -> None:
    """Not in the history, not in what is sent, not in the repr of what holds it."""
    world.hook(WebhookEvent.NEW_USER, secret=SECRET)
    world.act(Album.add_member, DAVE)
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
    """No file beside it could be left behind by a backup, or read by others."""
    world.hook(secret=SECRET)
    holding = [
        file.name
        for file in world.data.rglob("*")
        if file.is_file() and SECRET.encode() in file.read_bytes()
    ]
    assert holding
    assert all(name.startswith("albumcore.sqlite") for name in holding)
