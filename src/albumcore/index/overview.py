"""The albums of a user, from index rows, without a replay."""

from __future__ import annotations

from attrs import frozen

from albumcore.ids import AlbumId, UserId
from albumcore.index.rows import AlbumRow, Index, MemberRow


@frozen
class AlbumOverview:
    """An album that a user is a member of.

    Attributes:
        row: The album: its name, its description, its times (UTC) and what members may do.
        member: The user's own membership: ``is_admin``, ``is_favorite`` and the notifications.
    """

    row: AlbumRow
    member: MemberRow

    @property
    def album_id(self) -> AlbumId:
        """Which album it is."""
        return AlbumId(self.row.album_id)


def albums_of(index: Index, user: UserId) -> list[AlbumOverview]:
    """Every album that a user is a member of, by album id."""
    members = {member.album_id: member for member in index.rows(MemberRow, {"sub": user})}
    return [
        AlbumOverview(row, members[row.album_id])
        for row in index.rows(AlbumRow, {"album_id": list(members)})
    ]
