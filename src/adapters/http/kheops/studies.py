"""Studies and series of an album over HTTP (Kheops API 4.1 to 4.4)."""

from __future__ import annotations

from adapters.http.kheops.ask import Ask
from adapters.http.kheops.lending import lends, lent
from adapters.http.kheops.params import BadQuery
from adapters.http.kheops.putting import put_in_album
from adapters.http.kheops.series import (
    Origin,
    Taken,
    origin_of,
    sendable,
    series_in_album,
    taken_from_inbox,
)
from albumcore import Album
from albumcore.errors import Forbidden, SeriesNotFound, StudyNotFound


def add_study(ask: Ask) -> None:
    """Add the series of a study that are in another album, in the caller's inbox, or lent (Kheops API 4.1)."""
    found = taken(ask)
    decision = put_in_album(ask.deployment, ask.album, Album.import_study, found.place)
    ask.decide(decision, ask.study, found.series)
    ask.done(201)


def add_series(ask: Ask) -> None:
    """Add a series that the caller may claim, or that is lent (Kheops API 4.2); one already there changes nothing."""
    origin = origin_in(ask)
    if origin is not None:
        decision = put_in_album(ask.deployment, ask.album, Album.import_series, origin)
        ask.decide(decision, ask.study, ask.series)
    elif ask.series not in series_in_album(ask.deployment, ask.album, ask.study):
        raise SeriesNotFound("no such series, or it is not yours to add")
    ask.done(201)


def origin_in(ask: Ask) -> Origin | None:
    """What the series in the path comes from: a lender, or what the caller may take it from; None where it may not."""
    if lends(ask):
        found = lent(ask, ask.study)
        return found.place if ask.series in found.series else None
    return origin_of(ask.deployment, ask.caller, ask.study, ask.series)


def remove_study(ask: Ask) -> None:
    """Take a study out of the album; it stays wherever else it is (Kheops API 4.3)."""
    refuse_permanent(ask)
    ask.decide(Album.remove_study, ask.study)
    ask.done()


def remove_series(ask: Ask) -> None:
    """Take a series out of the album; it stays wherever else it is (Kheops API 4.4)."""
    refuse_permanent(ask)
    ask.decide(Album.remove_series, ask.study, ask.series)
    ask.done()


def taken(ask: Ask) -> Taken:
    """The series of the study in the path that the request takes: from a lender, an album, or the caller's inbox.

    A lender settles it: what the query says of the source is not asked for then.

    Raises:
        BadQuery: there is no lender, and not exactly one of ``album`` and ``inbox=true``.
        StudyNotFound: the study is not there.
    """
    album, inbox = ask.query.text("album"), ask.query.flag("inbox") is True
    if lends(ask):
        found = lent(ask, ask.study)
    elif (album is not None) == inbox:
        raise BadQuery("album", "either it or inbox=true names what is taken from")
    elif album is not None:
        found = sendable(ask.deployment, ask.caller, album, ask.study)
    else:
        found = taken_from_inbox(ask.deployment, ask.caller.user, ask.study)
    if not found.series:
        raise StudyNotFound("the study is not where it is to be taken from")
    return found


def refuse_permanent(ask: Ask) -> None:
    """Refuse to delete for good, rather than do something else: what is recorded stays.

    Raises:
        Forbidden: the request asks for it.
    """
    if ask.req.get_header("Admin-Action") is not None:
        raise Forbidden("the header Admin-Action is not supported: nothing recorded is deleted")
