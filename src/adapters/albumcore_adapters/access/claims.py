"""Series are put into albums and inboxes, and it is noted whether in truth or on a claim (Kheops API 4 and 9)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from attrs import evolve

from albumcore import Act, Album, AlbumDeleted
from albumcore.ids import AlbumId, SeriesUID, StudyUID, UserId
from albumcore_adapters.access.holdings import Holdings
from albumcore_adapters.access.series import (
    Claim,
    Origin,
    by_study,
    held_in_albums,
    reach,
    true_holdings,
)
from albumcore_adapters.directory import Claims, Held, Place, album_place, inbox_place
from albumcore_adapters.identity.callers import Caller

Decision = Callable[..., tuple[Any, ...]]


def put_in_album(
    holdings: Holdings, album: AlbumId, decision: Decision, origin: Origin
) -> Decision:
    """The decision to import series from an origin, which also notes on what the album holds them.

    That happens when the decision is taken and before it is recorded. So a refused import leaves nothing, not even a
    placeholder in the catalogue, and no album ever holds in truth what it was given on a claim. What the album holds
    on a claim under another study is no conflict.
    """
    place = album_place(album)
    claimed: set[SeriesUID] = set()

    def decide(state: Album, act: Act, study: StudyUID, series: Any) -> tuple[Any, ...]:
        named = [SeriesUID(series)] if isinstance(series, str) else list(series)
        decided = decision(
            _without_claims(holdings.claims, place, state, study, named), act, study, series
        )
        new = set(named) - state.studies.get(study, frozenset())
        if isinstance(origin, Claim):
            # Decided before, and another import of the series was recorded first: that one says what it rests on.
            for uid in claimed - new:
                holdings.claims.withdraw(Held(place, study, uid), origin.by)
            claimed.update(new)
        _note(holdings, place, origin, study, named, new)
        return decided

    return decide


def _without_claims(
    claims: Claims,
    place: Place,
    state: Album,
    study: StudyUID,
    series: Collection[SeriesUID],
) -> Album:
    """An album as if it did not hold some series under another study, where it does so on a claim."""
    wrong = {
        other
        for other, held in state.studies.items()
        if other != study and not held.isdisjoint(series)
    }
    if not wrong:
        return state
    claimed = by_study(claims.of(series, {place}))
    kept = {other: state.studies[other] - claimed.get(other, set()) for other in wrong}
    return evolve(state, studies={**state.studies, **kept})


def put_in_inbox(
    holdings: Holdings,
    user: UserId,
    origin: Origin,
    study: StudyUID,
    series: Collection[SeriesUID],
) -> None:
    """Put series of a study into a user's inbox, from an origin."""
    new = set(series) - holdings.inbox.series(user, study)
    _note(holdings, inbox_place(user), origin, study, series, new)
    holdings.inbox.add(user, study, series)


def keeping_images(
    holdings: Holdings, caller: Caller, album: AlbumId, decision: Decision
) -> Decision:
    """A decision that may end an album, whose images then stay with the user: in the inbox, if in no other place.

    They are put there before the end of the album is recorded, so that they are never left without a holder; and taken
    out again if the decision comes to be another one.
    """
    kept: dict[StudyUID, set[SeriesUID]] = {}

    def decide(state: Album, act: Act, *args: Any) -> tuple[Any, ...]:
        decided = decision(state, act, *args)
        for study, series in kept.items():
            holdings.inbox.remove(caller.user, study, series)
        kept.clear()
        if any(isinstance(event, AlbumDeleted) for event in decided):
            kept.update(_only_there(holdings, caller, album))
            for study, series in kept.items():
                put_in_inbox(holdings, caller.user, album_place(album), study, series)
        return decided

    return decide


def _only_there(
    holdings: Holdings, caller: Caller, album: AlbumId
) -> dict[StudyUID, set[SeriesUID]]:
    """The series with images that an album holds in truth, and that the caller has in no other place, by study."""
    here = true_holdings(holdings.claims, held_in_albums(holdings.albums.index, [album]))
    populated = holdings.catalogue.populated({one.study for one in here})
    place = album_place(album)
    elsewhere = true_holdings(
        holdings.claims, [one for one in reach(holdings, caller) if one.place != place]
    )
    had = {(one.study, one.series) for one in elsewhere}
    wanted = [one for one in here if (one.study, one.series) in populated - had]
    return by_study(wanted)


def _note(
    holdings: Holdings,
    target: Place,
    origin: Origin,
    study: StudyUID,
    series: Collection[SeriesUID],
    new: Collection[SeriesUID],
) -> None:
    """Note on what a place is going to hold some series, of which some are new to it."""
    source = origin.source if isinstance(origin, Claim) else origin
    if source is not None:
        holdings.claims.pass_on(source, target, study, series, new)
    if isinstance(origin, Claim):
        for uid in series:
            holdings.claims.make(
                Held(target, study, uid),
                origin.by,
                is_new=uid in new and source is None,
                is_first=origin.is_first,
                may_show=origin.may_show,
            )
        return
    for uid in sorted(set(new) - set(holdings.catalogue.facts(new))):
        holdings.catalogue.claim(study, uid)
