"""The error of a request without valid credentials."""

from __future__ import annotations


class Unauthorized(Exception):
    """The credentials of the request do not authenticate a user.

    Attributes:
        detail: One sentence for people; it contains nothing of the token.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail
