"""Which notifications a recorded event leads to: a pure function of the event (Kheops API 11)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from attrs import field, frozen

from albumcore import (
    Act,
    AdminAdded,
    Album,
    AlbumDeleted,
    MemberAdded,
    RecordedEvent,
    ReportAdded,
    SeriesImported,
    SeriesRemoved,
    StudyImported,
    StudyRemoved,
    WebhookTriggered,
)
from albumcore.albums import Webhook, WebhookEvent
from albumcore.ids import SeriesUID, StudyUID, UserId, WebhookId


@frozen
class Notification:
    """What one webhook is notified of.

    Attributes:
        webhook_id: The webhook.
        event: The kind of notification.
        act: Who acted, through what, and when.
        is_manual: An admin triggered it.
        user: The added user (`WebhookEvent.NEW_USER`).
        study_uid: The study (`WebhookEvent.NEW_SERIES`, `WebhookEvent.REMOVE_SERIES`).
        series_uids: The series of that study.
        is_study_gone: The album has no series of the study any more (`WebhookEvent.REMOVE_SERIES`).
        album_version: The version of the album that the body describes; None for the current one.
        is_upload: Images of the series were uploaded (`WebhookEvent.NEW_SERIES`).
        new_instances: The numbers of new instances of series that are not new to the album.
        version: The version of the event; None for a batch.
        first_at: The time of the first series of a batch.
    """

    webhook_id: WebhookId
    event: WebhookEvent
    act: Act
    is_manual: bool = False
    user: UserId | None = None
    study_uid: StudyUID | None = None
    series_uids: tuple[SeriesUID, ...] = ()
    is_study_gone: bool = False
    album_version: int | None = None
    is_upload: bool = False
    new_instances: Mapping[SeriesUID, int] = field(factory=dict)
    version: int | None = None
    first_at: datetime | None = None


AlbumAfter: TypeAlias = Callable[[RecordedEvent[Any]], Album]
_Content: TypeAlias = Mapping[str, Any]
_ContentOf: TypeAlias = Callable[[RecordedEvent[Any], Any, AlbumAfter], _Content]


def notifications_of(
    recorded: RecordedEvent[Any], webhooks: Mapping[WebhookId, Webhook], album_after: AlbumAfter
) -> tuple[Notification, ...]:
    """The notifications that a recorded event leads to, in the order of the webhooks' ids.

    An enabled webhook is notified of the events it subscribes to. A manual trigger notifies its webhook in any case.

    Args:
        recorded: An event of any kind.
        webhooks: The webhooks that the album had right before the event.
        album_after: Loads the album as of a recorded event; called only where the notification depends on it.
    """
    if isinstance(recorded.event, WebhookTriggered):
        # The webhook is missing when the event that created it is unreadable.
        is_known = recorded.event.webhook_id in webhooks
        return (_manual(recorded, recorded.event),) if is_known else ()
    if type(recorded.event) not in NOTIFYING:
        return ()
    event, content_of = NOTIFYING[type(recorded.event)]
    subscribed = [
        webhook_id
        for webhook_id, webhook in sorted(webhooks.items())
        if webhook.enabled and event in webhook.events
    ]
    if not subscribed:
        return ()
    content = content_of(recorded, recorded.event, album_after)
    return tuple(
        Notification(webhook_id, event, recorded.act, version=recorded.version, **content)
        for webhook_id in subscribed
    )


def _manual(recorded: RecordedEvent[Any], triggered: WebhookTriggered) -> Notification:
    return Notification(
        triggered.webhook_id,
        triggered.event,
        recorded.act,
        version=recorded.version,
        is_manual=True,
        user=triggered.user,
        study_uid=triggered.study_uid,
        series_uids=triggered.series_uids,
    )


def _new_user(
    recorded: RecordedEvent[Any], event: MemberAdded | AdminAdded, album_after: AlbumAfter
) -> _Content:
    return {"user": event.target}


def _study(
    recorded: RecordedEvent[Any], event: StudyImported | StudyRemoved, album_after: AlbumAfter
) -> _Content:
    is_gone = isinstance(event, StudyRemoved)
    return {
        "study_uid": event.study_uid,
        "series_uids": event.series_uids,
        "is_study_gone": is_gone,
    }


def _new_series(
    recorded: RecordedEvent[Any], event: SeriesImported | ReportAdded, album_after: AlbumAfter
) -> _Content:
    return {"study_uid": event.study_uid, "series_uids": (event.series_uid,)}


def _removed_series(
    recorded: RecordedEvent[Any], event: SeriesRemoved, album_after: AlbumAfter
) -> _Content:
    return {
        "study_uid": event.study_uid,
        "series_uids": (event.series_uid,),
        "is_study_gone": event.study_uid not in album_after(recorded).studies,
    }


def _deleted_album(
    recorded: RecordedEvent[Any], event: AlbumDeleted, album_after: AlbumAfter
) -> _Content:
    return {"album_version": recorded.version - 1}


NOTIFYING: Mapping[type[Any], tuple[WebhookEvent, _ContentOf]] = {
    MemberAdded: (WebhookEvent.NEW_USER, _new_user),
    AdminAdded: (WebhookEvent.NEW_USER, _new_user),
    StudyImported: (WebhookEvent.NEW_SERIES, _study),
    SeriesImported: (WebhookEvent.NEW_SERIES, _new_series),
    ReportAdded: (WebhookEvent.NEW_SERIES, _new_series),
    StudyRemoved: (WebhookEvent.REMOVE_SERIES, _study),
    SeriesRemoved: (WebhookEvent.REMOVE_SERIES, _removed_series),
    AlbumDeleted: (WebhookEvent.DELETE_ALBUM, _deleted_album),
}
"""The recorded events that notify subscribed webhooks, as which event, and with what content.

A promotion (`MemberPromoted`) adds no user and is not among them.
"""
