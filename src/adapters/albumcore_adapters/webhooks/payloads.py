"""The body of a delivery, as JSON (Kheops API 11): people and catalogue are read when it is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from attrs import frozen

from albumcore import Album, album_stream
from albumcore.albums import WebhookEvent
from albumcore.feed import Person
from albumcore.ids import AlbumId, UserId
from albumcore.json_object import Json, present
from albumcore.kernel import shown_text
from albumcore_adapters.base.cursors import BEGINNING, CursorPlace
from albumcore_adapters.webhooks.json_values import person_json, study_url, utc_time
from albumcore_adapters.webhooks.notifications import Notification
from albumcore_adapters.webhooks.outbox import Outbox
from albumcore_adapters.webhooks.study_metadata import study_metadata


@frozen
class _Subject:
    """A notification, the album it is about, and the context to read the rest from."""

    outbox: Outbox
    album_id: AlbumId
    album: Album
    notification: Notification


def payload(outbox: Outbox, album_id: AlbumId, notification: Notification) -> Json:
    """The body of a delivery. What is unknown or does not apply has no key.

    A deleted album is described as of its last version before the deletion, an existing one as it is now.
    """
    album = outbox.albums.load(album_stream(album_id), version=notification.album_version)
    subject = _Subject(outbox, album_id, album, notification)
    return {
        "host": outbox.root_url,
        "album_id": album_id,
        "event_time": utc_time(notification.act.at),
        "source": _source(subject),
        "is_manual_trigger": notification.is_manual,
        "cursor": _cursor(outbox, album_id, notification),
        **CONTENTS[notification.event](subject),
    }


def _cursor(outbox: Outbox, album_id: AlbumId, notification: Notification) -> str:
    """The cursor after the event, or before the first of a batch: other events may have come in between."""
    stream, version = album_stream(album_id), notification.version
    moment_of = outbox.albums.moment
    if version is None:
        first_at = notification.first_at or notification.act.at
        version = moment_of(stream, first_at - timedelta(microseconds=1)).version
    cursor = CursorPlace(version, moment_of(stream, version=version).at) if version else BEGINNING
    return outbox.cursors.text(stream.name, cursor)


def _source(subject: _Subject) -> Json:
    album, source = subject.album, subject.notification.act.source
    content = _person(subject, source.user)
    if source.capability_token is not None:
        token = album.capability_tokens.get(source.capability_token)
        title = None if token is None else shown_text(token.title)
        content["capability_token"] = present(id=source.capability_token, title=title)
    if source.report_provider is not None:
        provider = album.report_providers.get(source.report_provider)
        name = None if provider is None else shown_text(provider.name)
        content["report_provider"] = present(name=name, client_id=source.report_provider)
    return content


def _person(subject: _Subject, user: UserId) -> Json:
    person = subject.outbox.people.person(user) or Person(user)
    member = subject.album.members.get(user)
    return person_json(person) | present(is_admin=None if member is None else member.is_admin)


def _new_user(subject: _Subject) -> Json:
    assert subject.notification.user is not None
    return {"new_user": {"is_admin": False} | _person(subject, subject.notification.user)}


def _new_series(subject: _Subject) -> Json:
    url, study, series = _study(subject)
    notification = subject.notification
    for one in series:
        one["retrieve_url"] = f"{url}/series/{one['series_uid']}"
        number = one.get("number_of_series_related_instances")
        # A series that is new to the album has new instances only; a manual trigger names series that are not new.
        if number is not None and not notification.is_manual:
            one["number_of_new_instances"] = notification.new_instances.get(
                one["series_uid"], number
            )
    is_sent = notification.act.source.in_person and not notification.is_upload
    return {
        "import_source": "send" if is_sent else "upload",
        "updated_study": study | {"retrieve_url": url, "series": series},
    }


def _removed_series(subject: _Subject) -> Json:
    is_gone = subject.notification.is_study_gone
    url, study, series = _study(subject)
    content = study | present(retrieve_url=None if is_gone else url) | {"series": series}
    return {"remove_all_series": is_gone, "removed_study": content}


def _study(subject: _Subject) -> tuple[str, Json, list[Json]]:
    """The address and attributes of the study, and the attributes of its series."""
    study_uid = subject.notification.study_uid
    assert study_uid is not None
    study, series = study_metadata(
        subject.outbox.database, subject.album_id, study_uid, subject.notification.series_uids
    )
    return study_url(subject.outbox.api_url, study_uid), study, series


def _deleted_album(subject: _Subject) -> Json:
    return {}


CONTENTS: Mapping[WebhookEvent, Callable[[_Subject], Json]] = {
    WebhookEvent.NEW_USER: _new_user,
    WebhookEvent.NEW_SERIES: _new_series,
    WebhookEvent.REMOVE_SERIES: _removed_series,
    WebhookEvent.DELETE_ALBUM: _deleted_album,
}
"""The members of a body that depend on the event."""
