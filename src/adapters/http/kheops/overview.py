"""Albums as their members see them (Kheops API 3): made from index rows and the catalogue, never by replaying."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import frozen

from adapters.deployment import Deployment
from adapters.http.kheops.answers import local_time
from adapters.http.kheops.render import people_of
from albumcore import album_stream
from albumcore.errors import AlbumNotFound
from albumcore.ids import AlbumId, SeriesUID, UserId
from albumcore.index import AlbumRow, MemberRow, SeriesRow


@frozen
class Overview:
    """An album that a user is a member of.

    Attributes:
        row: The album.
        member: The user's own membership.
    """

    row: AlbumRow
    member: MemberRow


@frozen
class Counts:
    """What there is in an album. Series of which nothing is known but their UID do not count."""

    modalities: Sequence[str]
    users: int
    comments: int
    studies: int
    series: int
    instances: int


def overviews(deployment: Deployment, viewer: UserId) -> list[Overview]:
    """Every album that the viewer is a member of."""
    rows = deployment.albums.index.rows
    members = {member.album_id: member for member in rows(MemberRow, {"sub": viewer})}
    return [
        Overview(row, members[row.album_id]) for row in rows(AlbumRow, {"album_id": list(members)})
    ]


def overview(deployment: Deployment, viewer: UserId, album: AlbumId) -> Overview:
    """One album, as the viewer sees it.

    Raises:
        AlbumNotFound: no such album, or the viewer is not a member of it.
    """
    rows = deployment.albums.index.rows
    members = rows(MemberRow, {"album_id": album, "sub": viewer})
    albums = rows(AlbumRow, {"album_id": album})
    if not members or not albums:
        raise AlbumNotFound("no such album, or you are not a member of it")
    return Overview(albums[0], members[0])


def counts(
    deployment: Deployment, viewer: UserId, albums: Iterable[Overview]
) -> Mapping[str, Counts]:
    """What there is in each of some albums, by album id; of comments, those that the viewer can see."""
    ids = [AlbumId(one.row.album_id) for one in albums]
    index = deployment.albums.index
    streams = {one: album_stream(one).name for one in ids}
    comments = index.visible_comments(list(streams.values()), viewer)
    users = dict.fromkeys(ids, 0)
    for member in index.rows(MemberRow, {"album_id": ids}):
        users[AlbumId(member.album_id)] += 1
    held: dict[str, list[SeriesUID]] = {one: [] for one in ids}
    for series in index.rows(SeriesRow, {"album_id": ids}):
        held[series.album_id].append(SeriesUID(series.series_uid))
    facts = deployment.catalogue.facts({uid for uids in held.values() for uid in uids})
    found: dict[str, Counts] = {}
    for one in ids:
        populated = [facts[uid] for uid in held[one] if uid in facts and facts[uid].populated]
        found[one] = Counts(
            sorted({series.modality for series in populated if series.modality}),
            users[one],
            comments.get(streams[one], 0),
            len({series.study_uid for series in populated}),
            len(populated),
            sum(series.instances for series in populated),
        )
    return found


def album_json(one: Overview, held: Counts) -> dict[str, Any]:
    """The album object."""
    row, member = one.row, one.member
    return {
        "album_id": row.album_id,
        "name": row.name,
        "description": row.description,
        "modalities": held.modalities,
        "created_time": local_time(row.created_at),
        "last_event_time": local_time(row.last_event_at),
        "number_of_users": held.users,
        "number_of_comments": held.comments,
        "number_of_studies": held.studies,
        "number_of_series": held.series,
        "number_of_instances": held.instances,
        "add_user": row.add_user,
        "download_series": row.download_series,
        "send_series": row.send_series,
        "delete_series": row.delete_series,
        "add_series": row.add_series,
        "write_comments": row.write_comments,
        "is_favorite": False,  # nobody can have favourites yet
        "notification_new_series": member.notification_new_series,
        "notification_new_comment": member.notification_new_comment,
        "is_admin": member.is_admin,
    }


def one_album_json(
    deployment: Deployment, viewer: UserId, album: AlbumId, *, with_users: bool = False
) -> dict[str, Any]:
    """The album object of one album, with its members if wanted.

    Raises:
        AlbumNotFound: no such album, or the viewer is not a member of it.
    """
    one = overview(deployment, viewer, album)
    found = album_json(one, counts(deployment, viewer, [one])[album])
    if with_users:
        found["users"] = members_json(deployment, album)
    return found


def members_json(deployment: Deployment, album: AlbumId) -> list[dict[str, Any]]:
    """The members of an album, by e-mail address."""
    rows = deployment.albums.index.rows(MemberRow, {"album_id": album})
    return people_of({UserId(row.sub): row.is_admin for row in rows}, deployment.people)
