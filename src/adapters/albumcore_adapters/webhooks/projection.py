"""The projection: reads recorded events in order, each once, and writes the notifications that they lead to.

Its position is updated in the transaction that writes the notifications. So every event is projected exactly once,
by however many processes, and whenever they die.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from albumcore import (
    Album,
    AlbumDeleted,
    RecordedEvent,
    SeriesRemoved,
    StudyRemoved,
    WebhookCreated,
    WebhookDeleted,
    WebhookEdited,
    WebhookTriggered,
    album_stream,
)
from albumcore.albums import Webhook, WebhookEvent
from albumcore.errors import AlbumcoreError
from albumcore.ids import AlbumId, WebhookId
from albumcore.kernel import ERASED, shown_text
from albumcore.streams import key_of
from albumcore_adapters.sql.database import Cursor, Database, Row, has_changed, select_in
from albumcore_adapters.webhooks import batches, queue
from albumcore_adapters.webhooks.notifications import NOTIFYING, Notification, notifications_of
from albumcore_adapters.webhooks.outbox import Outbox, log_error
from albumcore_adapters.webhooks.secrets import (
    SECRET_GRACE,
    delete_unused_secrets,
    delete_unused_secrets_before,
)
from albumcore_adapters.webhooks.uploads import noted_uploads, take_uploads

PAGE_SIZE = 500
"""Events that are read at a time and projected in one transaction."""

Webhooks: TypeAlias = Mapping[WebhookId, Webhook]
_Write: TypeAlias = tuple[Callable[..., None], tuple[Any, ...]]
"""A function that takes a cursor first, and its other arguments."""

_ERASURES = "(SELECT coalesce(max(originator_version), 0) FROM stored_events WHERE originator_id = 'erasures')"
_SELECT_POSITION = f"SELECT position, silent_until, {_ERASURES} AS erasures FROM webhook_position"  # noqa: S608
_MOVE_POSITION = f"UPDATE webhook_position SET position = ? WHERE position = ? AND {_ERASURES} = ?"  # noqa: S608
_SELECT_WEBHOOKS = "SELECT * FROM webhook_known WHERE album_id IN (:values)"
_UPSERT_WEBHOOK = (
    "INSERT INTO webhook_known (album_id, webhook_id, name, url, events, enabled, secret)"
    " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (album_id, webhook_id) DO UPDATE SET"
    " name = excluded.name, url = excluded.url, events = excluded.events,"
    " enabled = excluded.enabled, secret = excluded.secret"
)


def catch_up(outbox: Outbox, limit: int | None = None) -> int:
    """Project the events that were recorded since the last time, and return their number; uploads, too.

    All that was recorded before the call is projected when it returns, by this process or another one, unless there is
    a limit. Events that have nothing to do with webhooks are skipped without decoding them. An event
    that cannot be read, or whose album cannot, is logged and skipped.

    Args:
        outbox: The context.
        limit: Project this many events at most.
    """
    total = 0
    while limit is None or total < limit:
        size = PAGE_SIZE if limit is None else min(PAGE_SIZE, limit - total)
        notes = noted_uploads(outbox)
        number = _project_page(outbox, size)
        if number is None:
            continue
        total += number
        if number == size:
            continue
        # Nothing is left of what was recorded before the notes were read.
        if not notes:
            break
        take_uploads(outbox, notes)
    return total


def purge_secrets(outbox: Outbox) -> None:
    """Delete the secrets that are a day old and that no event came to name.

    Secrets may be named by events that are not projected yet, so the projection catches up first.
    """
    before = outbox.clock() - SECRET_GRACE
    catch_up(outbox)
    with outbox.database.transaction(commit=True) as cursor:
        delete_unused_secrets_before(cursor, before)


def _project_page(outbox: Outbox, size: int) -> int | None:
    """Project one page and return its number of events.

    It is None where another process was faster, or something was erased meanwhile: the page may have what it said.
    """
    with outbox.database.transaction(commit=False) as cursor:
        cursor.execute(_SELECT_POSITION)
        [row] = cursor.fetchall()
    position, silent_until = row["position"], row["silent_until"]
    page = outbox.albums.follow_only(_RELEVANT, position, size)
    if not page:
        return 0
    writes, unreadable = _plan(outbox, page, silent_until)
    with outbox.database.transaction(commit=True) as cursor:
        cursor.execute(_MOVE_POSITION, (page[-1][0], position, row["erasures"]))
        if not has_changed(cursor):
            return None
        for write, arguments in writes:
            write(cursor, *arguments)
    # After the commit, so that only one process logs them.
    for where, error in unreadable:
        log_error(position=where, unreadable=error.code)
    return len(page)


def _plan(
    outbox: Outbox,
    page: Iterable[tuple[int, RecordedEvent[Any] | AlbumcoreError | None]],
    silent_until: int,
) -> tuple[list[_Write], list[tuple[int, AlbumcoreError]]]:
    """The writes that a page of events leads to, and the errors of events that cannot be read.

    It is made before the transaction that writes begins: albums may have to be loaded for it.
    """
    albums = {AlbumId(key_of(one.stream)) for _, one in page if isinstance(one, RecordedEvent)}
    webhooks = _stored_webhooks(outbox.database, albums)
    now = outbox.clock()
    writes: list[_Write] = []
    unreadable: list[tuple[int, AlbumcoreError]] = []
    for position, one in page:
        try:
            if isinstance(one, AlbumcoreError):
                raise one
            if one is not None:
                for write in _writes_of(
                    outbox, one, webhooks, now, is_silent=position <= silent_until
                ):
                    writes.append(write)  # noqa: PERF402 - those before an error count
        except AlbumcoreError as error:
            unreadable.append((position, error))
    return writes, unreadable


def _writes_of(
    outbox: Outbox,
    recorded: RecordedEvent[Any],
    webhooks: dict[AlbumId, Webhooks],
    now: datetime,
    *,
    is_silent: bool,
) -> Iterator[_Write]:
    """The writes of one event, in order. The webhooks of its album are updated in `webhooks`.

    Raises:
        AlbumcoreError: the album cannot be read, on which the notifications depend. The writes before it count.
    """
    album_id, event = AlbumId(key_of(recorded.stream)), recorded.event
    before = webhooks.get(album_id, {})
    if before and isinstance(event, StudyRemoved | SeriesRemoved):
        gone = event.series_uids if isinstance(event, StudyRemoved) else (event.series_uid,)
        yield batches.remove_from_batches, (album_id, event.study_uid, gone)
    notifications: tuple[Notification, ...] = ()
    if before and not is_silent:
        notifications = notifications_of(recorded, before, lambda one: _album_after(outbox, one))
    if isinstance(event, AlbumDeleted):
        for webhook_id, webhook in before.items():
            yield queue.detach, (album_id, webhook_id, webhook, recorded.version - 1)
    change = _WEBHOOKS_AFTER.get(type(event))
    after = webhooks[album_id] = before if change is None else change(before, event)
    for webhook_id in before.keys() - after.keys():
        yield _delete_webhook, (album_id, webhook_id)
    for webhook_id, webhook in after.items():
        if before.get(webhook_id) is not webhook:
            yield _upsert_webhook, (album_id, webhook_id, webhook)
    for one in notifications:
        if one.event is WebhookEvent.NEW_SERIES and not one.is_manual:
            yield batches.add_to_batch, (album_id, one, now)
        else:
            webhook_gone = (
                before[one.webhook_id] if one.event is WebhookEvent.DELETE_ALBUM else None
            )
            yield queue.enqueue, (outbox.make_id(30), album_id, one, webhook_gone)
    # Last, because what a deleted album still has to deliver is signed with its secrets.
    if unused := _secrets_of(before) - _secrets_of(after):
        yield delete_unused_secrets, (unused,)


def _album_after(outbox: Outbox, recorded: RecordedEvent[Any]) -> Album:
    stream = album_stream(AlbumId(key_of(recorded.stream)))
    return outbox.albums.load(stream, version=recorded.version)


_WEBHOOKS_AFTER: Mapping[type[Any], Callable[[Webhooks, Any], Webhooks]] = {
    WebhookCreated: lambda webhooks, event: {**webhooks, event.webhook_id: event.webhook},
    WebhookEdited: lambda webhooks, event: {**webhooks, event.webhook_id: event.webhook},
    WebhookDeleted: lambda webhooks, event: {
        one: webhook for one, webhook in webhooks.items() if one != event.webhook_id
    },
    AlbumDeleted: lambda webhooks, event: {},
}
"""The webhooks that an album has after an event; other events change none."""

_RELEVANT = (*NOTIFYING, *_WEBHOOKS_AFTER, WebhookTriggered)
"""The events that are decoded."""


def _secrets_of(webhooks: Webhooks) -> set[str]:
    return {webhook.secret for webhook in webhooks.values() if webhook.secret is not None}


def _stored_webhooks(database: Database, albums: Iterable[AlbumId]) -> dict[AlbumId, Webhooks]:
    """The webhooks of albums as of the stored position, so that no album has to be loaded for them."""
    found: dict[AlbumId, dict[WebhookId, Webhook]] = {}
    with database.transaction(commit=False) as cursor:
        for row in select_in(cursor, _SELECT_WEBHOOKS, albums):
            of_album = found.setdefault(AlbumId(row["album_id"]), {})
            of_album[WebhookId(row["webhook_id"])] = _webhook(row)
    return {**found}


def _webhook(row: Row) -> Webhook:
    events = tuple(WebhookEvent(name) for name in row["events"].split(",") if name)
    return Webhook(row["name"], row["url"], events, bool(row["enabled"]), row["secret"])


def _upsert_webhook(
    cursor: Cursor, album_id: AlbumId, webhook_id: WebhookId, webhook: Webhook
) -> None:
    events = ",".join(event.value for event in webhook.events)
    name, url = shown_text(webhook.name), shown_text(webhook.url)
    is_enabled = webhook.enabled and webhook.url is not ERASED
    row = (name, url, events, int(is_enabled), webhook.secret)
    cursor.execute(_UPSERT_WEBHOOK, (album_id, webhook_id, *row))


def _delete_webhook(cursor: Cursor, album_id: AlbumId, webhook_id: WebhookId) -> None:
    """Delete a webhook with its triggers and batches, except for detached deliveries."""
    queue.delete_triggers(cursor, album_id, webhook_id)
    batches.delete_batches(cursor, album_id, webhook_id)
    cursor.execute(
        "DELETE FROM webhook_known WHERE album_id = ? AND webhook_id = ?", (album_id, webhook_id)
    )
