"""The projection of events to index rows: a pure function, and the table behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import asdict

from albumcore.albums import capability_tokens, lifecycle, members, report_providers, studies
from albumcore.erasures import (
    AlbumTextErased,
    ImagesErased,
    StudyTextErased,
    UserTextErased,
)
from albumcore.feed import entry
from albumcore.image_sets import image_set
from albumcore.index.postings import terms_of
from albumcore.index.rows import (
    AddedImageRow,
    AlbumRow,
    CapabilityTokenRow,
    Change,
    CommandRow,
    Drop,
    Enter,
    FeedLaneRow,
    ImageRow,
    IndexRow,
    MemberRow,
    ProviderRow,
    Put,
    SeriesRow,
    Set,
    UndoneRow,
)
from albumcore.kernel import ERASED, ERASED_TEXT, Event, RecordedEvent, shown_text
from albumcore.streams import key_of
from albumcore.user_tokens import user_tokens

Deriver = Callable[[RecordedEvent[Any], Any], Iterable[Change]]


def changes(recorded: RecordedEvent[Any]) -> tuple[Change, ...]:
    """The changes of rows for one recorded event, in the order in which they are applied."""
    shown = entry(recorded)
    found: list[Change] = []
    command = recorded.act.command
    if command is not None and command.content is not None:
        content = None if command.content is ERASED else command.content
        found.append(Put(CommandRow(command.id, recorded.stream, recorded.version, content)))
    if recorded.act.undoes is not None:
        found.append(Put(UndoneRow(recorded.stream, recorded.act.undoes, recorded.version)))
    if shown is not None:
        found.append(Enter(recorded.stream, terms_of(shown), recorded.version))
        if shown.moves_last_event_time and recorded.stream.startswith("album-"):
            album_id = key_of(recorded.stream)
            found.append(Set(AlbumRow, {"album_id": album_id}, {"last_event_at": recorded.at}))
    derive = DERIVED.get(type(recorded.event))
    if derive is not None:
        found.extend(derive(recorded, recorded.event))
    return tuple(found)


def _created(recorded: RecordedEvent[Any], event: lifecycle.AlbumCreated) -> Iterable[Change]:
    album_id = key_of(recorded.stream)
    yield Put(
        AlbumRow(
            album_id,
            shown_text(event.name),
            shown_text(event.description),
            recorded.at,
            recorded.at,
            **asdict(event.flags),
        )
    )
    yield Put(MemberRow(album_id, recorded.act.user, is_admin=True))


def _edited(recorded: RecordedEvent[Any], event: lifecycle.AlbumEdited) -> Iterable[Change]:
    values: dict[str, Any] = {} if event.flags is None else asdict(event.flags)
    for name in ("name", "description"):
        if (value := getattr(event, name)) is not None:
            values[name] = shown_text(value)
    if values:
        yield Set(AlbumRow, {"album_id": key_of(recorded.stream)}, values)


def _deleted(recorded: RecordedEvent[Any], event: lifecycle.AlbumDeleted) -> Iterable[Change]:
    album_id = key_of(recorded.stream)
    of_album: tuple[type[IndexRow], ...] = (AlbumRow, MemberRow, SeriesRow, ProviderRow)
    of_stream: tuple[type[IndexRow], ...] = (FeedLaneRow, CapabilityTokenRow, UndoneRow)
    yield from (Drop(kind, {"album_id": album_id}) for kind in of_album)
    yield from (Drop(kind, {"stream": recorded.stream}) for kind in of_stream)


def _member(recorded: RecordedEvent[Any], sub: str) -> Mapping[str, Any]:
    return {"album_id": key_of(recorded.stream), "sub": sub}


def _notifications(
    recorded: RecordedEvent[Any], event: lifecycle.NotificationsSet
) -> Iterable[Change]:
    yield Set(
        MemberRow,
        _member(recorded, recorded.act.user),
        {
            "notification_new_series": event.new_series,
            "notification_new_comment": event.new_comment,
        },
    )


def _favorite_set(recorded: RecordedEvent[Any], event: lifecycle.FavoriteSet) -> Iterable[Change]:
    yield Set(MemberRow, _member(recorded, recorded.act.user), {"is_favorite": event.is_favorite})


def _favored(*, is_favorite: bool) -> Deriver:
    def derive(recorded: RecordedEvent[Any], event: Any) -> Iterable[Change]:
        # One by one: a study may have more series than a statement may have parameters.
        for series_uid in event.series_uids:
            where = {"album_id": key_of(recorded.stream), "series_uid": series_uid}
            yield Set(SeriesRow, where, {"is_favorite": is_favorite})

    return derive


def _left(recorded: RecordedEvent[Any], event: members.MemberLeft) -> Iterable[Change]:
    yield Drop(MemberRow, _member(recorded, recorded.act.user))


def _removed(recorded: RecordedEvent[Any], event: members.MemberRemoved) -> Iterable[Change]:
    yield Drop(MemberRow, _member(recorded, event.target))


def _added(*, is_admin: bool) -> Deriver:
    def derive(recorded: RecordedEvent[Any], event: Any) -> Iterable[Change]:
        yield Put(MemberRow(key_of(recorded.stream), event.target, is_admin))

    return derive


def _settings(
    recorded: RecordedEvent[Any], event: members.MemberSettingsRestored
) -> Iterable[Change]:
    yield Set(
        MemberRow,
        _member(recorded, event.target),
        {
            "notification_new_series": event.notification_new_series,
            "notification_new_comment": event.notification_new_comment,
            "is_favorite": event.is_favorite,
        },
    )


def _right(*, is_admin: bool) -> Deriver:
    def derive(recorded: RecordedEvent[Any], event: Any) -> Iterable[Change]:
        yield Set(MemberRow, _member(recorded, event.target), {"is_admin": is_admin})

    return derive


def _study_in(recorded: RecordedEvent[Any], event: studies.StudyImported) -> Iterable[Change]:
    for series_uid in event.series_uids:
        yield Put(SeriesRow(key_of(recorded.stream), event.study_uid, series_uid))


def _series_in(recorded: RecordedEvent[Any], event: Any) -> Iterable[Change]:
    yield Put(SeriesRow(key_of(recorded.stream), event.study_uid, event.series_uid))


def _study_out(recorded: RecordedEvent[Any], event: studies.StudyRemoved) -> Iterable[Change]:
    yield Drop(SeriesRow, {"album_id": key_of(recorded.stream), "study_uid": event.study_uid})


def _series_out(recorded: RecordedEvent[Any], event: studies.SeriesRemoved) -> Iterable[Change]:
    yield Drop(
        SeriesRow,
        {
            "album_id": key_of(recorded.stream),
            "study_uid": event.study_uid,
            "series_uid": event.series_uid,
        },
    )


def _provider(recorded: RecordedEvent[Any], event: Any) -> Mapping[str, Any]:
    return {"album_id": key_of(recorded.stream), "provider_id": event.provider_id}


def _provider_in(
    recorded: RecordedEvent[Any], event: report_providers.ReportProviderCreated
) -> Iterable[Change]:
    yield Put(ProviderRow(key_of(recorded.stream), event.provider_id, shown_text(event.name)))


def _provider_edited(
    recorded: RecordedEvent[Any], event: report_providers.ReportProviderEdited
) -> Iterable[Change]:
    yield Set(ProviderRow, _provider(recorded, event), {"name": shown_text(event.name)})


def _provider_out(
    recorded: RecordedEvent[Any], event: report_providers.ReportProviderDeleted
) -> Iterable[Change]:
    yield Set(ProviderRow, _provider(recorded, event), {"is_removed": True})


def _token_issued(recorded: RecordedEvent[Any], event: Any) -> Iterable[Change]:
    yield Put(
        CapabilityTokenRow(
            event.digest,
            recorded.stream,
            event.token_id,
            shown_text(event.title),
            recorded.act.user,
            recorded.at,
            event.expires_at,
        )
    )


def _token_revoked(recorded: RecordedEvent[Any], event: Any) -> Iterable[Change]:
    yield Set(
        CapabilityTokenRow,
        {"stream": recorded.stream, "token_id": event.token_id},
        {"is_revoked": True},
    )


def _image_in(recorded: RecordedEvent[Any], event: image_set.ImageAdded) -> Iterable[Change]:
    patient = int(key_of(recorded.stream))
    yield Put(AddedImageRow(event.image_id, patient, recorded.version, recorded.at))
    yield Put(
        ImageRow(
            event.image_id,
            patient,
            recorded.version,
            event.clinic,
            event.station,
            event.type.value,
            recorded.at,
        )
    )


def _image_set(*, is_removed: bool) -> Deriver:
    def derive(recorded: RecordedEvent[Any], event: Any) -> Iterable[Change]:
        where = {"image_id": event.image_id, "patient": int(key_of(recorded.stream))}
        yield Set(ImageRow, where, {"is_removed": is_removed})

    return derive


def _patient_set(*, is_closed: bool) -> Deriver:
    def derive(recorded: RecordedEvent[Any], event: Any) -> Iterable[Change]:
        yield Set(ImageRow, {"patient": int(key_of(recorded.stream))}, {"is_closed": is_closed})

    return derive


def _album_text_erased(recorded: RecordedEvent[Any], event: AlbumTextErased) -> Iterable[Change]:
    yield from _commands_erased(recorded, event)
    album = {"album_id": key_of(recorded.stream)}
    names = [name for name in ("name", "description") if getattr(event, f"without_{name}")]
    if names:
        yield Set(AlbumRow, album, dict.fromkeys(names, ERASED_TEXT))
    for provider_id in event.report_providers:
        yield Set(ProviderRow, {**album, "provider_id": provider_id}, {"name": ERASED_TEXT})
    yield from _titles_erased(recorded, event)


def _user_text_erased(recorded: RecordedEvent[Any], event: UserTextErased) -> Iterable[Change]:
    yield from _commands_erased(recorded, event)
    yield from _titles_erased(recorded, event)


def _images_erased(recorded: RecordedEvent[Any], event: ImagesErased) -> Iterable[Change]:
    yield from _commands_erased(recorded, event)
    for image_id in event.image_ids:
        where = {"image_id": image_id, "patient": int(key_of(recorded.stream))}
        yield Drop(ImageRow, where)


def _titles_erased(recorded: RecordedEvent[Any], event: Any) -> Iterable[Change]:
    for token_id in event.capability_tokens:
        where = {"stream": recorded.stream, "token_id": token_id}
        yield Set(CapabilityTokenRow, where, {"title": ERASED_TEXT})


def _commands_erased(recorded: RecordedEvent[Any], event: Any) -> Iterable[Change]:
    """The contents of commands that led to erased events: with one, its command could be guessed."""
    for start in range(0, len(event.versions), _MOST_VALUES):
        versions = event.versions[start : start + _MOST_VALUES]
        where = {"stream": recorded.stream, "version": versions}
        yield Set(CommandRow, where, {"content": None})


_MOST_VALUES = 500
"""Values in one condition: a database limits the parameters of a statement."""

DERIVED: Mapping[type[Event[Any]], Deriver] = {
    lifecycle.AlbumCreated: _created,
    lifecycle.AlbumEdited: _edited,
    lifecycle.AlbumDeleted: _deleted,
    lifecycle.NotificationsSet: _notifications,
    lifecycle.FavoriteSet: _favorite_set,
    members.MemberLeft: _left,
    members.MemberAdded: _added(is_admin=False),
    members.AdminAdded: _added(is_admin=True),
    members.MemberRemoved: _removed,
    members.MemberSettingsRestored: _settings,
    members.MemberPromoted: _right(is_admin=True),
    members.AdminDemoted: _right(is_admin=False),
    studies.StudyImported: _study_in,
    studies.SeriesImported: _series_in,
    studies.ReportAdded: _series_in,
    studies.StudyRemoved: _study_out,
    studies.SeriesRemoved: _series_out,
    studies.FavoriteAdded: _favored(is_favorite=True),
    studies.FavoriteRemoved: _favored(is_favorite=False),
    report_providers.ReportProviderCreated: _provider_in,
    report_providers.ReportProviderEdited: _provider_edited,
    report_providers.ReportProviderDeleted: _provider_out,
    capability_tokens.CapabilityTokenIssued: _token_issued,
    capability_tokens.CapabilityTokenRevoked: _token_revoked,
    user_tokens.UserTokenIssued: _token_issued,
    user_tokens.UserTokenRevoked: _token_revoked,
    image_set.ImageAdded: _image_in,
    image_set.ImageRemoved: _image_set(is_removed=True),
    image_set.ImageRestored: _image_set(is_removed=False),
    image_set.PatientDeleted: _patient_set(is_closed=True),
    image_set.PatientRestored: _patient_set(is_closed=False),
    AlbumTextErased: _album_text_erased,
    StudyTextErased: _commands_erased,
    UserTextErased: _user_text_erased,
    ImagesErased: _images_erased,
}
"""The changes of rows for each event class, beside the postings of its feed entry. A class may be absent."""
