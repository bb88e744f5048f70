"""The rule that every text of the domain keeps, whatever it says."""

from __future__ import annotations

import re

from albumcore.errors import Invalid

MAX_COMMENT = 1024
"""Longest comment, in characters."""

_NO_TEXT = re.compile(r"[\x00\ud800-\udfff]")


def is_text(text: str) -> bool:
    """Whether all of a string can be stored and sent: no NUL, no half of a surrogate pair."""
    # Nearly every text is printable, and that is seen at once.
    return text.isprintable() or not _NO_TEXT.search(text)


def check_text(field: str, text: str, shortest: int, longest: int) -> str:
    """A text of so many characters, each of which can be stored and sent: no NUL, no half of a surrogate pair.

    Raises:
        Invalid: it is shorter or longer, or holds a character that is no text.
    """
    if not shortest <= len(text) <= longest:
        raise Invalid(field, f"it has {shortest} to {longest} characters")
    if not is_text(text):
        raise Invalid(field, "it holds a character that is no text")
    return text


def check_comment(comment: str) -> str:
    """The text of a comment, as it was written: 1 to 1024 characters, blanks count (Kheops API 7.2).

    Raises:
        Invalid: it is empty or longer.
    """
    return check_text("comment", comment, 1, MAX_COMMENT)
