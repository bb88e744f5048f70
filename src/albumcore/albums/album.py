"""The album: its state, and one decision for each thing that can happen to it (stream ``album-<id>``).

Every decision checks in the same order: is the album there for the source, may the source do this, are the
values sound, does it fit the state. A decision that would change nothing returns no events; where the
contract wants an event all the same, the docstring says so.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve, fields_dict, frozen

from albumcore.albums import events as happened
from albumcore.albums.events import Decided
from albumcore.albums.providers import ReportProviders
from albumcore.albums.state import in_person, not_oneself
from albumcore.albums.studies import Studies
from albumcore.albums.tokens import AlbumTokens
from albumcore.albums.values import (
    MemberFlags,
    Permission,
    Phase,
    check_description,
    check_name,
)
from albumcore.albums.webhooks import Webhooks
from albumcore.errors import AlbumExists, Forbidden, Invalid, MemberNotFound
from albumcore.ids import UserId, user_id
from albumcore.kernel import Act
from albumcore.text import check_comment


@frozen(slots=False)
class Album(Studies, ReportProviders, AlbumTokens, Webhooks):
    """An album and what can be decided about it. ``Album()`` is one that was not created yet."""

    # The album itself

    def create(
        self, act: Act, name: str, description: str = "", flags: MemberFlags | None = None
    ) -> Decided:
        """Open the album; its creator is the only member, and an admin (Kheops API 3.3).

        Raises:
            AlbumExists: the id was used before.
            Forbidden: not a user in person.
            Invalid: name or description break their limits.
        """
        if self.phase is not Phase.NEW:
            raise AlbumExists("this album id was used before")
        in_person(act)
        checked = check_name(name), check_description(description)
        return (happened.AlbumCreated(*checked, flags or MemberFlags()),)

    def edit(
        self,
        act: Act,
        name: str | None = None,
        description: str | None = None,
        flags: Mapping[str, bool] | None = None,
        notification_new_series: bool | None = None,
        notification_new_comment: bool | None = None,
    ) -> Decided:
        """Change what is given, and leave what is None (Kheops API 3.4).

        Admins may change everything, and every edit of theirs is recorded, even one that changes nothing: the
        contract wants it. Other members may set their own notifications only.

        Raises:
            AlbumNotFound, Forbidden: see `require`; a plain member touches what is the admins'.
            Invalid: name or description break their limits, or a flag is unknown.
        """
        self.require(act, Permission.EDIT_ALBUM)
        member = self._member(act.user)
        if not member.is_admin and not (name is None and description is None and not flags):
            raise Forbidden("members who are not admins may change their notifications only")
        for flag, value in (flags or {}).items():
            if flag not in fields_dict(MemberFlags) or not isinstance(value, bool):
                raise Invalid(flag, "no such member flag, or neither true nor false")
        edited = happened.AlbumEdited(
            None if name is None else check_name(name),
            None if description is None else check_description(description),
            evolve(self.flags, **flags) if flags else None,
        )
        told = (member.notification_new_series, member.notification_new_comment)
        wanted = (
            told[0] if notification_new_series is None else notification_new_series,
            told[1] if notification_new_comment is None else notification_new_comment,
        )
        return (
            *((edited,) if member.is_admin else ()),
            *((happened.NotificationsSet(*wanted),) if wanted != told else ()),
        )

    def set_favorite(self, act: Act, is_favorite: bool) -> Decided:
        """Make the album one of one's own favourites, or one no more (Kheops API 6). Nobody else learns of it.

        Raises:
            AlbumNotFound: see `require`.
            Forbidden: not a user in person.
        """
        in_person(act)
        member = self._member(act.user)
        return () if member.is_favorite == is_favorite else (happened.FavoriteSet(is_favorite),)

    def delete(self, act: Act) -> Decided:
        """End the album for everybody (Kheops API 3.5). Studies stay wherever else they are.

        Raises:
            AlbumNotFound, Forbidden: see `require`.
        """
        self.require(act, Permission.DELETE_ALBUM)
        return (happened.AlbumDeleted(),)

    # Members

    def add_member(self, act: Act, target: UserId) -> Decided:
        """Make the target a member (Kheops API 5). Who is one already stays what he is, and nothing is recorded.

        Raises:
            AlbumNotFound, Forbidden: see `require`; nobody adds himself.
            Invalid: the target is no sub.
        """
        self.require(act, Permission.ADD_USER)
        not_oneself(act, user_id(target))
        return () if target in self.members else (happened.MemberAdded(target),)

    def add_admin(self, act: Act, target: UserId) -> Decided:
        """Make the target an admin: add a stranger as one, or promote a member (Kheops API 5).

        Raises:
            AlbumNotFound, Forbidden: see `require`; nobody adds himself.
            Invalid: the target is no sub.
        """
        if target in self.members:
            return self.promote_member(act, target)
        self.require(act, Permission.ADD_ADMIN)
        not_oneself(act, user_id(target))
        return (happened.AdminAdded(target),)

    def promote_member(self, act: Act, target: UserId) -> Decided:
        """Make a member an admin (Kheops API 5). Capability tokens that an earlier demotion revoked stay so.

        Raises:
            AlbumNotFound, Forbidden: see `require`; nobody promotes himself.
            MemberNotFound: the target is not a member.
        """
        self.require(act, Permission.ADD_ADMIN)
        not_oneself(act, target)
        return () if self._target(target).is_admin else (happened.MemberPromoted(target),)

    def demote_admin(self, act: Act, target: UserId) -> Decided:
        """Make an admin a plain member, and take back the tokens he made for this album (Kheops API 5).

        One may demote oneself, and the last admin too.

        Raises:
            AlbumNotFound, Forbidden: see `require`.
            MemberNotFound: the target is not a member, or not an admin.
        """
        self.require(act, Permission.REMOVE_ADMIN)
        if not self._target(target).is_admin:
            raise MemberNotFound("the user is not an admin of the album")
        return (happened.AdminDemoted(target), *self._revocations(act, target))

    def remove_member(self, act: Act, target: UserId) -> Decided:
        """Take the target out; whoever names himself leaves (Kheops API 5).

        Raises:
            AlbumNotFound: see `require`.
            MemberNotFound: the target is not a member. This comes before the next.
            Forbidden: only an admin removes somebody else.
        """
        self.require(act, Permission.REMOVE_USER)
        if target == act.user:
            return self.leave(act)
        self._target(target)
        if not self._member(act.user).is_admin:
            raise Forbidden("only an admin removes somebody else")
        return (happened.MemberRemoved(target), *self._revocations(act, target))

    def leave(self, act: Act) -> Decided:
        """Leave the album; with its last member it ends, admin or not (Kheops API 5).

        Raises:
            AlbumNotFound, Forbidden: see `require`.
        """
        self.require(act, Permission.REMOVE_USER)
        if len(self.members) == 1:
            return (happened.AlbumDeleted(),)
        return (happened.MemberLeft(), *self._revocations(act, act.user))

    # Comments

    def post_comment(self, act: Act, comment: str, target: UserId | None = None) -> Decided:
        """Say something to all members, or to one of them in private, oneself included (Kheops API 7.2).

        Raises:
            AlbumNotFound, Forbidden: see `require`.
            Invalid: the comment is empty or longer than 1024 characters.
            MemberNotFound: the target is not a member.
        """
        self.require(act, Permission.WRITE_COMMENT)
        check_comment(comment)
        if target is not None:
            self._target(target)
        return (happened.CommentPosted(comment, target),)
