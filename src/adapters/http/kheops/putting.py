"""Series are put into albums and inboxes, and it is noted whether in truth or on a claim (Kheops API 4 and 9)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from adapters.deployment import Deployment
from adapters.directory import Place, album_place, inbox_place
from adapters.http.kheops.series import Claim, Origin, by_study, held_in_albums, true_holdings
from albumcore import Act, Album
from albumcore.albums.events import AlbumDeleted
from albumcore.ids import AlbumId, SeriesUID, StudyUID, UserId
from albumcore.index import SeriesRow


def put_in_album(
    deployment: Deployment,
    album: AlbumId,
    decision: Callable[..., tuple[Any, ...]],
    origin: Origin,
) -> Callable[..., tuple[Any, ...]]:
    """The decision to import series from an origin, which also notes on what the album holds them.

    That happens when the decision is taken and before it is recorded. So a refused import leaves nothing, not even a
    placeholder in the catalogue, and no album ever holds in truth what it was given on a claim.
    """
    place = album_place(album)

    def decide(state: Any, act: Any, study: StudyUID, series: Any) -> tuple[Any, ...]:
        named = [SeriesUID(series)] if isinstance(series, str) else list(series)
        decided = decision(state, act, study, series)
        new = set(named) - state.studies.get(study, frozenset())
        _note(deployment, place, origin, study, named, new)
        return decided

    return decide


def put_in_inbox(
    deployment: Deployment,
    user: UserId,
    origin: Origin,
    study: StudyUID,
    series: Collection[SeriesUID],
) -> None:
    """Put series of a study into a user's inbox, from an origin."""
    new = set(series) - deployment.inbox.series(user, study)
    _note(deployment, inbox_place(user), origin, study, series, new)
    deployment.inbox.add(user, study, series)


def keeping_images(
    deployment: Deployment, album: AlbumId, decision: Callable[..., tuple[Any, ...]]
) -> Callable[..., tuple[Any, ...]]:
    """A decision that may end an album, which then keeps in the user's inbox the series that only the album holds.

    That is of series that have images, and that the album holds in truth. They are put there before the end of the
    album is recorded: images are never left without a holder.
    """

    def decide(state: Album, act: Act, *args: Any) -> tuple[Any, ...]:
        decided = decision(state, act, *args)
        if any(isinstance(event, AlbumDeleted) for event in decided):
            for study, series in _held_here_alone(deployment, album).items():
                put_in_inbox(deployment, act.user, album_place(album), study, series)
        return decided

    return decide


def _held_here_alone(deployment: Deployment, album: AlbumId) -> dict[StudyUID, set[SeriesUID]]:
    """The series with images that an album holds in truth, and no other place does, by study."""
    here = true_holdings(deployment, held_in_albums(deployment, [album]))
    facts = deployment.catalogue.facts({one.series for one in here})
    held = {one.series for one in here if one.series in facts and facts[one.series].populated}
    rows = deployment.albums.index.rows(SeriesRow, {"series_uid": held})
    elsewhere = {(album_place(row.album_id), row.series_uid) for row in rows} | {
        (inbox_place(sub), series)
        for series, holders in deployment.inbox.held(held).items()
        for sub in holders
    }
    claimed = deployment.claims.of(held)
    others = {
        series
        for place, series in elsewhere
        if place != album_place(album) and (place, SeriesUID(series)) not in claimed
    }
    return by_study(one for one in here if one.series in held - others)


def _note(
    deployment: Deployment,
    target: Place,
    origin: Origin,
    study: StudyUID,
    series: Collection[SeriesUID],
    new: Collection[SeriesUID],
) -> None:
    """Note on what a place is going to hold some series, of which some are new to it."""
    known: Collection[SeriesUID] = ()
    if not isinstance(origin, Claim):
        deployment.claims.pass_on(origin, target, series, new)
        known = deployment.catalogue.facts(new)
    for uid in sorted(set(new) - set(known)):
        deployment.catalogue.claim(study, uid)
        if isinstance(origin, Claim):
            deployment.claims.make(target, uid, origin.by, shows_study=origin.shows_study)
