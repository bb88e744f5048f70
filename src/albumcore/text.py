"""The rules for texts of the domain."""

from __future__ import annotations

import re

from albumcore.errors import Invalid

MAX_COMMENT = 1024
"""Longest comment, in characters."""

_NO_TEXT = re.compile(r"[\x00\ud800-\udfff]")


def is_text(text: str) -> bool:
    """Whether a string can be stored and sent: no NUL, no lone surrogate."""
    # Fast path: nearly every text is printable.
    return text.isprintable() or not _NO_TEXT.search(text)


def check_text(field: str, text: str, shortest: int, longest: int) -> str:
    """Check that a text has this many characters, without NUL and lone surrogates.

    Raises:
        Invalid: it is shorter or longer, or contains one of these characters.
    """
    if not shortest <= len(text) <= longest:
        raise Invalid(
            field,
            f"it has {shortest} to {longest} characters",
            rule="length",
            shortest=shortest,
            longest=longest,
        )
    if not is_text(text):
        raise Invalid(field, "it holds a character that is no text", rule="no_text")
    return text


def check_comment(comment: str) -> str:
    """Check the text of a comment: 1 to 1024 characters, blanks included (Kheops API 7.2).

    Raises:
        Invalid: it is empty or longer.
    """
    return check_text("comment", comment, 1, MAX_COMMENT)
