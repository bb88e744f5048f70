"""What can go wrong, in the domain's words: data and a stable ``code``, no HTTP number.

Four families, and every error of albumcore is in one of them: `NotFound`, `Forbidden`, `Invalid` and `Conflict`.
An adapter maps a family to its own kind of answer, and a ``code`` to its own text.
"""

from __future__ import annotations

from typing import ClassVar, Self

__all__ = [
    "AlbumExists",
    "AlbumNotFound",
    "AlbumcoreError",
    "CapabilityTokenNotFound",
    "CommandReused",
    "Conflict",
    "DamagedStoredEvent",
    "Forbidden",
    "IdTaken",
    "ImageNotFound",
    "Invalid",
    "MemberNotFound",
    "NotFound",
    "ReportProviderNotFound",
    "SeriesInAnotherStudy",
    "SeriesNotFound",
    "StudyNotFound",
    "UnknownStoredEvent",
    "UserNotFound",
    "WebhookNotFound",
]


class AlbumcoreError(Exception):
    """Root of every error that albumcore raises on purpose.

    Attributes:
        code: Stable machine-readable name of the error; part of the public interface.
        detail: One sentence for a person. It never holds a secret or a token.
    """

    code: ClassVar[str] = "error"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class NotFound(AlbumcoreError):
    """What was named does not exist, or does not exist for the one who asks."""

    code = "not_found"


class Forbidden(AlbumcoreError):
    """The one who asks is known and sees the thing, but lacks the right to do this with it."""

    code = "forbidden"


class Invalid(AlbumcoreError):
    """A value breaks a rule of the domain.

    Attributes:
        field: The name of the value, as the decision or query calls it.
    """

    code = "invalid"

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(f"{field}: {detail}")
        self.field = field

    def __reduce__(self) -> tuple[type[Self], tuple[str, str]]:
        """How it is pickled, so that it passes from one process to another."""
        return type(self), (self.field, self.detail.removeprefix(f"{self.field}: "))


class Conflict(AlbumcoreError):
    """The request is sound, but does not fit what is recorded by now."""

    code = "conflict"


class AlbumNotFound(NotFound):
    """No such album, or none that the one who asks is a member of: the two are told alike on purpose."""

    code = "album_not_found"


class AlbumExists(Conflict):
    """The album id is taken, by an open album or by a deleted one."""

    code = "album_exists"


class MemberNotFound(NotFound):
    """The user a decision is about is not a member of the album."""

    code = "member_not_found"


class UserNotFound(NotFound):
    """Nobody is known by this sub or e-mail address."""

    code = "user_not_found"


class StudyNotFound(NotFound):
    """The study is not in the place it was looked for."""

    code = "study_not_found"


class SeriesNotFound(NotFound):
    """The series is not in the place it was looked for."""

    code = "series_not_found"


class SeriesInAnotherStudy(Conflict):
    """A series UID is in use in another study; a series belongs to one, for ever."""

    code = "series_in_another_study"


class ReportProviderNotFound(NotFound):
    """The album has no such report provider, or it was deleted."""

    code = "report_provider_not_found"


class CapabilityTokenNotFound(NotFound):
    """No such capability token for the one who asks."""

    code = "capability_token_not_found"


class WebhookNotFound(NotFound):
    """The album has no such webhook, or it was deleted."""

    code = "webhook_not_found"


class ImageNotFound(NotFound):
    """No such image: it never was, it was removed, or its patient was deleted."""

    code = "image_not_found"


class IdTaken(Conflict):
    """An id that must be new within its stream was used before."""

    code = "id_taken"


class CommandReused(Conflict):
    """The id of a command was used before, for a command of another content."""

    code = "command_reused"


class UnknownStoredEvent(AlbumcoreError):
    """A stored event, or a version of one, that this code does not know: it refuses to guess.

    Usually a newer albumcore wrote it: upgrade, then read again.
    """

    code = "unknown_stored_event"


class DamagedStoredEvent(AlbumcoreError):
    """A stored event whose bytes are not what its name and version promise."""

    code = "damaged_stored_event"
