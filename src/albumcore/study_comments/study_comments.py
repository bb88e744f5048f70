"""The comments on a study: state and the one decision (stream ``study-<uid>``)."""

from __future__ import annotations

from collections.abc import Collection

from attrs import frozen

from albumcore.errors import Forbidden, StudyNotFound, UserNotFound
from albumcore.ids import UserId
from albumcore.kernel import Act
from albumcore.study_comments.events import StudyCommentPosted
from albumcore.text import check_comment


@frozen
class StudyComments:
    """What is said of a study. Nothing is kept of it: the history is all there is."""

    def post_comment(
        self, act: Act, viewers: Collection[UserId], comment: str, target: UserId | None = None
    ) -> tuple[StudyCommentPosted, ...]:
        """Say something to all who can see the study, or to one of them in private (Kheops API 7.4).

        Args:
            act: Who decides, and when.
            viewers: Those, of the source and the target, who can see the study now: it has a series in their
                inbox, or in an album of theirs. That is nothing the history of the study knows.
            comment: What is said.
            target: The one it is said to, oneself included; None for all.

        Raises:
            Forbidden: not a user in person.
            StudyNotFound: the source cannot see the study.
            Invalid: the comment is empty or longer than 1024 characters.
            UserNotFound: the target cannot see the study.
        """
        if not act.source.in_person:
            raise Forbidden("only a user in person does this")
        if act.user not in viewers:
            raise StudyNotFound("no such study, or you cannot see it")
        check_comment(comment)
        if target is not None and target not in viewers:
            raise UserNotFound("the user cannot see the study")
        return (StudyCommentPosted(comment, target),)
