"""The follower: it takes up what was recorded, each event once, and puts what is to be told into the tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from attrs import define, field, frozen

from albumcore import Album, RecordedEvent, album_stream
from albumcore.albums import Webhook, WebhookEvent
from albumcore.albums.events import (
    AlbumDeleted,
    SeriesRemoved,
    StudyRemoved,
    WebhookCreated,
    WebhookDeleted,
    WebhookEdited,
    WebhookTriggered,
)
from albumcore.errors import AlbumcoreError
from albumcore.ids import AlbumId, WebhookId
from albumcore.streams import key_of
from albumcore_adapters.sql.database import Cursor, Database, Row, has_changed, select_in
from albumcore_adapters.webhooks import batches, queue
from albumcore_adapters.webhooks.context import Box
from albumcore_adapters.webhooks.log import log_error
from albumcore_adapters.webhooks.notifications import TOLD, Call, calls_of
from albumcore_adapters.webhooks.secrets import FORGOTTEN_AFTER, forget, forget_unnamed

BATCH = 500
"""Events that are taken up in one transaction."""

Followed: TypeAlias = list[tuple[int, RecordedEvent[Any] | AlbumcoreError | None]]
_Write: TypeAlias = Callable[[Cursor], None]

_KNOWN = "SELECT * FROM webhook_known WHERE album_id IN (:values)"
_KNOW = (
    "INSERT INTO webhook_known (album_id, webhook_id, name, url, events, enabled, secret)"
    " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (album_id, webhook_id) DO UPDATE SET"
    " name = excluded.name, url = excluded.url, events = excluded.events,"
    " enabled = excluded.enabled, secret = excluded.secret"
)


@frozen
class Follower(Box):
    """The part of the outbox that follows the history."""

    def take_up(self, limit: int | None = None) -> int:
        """Take up what was recorded since the last time; the number of events.

        An event that cannot be read, or whose album cannot, leads to nothing: that is logged, and what comes after
        is taken up all the same. Events that webhooks have nothing to do with are not even read.

        Everything recorded before it was called is taken up when it returns, by this process or another one.
        Each event is taken up once, however many processes do this at the same time, and whenever they die.

        Args:
            limit: Take up so many events at most.
        """
        taken = 0
        while limit is None or taken < limit:
            size = BATCH if limit is None else min(BATCH, limit - taken)
            passed = self._take_up(size)
            if passed is None:
                continue
            taken += passed
            if passed < size:
                break
        return taken

    def forget_secrets(self) -> None:
        """Drop the secrets that no event came to name for a day, once the history is taken up to its end."""
        before = self.clock() - FORGOTTEN_AFTER
        self.take_up()
        with self.database.transaction(commit=True) as cursor:
            forget_unnamed(cursor, before)

    def _take_up(self, size: int) -> int | None:
        """Take up one batch, unless somebody else was faster: None then."""
        with self.database.transaction(commit=False) as cursor:
            cursor.execute("SELECT position, silent_until FROM webhook_position")
            [row] = cursor.fetchall()
        position, silent_until = row["position"], row["silent_until"]
        followed = self.albums.follow_only(_NEWS, position, size)
        if not followed:
            return 0
        plan = self._plan(followed, silent_until)
        with self.database.transaction(commit=True) as cursor:
            cursor.execute(
                "UPDATE webhook_position SET position = ? WHERE position = ?",
                (followed[-1][0], position),
            )
            if not has_changed(cursor):
                return None
            for write in plan.writes:
                write(cursor)
        # Only whoever was the faster logs.
        for where, error in plan.unreadable:
            log_error(position=where, unreadable=error.code)
        return len(followed)

    def _plan(self, followed: Followed, silent_until: int) -> _Plan:
        albums = {
            AlbumId(key_of(one.stream)) for _, one in followed if isinstance(one, RecordedEvent)
        }
        plan = _Plan(self.make_id, self.clock(), _known(self.database, albums))
        for position, one in followed:
            try:
                if isinstance(one, AlbumcoreError):
                    raise one
                if one is not None:
                    self._add_to(plan, one, is_silent=position <= silent_until)
            except AlbumcoreError as error:
                plan.unreadable.append((position, error))
        return plan

    def _add_to(self, plan: _Plan, recorded: RecordedEvent[Any], *, is_silent: bool) -> None:
        album_id = AlbumId(key_of(recorded.stream))
        webhooks = plan.known.get(album_id, {})
        if webhooks and isinstance(recorded.event, StudyRemoved | SeriesRemoved):
            plan.take_out(album_id, recorded.event)
        calls: tuple[Call, ...] = ()
        if webhooks and not is_silent:
            calls = calls_of(recorded, webhooks, self._album_after)
        if isinstance(recorded.event, AlbumDeleted):
            plan.bequeath(album_id, webhooks, recorded.version - 1)
        needless = plan.learn(album_id, recorded.event)
        plan.tell(album_id, webhooks, calls)
        # Only now: what a deleted album is still to tell needs its secrets.
        plan.forget(needless)

    def _album_after(self, recorded: RecordedEvent[Any]) -> Album:
        stream = album_stream(AlbumId(key_of(recorded.stream)))
        return self.albums.load(stream, version=recorded.version)


def _known(
    database: Database, albums: Iterable[AlbumId]
) -> dict[AlbumId, dict[WebhookId, Webhook]]:
    found: dict[AlbumId, dict[WebhookId, Webhook]] = {}
    with database.transaction(commit=False) as cursor:
        for row in select_in(cursor, _KNOWN, albums):
            of_album = found.setdefault(AlbumId(row["album_id"]), {})
            of_album[WebhookId(row["webhook_id"])] = _webhook(row)
    return found


def _webhook(row: Row) -> Webhook:
    events = tuple(WebhookEvent(name) for name in row["events"].split(",") if name)
    return Webhook(row["name"], row["url"], events, bool(row["enabled"]), row["secret"])


@define
class _Plan:
    """What a batch of events leads to: writes, and the webhooks that are known after each event."""

    make_id: Callable[[int], str]
    now: datetime
    known: dict[AlbumId, dict[WebhookId, Webhook]]
    writes: list[_Write] = field(factory=list)
    unreadable: list[tuple[int, AlbumcoreError]] = field(factory=list)

    def tell(
        self, album_id: AlbumId, webhooks: Mapping[WebhookId, Webhook], calls: Iterable[Call]
    ) -> None:
        """Have calls made."""
        for call in calls:
            if call.event is WebhookEvent.NEW_SERIES and not call.is_manual:
                self.writes.append(_bound(batches.add, album_id, call, self.now))
                continue
            webhook = webhooks[call.webhook_id] if call.event is WebhookEvent.DELETE_ALBUM else None
            self.writes.append(_bound(queue.add, self.make_id(30), album_id, call, webhook))

    def take_out(self, album_id: AlbumId, event: StudyRemoved | SeriesRemoved) -> None:
        """Have series that left the album wait for nothing any more."""
        gone = event.series_uids if isinstance(event, StudyRemoved) else (event.series_uid,)
        self.writes.append(_bound(batches.take_out, album_id, event.study_uid, gone))

    def bequeath(
        self, album_id: AlbumId, webhooks: Mapping[WebhookId, Webhook], version: int
    ) -> None:
        """Have told what an album's webhooks have still to tell, as if it had not been deleted."""
        for webhook_id, webhook in webhooks.items():
            self.writes.append(_bound(queue.bequeath, album_id, webhook_id, webhook, version))

    def learn(self, album_id: AlbumId, event: Any) -> set[str]:
        """Know what the webhooks of the album are from now on; the secrets that none of them has any more."""
        change = LEARNT.get(type(event))
        if change is None:
            return set()
        before = self.known.get(album_id, {})
        self.known[album_id] = after = change(before, event)
        for webhook_id in before.keys() - after.keys():
            self.writes.append(_bound(_drop, album_id, webhook_id))
        for webhook_id, webhook in after.items():
            if before.get(webhook_id) is not webhook:
                self.writes.append(_bound(_know, album_id, webhook_id, webhook))
        return _secrets(before) - _secrets(after)

    def forget(self, secrets: set[str]) -> None:
        """Drop secrets that nothing needs any more."""
        if secrets:
            self.writes.append(_bound(forget, secrets))


def _bound(write: Callable[..., None], *args: Any) -> _Write:
    return lambda cursor: write(cursor, *args)


_Known = Mapping[WebhookId, Webhook]


def _secrets(known: _Known) -> set[str]:
    return {webhook.secret for webhook in known.values() if webhook.secret is not None}


def _set(known: _Known, event: WebhookCreated | WebhookEdited) -> dict[WebhookId, Webhook]:
    return {**known, event.webhook_id: event.webhook}


def _gone(known: _Known, event: WebhookDeleted) -> dict[WebhookId, Webhook]:
    return {one: webhook for one, webhook in known.items() if one != event.webhook_id}


def _all_gone(known: _Known, event: AlbumDeleted) -> dict[WebhookId, Webhook]:
    return {}


LEARNT: Mapping[type[Any], Callable[[_Known, Any], dict[WebhookId, Webhook]]] = {
    WebhookCreated: _set,
    WebhookEdited: _set,
    WebhookDeleted: _gone,
    AlbumDeleted: _all_gone,
}
"""The events that change which webhooks an album has, and to what."""

_NEWS = (*TOLD, *LEARNT, WebhookTriggered)


def _know(cursor: Cursor, album_id: AlbumId, webhook_id: WebhookId, webhook: Webhook) -> None:
    events = ",".join(event.value for event in webhook.events)
    cursor.execute(
        _KNOW,
        (
            *(album_id, webhook_id, webhook.name, webhook.url),
            *(events, int(webhook.enabled), webhook.secret),
        ),
    )


def _drop(cursor: Cursor, album_id: AlbumId, webhook_id: WebhookId) -> None:
    """Drop a webhook with its history, and with what it still had to tell, but what was bequeathed."""
    queue.drop(cursor, album_id, webhook_id)
    batches.drop(cursor, album_id, webhook_id)
    cursor.execute(
        "DELETE FROM webhook_known WHERE album_id = ? AND webhook_id = ?", (album_id, webhook_id)
    )
