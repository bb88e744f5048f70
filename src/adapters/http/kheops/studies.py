"""Studies and series of an album over HTTP (Kheops API 4.1 to 4.4)."""

from __future__ import annotations

from adapters.http.kheops.ask import Ask
from adapters.http.kheops.lending import lends, lent
from adapters.http.kheops.params import BadQuery
from adapters.http.kheops.series import (
    claiming,
    is_claimable,
    sendable,
    series_in_album,
    series_in_inbox,
)
from albumcore import Album
from albumcore.errors import Forbidden, SeriesNotFound, StudyNotFound
from albumcore.ids import SeriesUID


def add_study(ask: Ask) -> None:
    """Add the series of a study that are in another album, in the caller's inbox, or lent (Kheops API 4.1)."""
    ask.decide(Album.import_study, ask.study, taken(ask))
    ask.done(201)


def add_series(ask: Ask) -> None:
    """Add a series that the caller may claim, or that is lent (Kheops API 4.2); one already there changes nothing."""
    uids = ask.study, ask.series
    if lends(ask):
        is_allowed = ask.series in lent(ask, ask.study)
    else:
        is_there = ask.series in series_in_album(ask.deployment, ask.album, ask.study)
        is_allowed = is_there or is_claimable(ask.deployment, ask.caller, *uids)
    if not is_allowed:
        raise SeriesNotFound("no such series, or it is not yours to add")
    ask.decide(claiming(ask.deployment), *uids)
    ask.done(201)


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


def taken(ask: Ask) -> list[SeriesUID]:
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
        found = series_in_inbox(ask.deployment, ask.caller.user, ask.study)
    if not found:
        raise StudyNotFound("the study is not where it is to be taken from")
    return found


def refuse_permanent(ask: Ask) -> None:
    """Refuse to delete for good, rather than do something else: what is recorded stays.

    Raises:
        Forbidden: the request asks for it.
    """
    if ask.req.get_header("Admin-Action") is not None:
        raise Forbidden("the header Admin-Action is not supported: nothing recorded is deleted")
