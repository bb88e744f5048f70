"""The past of an album: the moment that a page shows, the stops of its slider, and the album as it was."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from attrs import frozen
from markupsafe import Markup

from albumcore import Album, Albumcore, FeedQuery, Permission
from albumcore.ids import AlbumId
from albumcore.past import Moment
from albumcore.past_stops import stops_of
from albumcore_adapters.access.albums import album_then
from albumcore_adapters.directory.people import People
from albumcore_adapters.http.kheops.album_overview import members_of
from albumcore_adapters.http.kheops.parameters import asked_moment
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.ui.members import MemberLine, MembersPanel
from albumcore_adapters.http.ui.page_request import PageRequest
from albumcore_adapters.http.ui.timeline import TIMELINE_CHIPS

MOST_STOPS = 490
"""The most stops of a slider, beside the one of the present."""

_TO_ITS_END = timedelta(seconds=59)
_BARS = {"comments": 20, "studies": 15, "members": 10, "settings": 6}
"""The height of the bar of each kind of entry, of 24."""

_WIDTH = 1000


@frozen
class Then:
    """An album as of a moment.

    Attributes:
        moment: The moment.
        album: The album as it was.
        text: The moment as in addresses.
        day: The day in words.
        words: The day and the time of day in words.
    """

    moment: Moment
    album: Album
    text: str
    day: Markup
    words: Markup


@frozen
class Bar:
    """The bar of a change above the slider.

    Attributes:
        kind: The kind of its entry, as the filters of the timeline.
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
        bar: The bar of its entry; None for the present.
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
        opened: The day of the first stop in words.
        is_whole: Whether that is the day on which the album was opened, not one on which the reader joined it.
        is_each: Whether each step is one change.
        bar_width: The width of a bar, of 1000.
    """

    stops: Sequence[StopOption]
    chosen: int
    field: str
    opened: Markup
    is_whole: bool
    is_each: bool
    bar_width: float


def address_in_utc(request: PageRequest) -> Response | None:
    """A redirect to the address with the moment in UTC, where the date field gave it in the reader's time zone.

    Such an address shows the same to all. A moment of the minute that is now is the present.
    """
    text = request.at
    if text is None:
        return None
    try:
        is_local, at = datetime.fromisoformat(text).tzinfo is None, request.times.read(text)
    except ValueError:
        return None
    if not is_local or "T" not in text:
        return None
    query = {name: request.query.text(name) for name in ("show", "changes")}
    present = request.times.field(request.now) == request.times.field(at)
    moment = (
        None if present else moment_text(at + _TO_ITS_END * (len(text) == len("YYYY-MM-DDThh:mm")))
    )
    return request.to(request.req.path.removeprefix(request.prefix), at=moment, **query)


def moment_text(at: datetime) -> str:
    """A moment as in addresses: in UTC, exact to the microsecond unless it is a whole second."""
    return at.replace(tzinfo=None).isoformat() + "Z"


def album_at(request: PageRequest, albums: Albumcore) -> Then | None:
    """The album of the path as of the moment that is asked for; None for the present.

    Raises:
        BadQuery: it is no time of the past.
        AlbumNotFound: the reader was not a member then.
    """
    album, caller = request.api.album, request.signed_in.caller
    moment = asked_moment(request.query, albums, album, lambda: request.now)
    if moment is None:
        return None
    then = album_then(albums, caller, album, Permission.LIST_USERS, moment)
    times = request.times
    text = request.at or moment_text(moment.at)
    return Then(moment, then, text, times.day(moment.at), _words(request, moment.at))


def _words(request: PageRequest, at: datetime) -> Markup:
    times = request.times
    return request.say("past.moment", day=times.day(at), clock=times.clock(at))


def members_then(request: PageRequest, people: People, then: Then) -> MembersPanel:
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


def past_card(
    request: PageRequest, albums: Albumcore, album: AlbumId, then: Then | None
) -> PastCard:
    """The slider and the date field, for the moment that is shown."""
    found = stops_of(albums, album, request.signed_in.caller.user, MOST_STOPS)
    number, times = len(found.stops), request.times
    stops = [
        StopOption(
            at=f"{stop.at.replace(tzinfo=None).isoformat(timespec='microseconds')}Z",
            field=times.field(stop.at),
            words=request.say("past.as_it_was", at=_words(request, stop.at)),
            bar=Bar(_kind(stop.mutation), round(place * _WIDTH / number, 1)),
        )
        for place, stop in enumerate(found.stops)
    ]
    present = StopOption("", times.field(request.now), request.say("past.present"), None)
    chosen = number
    if then is not None:
        chosen = max(0, sum(stop.at <= then.moment.at for stop in found.stops) - 1)
    return PastCard(
        [*stops, present],
        chosen,
        times.field(request.now if then is None else then.moment.at),
        times.day(found.stops[0].at),
        found.stops[0].mutation == "CREATE_ALBUM",
        found.step == 1,
        round(_WIDTH / number / 3, 1),
    )


def _kind(mutation: str | None) -> str:
    if mutation is None:
        return "comments"
    return next(
        name
        for name in ("studies", "members", "settings")
        if mutation in (TIMELINE_CHIPS[name].mutations or ())
    )
