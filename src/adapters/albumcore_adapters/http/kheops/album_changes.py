"""What changed in an album between two moments; the Kheops API has no such route."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from albumcore import Albumcore, Permission
from albumcore.errors import Invalid
from albumcore.ids import SeriesUID, StudyUID, UserId
from albumcore.json_object import Json, present
from albumcore.past import AlbumDifference, difference, past_time
from albumcore.times import Clock, local_time
from albumcore_adapters.access.albums import album_then
from albumcore_adapters.directory.people import People
from albumcore_adapters.http.kheops.feed_json import people_of
from albumcore_adapters.http.kheops.parameters import BadQuery
from albumcore_adapters.http.kheops.request import ApiRequest
from albumcore_adapters.http.kheops.shared_specs import shown
from albumcore_adapters.http.openapi.specs import ParameterSpec
from albumcore_adapters.http.openapi.value_schemas import PAST_TIME
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.route import Route


def show(request: ApiRequest, albums: Albumcore, people: People, clock: Clock) -> Response:
    """Show what differs in the album between two times, of which the caller saw both.

    What came and went in between does not show.
    """
    begin, end = (_time(request, name, clock) for name in ("from", "to"))
    if end < begin:
        raise BadQuery("to", "a time that is not before from is expected")
    before, after = (
        album_then(
            albums,
            request.caller,
            request.album,
            Permission.LIST_USERS,
            albums.moment(request.stream, at),
        )
        for at in (begin, end)
    )
    about: Json = {"from": local_time(begin), "to": local_time(end)}
    return Response.json(about | difference_json(difference(before, after), people))


def _time(request: ApiRequest, name: str, clock: Clock) -> datetime:
    text = request.query.text(name)
    if text is None:
        raise BadQuery(name, "a time is expected")
    try:
        return past_time(text, clock, name)
    except Invalid as error:
        raise BadQuery.of(error) from None


def difference_json(found: AlbumDifference, people: People) -> Json:
    """What differs between two states of an album as a JSON object. People are as in the list of members."""

    def members(some: Mapping[UserId, bool]) -> list[Json]:
        return people_of(some, people)

    def studies(some: Iterable[StudyUID]) -> list[Json]:
        return [{"UID": uid} for uid in some]

    def series(some: Iterable[tuple[StudyUID, SeriesUID]]) -> list[Json]:
        return [{"UID": uid, "study": {"UID": study}} for study, uid in some]

    return present(
        name=found.name,
        description=found.description,
        members={
            "added": members(found.members.added),
            "removed": members(found.members.removed),
            "changed": members(found.members.changed),
        },
        studies={
            "added": studies(found.added_studies),
            "removed": studies(found.removed_studies),
        },
        series={"added": series(found.added_series), "removed": series(found.removed_series)},
    )


_END = "A whole second counts to its end."

ROUTES = (
    Route(
        *("GET", "/albums/{album}/changes", show),
        summary="Show what differs in an album between two times.",
        permission=Permission.LIST_USERS,
        query={
            "from": ParameterSpec(PAST_TIME, _END, required=True),
            "to": ParameterSpec(PAST_TIME, f"{_END} It is not before from.", required=True),
        },
        responses=shown("AlbumChanges"),
        from_store=True,
    ),
)
