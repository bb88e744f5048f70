"""Members of an album: who joins, leaves, and becomes an admin (Kheops API 5)."""

from __future__ import annotations

from attrs import frozen

from albumcore.albums.album import Album, Permission
from albumcore.albums.capability_tokens import CapabilityTokenRevoked, revocations
from albumcore.albums.lifecycle import AlbumDeleted
from albumcore.albums.values import Member
from albumcore.errors import Forbidden, Invalid, MemberNotFound
from albumcore.ids import UserId, user_id
from albumcore.kernel import Act, changed, stored

__all__ = [
    "AdminAdded",
    "AdminDemoted",
    "MemberAdded",
    "MemberLeft",
    "MemberPromoted",
    "MemberRemoved",
    "MemberSettingsRestored",
    "add_admin",
    "add_member",
    "demote_admin",
    "leave_album",
    "promote_member",
    "remove_member",
]


@stored("album.member_left")
@frozen
class MemberLeft:
    """The source left the album."""

    def evolve(self, album: Album, act: Act) -> Album:
        """The source is no longer a member."""
        return album.without_member(act.user)


@stored("album.member_added")
@frozen
class MemberAdded:
    """The target joined as a plain member."""

    target: UserId

    def evolve(self, album: Album, act: Act) -> Album:
        """The target is a plain member."""
        return album.with_member(self.target, Member())


@stored("album.admin_added")
@frozen
class AdminAdded:
    """The target joined as an admin."""

    target: UserId

    def evolve(self, album: Album, act: Act) -> Album:
        """The target is an admin."""
        return album.with_member(self.target, Member(is_admin=True))


@stored("album.member_removed")
@frozen
class MemberRemoved:
    """An admin removed the target from the album."""

    target: UserId

    def evolve(self, album: Album, act: Act) -> Album:
        """The target is no longer a member."""
        return album.without_member(self.target)


@stored("album.member_settings_restored")
@frozen
class MemberSettingsRestored:
    """The removal of the target was taken back, and their own settings are as they were before it."""

    target: UserId
    notification_new_series: bool
    notification_new_comment: bool
    is_favorite: bool

    def evolve(self, album: Album, act: Act) -> Album:
        """The target has these settings; their role stays."""
        member = Member(
            album.members[self.target].is_admin,
            self.notification_new_series,
            self.notification_new_comment,
            self.is_favorite,
        )
        return album.with_member(self.target, member)


@stored("album.member_promoted")
@frozen
class MemberPromoted:
    """The target, a plain member before, is an admin."""

    target: UserId

    def evolve(self, album: Album, act: Act) -> Album:
        """The target is an admin; their own settings stay."""
        return album.with_member(self.target, changed(album.members[self.target], is_admin=True))


@stored("album.admin_demoted")
@frozen
class AdminDemoted:
    """The target, an admin before, is a plain member."""

    target: UserId

    def evolve(self, album: Album, act: Act) -> Album:
        """The target is a plain member; their own settings stay."""
        return album.with_member(self.target, changed(album.members[self.target], is_admin=False))


def add_member(album: Album, act: Act, target: UserId) -> tuple[MemberAdded, ...]:
    """Add a user as a plain member (Kheops API 5). Idempotent: a member keeps their role, nothing is recorded.

    Raises:
        AlbumNotFound, Forbidden: see `Album.require`; the source names itself.
        Invalid: ``target`` is not a valid subject identifier.
    """
    album.require(act, Permission.ADD_USER)
    _require_another(act, user_id(target))
    return () if target in album.members else (MemberAdded(target),)


def add_admin(album: Album, act: Act, target: UserId) -> tuple[AdminAdded | MemberPromoted, ...]:
    """Make a user an admin: add a new one, or promote a member (Kheops API 5).

    Raises:
        AlbumNotFound, Forbidden: see `Album.require`; the source names itself.
        Invalid: ``target`` is not a valid subject identifier.
    """
    if target in album.members:
        return promote_member(album, act, target)
    album.require(act, Permission.ADD_ADMIN)
    _require_another(act, user_id(target))
    return (AdminAdded(target),)


def promote_member(album: Album, act: Act, target: UserId) -> tuple[MemberPromoted, ...]:
    """Make a member an admin (Kheops API 5). Capability tokens revoked by an earlier demotion stay revoked.

    Raises:
        AlbumNotFound, Forbidden: see `Album.require`; the source names itself.
        MemberNotFound: the target is not a member.
    """
    album.require(act, Permission.ADD_ADMIN)
    _require_another(act, target)
    return () if album.membership(target).is_admin else (MemberPromoted(target),)


def demote_admin(
    album: Album, act: Act, target: UserId
) -> tuple[AdminDemoted | CapabilityTokenRevoked, ...]:
    """Make an admin a plain member, and revoke the capability tokens they made for this album (Kheops API 5).

    Admins may demote themselves, the last one too.

    Raises:
        AlbumNotFound, Forbidden: see `Album.require`.
        MemberNotFound: the target is not a member, or not an admin.
    """
    album.require(act, Permission.REMOVE_ADMIN)
    if not album.membership(target).is_admin:
        raise MemberNotFound("the user is not an admin of the album")
    return (AdminDemoted(target), *revocations(album, act, target))


def remove_member(
    album: Album, act: Act, target: UserId
) -> tuple[MemberRemoved | MemberLeft | AlbumDeleted | CapabilityTokenRevoked, ...]:
    """Remove the target; members who name themselves leave (Kheops API 5).

    Raises:
        AlbumNotFound: see `Album.require`.
        MemberNotFound: the target is not a member. It is checked before the next.
        Forbidden: only an admin removes another member.
    """
    album.require(act, Permission.REMOVE_USER)
    if target == act.user:
        return leave_album(album, act)
    album.membership(target)
    if not album.own_membership(act).is_admin:
        raise Forbidden("only an admin removes another member", rule="admin_removes")
    return (MemberRemoved(target), *revocations(album, act, target))


def restore_member(
    album: Album, act: Act, target: UserId, member: Member
) -> tuple[MemberAdded | AdminAdded | MemberPromoted | MemberSettingsRestored, ...]:
    """Add a removed user again as the member that they were, with their own settings.

    Only an act that takes back a removal does this: otherwise a member's settings are theirs alone. The capability
    tokens that the removal revoked stay revoked.

    Raises:
        AlbumNotFound, Forbidden: see `Album.require`; the source names itself.
        Invalid: ``target`` is not a valid subject identifier, or the act takes nothing back.
    """
    if act.undoes is None:
        raise Invalid("undoes", "the version of the removal is expected")
    added = (add_admin if member.is_admin else add_member)(album, act, target)
    settings = MemberSettingsRestored(
        target, member.notification_new_series, member.notification_new_comment, member.is_favorite
    )
    has_default_settings = member == Member(is_admin=member.is_admin)
    return added if has_default_settings else (*added, settings)


def leave_album(
    album: Album, act: Act
) -> tuple[MemberLeft | AlbumDeleted | CapabilityTokenRevoked, ...]:
    """Leave the album; it is deleted when its last member leaves, admin or not (Kheops API 5).

    Raises:
        AlbumNotFound, Forbidden: see `Album.require`.
    """
    album.require(act, Permission.REMOVE_USER)
    if len(album.members) == 1:
        return (AlbumDeleted(),)
    return (MemberLeft(), *revocations(album, act, act.user))


def _require_another(act: Act, target: UserId) -> None:
    if target == act.user:
        raise Forbidden("users cannot add or promote themselves", rule="another_user")
