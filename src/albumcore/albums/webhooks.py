"""Webhooks of an album: the decisions (Kheops API 11). Who is told of what, and whether it arrived, is no history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import frozen

from albumcore.albums import events as happened
from albumcore.albums.events import Decided
from albumcore.albums.state import AlbumState
from albumcore.albums.values import (
    Permission,
    Webhook,
    WebhookEvent,
    check_webhook_name,
    check_webhook_url,
    in_order,
)
from albumcore.errors import IdTaken, Invalid, SeriesNotFound, WebhookNotFound
from albumcore.ids import SeriesUID, StudyUID, UserId, WebhookId
from albumcore.kernel import Act

TOLD_BY_HAND: Mapping[WebhookEvent, tuple[bool, bool, bool]] = {
    WebhookEvent.NEW_SERIES: (True, True, False),
    WebhookEvent.NEW_USER: (False, False, True),
}
"""The events that can be told by hand, and whether a study, series of it and a user go with each."""


@frozen(slots=False)
class Webhooks(AlbumState):
    """What can be decided about the webhooks of an album."""

    def create_webhook(
        self,
        act: Act,
        webhook_id: WebhookId,
        name: str,
        url: str,
        events: Iterable[WebhookEvent] = (),
        enabled: bool = True,
        secret: str | None = None,
    ) -> Decided:
        """Have an address told of some events of the album (Kheops API 11).

        Args:
            act: Who decides, and when.
            webhook_id: One that the album has no webhook of.
            name: For people; trimmed.
            url: Where it is told; http or https.
            events: Which events it is told of by itself.
            enabled: Whether it is told of anything by itself.
            secret: Where the secret that signs is kept: a name for it, never the secret itself.

        Raises:
            AlbumNotFound, Forbidden: see `require`.
            Invalid: name or url break their rules.
            IdTaken: the album has a webhook of that id.
        """
        self.require(act, Permission.MANAGE_WEBHOOKS)
        webhook = Webhook(
            check_webhook_name(name),
            check_webhook_url(url),
            in_order(events),
            enabled,
            secret or None,
        )
        if webhook_id in self.webhooks:
            raise IdTaken("the album has a webhook of this id")
        return (happened.WebhookCreated(webhook_id, webhook),)

    def edit_webhook(
        self,
        act: Act,
        webhook_id: WebhookId,
        name: str | None = None,
        url: str | None = None,
        events: Iterable[WebhookEvent] | None = None,
        add_events: Iterable[WebhookEvent] = (),
        remove_events: Iterable[WebhookEvent] = (),
        enabled: bool | None = None,
        secret: str | None = None,
    ) -> Decided:
        """Change what is given, and leave what is None; an empty secret means none from now on (Kheops API 11).

        ``events`` replaces the list; the other two change it, and what is both added and removed is added.
        It is recorded even when nothing changed: the contract wants it.

        Raises:
            AlbumNotFound, Forbidden: see `require`.
            Invalid: name or url break their rules, or the list is both replaced and changed.
            WebhookNotFound: unknown or deleted.
        """
        self.require(act, Permission.MANAGE_WEBHOOKS)
        new_name = None if name is None else check_webhook_name(name)
        new_url = None if url is None else check_webhook_url(url)
        added, removed = set(add_events), set(remove_events)
        if events is not None and (added or removed):
            raise Invalid("event", "the list is either replaced or changed")
        old = self._webhook(webhook_id)
        webhook = Webhook(
            new_name or old.name,
            new_url or old.url,
            in_order((set(old.events) - removed) | added if events is None else events),
            old.enabled if enabled is None else enabled,
            old.secret if secret is None else secret or None,
        )
        return (happened.WebhookEdited(webhook_id, webhook),)

    def delete_webhook(self, act: Act, webhook_id: WebhookId) -> Decided:
        """Tell an address nothing any more (Kheops API 11).

        Raises:
            AlbumNotFound, Forbidden: see `require`.
            WebhookNotFound: unknown, or deleted before.
        """
        self.require(act, Permission.MANAGE_WEBHOOKS)
        self._webhook(webhook_id)
        return (happened.WebhookDeleted(webhook_id),)

    def trigger_webhook(
        self,
        act: Act,
        webhook_id: WebhookId,
        event: WebhookEvent,
        study_uid: StudyUID | None = None,
        series_uids: Iterable[SeriesUID] = (),
        user: UserId | None = None,
    ) -> Decided:
        """Tell an address of series or of a member by hand, whether or not it is enabled (Kheops API 11).

        Raises:
            AlbumNotFound, Forbidden: see `require`.
            Invalid: the event is another one, or is given what belongs to the other.
            WebhookNotFound: unknown or deleted.
            SeriesNotFound: a series is not in the album.
            MemberNotFound: the user is not a member.
        """
        self.require(act, Permission.MANAGE_WEBHOOKS)
        series = tuple(dict.fromkeys(series_uids))
        given = (study_uid is not None, bool(series), user is not None)
        if given != TOLD_BY_HAND.get(event):
            raise Invalid(
                "event", "new_series goes with a study and series of it, new_user with a user"
            )
        self._webhook(webhook_id)
        if study_uid is not None and not self.studies.get(study_uid, frozenset()).issuperset(
            series
        ):
            raise SeriesNotFound("a series is not in the album")
        if user is not None:
            self._target(user)
        return (happened.WebhookTriggered(webhook_id, event, study_uid, series, user),)

    def _webhook(self, webhook_id: WebhookId) -> Webhook:
        webhook = self.webhooks.get(webhook_id)
        if webhook is None:
            raise WebhookNotFound("no such webhook in this album")
        return webhook
