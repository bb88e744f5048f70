"""The error of a request without sound credentials."""

from __future__ import annotations


class Unauthorized(Exception):
    """The credentials that were sent authenticate no user.

    Attributes:
        detail: One sentence for a person; it holds nothing of the token.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail
