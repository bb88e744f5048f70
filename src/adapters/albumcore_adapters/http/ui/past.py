"""The past of an album or of a patient: the stops of the slider, and what is said of what came since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from attrs import frozen
from markupsafe import Markup

from albumcore import (
    Albumcore,
    FeedQuery,
    ImageAdded,
    ImageRemoved,
    ImageRestored,
)
from albumcore.ids import AlbumId, PatientId
from albumcore.image_sets.image_set import PatientDeleted, PatientRestored
from albumcore.past_stops import stops_of
from albumcore.streams import patient_stream
from albumcore_adapters.base.time_texts import exact_text
from albumcore_adapters.directory.people import People
from albumcore_adapters.http.kheops.album_overview import members_of
from albumcore_adapters.http.ui.album_then import AlbumThen
from albumcore_adapters.http.ui.members import MemberLine, MembersPanel
from albumcore_adapters.http.ui.page_request import PageRequest
from albumcore_adapters.http.ui.then import Then, moment_words
from albumcore_adapters.http.ui.timeline import TIMELINE_CHIPS

MOST_STOPS = 490
"""The most stops of a slider, beside the one of the present."""

_BARS = {
    "comments": 20,
    "studies": 15,
    "members": 10,
    "settings": 6,
    "added": 20,
    "restored": 15,
    "removed": 10,
}
"""The height of the bar of each kind of change, of 24."""

_IMAGE_CHANGES: Mapping[type[Any], str] = {
    ImageAdded: "added",
    ImageRemoved: "removed",
    ImageRestored: "restored",
    PatientDeleted: "removed",
    PatientRestored: "restored",
}

_WIDTH, _WIDEST_BAR = 1000, 6.0


@frozen
class Bar:
    """The bar of a change above the slider.

    Attributes:
        kind: The kind of the change: as the filters of the timeline, or what was done with an image.
        x: Where it begins, of 1000.
    """

    kind: str
    x: float

    @property
    def height(self) -> int:
        """Its height, of 24."""
        return _BARS[self.kind]


@frozen
class StopOption:
    """A stop of the slider.

    Attributes:
        at: The moment, as in addresses; empty for the present.
        field: The same as the value of the date field.
        words: What is shown of it.
        bar: The bar of its change; None for the present.
    """

    at: str
    field: str
    words: Markup
    bar: Bar | None


@frozen
class PastCard:
    """The slider and the date field.

    Attributes:
        stops: The stops, oldest first; the last one is the present.
        chosen: The stop that is shown.
        field: The value of the date field.
        words: What is shown, in words.
        begins: What the first stop is, in words.
        is_each: Whether each step is one change.
        bar_width: The width of a bar, of 1000.
    """

    stops: Sequence[StopOption]
    chosen: int
    field: str
    words: Markup
    begins: Markup
    is_each: bool
    bar_width: float


def members_then(request: PageRequest, people: People, then: AlbumThen) -> MembersPanel:
    """The members of an album of the past; nothing can be done about them."""
    reader = people.person(request.signed_in.caller.user)
    sub = None if reader is None else reader.sub
    shown = members_of(then.album, people)
    return MembersPanel([MemberLine(one, one["sub"] == sub) for one in shown])


def entries_since(request: PageRequest, albums: Albumcore, then: Then) -> int:
    """How many entries the reader sees that came after the moment."""
    album, viewer = request.api.album, request.signed_in.caller.user
    before, now = (
        albums.feed(album, viewer, FeedQuery(limit=0), version=version).total
        for version in (then.moment.version, None)
    )
    return now - before


def album_card(
    request: PageRequest, albums: Albumcore, album: AlbumId, then: Then | None
) -> PastCard:
    """The slider and the date field of an album."""
    found = stops_of(albums, album, request.signed_in.caller.user, MOST_STOPS)
    first = found.stops[0]
    is_whole = first.mutation == "CREATE_ALBUM"
    begins = request.say(
        "past.opened" if is_whole else "past.joined", day=request.times.day(first.at)
    )
    changes = [(stop.at, _kind(stop.mutation)) for stop in found.stops]
    return _card(request, changes, then, "past.present", begins, is_each=found.step == 1)


def images_card(
    request: PageRequest, albums: Albumcore, patient: PatientId, then: Then | None
) -> PastCard | None:
    """The slider and the date field of a patient's images; None if there never was one."""
    by_time = {
        one.at: _IMAGE_CHANGES[type(one.event)]
        for one in albums.history(patient_stream(patient))
        if type(one.event) in _IMAGE_CHANGES
    }
    if not by_time:
        return None
    step = -(-len(by_time) // MOST_STOPS)
    changes = [*islice(by_time.items(), 0, None, step)]
    begins = request.say("gallery.past.began", day=request.times.day(changes[0][0]))
    return _card(request, changes, then, "gallery.past.now", begins, is_each=step == 1)


def _card(
    request: PageRequest,
    changes: Sequence[tuple[datetime, str]],
    then: Then | None,
    present: str,
    begins: Markup,
    *,
    is_each: bool,
) -> PastCard:
    """The card over some changes, each a time and a kind."""
    number, times = len(changes), request.times
    stops = [
        StopOption(
            at=exact_text(at),
            field=times.field(at),
            words=request.say("past.as_it_was", at=moment_words(request, at)),
            bar=Bar(kind, round(place * _WIDTH / number, 1)),
        )
        for place, (at, kind) in enumerate(changes)
    ]
    now = StopOption("", times.field(request.now), request.say(present), None)
    if then is None:
        chosen, words = number, now.words
    else:
        chosen = max(0, sum(at <= then.moment.at for at, _ in changes) - 1)
        words = request.say("past.as_it_was", at=then.words)
    return PastCard(
        [*stops, now],
        chosen,
        times.field(request.now if then is None else then.moment.at),
        words,
        begins,
        is_each,
        min(_WIDEST_BAR, round(_WIDTH / number / 3, 1)),
    )


def _kind(mutation: str | None) -> str:
    if mutation is None:
        return "comments"
    return next(
        name
        for name in ("studies", "members", "settings")
        if mutation in (TIMELINE_CHIPS[name].mutations or ())
    )
