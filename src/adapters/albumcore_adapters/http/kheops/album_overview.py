"""Album objects (Kheops API 3), made from index rows and the catalogue. No event is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import asdict, frozen

from albumcore import Album, RecordedEvent, album_stream
from albumcore.errors import AlbumNotFound
from albumcore.feed import EntryKind, scopes_of
from albumcore.ids import AlbumId, SeriesUID, StudyUID, UserId
from albumcore.index import AlbumOverview, AlbumRow, Index, MemberRow, Put, SeriesRow, changes
from albumcore.kernel import shown_text
from albumcore.times import local_time
from albumcore_adapters.access.holdings import Holdings
from albumcore_adapters.directory.catalogue import CatalogueSeries
from albumcore_adapters.directory.claims import Holding, album_holder
from albumcore_adapters.directory.people import People
from albumcore_adapters.http.kheops.feed_json import people_of
from albumcore_adapters.identity.callers import Caller


@frozen
class Contents:
    """The series in a place. Placeholders, whose UID only is known, do not count."""

    modalities: Sequence[str]
    studies: int
    series: int
    instances: int


@frozen
class Counts:
    """The numbers of things in an album; of comments, those that the viewer can see."""

    users: int
    comments: int
    contents: Contents


def overview(index: Index, viewer: UserId, album: AlbumId) -> AlbumOverview:
    """The rows of one album, as the viewer sees it.

    Raises:
        AlbumNotFound: no such album, or the viewer is not a member of it.
    """
    members = index.rows(MemberRow, {"album_id": album, "sub": viewer})
    albums = index.rows(AlbumRow, {"album_id": album})
    if not members or not albums:
        raise AlbumNotFound("no such album, or you are not a member of it")
    return AlbumOverview(albums[0], members[0])


def counts(
    holdings: Holdings, viewer: UserId, albums: Iterable[AlbumOverview]
) -> Mapping[str, Counts]:
    """The counts of some albums, by album id, as the viewer sees them."""
    ids = [AlbumId(one.row.album_id) for one in albums]
    index = holdings.albums.index
    streams = {one: album_stream(one).name for one in ids}
    comments = index.count_entries([*streams.values()], scopes_of(EntryKind.COMMENT, viewer))
    users = dict.fromkeys(ids, 0)
    for member in index.rows(MemberRow, {"album_id": ids}):
        users[AlbumId(member.album_id)] += 1
    held = contents(holdings, ids)
    return {one: Counts(users[one], comments.get(streams[one], 0), held[one]) for one in ids}


def contents(holdings: Holdings, albums: Sequence[AlbumId]) -> Mapping[str, Contents]:
    """The contents of each of some albums, by album id. Claims do not count."""
    held = confirmed_series(holdings, albums)
    facts = holdings.catalogue.series({uid for found in held.values() for _, uid in found})
    return {one: contents_of([uid for _, uid in found], facts) for one, found in held.items()}


def confirmed_series(
    holdings: Holdings, albums: Sequence[AlbumId]
) -> Mapping[str, Sequence[tuple[StudyUID, SeriesUID]]]:
    """The series in each of some albums, with their studies, by album id, without claims."""
    held: dict[str, list[tuple[StudyUID, SeriesUID]]] = {one: [] for one in albums}
    claimed = holdings.claims.in_holders(map(album_holder, albums))
    for series in holdings.albums.index.rows(SeriesRow, {"album_id": albums}):
        uid, study = SeriesUID(series.series_uid), StudyUID(series.study_uid)
        if Holding(album_holder(series.album_id), study, uid) not in claimed:
            held[series.album_id].append((study, uid))
    return held


def contents_of(uids: Iterable[SeriesUID], facts: Mapping[SeriesUID, CatalogueSeries]) -> Contents:
    """The contents of a set of series, by their attributes in the catalogue."""
    populated = [facts[uid] for uid in uids if uid in facts and facts[uid].populated]
    return Contents(
        sorted({series.modality for series in populated if series.modality}),
        len({series.study_uid for series in populated}),
        len(populated),
        sum(series.instances for series in populated),
    )


def album_json(one: AlbumOverview, held: Counts) -> dict[str, Any]:
    """The album object."""
    row, member = one.row, one.member
    return {
        "album_id": row.album_id,
        "name": row.name,
        "description": row.description,
        "modalities": held.contents.modalities,
        "created_time": local_time(row.created_at),
        "last_event_time": local_time(row.last_event_at),
        "number_of_users": held.users,
        "number_of_comments": held.comments,
        "number_of_studies": held.contents.studies,
        "number_of_series": held.contents.series,
        "number_of_instances": held.contents.instances,
        "add_user": row.add_user,
        "download_series": row.download_series,
        "send_series": row.send_series,
        "delete_series": row.delete_series,
        "add_series": row.add_series,
        "write_comments": row.write_comments,
        "is_favorite": member.is_favorite,
        "notification_new_series": member.notification_new_series,
        "notification_new_comment": member.notification_new_comment,
        "is_admin": member.is_admin,
    }


def brief_json(holdings: Holdings, album: AlbumId) -> dict[str, Any]:
    """The album object for a token of this album (Kheops API 3): name, description, and contents.

    Raises:
        AlbumNotFound: the album has just been deleted.
    """
    for row in holdings.albums.index.rows(AlbumRow, {"album_id": album}):
        return _brief(row, contents(holdings, [album])[album])
    raise AlbumNotFound("no such album, or you are not a member of it")


def _brief(about: AlbumRow, held: Contents) -> dict[str, Any]:
    return {
        "album_id": about.album_id,
        "name": about.name,
        "description": about.description,
        "modalities": held.modalities,
        "number_of_studies": held.studies,
        "number_of_series": held.series,
        "number_of_instances": held.instances,
    }


def album_json_then(
    holdings: Holdings, caller: Caller, album: AlbumId, then: Album, version: int
) -> dict[str, Any]:
    """The album object as of a version: whole for a member of then, in brief for a token of the album.

    The attributes of its series, and which of them are claims, are those of the present.
    """
    counts = holdings.albums.album_counts(album, caller.user, version)
    assert then.created_at is not None
    name, description = shown_text(then.name), shown_text(then.description)
    about = (album, name, description, then.created_at, counts.last_event_at)
    row = AlbumRow(*about, **asdict(then.flags))
    claimed = holdings.claims.in_holders([album_holder(album)])
    held = [
        uid
        for study, uids in then.studies.items()
        for uid in uids
        if Holding(album_holder(album), study, uid) not in claimed
    ]
    found = contents_of(held, holdings.catalogue.series(held))
    if not caller.acts_as_user:
        return _brief(row, found)
    member = MemberRow(album, caller.user, **asdict(then.members[caller.user]))
    numbers = Counts(len(then.members), counts.comments, found)
    return album_json(AlbumOverview(row, member), numbers)


def one_album_json(holdings: Holdings, viewer: UserId, album: AlbumId) -> dict[str, Any]:
    """The album object of one album, as a member sees it.

    Raises:
        AlbumNotFound: no such album, or the viewer is not a member of it.
    """
    one = overview(holdings.albums.index, viewer, album)
    return album_json(one, counts(holdings, viewer, [one])[album])


def created_album_json(created: RecordedEvent[Any]) -> dict[str, Any]:
    """The album object for its creator as of the event that created it, made from the rows of that event."""
    rows = {type(one.row): one.row for one in changes(created) if isinstance(one, Put)}
    album, member = rows[AlbumRow], rows[MemberRow]
    assert isinstance(album, AlbumRow)
    assert isinstance(member, MemberRow)
    return album_json(AlbumOverview(album, member), Counts(1, 0, contents_of((), {})))


def members_json(index: Index, people: People, album: AlbumId) -> list[dict[str, Any]]:
    """The members of an album, in the order of `people_of`."""
    rows = index.rows(MemberRow, {"album_id": album})
    return people_of({UserId(row.sub): row.is_admin for row in rows}, people)


def members_of(then: Album, people: People) -> list[dict[str, Any]]:
    """The members of an album of the past, in the order of `people_of`."""
    return people_of({user: one.is_admin for user, one in then.members.items()}, people)
