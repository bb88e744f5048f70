"""Inboxes, sending, and uploads through tokens of an album, over HTTP (Kheops API 4.5 and 9).

What a token that is for one album does to a study happens to that album; what a user does, to the user's inbox.
No inbox has a history: nothing here is recorded but what happens to an album.
"""

from __future__ import annotations

from adapters.http.kheops.access import may, permitted
from adapters.http.kheops.ask import Ask
from adapters.http.kheops.comments import NotSeen
from adapters.http.kheops.lending import lends, lent
from adapters.http.kheops.overview import contents_of
from adapters.http.kheops.params import BadQuery
from adapters.http.kheops.putting import put_in_album, put_in_inbox
from adapters.http.kheops.series import (
    Claim,
    Origin,
    Taken,
    origin_of,
    reach,
    reachable,
    sendable,
    series_in_album,
    taken_from_inbox,
    true_holdings,
)
from adapters.http.kheops.studies import origin_in, refuse_permanent
from albumcore import Album, Permission
from albumcore.errors import Forbidden, SeriesNotFound, StudyNotFound
from albumcore.ids import AlbumId, UserId

# Taking


def take_study(ask: Ask) -> None:
    """Take a study into the token's album, or into the caller's inbox, from an album or a lender."""
    album = ask.query.text("album")
    if lends(ask) and album is not None:
        raise BadQuery("album", "X-Authorization-Source names what is taken from already")
    if ask.caller.album is not None:
        _import_study(ask, ask.caller.album, album)
    else:
        _require_user(ask)
        _collect_study(ask, album)
    ask.done(201)


def _import_study(ask: Ask, own: AlbumId, album: str | None) -> None:
    stream = permitted(ask.deployment, ask.caller, own, Permission.ADD_SERIES)
    if not _is_meant(ask):
        raise StudyNotFound("the token is for another study")
    if lends(ask):
        found = lent(ask, ask.study)
    elif album is not None:
        found = sendable(ask.deployment, ask.caller, album, ask.study)
    else:
        raise BadQuery("album", "it, or X-Authorization-Source, names what is taken from")
    _require_study(found)
    decision = put_in_album(ask.deployment, own, Album.import_study, found.place)
    ask.deployment.albums.handle(stream, decision, ask.source, ask.study, found.series)


def _collect_study(ask: Ask, album: str | None) -> None:
    if lends(ask):
        found = lent(ask, ask.study)
    else:
        if not reachable(ask.deployment, ask.caller, ask.study):
            raise NotSeen("no such study, or you cannot see it")
        if album is None:
            raise StudyNotFound(_NOWHERE)
        found = sendable(ask.deployment, ask.caller, album, ask.study)
    _require_study(found)
    _put(ask, ask.caller.user, found)


def take_series(ask: Ask) -> None:
    """Take a series into the token's album, or into the caller's inbox; one new to us is noted (Kheops API 4.5)."""
    if ask.caller.album is not None:
        _import_series(ask, ask.caller.album)
    else:
        _require_user(ask)
        _collect_series(ask)
    ask.done(201)


def _import_series(ask: Ask, own: AlbumId) -> None:
    caller = ask.caller
    is_there = ask.series in series_in_album(ask.deployment, own, ask.study)
    adds = lends(ask) or may(ask.deployment, caller, own, Permission.ADD_SERIES)
    origin = origin_in(ask) if adds else None
    if not (_is_meant(ask) and (origin is not None or (is_there and not lends(ask)))):
        raise SeriesNotFound("no such series, or it is not for this token to add")
    stream = permitted(ask.deployment, caller, own, Permission.ADD_SERIES)
    if origin is not None:
        add = Album.add_report if caller.source.report_provider else Album.import_series
        decision = put_in_album(ask.deployment, own, add, origin)
        ask.deployment.albums.handle(stream, decision, ask.source, ask.study, ask.series)


def _is_meant(ask: Ask) -> bool:
    """Whether the token is for the study in the path."""
    return ask.caller.studies is None or ask.study in ask.caller.studies


def _collect_series(ask: Ask) -> None:
    user = ask.caller.user
    origin = origin_in(ask)
    if origin is None:
        raise SeriesNotFound("no such series, or it is not yours to take")
    put_in_inbox(ask.deployment, user, origin, ask.study, [ask.series])


# Leaving


def leave_study(ask: Ask) -> None:
    """Take a study out of the token's album, or out of the caller's inbox."""
    refuse_permanent(ask)
    if ask.caller.album is not None:
        stream = ask.permitted(ask.caller.album, Permission.DELETE_SERIES)
        ask.deployment.albums.handle(stream, Album.remove_study, ask.source, ask.study)
    else:
        _require_user(ask)
        found = taken_from_inbox(ask.deployment, ask.caller.user, ask.study)
        _require_study(found)
        ask.deployment.inbox.remove(ask.caller.user, ask.study, found.series)
    ask.done()


def leave_series(ask: Ask) -> None:
    """Take a series out of the token's album, or out of the caller's inbox."""
    refuse_permanent(ask)
    uids = ask.study, ask.series
    if ask.caller.album is not None:
        stream = ask.permitted(ask.caller.album, Permission.DELETE_SERIES)
        ask.deployment.albums.handle(stream, Album.remove_series, ask.source, *uids)
    else:
        _require_user(ask)
        if not ask.deployment.inbox.remove(ask.caller.user, ask.study, [ask.series]):
            raise SeriesNotFound("the series is not in your inbox")
    ask.done()


# Sending


def send_study(ask: Ask) -> None:
    """Put a study of an album, or of the caller's inbox, into somebody's inbox, the caller's too."""
    found = _sent(ask)
    target = ask.user()
    if target == ask.caller.user and ask.query.text("album") is None and ask.caller.acts_as_user:
        raise BadQuery("inbox", "the study is in your inbox already")
    _require_study(found)
    _put(ask, target, found)
    ask.done(201)


def _sent(ask: Ask) -> Taken:
    caller, album, inbox = ask.caller, ask.query.text("album"), ask.query.flag("inbox") is True
    if caller.album is not None:
        if inbox:
            raise BadQuery("inbox", "this token is for an album")
        return sendable(ask.deployment, caller, caller.album, ask.study)
    _require_user(ask)
    if (album is not None) == inbox:
        raise BadQuery("album", "either it or inbox=true names where the study is sent from")
    if album is not None:
        return sendable(ask.deployment, caller, album, ask.study)
    return taken_from_inbox(ask.deployment, caller.user, ask.study)


def send_series(ask: Ask) -> None:
    """Put one series into somebody's inbox: one of the caller's own, or of an album he may send from."""
    origin = _sent_from(ask)
    # What is held nowhere that the caller may take it from is not there to be sent.
    if origin is None or (isinstance(origin, Claim) and origin.source is None):
        raise SeriesNotFound("no such series, or it is not yours to send")
    put_in_inbox(ask.deployment, ask.user(), origin, ask.study, [ask.series])
    ask.done(201)


def _sent_from(ask: Ask) -> Origin | None:
    caller = ask.caller
    if caller.album is not None:
        found = sendable(ask.deployment, caller, caller.album, ask.study)
        return found.place if ask.series in found.series else None
    _require_user(ask)
    return origin_of(ask.deployment, caller, ask.study, ask.series)


def _put(ask: Ask, user: UserId, found: Taken) -> None:
    put_in_inbox(ask.deployment, user, found.place, ask.study, found.series)


_NOWHERE = "the study is not where it is to be taken from"


def _require_study(found: Taken) -> None:
    if not found.series:
        raise StudyNotFound(_NOWHERE)


def _require_user(ask: Ask) -> None:
    if not ask.caller.acts_as_user:
        raise Forbidden("this token is for looking at a study alone")


def info(ask: Ask) -> None:
    """Tell what is in the caller's inbox: its modalities, and how much of what (Kheops API 9)."""
    holdings = reach(ask.deployment, ask.caller, inbox=True)
    series = {one.series for one in true_holdings(ask.deployment, holdings)}
    held = contents_of(series, ask.deployment.catalogue.facts(series))
    ask.answer(
        {
            "modalities": held.modalities,
            "number_of_studies": held.studies,
            "number_of_series": held.series,
            "number_of_instances": held.instances,
        }
    )
