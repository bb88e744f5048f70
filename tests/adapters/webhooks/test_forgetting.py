"""Forgetting: the outbox has nothing left of an erased user or album, and no page read before brings it back."""

from __future__ import annotations

from typing import Any

import pytest

from albumcore import (
    Act,
    ErasureRecorded,
    RecordedEvent,
    Source,
    WebhookEvent,
    add_member,
    edit_webhook,
)
from albumcore.erasures import ErasureKind
from albumcore.ids import UserId
from albumcore.streams import erasures_stream
from albumcore_adapters.webhooks import catch_up, projection
from albumcore_adapters.webhooks.forgetting import forget_album, forget_user
from support.kheops import ALBUM, DAVE
from support.webhooks import HOOK, SECRET, Hooked


def rows_in(world: Hooked, table: str) -> list[dict[str, Any]]:
    """The rows of a table of the outbox."""
    with world.outbox.database.transaction(commit=False) as cursor:
        cursor.execute(f"SELECT * FROM {table}")
        return [dict(row) for row in cursor.fetchall()]


def test_a_webhook_without_an_address_delivers_nothing(world: Hooked) -> None:
    """Until an admin gives it one again. Its secret is gone, and what waited for the old address."""
    world.hook(WebhookEvent.NEW_USER, secret=SECRET)
    world.act(add_member, world.world.user(DAVE))
    catch_up(world.outbox)
    secrets = [row["name"] for row in rows_in(world, "webhook_secret")]
    with world.outbox.database.transaction(commit=True) as cursor:
        assert forget_album(cursor, ALBUM, secrets) > 0
    [row] = rows_in(world, "webhook_known")
    assert (row["name"], row["url"], row["enabled"]) == ("[erased]", "[erased]", 0)
    for table in ("webhook_secret", "webhook_trigger", "webhook_line", "webhook_group"):
        assert rows_in(world, table) == []
    assert world.run(3600) == []
    with world.outbox.database.transaction(commit=True) as cursor:
        assert forget_album(cursor, ALBUM, secrets) == 0
    world.act(edit_webhook, HOOK, "New", f"{world.receiver.address}/new", secret="")
    world.act(add_member, UserId("newcomer"))
    assert [request.path for request in world.run()] == ["/new"]


def test_nobody_is_told_of_an_erased_user(world: Hooked) -> None:
    """A delivery about another waits on."""
    world.hook(WebhookEvent.NEW_USER)
    dave, other = world.world.user(DAVE), UserId("newcomer")
    for user in (dave, other):
        world.act(add_member, user)
    catch_up(world.outbox)
    with world.outbox.database.transaction(commit=True) as cursor:
        assert forget_user(cursor, dave) == 1
    assert [body["new_user"]["sub"] for body in world.bodies()] == [other]


def test_a_page_from_before_an_erasure_is_read_again(
    world: Hooked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have the address of a webhook that is erased by then."""
    world.hook(WebhookEvent.NEW_USER)
    albums, plans, plan = world.outbox.albums, list[int](), projection._plan

    def plan_slowly(*arguments: Any) -> Any:
        """The first time, something is erased before the page is written."""
        made = plan(*arguments)
        plans.append(len(rows_in(world, "webhook_known")))
        if len(plans) == 1:
            event = ErasureRecorded(ErasureKind.ALBUM, ALBUM)
            act = Act(Source(UserId("operator")), world.world.clock.now)
            recorded = RecordedEvent(erasures_stream().name, 1, act, event)
            albums.recorder.insert_events([albums.mapper.to_stored_event(recorded)])
        return made

    monkeypatch.setattr(projection, "_plan", plan_slowly)
    catch_up(world.outbox)
    assert plans[:2] == [0, 0]
    assert len(rows_in(world, "webhook_known")) == 1
