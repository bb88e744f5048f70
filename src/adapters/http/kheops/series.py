"""Where series are, and who may see them, take them, and put them somewhere (Kheops API 4, 9, 12 and 14)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from adapters.deployment import Deployment
from adapters.http.kheops.access import may, permitted
from adapters.http.kheops.callers import Caller
from albumcore import Act, Album, Permission
from albumcore.albums.events import AlbumEvent
from albumcore.ids import AlbumId, SeriesUID, StudyUID, UserId
from albumcore.index import MemberRow, SeriesRow

# What there is


def series_in_album(deployment: Deployment, album: AlbumId, study: StudyUID) -> list[SeriesUID]:
    """The series of a study that are in an album, by UID."""
    wanted = {"album_id": album, "study_uid": study}
    return [SeriesUID(row.series_uid) for row in deployment.albums.index.rows(SeriesRow, wanted)]


def series_in_inbox(deployment: Deployment, user: UserId, study: StudyUID) -> list[SeriesUID]:
    """The series of a study that are in a user's inbox, by UID."""
    return sorted(deployment.inbox.series(user, study))


def in_albums(
    deployment: Deployment, albums: Collection[str], study: StudyUID | None = None
) -> dict[StudyUID, set[SeriesUID]]:
    """The series in any of some albums, by study; of one study alone, if it is named."""
    wanted = {"album_id": albums} | ({} if study is None else {"study_uid": study})
    found: dict[StudyUID, set[SeriesUID]] = {}
    for row in deployment.albums.index.rows(SeriesRow, wanted):
        found.setdefault(StudyUID(row.study_uid), set()).add(SeriesUID(row.series_uid))
    return found


# What a caller sees


def reach(
    deployment: Deployment,
    caller: Caller,
    album: AlbumId | None = None,
    *,
    inbox: bool = False,
    study: StudyUID | None = None,
) -> dict[StudyUID, set[SeriesUID]]:
    """The series that a caller may read, by study: those of one album, of the inbox, or all.

    Args:
        deployment: Where they are.
        caller: Who reads.
        album: Only what is in this album, which the caller may read; the route has seen to that.
        inbox: Only what is in the caller's inbox.
        study: Only series of this study.
    """
    if caller.permissions is not None and Permission.READ_SERIES not in caller.permissions:
        return {}
    if album is not None:
        found = in_albums(deployment, [album], study)
    elif inbox:
        found = _of_inbox(deployment, caller, study)
    else:
        found = in_albums(deployment, _readable_albums(deployment, caller), study)
        for uid, series in _of_inbox(deployment, caller, study).items():
            found.setdefault(uid, set()).update(series)
    if caller.studies is not None:
        found = {uid: series for uid, series in found.items() if uid in caller.studies}
    return found


def reachable(deployment: Deployment, caller: Caller, study: StudyUID) -> set[SeriesUID]:
    """The series of a study that a caller may read, wherever they are."""
    return reach(deployment, caller, study=study).get(study, set())


def _of_inbox(
    deployment: Deployment, caller: Caller, study: StudyUID | None
) -> dict[StudyUID, set[SeriesUID]]:
    if not caller.inbox:
        return {}
    if study is None:
        return deployment.inbox.contents(caller.user)
    series = deployment.inbox.series(caller.user, study)
    return {study: series} if series else {}


def _readable_albums(deployment: Deployment, caller: Caller) -> list[str]:
    """The albums that the caller may read series in. Every member may, so rows tell it of a user."""
    if caller.album is not None:
        readable = may(deployment, caller, caller.album, Permission.READ_SERIES)
        return [caller.album] if readable else []
    if not caller.albums:
        return []
    rows = deployment.albums.index.rows(MemberRow, {"sub": caller.user})
    return [row.album_id for row in rows]


def sees(deployment: Deployment, caller: Caller, study: StudyUID) -> bool:
    """Whether a caller sees a study, and so what is said of it, and by whom.

    Anybody may claim a series that is not there yet, of any study. To have claimed one shows nothing of the
    study, unless it is made of such series alone.
    """
    telling, held = _telling(deployment, study), reachable(deployment, caller, study)
    return bool(held & telling if telling else held)


def can_see(deployment: Deployment, study: StudyUID, users: Iterable[UserId]) -> frozenset[UserId]:
    """Those of some users who see a study: a series that shows it is in their inbox, or in an album of theirs."""
    return frozenset(set(users) & viewers_of(deployment, study))


def viewers_of(deployment: Deployment, study: StudyUID) -> set[UserId]:
    """Everybody who sees a study."""
    telling = _telling(deployment, study)
    rows = deployment.albums.index.rows
    held = rows(SeriesRow, {"study_uid": study} | ({"series_uid": telling} if telling else {}))
    members = rows(MemberRow, {"album_id": {row.album_id for row in held}})
    return {UserId(row.sub) for row in members} | deployment.inbox.holders(study, telling)


def _telling(deployment: Deployment, study: StudyUID) -> set[SeriesUID]:
    """The series of a study that show it to whoever holds one: those that are populated. Without any, all do."""
    facts = deployment.catalogue.facts(deployment.catalogue.series_of(study))
    return {uid for uid, known in facts.items() if known.populated}


# What a caller may take


def is_claimable(
    deployment: Deployment, caller: Caller, study: StudyUID, series: SeriesUID
) -> bool:
    """Whether a caller may put a series somewhere that he may add to, without naming where it is taken from.

    A user may if it is in his inbox, or in an album of his that he may send from. Everybody may if it is in no
    album and no inbox at all: it is new to us then, or an orphan. A series that is known to be of another study
    is not this one.
    """
    held = deployment.albums.index.rows(SeriesRow, {"series_uid": series})
    known = deployment.catalogue.facts([series]).get(series)
    # A series that is populated is of the study its images say; any other, of that under which it is held.
    homes = {known.study_uid} if known and known.populated else {row.study_uid for row in held}
    if homes - {study}:
        return False
    if caller.inbox and series in deployment.inbox.series(caller.user, study):
        return True
    held = [row for row in held if row.study_uid == study]
    if not held:
        return not deployment.inbox.held([series])
    return caller.acts_as_user and any(
        may(deployment, caller, album, Permission.SEND_SERIES)
        for album in _albums_of(deployment, caller.user, {row.album_id for row in held})
    )


def _albums_of(deployment: Deployment, user: UserId, albums: Collection[str]) -> list[str]:
    """Those of some albums that a user is a member of. It spares us loading the others."""
    rows = deployment.albums.index.rows(MemberRow, {"album_id": albums, "sub": user})
    return [row.album_id for row in rows]


def claiming(
    deployment: Deployment, decision: Callable[..., tuple[AlbumEvent, ...]] = Album.import_series
) -> Callable[[Album, Act, StudyUID, SeriesUID], tuple[AlbumEvent, ...]]:
    """The decision to import a series, which also makes the series known to the catalogue.

    That happens when the decision is taken and before it is recorded. So a refused import leaves nothing, not
    even a placeholder; and no album holds a series that the catalogue could give to another study.
    """

    def decide(
        album: Album, act: Act, study: StudyUID, series: SeriesUID
    ) -> tuple[AlbumEvent, ...]:
        decided = decision(album, act, study, series)
        if decided:
            deployment.catalogue.claim(study, series)
        return decided

    return decide


def sendable(
    deployment: Deployment, caller: Caller, album: str, study: StudyUID
) -> list[SeriesUID]:
    """The series of a study in an album that the caller may send from.

    Raises:
        AlbumNotFound, Forbidden: see `adapters.http.kheops.access.permitted`.
    """
    permitted(deployment, caller, album, Permission.SEND_SERIES)
    return series_in_album(deployment, AlbumId(album), study)
