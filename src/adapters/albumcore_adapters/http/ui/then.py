"""The moment of the past that a page shows: of an album, or of the images of a patient."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from attrs import frozen
from markupsafe import Markup

from albumcore import Albumcore, Stream
from albumcore.past import Moment
from albumcore_adapters.http.kheops.parameters import asked_moment
from albumcore_adapters.http.ui.page_request import PageRequest, moment_text


@frozen
class Then:
    """A moment of the past that a page shows.

    Attributes:
        moment: The moment.
        text: The moment as in addresses.
        day: The day in words.
        words: The day and the time of day in words.
    """

    moment: Moment
    text: str
    day: Markup
    words: Markup


def asked_then(request: PageRequest, albums: Albumcore, stream: Stream[Any]) -> Then | None:
    """The moment of a history that is asked for; None for the present.

    Raises:
        BadQuery: it is no time of the past.
    """
    moment = asked_moment(request.query, albums, stream, lambda: request.now)
    if moment is None:
        return None
    day, words = request.times.day(moment.at), moment_words(request, moment.at)
    return Then(moment, request.at or moment_text(moment.at), day, words)


def moment_words(request: PageRequest, at: datetime) -> Markup:
    """The day and the time of day of a moment in words."""
    times = request.times
    return request.say("past.moment", day=times.day(at), clock=times.clock(at))
