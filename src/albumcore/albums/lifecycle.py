"""Life of an album: it is created, edited and deleted, and each member sets what is theirs (Kheops API 3 and 6)."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve, field, fields_dict, frozen

from albumcore.albums.album import Album, Permission
from albumcore.albums.values import Member, MemberFlags, Phase, check_description, check_name
from albumcore.errors import AlbumExists, Forbidden, Invalid
from albumcore.kernel import PERSONAL, Act, Erased, changed, require_in_person, stored

__all__ = [
    "AlbumCreated",
    "AlbumDeleted",
    "AlbumEdited",
    "FavoriteSet",
    "NotificationsSet",
    "create_album",
    "delete_album",
    "edit_album",
    "set_favorite",
]


@stored("album.created")
@frozen
class AlbumCreated:
    """The source opened the album, and is its first member and admin."""

    name: str | Erased = field(metadata=PERSONAL)
    description: str | Erased = field(metadata=PERSONAL)
    flags: MemberFlags

    def evolve(self, album: Album, act: Act) -> Album:
        """The album is open and has one member."""
        return changed(
            album,
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
    """An admin set some of name, description and member flags; None stands for no change."""

    name: str | Erased | None = field(default=None, metadata=PERSONAL)
    description: str | Erased | None = field(default=None, metadata=PERSONAL)
    flags: MemberFlags | None = None

    def evolve(self, album: Album, act: Act) -> Album:
        """The values that were set replace the old ones."""
        return changed(
            album,
            name=album.name if self.name is None else self.name,
            description=album.description if self.description is None else self.description,
            flags=album.flags if self.flags is None else self.flags,
        )


@stored("album.deleted")
@frozen
class AlbumDeleted:
    """An admin deleted the album, or its last member left it."""

    def evolve(self, album: Album, act: Act) -> Album:
        """The album is deleted, and everything in it is gone."""
        return Album(phase=Phase.DELETED, created_at=album.created_at)


@stored("album.notifications_set")
@frozen
class NotificationsSet:
    """The source set their own notification settings for the album."""

    new_series: bool
    new_comment: bool

    def evolve(self, album: Album, act: Act) -> Album:
        """The member's own settings are replaced."""
        member = changed(
            album.members[act.user],
            notification_new_series=self.new_series,
            notification_new_comment=self.new_comment,
        )
        return album.with_member(act.user, member)


@stored("album.favorite_set")
@frozen
class FavoriteSet:
    """The source chose whether the album is one of their favourites; other members do not see it."""

    is_favorite: bool

    def evolve(self, album: Album, act: Act) -> Album:
        """The member's own choice is replaced."""
        member = changed(album.members[act.user], is_favorite=self.is_favorite)
        return album.with_member(act.user, member)


def create_album(
    album: Album, act: Act, name: str, description: str = "", flags: MemberFlags | None = None
) -> tuple[AlbumCreated, ...]:
    """Create the album. Its creator is the only member, and an admin (Kheops API 3.3).

    Raises:
        AlbumExists: the id was used before.
        Forbidden: the source is not a user in person.
        Invalid: name or description break their limits.
    """
    if album.phase is not Phase.NEW:
        raise AlbumExists("this album id was used before")
    require_in_person(act)
    checked = check_name(name), check_description(description)
    return (AlbumCreated(*checked, flags or MemberFlags()),)


def edit_album(
    album: Album,
    act: Act,
    name: str | None = None,
    description: str | None = None,
    flags: Mapping[str, bool] | None = None,
    notification_new_series: bool | None = None,
    notification_new_comment: bool | None = None,
) -> tuple[AlbumEdited | NotificationsSet, ...]:
    """Change the values that are given; None leaves a value as it is (Kheops API 3.4).

    Admins may change everything, and each of their edits is recorded, even one that changes nothing, as the API
    wants. Other members may set their own notifications only.

    Raises:
        AlbumNotFound, Forbidden: see `Album.require`; a plain member changes more than their notifications.
        Invalid: name or description break their limits, or a flag is unknown.
    """
    album.require(act, Permission.EDIT_ALBUM)
    member = album.own_membership(act)
    if not member.is_admin and not (name is None and description is None and not flags):
        raise Forbidden(
            "members who are not admins may change their notifications only", rule="own_settings"
        )
    for flag, value in (flags or {}).items():
        if flag not in fields_dict(MemberFlags) or not isinstance(value, bool):
            raise Invalid(flag, "no such member flag, or neither true nor false")
    edited = AlbumEdited(
        None if name is None else check_name(name),
        None if description is None else check_description(description),
        evolve(album.flags, **flags) if flags else None,
    )
    old = (member.notification_new_series, member.notification_new_comment)
    new = (
        old[0] if notification_new_series is None else notification_new_series,
        old[1] if notification_new_comment is None else notification_new_comment,
    )
    return (
        *((edited,) if member.is_admin else ()),
        *((NotificationsSet(*new),) if new != old else ()),
    )


def set_favorite(album: Album, act: Act, is_favorite: bool) -> tuple[FavoriteSet, ...]:
    """Make the album a favourite of the source, or not (Kheops API 6). Other members do not see it.

    Raises:
        AlbumNotFound: see `Album.own_membership`.
        Forbidden: the source is not a user in person.
    """
    require_in_person(act)
    member = album.own_membership(act)
    return () if member.is_favorite == is_favorite else (FavoriteSet(is_favorite),)


def delete_album(album: Album, act: Act) -> tuple[AlbumDeleted, ...]:
    """Delete the album for all members (Kheops API 3.5). Its studies stay in other albums and inboxes.

    Raises:
        AlbumNotFound, Forbidden: see `Album.require`.
    """
    album.require(act, Permission.DELETE_ALBUM)
    return (AlbumDeleted(),)
