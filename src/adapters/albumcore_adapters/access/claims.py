"""Putting series into albums and inboxes, as confirmed holdings or as claims (Kheops API 4 and 9)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Concatenate, ParamSpec, TypeVar

from attrs import evolve

from albumcore import (
    Act,
    Album,
    AlbumDeleted,
    Event,
    RecordedEvent,
    ReportAdded,
    SeriesImported,
    Source,
    StudyImported,
    album_stream,
)
from albumcore.ids import AlbumId, SeriesUID, StudyUID, UserId
from albumcore_adapters.access.holdings import Holdings
from albumcore_adapters.access.series import (
    Claim,
    Origin,
    Sent,
    by_study,
    confirmed_holdings,
    held_in_albums,
    reach,
)
from albumcore_adapters.directory.claims import (
    Holder,
    Holding,
    SeriesClaims,
    album_holder,
    inbox_holder,
)
from albumcore_adapters.identity.callers import Caller

T = TypeVar("T", bound=str | Collection[SeriesUID])
P = ParamSpec("P")


def put_in_album(
    holdings: Holdings,
    source: Source,
    album: AlbumId,
    decision: Callable[[Album, Act, StudyUID, T], tuple[Any, ...]],
    origin: Origin,
    study: StudyUID,
    series: T,
) -> tuple[RecordedEvent[Any], ...]:
    """Import series of a study from an origin into an album.

    Claims, and placeholders in the catalogue, are a projection of the import: they are written in the transaction that
    appends the events. A refused import stores nothing, and a claim is never recorded as a confirmed holding. Series
    that the album holds already lead to no event, but may get one more claimant or be confirmed.

    Claims of the album on the series under another study do not conflict with the import.

    Args:
        holdings: Albums, inboxes, claims and catalogue.
        source: Who imports, and through what.
        album: The album.
        decision: The decision that imports one series, or several.
        origin: The holder the series are taken from, or the claim on them.
        study: The study of the series.
        series: The UID of one series, or the UIDs of several, as the decision takes them.

    Raises:
        AlbumcoreError: as for the decision.
        SeriesOfOtherStudy: a series has images of another study.
    """
    holder = album_holder(album)
    named = [SeriesUID(series)] if isinstance(series, str) else list(series)

    def decide(state: Album, act: Act) -> tuple[Any, ...]:
        state = without_claims(holdings.claims, holder, state, study, named)
        return decision(state, act, study, series)

    def project(recorded: tuple[RecordedEvent[Any], ...]) -> None:
        new = {uid for one in recorded for uid in _imported(one.event)}
        write_claims(holdings, holder, origin, study, named, new)

    return holdings.albums.handle_projected(project, album_stream(album), decide, source)


def _imported(event: StudyImported | SeriesImported | ReportAdded) -> Collection[SeriesUID]:
    return event.series_uids if isinstance(event, StudyImported) else (event.series_uid,)


def without_claims(
    claims: SeriesClaims,
    holder: Holder,
    state: Album,
    study: StudyUID,
    series: Collection[SeriesUID],
) -> Album:
    """Return the state of an album without its claims on these series under other studies."""
    wrong = {
        other
        for other, held in state.studies.items()
        if other != study and not held.isdisjoint(series)
    }
    if not wrong:
        return state
    claimed = by_study(claims.on_series(series, {holder}))
    kept = {other: state.studies[other] - claimed.get(other, set()) for other in wrong}
    return evolve(state, studies={**state.studies, **kept})


def put_in_inbox(
    holdings: Holdings,
    user: UserId,
    origin: Origin,
    study: StudyUID,
    series: Collection[SeriesUID],
) -> None:
    """Put series of a study from an origin into a user's inbox."""
    new = set(series) - holdings.inbox.series(user, study)
    write_claims(holdings, inbox_holder(user), origin, study, series, new)
    holdings.inbox.add(user, study, series)


def keeping_images(
    holdings: Holdings,
    caller: Caller,
    album: AlbumId,
    decision: Callable[Concatenate[Album, Act, P], tuple[Any, ...]],
    *args: P.args,
    **kwargs: P.kwargs,
) -> tuple[RecordedEvent[Any], ...]:
    """Handle a decision that may delete an album, whose images then stay with the caller.

    Series with images that the caller has nowhere else are put into their inbox, in the transaction that appends the
    deletion: they are never without a holder.
    """
    kept: dict[StudyUID, set[SeriesUID]] = {}

    def decide(state: Album, act: Act) -> tuple[Any, ...]:
        decided = decision(state, act, *args, **kwargs)
        kept.update(only_there(holdings, caller, album, decided))
        return decided

    def project(recorded: tuple[RecordedEvent[Any], ...]) -> None:
        keep_images(holdings, caller, album, kept)

    return holdings.albums.handle_projected(project, album_stream(album), decide, caller.source)


def keep_images(
    holdings: Holdings,
    caller: Caller,
    album: AlbumId,
    kept: Mapping[StudyUID, Collection[SeriesUID]],
) -> None:
    """Put series of an album that is deleted into the caller's inbox."""
    for study, series in kept.items():
        put_in_inbox(holdings, caller.user, album_holder(album), study, series)


def only_there(
    holdings: Holdings, caller: Caller, album: AlbumId, decided: Collection[Event[Any]]
) -> dict[StudyUID, set[SeriesUID]]:
    """The series, by study, that stay with the caller if the events of a decision delete an album.

    They are the confirmed series with images that the caller has nowhere else; none if the album is not deleted.
    """
    if not any(isinstance(event, AlbumDeleted) for event in decided):
        return {}
    here = confirmed_holdings(holdings.claims, held_in_albums(holdings.albums.index, [album]))
    populated = holdings.catalogue.populated_series({one.study for one in here})
    holder = album_holder(album)
    elsewhere = confirmed_holdings(
        holdings.claims, [one for one in reach(holdings, caller) if one.holder != holder]
    )
    had = {(one.study, one.series) for one in elsewhere}
    wanted = [one for one in here if (one.study, one.series) in populated - had]
    return by_study(wanted)


def write_claims(
    holdings: Holdings,
    target: Holder,
    origin: Origin,
    study: StudyUID,
    series: Collection[SeriesUID],
    new: Collection[SeriesUID],
) -> None:
    """Record claims and placeholders for series that are put into a holder, of which some are new to it."""
    if isinstance(origin, Sent):
        holdings.claims.confirm(target, [(study, uid) for uid in series], origin.by)
        return
    source = origin.source if isinstance(origin, Claim) else origin
    if source is not None:
        holdings.claims.propagate(source, target, study, series, new)
    if isinstance(origin, Claim):
        for uid in series:
            holdings.claims.add(
                Holding(target, study, uid),
                origin.by,
                is_new=uid in new and source is None,
                is_first=origin.is_first,
                may_show=origin.may_show,
            )
        return
    for uid in sorted(set(new) - set(holdings.catalogue.series(new))):
        holdings.catalogue.add_placeholder(study, uid)
