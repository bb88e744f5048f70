"""Comments in an album, to all members or to one of them in private (Kheops API 7.2)."""

from __future__ import annotations

from attrs import frozen

from albumcore.albums.album import Album, Permission
from albumcore.ids import UserId
from albumcore.kernel import Act, stored
from albumcore.text import check_comment

__all__ = ["CommentPosted", "post_comment"]


@stored("album.comment_posted")
@frozen
class CommentPosted:
    """The source wrote a comment: to all members, or to one target in private."""

    comment: str
    target: UserId | None = None

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
