"""The cursor in every body: with it, a webhook that was missed is one GET."""

from __future__ import annotations

from typing import Any

from albumcore import (
    add_member,
    delete_album,
    import_series,
    import_study,
    post_comment,
    trigger_webhook,
)
from albumcore.albums import WebhookEvent
from albumcore_adapters.webhooks.projection import catch_up
from support.databases import ON_SQLITE
from support.kheops import ALBUM, ALICE, BOB, CT, DAVE, MR, STUDY
from support.webhooks import HOOK, Hooked


def later(world: Hooked, body: dict[str, Any]) -> list[str]:
    """What the album's feed has after the cursor of a body."""
    shown = world.world.events(ALICE, after=body["cursor"])
    return [one.get("mutation_type") or one["comment"] for one in shown]


def test_the_cursor_stands_after_the_event(world: Hooked) -> None:
    """Of each body after its own event, whenever it is delivered."""
    world.hook(WebhookEvent.NEW_USER)
    world.act(post_comment, "before")
    world.act(add_member, DAVE)
    world.act(post_comment, "between")
    world.act(add_member, "sub-erin")
    world.act(trigger_webhook, HOOK, WebhookEvent.NEW_USER, user=BOB)
    world.act(post_comment, "after")
    dave, erin, by_hand = world.bodies()
    assert later(world, dave) == ["between", "ADD_USER", "TRIGGER_WEBHOOK", "after"]
    assert later(world, erin) == ["TRIGGER_WEBHOOK", "after"]
    assert later(world, by_hand) == ["after"]


def test_the_cursor_of_a_batch_stands_before_it(world: Hooked) -> None:
    """Before its first series: what came in between is not missed."""
    world.world.store({CT: "CT", MR: "MR"})
    world.hook(WebhookEvent.NEW_SERIES)
    world.act(post_comment, "before")
    world.act(import_study, STUDY, [CT])
    world.act(post_comment, "between")
    world.act(import_series, STUDY, MR)
    [body] = world.bodies(60)
    assert later(world, body) == ["IMPORT_STUDY", "between", "IMPORT_SERIES"]


def test_a_delivery_of_an_older_release(world: Hooked) -> None:
    """It says no version: its cursor stands before the events of its time."""
    world.hook(WebhookEvent.NEW_USER)
    world.act(post_comment, "before")
    world.act(add_member, DAVE)
    catch_up(world.outbox)
    with world.outbox.database.transaction(commit=True) as cursor:
        cursor.execute("UPDATE webhook_trigger SET version = NULL")
    [body] = world.bodies()
    assert later(world, body) == ["ADD_USER"]


@ON_SQLITE
def test_the_cursor_of_a_deleted_album(world: Hooked) -> None:
    """It has one like every body; the album is gone."""
    world.hook(WebhookEvent.DELETE_ALBUM)
    world.act(delete_album)
    [body] = world.bodies()
    path, query = f"/albums/{ALBUM}/events", {"after": body["cursor"]}
    assert world.world.request(ALICE, "GET", path, query=query).status_code == 404
