"""Events of the album itself, its members, and what they say to each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from albumcore.albums.values import Member, MemberFlags, Phase
from albumcore.ids import UserId
from albumcore.kernel import Act, assoc, changed, dissoc, stored

if TYPE_CHECKING:
    from albumcore.albums.album import Album


@stored("album.created")
@frozen
class AlbumCreated:
    """The source opened the album, and is its first member and admin."""

    name: str
    description: str
    flags: MemberFlags

    def evolve(self, state: Album, act: Act) -> Album:
        """The album is open, with one member."""
        return changed(
            state,
            phase=Phase.OPEN,
            name=self.name,
            description=self.description,
            flags=self.flags,
            created_at=act.at,
            members={act.user: Member(is_admin=True)},
        )


@stored("album.edited")
@frozen
class AlbumEdited:
    """An admin set some of name, description and member flags; what is None stayed."""

    name: str | None = None
    description: str | None = None
    flags: MemberFlags | None = None

    def evolve(self, state: Album, act: Act) -> Album:
        """What was set holds from now on."""
        return changed(
            state,
            name=state.name if self.name is None else self.name,
            description=state.description if self.description is None else self.description,
            flags=state.flags if self.flags is None else self.flags,
        )


@stored("album.deleted")
@frozen
class AlbumDeleted:
    """An admin deleted the album, or its last member left it."""

    def evolve(self, state: Album, act: Act) -> Album:
        """Nothing of it is left to anybody."""
        return type(state)(phase=Phase.DELETED, created_at=state.created_at)


@stored("album.notifications_set")
@frozen
class NotificationsSet:
    """The source chose which news of the album to be told of."""

    new_series: bool
    new_comment: bool

    def evolve(self, state: Album, act: Act) -> Album:
        """The member's own settings hold from now on."""
        member = changed(
            state.members[act.user],
            notification_new_series=self.new_series,
            notification_new_comment=self.new_comment,
        )
        return changed(state, members=assoc(state.members, act.user, member))


@stored("album.favorite_set")
@frozen
class FavoriteSet:
    """The source chose whether the album is one of its own favourites; no other member learns of it."""

    is_favorite: bool

    def evolve(self, state: Album, act: Act) -> Album:
        """The member's own choice holds from now on."""
        member = changed(state.members[act.user], is_favorite=self.is_favorite)
        return changed(state, members=assoc(state.members, act.user, member))


@stored("album.member_left")
@frozen
class MemberLeft:
    """The source is no longer a member, by its own wish."""

    def evolve(self, state: Album, act: Act) -> Album:
        """One member fewer."""
        return changed(state, members=dissoc(state.members, act.user))


@stored("album.member_added")
@frozen
class MemberAdded:
    """The target is a plain member."""

    target: UserId

    def evolve(self, state: Album, act: Act) -> Album:
        """One member more."""
        return changed(state, members=assoc(state.members, self.target, Member()))


@stored("album.admin_added")
@frozen
class AdminAdded:
    """The target is a member, and an admin from the start."""

    target: UserId

    def evolve(self, state: Album, act: Act) -> Album:
        """One admin more."""
        return changed(state, members=assoc(state.members, self.target, Member(is_admin=True)))


@stored("album.member_removed")
@frozen
class MemberRemoved:
    """An admin took the target out of the album."""

    target: UserId

    def evolve(self, state: Album, act: Act) -> Album:
        """One member fewer."""
        return changed(state, members=dissoc(state.members, self.target))


@stored("album.member_promoted")
@frozen
class MemberPromoted:
    """The target, a plain member until now, is an admin."""

    target: UserId

    def evolve(self, state: Album, act: Act) -> Album:
        """The same members, one admin more."""
        return _with_right(state, self.target, is_admin=True)


@stored("album.admin_demoted")
@frozen
class AdminDemoted:
    """The target, an admin until now, is a plain member."""

    target: UserId

    def evolve(self, state: Album, act: Act) -> Album:
        """The same members, one admin fewer."""
        return _with_right(state, self.target, is_admin=False)


def _with_right(state: Album, target: UserId, *, is_admin: bool) -> Album:
    member = changed(state.members[target], is_admin=is_admin)
    return changed(state, members=assoc(state.members, target, member))


@stored("album.comment_posted")
@frozen
class CommentPosted:
    """The source wrote a comment: to all members, or to one target in private."""

    comment: str
    target: UserId | None = None

    def evolve(self, state: Album, act: Act) -> Album:
        """The album's rules do not depend on what was said."""
        return state
