"""The one event of the comments on a study. The name in ``@stored`` is the storage format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from albumcore.ids import UserId
from albumcore.kernel import Act, stored

if TYPE_CHECKING:
    from albumcore.study_comments.study_comments import StudyComments


@stored("study.comment_posted")
@frozen
class StudyCommentPosted:
    """The source wrote a comment: to all who can see the study, or to one target in private."""

    comment: str
    target: UserId | None = None

    def evolve(self, state: StudyComments, act: Act) -> StudyComments:
        """No rule depends on what was said."""
        return state
