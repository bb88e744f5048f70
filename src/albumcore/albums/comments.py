"""Comments in an album, to all members or to one of them in private (Kheops API 7.2)."""

from __future__ import annotations

from attrs import field, frozen

from albumcore.albums.album import Album, Permission
from albumcore.errors import Forbidden, Invalid
from albumcore.ids import UserId
from albumcore.kernel import PERSONAL, Act, Erased, require_in_person, stored
from albumcore.text import check_comment

__all__ = ["CommentPosted", "CommentWithdrawn", "post_comment"]


@stored("album.comment_posted")
@frozen
class CommentPosted:
    """The source wrote a comment: to all members, or to one target in private."""

    comment: str | Erased = field(metadata=PERSONAL)
    target: UserId | None = None

    def evolve(self, album: Album, act: Act) -> Album:
        """The state does not change: no rule of an album depends on a comment."""
        return album


@stored("album.comment_withdrawn")
@frozen
class CommentWithdrawn:
    """The comment of a version was withdrawn, by its author or by an admin. Its text is still in the history."""

    version: int

    def evolve(self, album: Album, act: Act) -> Album:
        """The state does not change: no rule of an album depends on a comment."""
        return album


def post_comment(
    album: Album, act: Act, comment: str, target: UserId | None = None
) -> tuple[CommentPosted, ...]:
    """Post a comment to all members, or in private to one of them, oneself included (Kheops API 7.2).

    Raises:
        AlbumNotFound, Forbidden: see `Album.require`.
        Invalid: the comment is empty or longer than 1024 characters.
        MemberNotFound: the target is not a member.
    """
    album.require(act, Permission.WRITE_COMMENT)
    check_comment(comment)
    if target is not None:
        album.membership(target)
    return (CommentPosted(comment, target),)


def withdraw_comment(album: Album, act: Act, author: UserId) -> tuple[CommentWithdrawn, ...]:
    """Withdraw the comment that the act takes back; its author and the admins may.

    Args:
        album: The album.
        act: Source and time, and in ``undoes`` the version of the comment.
        author: Who wrote the comment. The state of the album does not know that.

    Raises:
        AlbumNotFound: the source is not a member.
        Forbidden: they are neither the author nor an admin, or not a user in person.
        Invalid: the act takes nothing back.
    """
    member = album.own_membership(act)
    require_in_person(act)
    if act.user != author and not member.is_admin:
        raise Forbidden("only its author and the admins withdraw a comment")
    if act.undoes is None:
        raise Invalid("undoes", "the version of the comment is expected")
    return (CommentWithdrawn(act.undoes),)
