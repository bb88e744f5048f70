"""Taking an event of an album back, as far as inboxes, claims and other albums have a say in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from albumcore import (
    Act,
    AdminAdded,
    Album,
    MemberAdded,
    Past,
    RecordedEvent,
    SeriesImported,
    SeriesRemoved,
    StudyImported,
    StudyRemoved,
    undo,
)
from albumcore.albums.undo import Events, series_of
from albumcore.errors import Forbidden, NotUndoable
from albumcore.ids import AlbumId, ReportProviderId, SeriesUID, StudyUID
from albumcore_adapters.access.claims import keep_images, only_there, without_claims, write_claims
from albumcore_adapters.access.holdings import Holdings
from albumcore_adapters.access.series import Claim, Origin, origin_of
from albumcore_adapters.directory.claims import album_holder
from albumcore_adapters.directory.people import People
from albumcore_adapters.identity.callers import Caller


def take_back(
    holdings: Holdings,
    people: People,
    caller: Caller,
    album: AlbumId,
    version: int,
    new_provider: ReportProviderId,
) -> tuple[RecordedEvent[Any], ...]:
    """Take back an event that the caller sees in the feed of an album; see `albumcore.Albumcore.undo`.

    Series that were removed come back only from where the caller may send them now, as in an ordinary import: from
    their inbox, or from an album. A series that is in neither comes back as a claim of the caller if it has no images.
    Claims, and placeholders in the catalogue, are written in the transaction of the events. A user who was removed and
    is not registered any more does not come back: the user id names no person.

    Args:
        holdings: Albums, inboxes, claims and catalogue.
        people: The registered users.
        caller: Who takes it back.
        album: The album.
        version: The version of the event.
        new_provider: The id of a report provider that is created anew.

    Raises:
        AlbumcoreError: as for `albumcore.Albumcore.undo`.
        Forbidden: the caller may not send a series that would come back.
        SeriesOfOtherStudy: such a series has images of another study.
        NotUndoable: also if a user who would come back was erased.
    """
    holder = album_holder(album)
    origins: dict[SeriesUID, Origin] = {}
    kept: dict[StudyUID, set[SeriesUID]] = {}

    def decide(state: Album, act: Act, past: Past) -> Events:
        event = past.recorded.event
        if isinstance(event, StudyRemoved | SeriesRemoved):
            study, series = series_of(event)
            state = without_claims(holdings.claims, holder, state, study, series)
        events = undo(state, act, past)
        _require_users(people, events)
        for study, series in _imported(events):
            origins.update(_origins(holdings, caller, study, series))
        kept.update(only_there(holdings, caller, album, events))
        return events

    def project(recorded: tuple[RecordedEvent[Any], ...]) -> None:
        for study, series in _imported(one.event for one in recorded):
            for origin, uids in _by_origin(origins, series).items():
                write_claims(holdings, holder, origin, study, uids, uids)
        keep_images(holdings, caller, album, kept)

    return holdings.albums.undo(
        album,
        version,
        caller.source,
        decision=decide,
        projection=project,
        new_provider=new_provider,
    )


def _require_users(people: People, events: Events) -> None:
    """Check that the users whom events add are registered.

    Raises:
        NotUndoable: one was erased.
    """
    for one in events:
        if isinstance(one, MemberAdded | AdminAdded) and not people.known(one.target):
            raise NotUndoable("the user was erased")


def _imported(events: Iterable[Any]) -> Iterator[tuple[StudyUID, tuple[SeriesUID, ...]]]:
    """The series that events import, with their study."""
    return (series_of(one) for one in events if isinstance(one, StudyImported | SeriesImported))


def _origins(
    holdings: Holdings, caller: Caller, study: StudyUID, series: tuple[SeriesUID, ...]
) -> Iterator[tuple[SeriesUID, Origin]]:
    """Each of some series of a study, with the origin that the caller may take it from.

    Raises:
        Forbidden: there is none for one of them.
    """
    populated = holdings.catalogue.populated_series({study})
    for uid in series:
        origin = origin_of(holdings, caller, study, uid)
        is_nowhere = origin is None or (isinstance(origin, Claim) and origin.source is None)
        if origin is None or (is_nowhere and (study, uid) in populated):
            raise Forbidden("a series of the study is nowhere that you may send it from")
        yield uid, origin


def _by_origin(
    origins: Mapping[SeriesUID, Origin], series: tuple[SeriesUID, ...]
) -> Mapping[Origin, list[SeriesUID]]:
    found: dict[Origin, list[SeriesUID]] = {}
    for uid in series:
        found.setdefault(origins[uid], []).append(uid)
    return found
