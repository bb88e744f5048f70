"""Comments on a study, which belong to no album (stream ``study-<uid>``)."""

from albumcore.study_comments.events import StudyCommentPosted
from albumcore.study_comments.study_comments import StudyComments

__all__ = ["StudyCommentPosted", "StudyComments"]
