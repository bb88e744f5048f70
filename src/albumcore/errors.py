"""Errors of the domain. Each has a stable ``code`` and no HTTP status.

Four families, and every error of albumcore is in one of them: `NotFound`, `Forbidden`, `Invalid` and `Conflict`.
An adapter maps a family to its kind of response, and a ``code`` to its text.
"""

from __future__ import annotations

from typing import ClassVar, Self

__all__ = [
    "AlbumExists",
    "AlbumNotFound",
    "AlbumcoreError",
    "CapabilityTokenNotFound",
    "ChangedSince",
    "CommandReused",
    "Conflict",
    "DamagedStoredEvent",
    "EventNotFound",
    "Forbidden",
    "IdTaken",
    "ImageNotFound",
    "Invalid",
    "MemberNotFound",
    "NotFound",
    "NotUndoable",
    "ReportProviderNotFound",
    "SeriesInAnotherStudy",
    "SeriesNotFound",
    "StudyNotFound",
    "UnknownStoredEvent",
    "UserNotFound",
    "WebhookNotFound",
]


class AlbumcoreError(Exception):
    """Base class of the errors of albumcore.

    Attributes:
        code: Stable machine-readable name of the error; part of the public interface.
        detail: One sentence for people. It never contains a secret or a token.
        rule: Stable name of the rule that refuses, for those who say the reason in words of their own; the ``code``
            where the error names none.
        places: What the sentence says of the rule, such as a limit, by name.
    """

    code: ClassVar[str] = "error"

    def __init__(self, detail: str, *, rule: str = "", **places: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.rule = rule or self.code
        self.places = places


class NotFound(AlbumcoreError):
    """It does not exist, or not for the caller."""

    code = "not_found"


class Forbidden(AlbumcoreError):
    """The caller sees it, but lacks the permission for this."""

    code = "forbidden"


class Invalid(AlbumcoreError):
    """A value breaks a rule of the domain.

    Attributes:
        field: Name of the parameter of the decision or query.
    """

    code = "invalid"

    def __init__(self, field: str, detail: str, *, rule: str = "", **places: object) -> None:
        super().__init__(f"{field}: {detail}", rule=rule, **places)
        self.field = field

    def __reduce__(self) -> tuple[type[Self], tuple[str, str], dict[str, object]]:
        """Support pickling, so that it passes between processes."""
        return type(self), (self.field, self.detail.removeprefix(f"{self.field}: ")), vars(self)


class Conflict(AlbumcoreError):
    """The request is valid, but conflicts with the present state."""

    code = "conflict"


class AlbumNotFound(NotFound):
    """The album does not exist, or the caller is not a member: deliberately the same error."""

    code = "album_not_found"


class AlbumExists(Conflict):
    """The album id is used, by an open album or a deleted one."""

    code = "album_exists"


class MemberNotFound(NotFound):
    """The user a decision is about is not a member of the album."""

    code = "member_not_found"


class UserNotFound(NotFound):
    """No user has this subject identifier or e-mail address."""

    code = "user_not_found"


class StudyNotFound(NotFound):
    """The study is not in the album or inbox."""

    code = "study_not_found"


class SeriesNotFound(NotFound):
    """The series is not in the album or inbox."""

    code = "series_not_found"


class SeriesInAnotherStudy(Conflict):
    """The series UID is used in another study; a series belongs to one study for ever."""

    code = "series_in_another_study"


class ReportProviderNotFound(NotFound):
    """The album has no such report provider, or it was deleted."""

    code = "report_provider_not_found"


class CapabilityTokenNotFound(NotFound):
    """The capability token does not exist for the caller."""

    code = "capability_token_not_found"


class WebhookNotFound(NotFound):
    """The album has no such webhook, or it was deleted."""

    code = "webhook_not_found"


class ImageNotFound(NotFound):
    """The image was never added, was removed, or its patient was deleted."""

    code = "image_not_found"


class EventNotFound(NotFound):
    """The album has no event of this version, or the feed shows it to others only."""

    code = "event_not_found"


class NotUndoable(Conflict):
    """The event cannot be taken back: it has no inverse, is itself one, or what it changed is forgotten."""

    code = "not_undoable"


class ChangedSince(Conflict):
    """What an event changed was changed again since, so it cannot be taken back.

    Attributes:
        version: The version of the event that changed it; None if it is not known.
        mutation_type: How that event shows in the feed.
    """

    code = "changed_since"

    def __init__(self, version: int | None = None, mutation_type: str | None = None) -> None:
        super().__init__("what this event changed was changed again since")
        self.version = version
        self.mutation_type = mutation_type

    def __reduce__(self) -> tuple[type[Self], tuple[int | None, str | None]]:
        """Support pickling, so that it passes between processes."""
        return type(self), (self.version, self.mutation_type)


class IdTaken(Conflict):
    """An id that must be new was used before."""

    code = "id_taken"


class CommandReused(Conflict):
    """The idempotency key was used before, for another command."""

    code = "command_reused"


class UnknownStoredEvent(AlbumcoreError):
    """A stored event, or a version of one, that this release does not know.

    Usually a newer albumcore wrote it: upgrade, then read again.
    """

    code = "unknown_stored_event"


class DamagedStoredEvent(AlbumcoreError):
    """A stored event whose bytes are not of the form of its name and version."""

    code = "damaged_stored_event"
