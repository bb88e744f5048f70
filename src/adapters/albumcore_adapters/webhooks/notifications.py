"""What recorded events have webhooks tell of: a pure function of each event (Kheops API 11)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from albumcore import Act, Album, RecordedEvent
from albumcore.albums import Webhook, WebhookEvent
from albumcore.albums.events import (
    AdminAdded,
    AlbumDeleted,
    MemberAdded,
    ReportAdded,
    SeriesImported,
    SeriesRemoved,
    StudyImported,
    StudyRemoved,
    WebhookTriggered,
)
from albumcore.ids import SeriesUID, StudyUID, UserId, WebhookId


@frozen
class Call:
    """One thing to tell one webhook.

    Attributes:
        webhook_id: Who is told.
        event: What of.
        act: Who did it, through what, and when.
        is_manual: Whether an admin asked for it.
        user: The new user, for that event.
        study_uid: The study, for the events about series.
        series_uids: The series of it.
        is_study_gone: Whether nothing of the study is left in the album, for removed series.
        album_version: The version of the album that is told of; None for the present.
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


Webhooks = Mapping[WebhookId, Webhook]
_Told = Mapping[str, Any]
AlbumAfter = Callable[[RecordedEvent[Any]], Album]
_Teller = Callable[[RecordedEvent[Any], Any, AlbumAfter], _Told]


def calls_of(
    recorded: RecordedEvent[Any], webhooks: Webhooks, album_after: AlbumAfter
) -> tuple[Call, ...]:
    """What the webhooks of an album have to tell of, now that this was recorded.

    By itself, a webhook tells of an event if it is enabled and subscribed to it; by hand, always. Where several do,
    they stand in the order of their ids.

    Args:
        recorded: An event, of an album or not.
        webhooks: The webhooks that the album had right before it.
        album_after: Gives the album right after a recorded event. It is asked where it matters, and nowhere else.
    """
    if isinstance(recorded.event, WebhookTriggered):
        # It is not known where its making cannot be read.
        is_known = recorded.event.webhook_id in webhooks
        return (_manual(recorded, recorded.event),) if is_known else ()
    told = TOLD.get(type(recorded.event))
    if told is None:
        return ()
    event, tell = told
    subscribed = [
        webhook_id
        for webhook_id, webhook in sorted(webhooks.items())
        if webhook.enabled and event in webhook.events
    ]
    if not subscribed:
        return ()
    content = tell(recorded, recorded.event, album_after)
    return tuple(Call(webhook_id, event, recorded.act, **content) for webhook_id in subscribed)


def _manual(recorded: RecordedEvent[Any], triggered: WebhookTriggered) -> Call:
    return Call(
        triggered.webhook_id,
        triggered.event,
        recorded.act,
        is_manual=True,
        user=triggered.user,
        study_uid=triggered.study_uid,
        series_uids=triggered.series_uids,
    )


def _new_user(
    recorded: RecordedEvent[Any], event: MemberAdded | AdminAdded, album_after: AlbumAfter
) -> _Told:
    return {"user": event.target}


def _study(
    recorded: RecordedEvent[Any], event: StudyImported | StudyRemoved, album_after: AlbumAfter
) -> _Told:
    is_gone = isinstance(event, StudyRemoved)
    return {
        "study_uid": event.study_uid,
        "series_uids": event.series_uids,
        "is_study_gone": is_gone,
    }


def _series_in(
    recorded: RecordedEvent[Any], event: SeriesImported | ReportAdded, album_after: AlbumAfter
) -> _Told:
    return {"study_uid": event.study_uid, "series_uids": (event.series_uid,)}


def _series_out(
    recorded: RecordedEvent[Any], event: SeriesRemoved, album_after: AlbumAfter
) -> _Told:
    return {
        "study_uid": event.study_uid,
        "series_uids": (event.series_uid,),
        "is_study_gone": event.study_uid not in album_after(recorded).studies,
    }


def _album_deleted(
    recorded: RecordedEvent[Any], event: AlbumDeleted, album_after: AlbumAfter
) -> _Told:
    return {"album_version": recorded.version - 1}


TOLD: Mapping[type[Any], tuple[WebhookEvent, _Teller]] = {
    MemberAdded: (WebhookEvent.NEW_USER, _new_user),
    AdminAdded: (WebhookEvent.NEW_USER, _new_user),
    StudyImported: (WebhookEvent.NEW_SERIES, _study),
    SeriesImported: (WebhookEvent.NEW_SERIES, _series_in),
    ReportAdded: (WebhookEvent.NEW_SERIES, _series_in),
    StudyRemoved: (WebhookEvent.REMOVE_SERIES, _study),
    SeriesRemoved: (WebhookEvent.REMOVE_SERIES, _series_out),
    AlbumDeleted: (WebhookEvent.DELETE_ALBUM, _album_deleted),
}
"""Which recorded events a webhook tells of by itself, as what, and what it tells. A promotion is none of them."""
