"""Which series a caller sees, and from where they may take them (Kheops API 4, 9, 12 and 14).

Albums and inboxes hold series. A holding is confirmed, or it is a claim, which shows nothing of the images
(`directory.claims`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from attrs import frozen

from albumcore import Album, Permission
from albumcore.ids import AlbumId, SeriesUID, StudyUID, UserId
from albumcore.index import Index, MemberRow, SeriesRow
from albumcore.json_object import present
from albumcore_adapters.access.albums import may, permitted
from albumcore_adapters.access.holdings import Holdings
from albumcore_adapters.directory.claims import (
    UNKNOWN_USER,
    Holder,
    Holding,
    SeriesClaims,
    album_holder,
    inbox_holder,
)
from albumcore_adapters.directory.inbox import Inbox
from albumcore_adapters.identity.callers import Caller

# Holdings


def series_in_album(index: Index, album: AlbumId, study: StudyUID) -> list[SeriesUID]:
    """The series of a study that are in an album, by UID."""
    wanted = {"album_id": album, "study_uid": study}
    return [SeriesUID(row.series_uid) for row in index.rows(SeriesRow, wanted)]


def held_in_albums(
    index: Index,
    albums: Collection[str],
    study: StudyUID | None = None,
    series: SeriesUID | None = None,
) -> Iterator[Holding]:
    """The holdings of some albums, optionally of one study or one series only."""
    wanted = {"album_id": albums, **present(study_uid=study, series_uid=series)}
    for row in index.rows(SeriesRow, wanted):
        yield _held_by_album(row)


def _held_by_album(row: SeriesRow) -> Holding:
    return Holding(album_holder(row.album_id), StudyUID(row.study_uid), SeriesUID(row.series_uid))


def _in_inbox(holdings: Holdings, caller: Caller, study: StudyUID | None) -> Iterator[Holding]:
    if not caller.inbox:
        return
    holder = inbox_holder(caller.user)
    if study is None:
        for uid, series in holdings.inbox.contents(caller.user).items():
            yield from (Holding(holder, uid, one) for one in series)
    else:
        yield from (
            Holding(holder, study, one) for one in holdings.inbox.series(caller.user, study)
        )


# What a caller sees


@frozen
class Place:
    """Where a caller reads series: in an album, in their inbox, or, with neither, in all that they may read.

    Attributes:
        album: The album; what makes the place has checked that the caller may read it.
        inbox: Whether it is the caller's inbox.
    """

    album: AlbumId | None = None
    inbox: bool = False


EVERYWHERE = Place()
"""All albums of the caller, and their inbox."""


def reach(
    holdings: Holdings,
    caller: Caller,
    place: Place = EVERYWHERE,
    *,
    study: StudyUID | None = None,
    series: SeriesUID | None = None,
) -> list[Holding]:
    """The holdings that a caller may read in a place.

    The attributes from the images are shown for the `confirmed_holdings` among them only.

    Args:
        holdings: Where series are held.
        caller: Who reads.
        place: The place.
        study: Only series of this study.
        series: Only this series of the study.
    """
    if caller.permissions is not None and Permission.READ_SERIES not in caller.permissions:
        return []
    found: list[Holding] = []
    if place.album is not None:
        found += held_in_albums(holdings.albums.index, [place.album], study, series)
    else:
        if not place.inbox:
            found += held_in_albums(
                holdings.albums.index, _readable_albums(holdings, caller), study, series
            )
        found += _in_inbox(holdings, caller, study)
    return [
        one
        for one in found
        if (caller.studies is None or one.study in caller.studies)
        and (series is None or one.series == series)
    ]


def confirmed_holdings(claims: SeriesClaims, held: Iterable[Holding]) -> list[Holding]:
    """Return those holdings that are not claims."""
    found = list(held)
    holders, series = {one.holder for one in found}, {one.series for one in found}
    # By the fewer of the two: an album may have many claims, and a study many series.
    claimed = claims.in_holders(holders) if len(holders) < len(series) else claims.on_series(series)
    return [one for one in found if one not in claimed]


def holdings_then(caller: Caller, album: AlbumId, then: Album) -> list[Holding]:
    """The holdings of an album of the past that a caller may read."""
    return [
        Holding(album_holder(album), study, uid)
        for study, series in then.studies.items()
        if caller.studies is None or study in caller.studies
        for uid in series
    ]


def by_study(held: Iterable[Holding]) -> dict[StudyUID, set[SeriesUID]]:
    """The series that are held, by study."""
    found: dict[StudyUID, set[SeriesUID]] = {}
    for one in held:
        found.setdefault(one.study, set()).add(one.series)
    return found


def reachable(holdings: Holdings, caller: Caller, study: StudyUID) -> set[SeriesUID]:
    """The series of a study that are held where a caller may read, claims included."""
    return {one.series for one in reach(holdings, caller, study=study)}


def _readable_albums(holdings: Holdings, caller: Caller) -> list[str]:
    """The albums in which the caller may read series; of a user, all albums they are a member of."""
    if caller.album is not None:
        readable = may(
            holdings.albums, caller, caller.album, Permission.READ_SERIES, holdings.clock()
        )
        return [caller.album] if readable else []
    if not caller.albums:
        return []
    rows = holdings.albums.index.rows(MemberRow, {"sub": caller.user})
    return [row.album_id for row in rows]


def sees(holdings: Holdings, caller: Caller, study: StudyUID) -> bool:
    """Whether a caller sees a study, and therefore its comments and the people who see it.

    They do if they may read a holding that shows it (`_showing`).
    """
    return bool(_showing(holdings, reach(holdings, caller, study=study)))


def can_see(holdings: Holdings, study: StudyUID, users: Iterable[UserId]) -> frozenset[UserId]:
    """Those of some users who see a study: a series that shows it is in their inbox, or in an album of theirs."""
    return frozenset(set(users) & viewers_of(holdings, [study]))


def viewers_of(holdings: Holdings, studies: Collection[StudyUID]) -> set[UserId]:
    """All users who see one of some studies."""
    rows = holdings.albums.index.rows
    in_albums = rows(SeriesRow, {"study_uid": studies})
    in_inboxes = holdings.inbox.holdings(studies)
    showing = {one.holder for one in _showing(holdings, _holdings(in_albums, in_inboxes))}
    albums = {row.album_id for row in in_albums if album_holder(row.album_id) in showing}
    members = rows(MemberRow, {"album_id": albums})
    return {UserId(row.sub) for row in members} | {
        user for user, _, _ in in_inboxes if inbox_holder(user) in showing
    }


def users_sharing_with(holdings: Holdings, caller: Caller) -> set[UserId]:
    """Those who share an album with a caller, or see a study that the caller sees.

    The cost grows with what the caller sees, not with the number of users.
    """
    studies = {one.study for one in _showing(holdings, reach(holdings, caller))}
    albums = _readable_albums(holdings, caller)
    members = holdings.albums.index.rows(MemberRow, {"album_id": albums})
    return {UserId(row.sub) for row in members} | viewers_of(holdings, studies)


def _holdings(
    in_albums: Iterable[SeriesRow], in_inboxes: Iterable[tuple[UserId, StudyUID, SeriesUID]]
) -> list[Holding]:
    """Rows of albums and inboxes as holdings."""
    return [
        *map(_held_by_album, in_albums),
        *(Holding(inbox_holder(user), study, series) for user, study, series in in_inboxes),
    ]


def held_anywhere(holdings: Holdings, series: SeriesUID) -> list[Holding]:
    """All holdings of a series, claims included, under whatever study."""
    rows = holdings.albums.index.rows(SeriesRow, {"series_uid": series})
    return _holdings(rows, holdings.inbox.held([series]))


def _showing(holdings: Holdings, held: Collection[Holding]) -> list[Holding]:
    """Those of some holdings that show their study to the users who may read them.

    If series of the study have images, these are the confirmed holdings of such series. Otherwise these are all
    holdings except claims that do not show their study, see `claim_by`.
    """
    if not held:
        return []
    populated = holdings.catalogue.populated_series({one.study for one in held})
    with_images = {study for study, _ in populated}
    claimed = holdings.claims.on_series({one.series for one in held})
    return [
        one
        for one in held
        if (
            (one.study, one.series) in populated and one not in claimed
            if one.study in with_images
            else claimed.get(one, True)
        )
    ]


# What a caller may take


@frozen
class Claim:
    """The origin of a series without a confirmed holding: the claim of the caller, and the claim it is taken from.

    Attributes:
        source: The holder with a claim from which the caller may take the series, or None.
        by: The claimant; `UNKNOWN_USER` through the capability token of an album.
        is_first: Whether no holder holds the study.
        may_show: Whether the caller may take the study from a holder that shows it.
    """

    source: Holder | None
    by: UserId
    is_first: bool
    may_show: bool


@frozen
class Sent:
    """The origin of a series of which images are stored together with the holding, which they confirm.

    Attributes:
        by: The user who sends them; None through a capability token of an album, whose bearer is not known.
    """

    by: UserId | None


Origin = Holder | Claim | Sent
"""The origin of a series that is put into a holder: another holder, a claim, or images that are sent."""


def origin_of(
    holdings: Holdings, caller: Caller, study: StudyUID, series: SeriesUID
) -> Origin | None:
    """Return the origin from which a caller may take a series without naming a source, or None.

    A user may take it from their inbox, and from albums that they may send from. A series without a confirmed holding
    (unknown, an orphan, or only claimed) may be claimed by any user. A series that is known to belong to another study
    may not be taken.
    """
    held = held_anywhere(holdings, series)
    true = {*confirmed_holdings(holdings.claims, held)}
    known = holdings.catalogue.series([series]).get(series)
    # A populated series belongs to the study that its images name; any other, to the one that it is held under.
    studies = {known.study_uid} if known and known.populated else {one.study for one in true}
    if studies - {study}:
        return None
    there = [one for one in held if one.study == study]
    for holder in takeable(holdings, caller, {one.holder for one in there if one in true}):
        return holder
    sources = takeable(holdings, caller, {one.holder for one in there if one not in true})
    source = next(sources, None)
    if source is None and any(one in true for one in there):
        return None
    return claim_by(holdings, caller, study, source)


def takeable(holdings: Holdings, caller: Caller, among: Collection[Holder]) -> Iterator[Holder]:
    """Yield the holders that a caller may take series from: their inbox, and albums that they may send from."""
    inbox = inbox_holder(caller.user)
    if caller.inbox and inbox in among:
        yield inbox
    if caller.acts_as_user:
        for row in holdings.albums.index.rows(MemberRow, {"sub": caller.user}):
            holder = album_holder(row.album_id)
            if holder in among and may(
                holdings.albums, caller, row.album_id, Permission.SEND_SERIES, holdings.clock()
            ):
                yield holder


def claim_by(holdings: Holdings, caller: Caller, study: StudyUID, source: Holder | None) -> Claim:
    """Return the claim of a caller on a series of a study, which may be taken from a holder that claims it.

    The claim shows its study if the study is new to all holders, or if the caller may take the study from a holder
    that shows it.
    """
    rows = holdings.albums.index.rows(SeriesRow, {"study_uid": study})
    held = _holdings(rows, holdings.inbox.holdings([study]))
    showing = {one.holder for one in _showing(holdings, held)}
    may_show = any(True for _ in takeable(holdings, caller, showing))
    by = caller.user if caller.acts_as_user else UNKNOWN_USER
    return Claim(source, by, not held, may_show)


@frozen
class Taken:
    """Series of one study that are taken from a holder."""

    holder: Holder
    series: Collection[SeriesUID]


def taken_from_album(index: Index, album: AlbumId, study: StudyUID) -> Taken:
    """The series of a study in an album, for a caller who may send from there."""
    return Taken(album_holder(album), series_in_album(index, album, study))


def taken_from_inbox(inbox: Inbox, user: UserId, study: StudyUID) -> Taken:
    """The series of a study in a user's inbox."""
    return Taken(inbox_holder(user), sorted(inbox.series(user, study)))


def sendable(holdings: Holdings, caller: Caller, album: str, study: StudyUID) -> Taken:
    """The series of a study in an album that the caller may send from.

    Raises:
        AlbumNotFound, Forbidden: see `albumcore_adapters.access.albums.permitted`.
    """
    permitted(holdings.albums, caller, album, Permission.SEND_SERIES, holdings.clock())
    return taken_from_album(holdings.albums.index, AlbumId(album), study)
