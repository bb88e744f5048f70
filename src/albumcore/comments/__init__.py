"""Comments on a study, which belong to no album (stream ``study-<uid>``)."""

from albumcore.comments.events import StudyCommentPosted
from albumcore.comments.study import StudyComments

__all__ = ["StudyCommentPosted", "StudyComments"]
