"""The JSON that is sent: what happened, with people and the catalogue as they are at that moment (Kheops API 11)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import frozen

from albumcore import Album, album_stream
from albumcore.albums import WebhookEvent
from albumcore.ids import AlbumId, UserId
from albumcore_adapters.directory import Person
from albumcore_adapters.webhooks.context import Box
from albumcore_adapters.webhooks.facts import study_facts
from albumcore_adapters.webhooks.notifications import Call
from albumcore_adapters.webhooks.render import (
    Json,
    person_json,
    present,
    study_address,
    utc_time,
)


@frozen
class _Telling:
    """A call, the album it tells of, and where the rest is looked up."""

    box: Box
    album_id: AlbumId
    album: Album
    call: Call


def body_of(box: Box, album_id: AlbumId, call: Call) -> Json:
    """The body of a delivery; what is unknown or does not apply has no key."""
    # Of a deleted album, who was what in it is told as it was before.
    album = box.albums.load(album_stream(album_id), version=call.album_version)
    telling = _Telling(box, album_id, album, call)
    return {
        "host": box.host,
        "album_id": album_id,
        "event_time": utc_time(call.act.at),
        "source": _source(telling),
        "is_manual_trigger": call.is_manual,
        **CONTENTS[call.event](telling),
    }


def _source(telling: _Telling) -> Json:
    album, source = telling.album, telling.call.act.source
    told = _person(telling, source.user)
    if source.capability_token is not None:
        token = album.capability_tokens.get(source.capability_token)
        title = None if token is None else token.title
        told["capability_token"] = present(id=source.capability_token, title=title)
    if source.report_provider is not None:
        provider = album.report_providers.get(source.report_provider)
        name = None if provider is None else provider.name
        told["report_provider"] = present(name=name, client_id=source.report_provider)
    return told


def _person(telling: _Telling, sub: UserId) -> Json:
    person = telling.box.people.person(sub) or Person(sub)
    member = telling.album.members.get(sub)
    return person_json(person) | present(is_admin=None if member is None else member.is_admin)


def _new_user(telling: _Telling) -> Json:
    assert telling.call.user is not None
    return {"new_user": {"is_admin": False} | _person(telling, telling.call.user)}


def _new_series(telling: _Telling) -> Json:
    address, study, series = _study(telling)
    for one in series:
        one["retrieve_url"] = f"{address}/series/{one['series_uid']}"
        number = one.get("number_of_series_related_instances")
        if number is not None and not telling.call.is_manual:
            # None of the series was in the album before.
            one["number_of_new_instances"] = number
    told = study | {"retrieve_url": address, "series": series}
    way = "send" if telling.call.act.source.in_person else "upload"
    return {"import_source": way, "updated_study": told}


def _removed_series(telling: _Telling) -> Json:
    is_gone = telling.call.is_study_gone
    address, study, series = _study(telling)
    told = study | present(retrieve_url=None if is_gone else address) | {"series": series}
    return {"remove_all_series": is_gone, "removed_study": told}


def _study(telling: _Telling) -> tuple[str, Json, list[Json]]:
    call = telling.call
    assert call.study_uid is not None
    about = telling.album_id, call.study_uid, call.series_uids
    study, series = study_facts(telling.box.database, *about)
    return study_address(telling.box.base, call.study_uid), study, series


def _nothing(telling: _Telling) -> Json:
    return {}


CONTENTS: Mapping[WebhookEvent, Callable[[_Telling], Json]] = {
    WebhookEvent.NEW_USER: _new_user,
    WebhookEvent.NEW_SERIES: _new_series,
    WebhookEvent.REMOVE_SERIES: _removed_series,
    WebhookEvent.DELETE_ALBUM: _nothing,
}
"""What a body tells of each event, beside what it tells of all."""
