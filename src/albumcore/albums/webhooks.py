"""Webhooks of an album: addresses that receive its events (Kheops API 11). Deliveries are not part of the history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import frozen

from albumcore.albums.album import Album, Permission
from albumcore.albums.values import (
    Webhook,
    WebhookEvent,
    check_webhook_name,
    check_webhook_url,
    in_order,
    text_left,
)
from albumcore.errors import IdTaken, Invalid, SeriesNotFound, WebhookNotFound
from albumcore.ids import SeriesUID, StudyUID, UserId, WebhookId
from albumcore.kernel import Act, assoc, changed, dissoc, stored

__all__ = [
    "WebhookCreated",
    "WebhookDeleted",
    "WebhookEdited",
    "WebhookTriggered",
    "create_webhook",
    "delete_webhook",
    "edit_webhook",
    "trigger_webhook",
]

TRIGGERS: Mapping[WebhookEvent, tuple[bool, bool, bool]] = {
    WebhookEvent.NEW_SERIES: (True, True, False),
    WebhookEvent.NEW_USER: (False, False, True),
}
"""The events that can be triggered by hand, and whether a study, series of it and a user go with each."""


@stored("album.webhook_created")
@frozen
class WebhookCreated:
    """An admin created a webhook."""

    webhook_id: WebhookId
    webhook: Webhook

    def evolve(self, album: Album, act: Act) -> Album:
        """The album has this webhook."""
        return changed(album, webhooks=assoc(album.webhooks, self.webhook_id, self.webhook))


@stored("album.webhook_edited")
@frozen
class WebhookEdited:
    """An admin changed a webhook; ``webhook`` has all values after the change."""

    webhook_id: WebhookId
    webhook: Webhook

    def evolve(self, album: Album, act: Act) -> Album:
        """The webhook is replaced."""
        return changed(album, webhooks=assoc(album.webhooks, self.webhook_id, self.webhook))


@stored("album.webhook_deleted")
@frozen
class WebhookDeleted:
    """An admin deleted a webhook."""

    webhook_id: WebhookId

    def evolve(self, album: Album, act: Act) -> Album:
        """The album does not have the webhook."""
        return changed(album, webhooks=dissoc(album.webhooks, self.webhook_id))


@stored("album.webhook_triggered")
@frozen
class WebhookTriggered:
    """An admin delivered series of a study, or a member, to a webhook by hand."""

    webhook_id: WebhookId
    event: WebhookEvent
    study_uid: StudyUID | None = None
    series_uids: tuple[SeriesUID, ...] = ()
    user: UserId | None = None

    def evolve(self, album: Album, act: Act) -> Album:
        """The state does not change: no rule of an album depends on deliveries."""
        return album


def create_webhook(
    album: Album,
    act: Act,
    webhook_id: WebhookId,
    name: str,
    url: str,
    events: Iterable[WebhookEvent] = (),
    enabled: bool = True,
    secret: str | None = None,
) -> tuple[WebhookCreated, ...]:
    """Create a webhook: an address that receives some events of the album (Kheops API 11).

    Args:
        album: The album.
        act: Source and time.
        webhook_id: A new id.
        name: For people; trimmed.
        url: The address, http or https.
        events: The events that are delivered as they happen.
        enabled: Whether events are delivered as they happen.
        secret: Name under which the signing secret is stored; never the secret itself.

    Raises:
        AlbumNotFound, Forbidden: see `Album.require`.
        Invalid: name or url break their rules.
        IdTaken: the album has a webhook of that id.
    """
    album.require(act, Permission.MANAGE_WEBHOOKS)
    webhook = Webhook(
        check_webhook_name(name),
        check_webhook_url(url),
        in_order(events),
        enabled,
        secret or None,
    )
    if webhook_id in album.webhooks:
        raise IdTaken("the album has a webhook of this id")
    return (WebhookCreated(webhook_id, webhook),)


def edit_webhook(
    album: Album,
    act: Act,
    webhook_id: WebhookId,
    name: str | None = None,
    url: str | None = None,
    events: Iterable[WebhookEvent] | None = None,
    add_events: Iterable[WebhookEvent] = (),
    remove_events: Iterable[WebhookEvent] = (),
    enabled: bool | None = None,
    secret: str | None = None,
) -> tuple[WebhookEdited, ...]:
    """Change the values that are given; None leaves a value, an empty secret removes it (Kheops API 11).

    ``events`` replaces the list; the other two change it, and an event both added and removed is added.
    The event is recorded even if nothing changes, as the API wants.

    Raises:
        AlbumNotFound, Forbidden: see `Album.require`.
        Invalid: name or url break their rules, or the list is both replaced and changed; or a text is left that was
            erased.
        WebhookNotFound: unknown or deleted.
    """
    album.require(act, Permission.MANAGE_WEBHOOKS)
    new_name = None if name is None else check_webhook_name(name)
    new_url = None if url is None else check_webhook_url(url)
    added, removed = set(add_events), set(remove_events)
    if events is not None and (added or removed):
        raise Invalid("event", "the list is either replaced or changed")
    old = _webhook(album, webhook_id)
    webhook = Webhook(
        new_name or text_left("name", old.name),
        new_url or text_left("url", old.url),
        in_order((set(old.events) - removed) | added if events is None else events),
        old.enabled if enabled is None else enabled,
        old.secret if secret is None else secret or None,
    )
    return (WebhookEdited(webhook_id, webhook),)


def delete_webhook(album: Album, act: Act, webhook_id: WebhookId) -> tuple[WebhookDeleted, ...]:
    """Delete a webhook (Kheops API 11).

    Raises:
        AlbumNotFound, Forbidden: see `Album.require`.
        WebhookNotFound: unknown, or deleted before.
    """
    album.require(act, Permission.MANAGE_WEBHOOKS)
    _webhook(album, webhook_id)
    return (WebhookDeleted(webhook_id),)


def trigger_webhook(
    album: Album,
    act: Act,
    webhook_id: WebhookId,
    event: WebhookEvent,
    study_uid: StudyUID | None = None,
    series_uids: Iterable[SeriesUID] = (),
    user: UserId | None = None,
) -> tuple[WebhookTriggered, ...]:
    """Deliver series or a member to a webhook by hand, enabled or not (Kheops API 11).

    Raises:
        AlbumNotFound, Forbidden: see `Album.require`.
        Invalid: the event cannot be triggered by hand, or its arguments are those of another event.
        WebhookNotFound: unknown or deleted.
        SeriesNotFound: a series is not in the album.
        MemberNotFound: the user is not a member.
    """
    album.require(act, Permission.MANAGE_WEBHOOKS)
    series = tuple(dict.fromkeys(series_uids))
    given = (study_uid is not None, bool(series), user is not None)
    if given != TRIGGERS.get(event):
        raise Invalid(
            "event", "new_series goes with a study and series of it, new_user with a user"
        )
    _webhook(album, webhook_id)
    if study_uid is not None and not album.studies.get(study_uid, frozenset()).issuperset(series):
        raise SeriesNotFound("a series is not in the album")
    if user is not None:
        album.membership(user)
    return (WebhookTriggered(webhook_id, event, study_uid, series, user),)


def _webhook(album: Album, webhook_id: WebhookId) -> Webhook:
    webhook = album.webhooks.get(webhook_id)
    if webhook is None:
        raise WebhookNotFound("no such webhook in this album")
    return webhook
