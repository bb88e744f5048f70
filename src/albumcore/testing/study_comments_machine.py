"""The state machine of comments on studies: two studies, which users can see at some times only."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from albumcore.ids import StudyUID, UserId
from albumcore.kernel import Source
from albumcore.streams import study_stream
from albumcore.study_comments import StudyComments, post_study_comment
from albumcore.testing.arguments import CAST, mostly, study_comment_arguments
from albumcore.testing.machines import StoreMachine

__all__ = [
    "STUDIES",
    "StudyCommentsMachine",
]


STUDIES: tuple[StudyUID, ...] = tuple(dict.fromkeys(study for study, _ in CAST.series))

_study = st.sampled_from(STUDIES)
_user = st.sampled_from(CAST.users)
_source = mostly(
    st.sampled_from(CAST.users).map(Source),
    *(source for source in CAST.sources() if not source.in_person),
)
_said = study_comment_arguments(CAST)[post_study_comment].map(lambda args: args[1:])


class StudyCommentsMachine(StoreMachine[StudyComments]):
    """Posts comments on studies, to all or in private, while users gain and lose access to them.

    Attributes:
        viewers: Who can see each study now.
    """

    def __init__(self) -> None:
        super().__init__()
        self.viewers: dict[StudyUID, set[UserId]] = {study: set(CAST.users) for study in STUDIES}

    @rule(study=_study, user=_user)
    def come_into_sight(self, study: StudyUID, user: UserId) -> None:
        """The user can see the study from now on."""
        self.viewers[study].add(user)

    @rule(study=_study, user=_user)
    def go_out_of_sight(self, study: StudyUID, user: UserId) -> None:
        """The user cannot see the study any more."""
        self.viewers[study].discard(user)

    @rule(study=_study, source=_source, args=_said)
    def post_comment(self, study: StudyUID, source: Source, args: tuple[Any, ...]) -> None:
        """Post a comment to all, or in private to any user, the author included."""
        viewers = frozenset(self.viewers[study])
        self.attempt(study_stream(study), source, post_study_comment, viewers, *args)
