"""Comments on a study, public and private (Kheops API 7.4)."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from albumcore import StudyCommentPosted, post_study_comment
from albumcore.errors import Forbidden, Invalid, StudyNotFound, UserNotFound
from albumcore.ids import UserId
from albumcore.kernel import Source
from albumcore.study_comments import StudyComments
from support.album import BOB, DAVE, KEY, SCRIBE, alice, bob, dave, reporting, through
from support.given import ALICE, Given, given_on

BOTH = frozenset({alice, bob})
say = post_study_comment


def nothing_said() -> Given[StudyComments]:
    """A study of which nothing is said yet."""
    return given_on(StudyComments())


@pytest.mark.parametrize("viewers", [BOTH, [alice], (bob, alice)])
def test_post_comment_to_all(viewers: Collection[UserId]) -> None:
    """Said twice, it is recorded twice, and changes nothing."""
    said = nothing_said().when(say, ALICE, viewers, "Look here")
    assert said.then(StudyCommentPosted("Look here")).state == StudyComments()
    said.then(StudyCommentPosted("Look here")).again().then(StudyCommentPosted("Look here"))


@pytest.mark.parametrize("target", [alice, bob])
def test_post_comment_to_a_viewer_in_private(target: UserId) -> None:
    """To oneself too (Kheops API 14, rule 24)."""
    nothing_said().when(say, ALICE, BOTH, "Psst", target=target).then(
        StudyCommentPosted("Psst", target)
    )


def test_post_comment_on_a_study_one_cannot_see() -> None:
    """Kheops API 14, rule 56; there is no such study for him, whatever he says to whom."""
    nothing_said().when(say, DAVE, BOTH, "Hm").refused(StudyNotFound)
    nothing_said().when(say, DAVE, BOTH, "", bob).refused(StudyNotFound)
    nothing_said().when(say, ALICE, (), "Hm").refused(StudyNotFound)


def test_post_comment_to_who_cannot_see_the_study() -> None:
    """Kheops API 14, rule 24."""
    nothing_said().when(say, ALICE, BOTH, "Psst", dave).refused(UserNotFound)
    nothing_said().when(say, ALICE, BOTH, "", dave).refused(Invalid, "comment")


@pytest.mark.parametrize("text", [" ", "  two lines\n", "c" * 1024, "\U0001f9b4" * 1024])
def test_post_comment_keeps_the_text_as_it_is(text: str) -> None:
    """As on an album."""
    nothing_said().when(say, BOB, BOTH, text).then(StudyCommentPosted(text))


@pytest.mark.parametrize("text", ["", "c" * 1025, "a\x00", "\ud83e"])
def test_post_comment_refuses_other_texts(text: str) -> None:
    """Whether to all or in private."""
    nothing_said().when(say, ALICE, BOTH, text).refused(Invalid, "comment")
    nothing_said().when(say, ALICE, BOTH, text, bob).refused(Invalid, "comment")


@pytest.mark.parametrize("source", [through(KEY), reporting(SCRIBE)])
def test_post_comment_is_for_a_user_in_person(source: Source) -> None:
    """Before anything else is looked at."""
    nothing_said().when(say, source, BOTH, "Hm").refused(Forbidden)
    nothing_said().when(say, source, (), "").refused(Forbidden)
