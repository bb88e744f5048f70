"""The events of a patient's image set, after a cursor: a feed to follow, in the way of an album's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve, frozen

from albumcore import Albumcore, ImageAdded, ImageRemoved, ImageRestored, RecordedEvent, Stream
from albumcore.erasures import ImagesErased
from albumcore.ids import PatientId
from albumcore.image_sets import PatientImageSet
from albumcore.image_sets.image_set import PatientDeleted, PatientRestored
from albumcore.json_object import Json, present
from albumcore.kernel import ERASED
from albumcore.streams import patient_stream
from albumcore_adapters.directory.existence import ids_exist
from albumcore_adapters.http.accept import JSON
from albumcore_adapters.http.live import (
    AFTER,
    DEFAULT_LIMIT,
    LIVE,
    READER,
    WAIT,
    Live,
    seconds_asked,
)
from albumcore_adapters.http.openapi.schemas import CURSOR
from albumcore_adapters.http.openapi.specs import ParameterSpec, ResponseSpec, array, ref
from albumcore_adapters.http.response import NEXT_CURSOR, Response
from albumcore_adapters.http.route import Route
from albumcore_adapters.http.tscharts.request import TSChartsRequest, not_found, read
from albumcore_adapters.http.tscharts.shared_specs import ROOT
from albumcore_adapters.sql.database import Database

EVENT_NAMES: Mapping[type[Any], str] = {
    ImageAdded: "image_added",
    ImageRemoved: "image_removed",
    ImageRestored: "image_restored",
    ImagesErased: "images_erased",
    PatientDeleted: "patient_deleted",
    PatientRestored: "patient_restored",
}
"""What each event of an image set is called."""

_MOST = 1000  # entries of one answer


@frozen
class _ImageSetPage:
    """Some events of an image set, oldest first."""

    entries: tuple[RecordedEvent[Any], ...]


def list_events(
    request: TSChartsRequest, albums: Albumcore, database: Database, live: Live
) -> Response:
    """List the events of a patient's image set after a cursor, oldest first; the request may wait for them.

    Without a cursor they are those from the beginning; with a limit of 0, none, and the cursor after the newest.

    Raises:
        falcon.HTTPNotFound: there is no such patient, or no more.
        falcon.HTTPBadRequest: a parameter is malformed.
        CursorGone: the cursor is of another history.
        LimitReached: too many requests wait.
    """
    patient = request.id
    if not ids_exist(database, {"patient": patient}):
        raise not_found()
    stream = patient_stream(PatientId(patient))
    limit = read("limit", _limit, request.param("limit"))
    after = request.param(AFTER)

    def read_seconds(text: str | None) -> int:
        if after is None and text is not None:
            raise ValueError("it needs after")
        return seconds_asked(text, request.req.query_string)

    seconds = read(WAIT, read_seconds, request.param(WAIT))
    is_newest_asked = after is None and limit == 0
    cursor = live.cursor_at_end(albums, stream) if is_newest_asked else after or ""
    version = read(AFTER, lambda text: live.version_after(albums, stream, text), cursor)

    def page() -> _ImageSetPage:
        with database.read_snapshot():
            if not ids_exist(database, {"patient": patient}):
                raise not_found()
            return _page(albums, stream, version, limit)

    user, environ = request.source.user, request.req.env
    environ[READER] = user
    entries = live.wait_for(stream, seconds, page, environ, user).entries
    if entries:
        cursor = live.cursor_after(entries[-1])
    response = Response.json([_shown(live, one) for one in entries])
    return evolve(response, headers={NEXT_CURSOR: cursor or live.beginning(stream)})


def _page(
    albums: Albumcore, stream: Stream[PatientImageSet], version: int, limit: int
) -> _ImageSetPage:
    # Versions are numbers without gaps.
    return _ImageSetPage(tuple(albums.history(stream, after=version, until=version + limit)))


def _shown(live: Live, recorded: RecordedEvent[Any]) -> Json:
    event = recorded.event
    shown = present(
        event=EVENT_NAMES[type(event)],
        time=recorded.at.isoformat(),
        image=getattr(event, "image_id", None),
        cursor=live.cursor_after(recorded),
    )
    if isinstance(event, ImageAdded) and event.content.length is not ERASED:
        shown |= {"clinic": event.clinic, "station": event.station, "type": event.type.value}
    return shown


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and int(text) <= _MOST):
        raise ValueError(f"a whole number from 0 to {_MOST} is expected")
    return int(text)


ROUTES = (
    Route(
        *("GET", f"{ROOT}/patient/{{key}}/events", list_events),
        summary="List the events of a patient's image set, oldest first, or wait for one.",
        query={
            **LIVE,
            "limit": ParameterSpec(
                {"type": "integer", "minimum": 0, "maximum": _MOST},
                "100 without it; 0 for the cursor of the newest event alone.",
            ),
        },
        responses={
            200: ResponseSpec(
                "The events.", {JSON: array(ref("ImageEvent"))}, {NEXT_CURSOR: CURSOR}
            )
        },
        errors=(400, 404, 410, 503),
    ),
)
