"""Comments on a study, which belong to no album: state, event, decision (stream ``study-<uid>``; Kheops API 7.4)."""

from __future__ import annotations

from collections.abc import Collection

from attrs import field, frozen

from albumcore.errors import StudyNotFound, UserNotFound
from albumcore.ids import UserId
from albumcore.kernel import PERSONAL, Act, Erased, require_in_person, stored
from albumcore.text import check_comment

__all__ = ["StudyCommentPosted", "StudyComments", "post_study_comment"]


@frozen
class StudyComments:
    """State of the comments on a study. It is empty, because no rule depends on a comment."""


@stored("study.comment_posted")
@frozen
class StudyCommentPosted:
    """The source wrote a comment: to all who can see the study, or to one target in private."""

    comment: str | Erased = field(metadata=PERSONAL)
    target: UserId | None = None

    def evolve(self, comments: StudyComments, act: Act) -> StudyComments:
        """The state does not change."""
        return comments


def post_study_comment(
    comments: StudyComments,
    act: Act,
    viewers: Collection[UserId],
    comment: str,
    target: UserId | None = None,
) -> tuple[StudyCommentPosted, ...]:
    """Post a comment to all who can see the study, or in private to one of them (Kheops API 7.4).

    Args:
        comments: The state.
        act: Source and time.
        viewers: Of the source and the target, those who can see the study now: it has a series in their inbox or in
            one of their albums. The stream of the study does not know that.
        comment: 1 to 1024 characters.
        target: The reader of a private comment, oneself included; None for all.

    Raises:
        Forbidden: the source is not a user in person.
        StudyNotFound: the source cannot see the study.
        Invalid: the comment is empty or longer than 1024 characters.
        UserNotFound: the target cannot see the study.
    """
    require_in_person(act)
    if act.user not in viewers:
        raise StudyNotFound("no such study, or you cannot see it")
    check_comment(comment)
    if target is not None and target not in viewers:
        raise UserNotFound("the user cannot see the study")
    return (StudyCommentPosted(comment, target),)
