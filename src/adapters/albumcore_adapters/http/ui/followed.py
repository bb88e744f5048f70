"""What a page follows a history with: the list of its events, from where the page was read."""

from __future__ import annotations

from attrs import frozen

from albumcore import Albumcore, FeedQuery
from albumcore.ids import PatientId
from albumcore.streams import patient_stream
from albumcore_adapters.http.live import HAS_STREAMS, Live
from albumcore_adapters.http.tscharts.shared_specs import ROOT
from albumcore_adapters.http.ui.data import DATA
from albumcore_adapters.http.ui.page_request import PageRequest
from albumcore_adapters.http.ui.past import entries_since
from albumcore_adapters.http.ui.then import Then


@frozen
class FollowedEvents:
    """Where a page asks for what comes after it.

    Attributes:
        address: The list of events, for the session of the reader.
        cursor: The cursor after the newest event that the page knows.
        has_stream: Whether the list is sent as Server-Sent Events as well.
        since: How many events there are after the shown moment; 0 for the present.
    """

    address: str
    cursor: str
    has_stream: bool
    since: int


def album_events(
    request: PageRequest, albums: Albumcore, live: Live, then: Then | None
) -> FollowedEvents:
    """The events of the album of the path, of which the reader sees some."""
    album = request.api.album
    newest = albums.feed(album, request.signed_in.caller.user, FeedQuery(limit=1))
    return FollowedEvents(
        request.url(f"{DATA}/albums/{album}/events"),
        live.cursor_after_newest(request.api.stream, newest),
        HAS_STREAMS in request.req.env,
        0 if then is None else entries_since(request, albums, then),
    )


def image_set_events(
    request: PageRequest, albums: Albumcore, live: Live, patient: PatientId, then: Then | None
) -> FollowedEvents:
    """The events of a patient's images."""
    stream = patient_stream(patient)
    return FollowedEvents(
        request.url(f"{DATA}{ROOT}/patient/{patient}/events"),
        live.cursor_at_end(albums, stream),
        HAS_STREAMS in request.req.env,
        0 if then is None else albums.states.current(stream).version - then.moment.version,
    )
