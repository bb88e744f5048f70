"""What was sent, and how it went: the triggers of a webhook, to be looked at (Kheops API 11)."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from albumcore.albums import WebhookEvent
from albumcore.ids import SeriesUID, StudyUID, UserId

LAST = 5
"""How many of a webhook's triggers a list of webhooks shows."""


@frozen
class Attempt:
    """One try at a delivery.

    Attributes:
        number: The first is 1, the last 5.
        status: The HTTP status of the answer; -1 where there was none.
        at: When it was sent.
    """

    number: int
    status: int
    at: datetime

    @property
    def has_passed(self) -> bool:
        """Whether the receiver took it: any status from 200 to 299."""
        return 200 <= self.status <= 299


@frozen
class Trigger:
    """Something that a webhook had to tell of.

    Attributes:
        trigger_id: Thirty characters; receivers know it as the delivery id.
        event: What it tells of.
        is_manual: Whether an admin asked for it.
        attempts: Latest first.
        user: The new user, for that event.
        study_uid: The study, for the events about series.
        series_uids: The series of it that are told of.
        is_study_gone: Whether nothing of the study was left in the album, for removed series.
    """

    trigger_id: str
    event: WebhookEvent
    is_manual: bool
    attempts: tuple[Attempt, ...] = ()
    user: UserId | None = None
    study_uid: StudyUID | None = None
    series_uids: tuple[SeriesUID, ...] = ()
    is_study_gone: bool = False


@frozen
class Summary:
    """A webhook's triggers in short.

    Attributes:
        number_of_triggers: How many there are.
        last_triggers: Ids of the five newest, newest first, each with whether an attempt of it passed.
    """

    number_of_triggers: int = 0
    last_triggers: tuple[tuple[str, bool], ...] = ()
