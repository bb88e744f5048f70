"""Comments on an album, public and private (Kheops API 7.2)."""

from __future__ import annotations

import pytest

from albumcore import CommentPosted, post_comment
from albumcore.errors import AlbumNotFound, Forbidden, Invalid, MemberNotFound
from albumcore.ids import UserId
from albumcore.kernel import Source
from support.album import (
    BOB,
    BOB_IN,
    DAVE,
    KEY,
    OPEN,
    SCRIBE,
    SCRIBE_IN,
    alice,
    bob,
    dave,
    issued,
    opened,
    reporting,
    through,
)
from support.given import ALICE, given


def test_post_comment_to_all() -> None:
    """Said twice, it is recorded twice, and changes nothing of the album."""
    album = given(OPEN)
    said = album.when(post_comment, ALICE, "Look here").then(CommentPosted("Look here"))
    assert said.state == album.state
    said.again().then(CommentPosted("Look here"))


@pytest.mark.parametrize("target", [alice, bob])
def test_post_comment_to_a_member_in_private(target: UserId) -> None:
    """To oneself too (Kheops API 14, rule 24)."""
    given(OPEN, BOB_IN).when(post_comment, ALICE, "Psst", target=target).then(
        CommentPosted("Psst", target)
    )


def test_post_comment_to_a_stranger_is_refused() -> None:
    """Kheops API 14, rule 24: the target must be a member when it is written."""
    given(OPEN).when(post_comment, ALICE, "Psst", dave).refused(MemberNotFound)


@pytest.mark.parametrize("text", [" ", "  two lines\n", "c" * 1024, "\U0001f9b4" * 1024])
def test_post_comment_keeps_the_text_as_it_is(text: str) -> None:
    """Blanks count, and so do characters rather than bytes; up to 1024 of them."""
    given(OPEN).when(post_comment, ALICE, text).then(CommentPosted(text))


@pytest.mark.parametrize("text", ["", "c" * 1025, "a\x00", "\ud83e"])
def test_post_comment_refuses_other_texts(text: str) -> None:
    """Nothing, too much, or what is no text; whether to all or in private."""
    given(OPEN).when(post_comment, ALICE, text).refused(Invalid, "comment")
    given(OPEN).when(post_comment, ALICE, text, alice).refused(Invalid, "comment")


def test_post_comment_by_a_plain_member_needs_the_flag() -> None:
    """Kheops API 2, WRITE_COMMENT; an admin needs none."""
    allowed = given(opened(write_comments=True), BOB_IN)
    allowed.when(post_comment, BOB, "Hm").then(CommentPosted("Hm"))
    barred = given(opened(write_comments=False), BOB_IN)
    barred.when(post_comment, BOB, "Hm").refused(Forbidden)
    barred.when(post_comment, BOB, "Hm", alice).refused(Forbidden)
    barred.when(post_comment, ALICE, "Hm").then(CommentPosted("Hm"))


@pytest.mark.parametrize("source", [through(KEY), reporting(SCRIBE)])
def test_post_comment_is_for_a_user_in_person(source: Source) -> None:
    """Neither capability tokens nor report providers have anything to say."""
    given(OPEN, issued(), SCRIBE_IN).when(post_comment, source, "Hm").refused(Forbidden)


def test_post_comment_by_a_stranger_finds_no_album() -> None:
    """Kheops API 14, rule 2; to himself neither."""
    given(OPEN).when(post_comment, DAVE, "Hm").refused(AlbumNotFound)
    given(OPEN).when(post_comment, DAVE, "Hm", dave).refused(AlbumNotFound)
