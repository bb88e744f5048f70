"""Why an outbound request failed."""

from __future__ import annotations


class OutboundError(Exception):
    """An outbound request failed.

    Attributes:
        detail: One sentence for a person. It repeats nothing of the address, which may hold a secret, and nothing of
            the response.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class AddressRefused(OutboundError):
    """This service sends no requests to the address; nothing was sent to it."""


class Unreachable(OutboundError):
    """No response came in time: the host does not exist, accepts no connection, is not trusted, or is too slow."""


class BadResponse(OutboundError):
    """A response came, but not with what was asked for."""


class PacsFailed(OutboundError):
    """The existing archive (PACS) cannot be reached, refuses its credentials, fails, or answers what cannot be read."""


class PacsTimedOut(PacsFailed):
    """The existing archive (PACS) did not answer in time."""
