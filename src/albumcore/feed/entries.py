"""How each event shows in a feed, an album's or a study's: one row per event class, and nothing else decides it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from attrs import field, frozen

from albumcore import study_comments
from albumcore.albums import (
    capability_tokens,
    comments,
    lifecycle,
    members,
    report_providers,
    studies,
    webhooks,
)
from albumcore.ids import ReportProviderId, SeriesUID, StudyUID, UserId
from albumcore.image_sets import image_set
from albumcore.kernel import Event, RecordedEvent
from albumcore.user_tokens import user_tokens


class Kind(Enum):
    """The two kinds of entries; the values are the words of the ``types`` parameter."""

    COMMENT = "comments"
    MUTATION = "mutations"


class Family(Enum):
    """Groups of mutations that can be asked for together (Kheops API 7.1)."""

    SENDING = "SENDING"
    USERS = "USERS"
    REPORT_PROVIDER = "REPORT_PROVIDER"
    WEBHOOKS = "WEBHOOKS"


@frozen(eq=False)  # a row of a table is itself, and so is quickly found
class Line:
    """How the events of one class show.

    Attributes:
        mutation: The wire name, or None for a comment.
        family: The family the mutation can be asked for by.
        target: Whether the event's ``target`` is shown.
        study: Whether it is about a study (``study_uid``).
        series: Whether it is about one series (``series_uid``) of that study.
        provider: Whether it is about a report provider (``provider_id``).
        is_latest: Whether the album counts it as its latest event.
    """

    mutation: str | None
    family: Family | None = None
    target: bool = False
    study: bool = False
    series: bool = False
    provider: bool = False
    is_latest: bool = True

    @property
    def kind(self) -> Kind:
        """A comment, or a mutation."""
        return Kind.COMMENT if self.mutation is None else Kind.MUTATION


def _about_user(mutation: str) -> Line:
    return Line(mutation, Family.USERS, target=True)


def _about_study(mutation: str) -> Line:
    return Line(mutation, Family.SENDING, study=True)


def _about_series(mutation: str) -> Line:
    return Line(mutation, Family.SENDING, study=True, series=True)


def _about_provider(mutation: str) -> Line:
    return Line(mutation, Family.REPORT_PROVIDER, provider=True)


def _about_webhook(mutation: str) -> Line:
    return Line(mutation, Family.WEBHOOKS, is_latest=False)


HIDDEN = None
"""The line of an event that is history, but no news: it never shows."""

FEED: Mapping[type[Event[Any]], Line | None] = {
    lifecycle.AlbumCreated: Line("CREATE_ALBUM"),
    lifecycle.AlbumEdited: Line("EDIT_ALBUM"),
    lifecycle.AlbumDeleted: HIDDEN,  # nobody is left to see it
    lifecycle.NotificationsSet: HIDDEN,
    lifecycle.FavoriteSet: HIDDEN,  # nobody else's business
    members.MemberLeft: Line("LEAVE_ALBUM", Family.USERS),
    members.MemberAdded: _about_user("ADD_USER"),
    members.AdminAdded: _about_user("ADD_ADMIN"),
    members.MemberRemoved: _about_user("REMOVE_USER"),
    members.MemberPromoted: _about_user("PROMOTE_ADMIN"),
    members.AdminDemoted: _about_user("DEMOTE_ADMIN"),
    studies.StudyImported: _about_study("IMPORT_STUDY"),
    studies.SeriesImported: _about_series("IMPORT_SERIES"),
    studies.ReportAdded: _about_series("NEW_REPORT"),
    studies.StudyRemoved: _about_study("REMOVE_STUDY"),
    studies.SeriesRemoved: _about_series("REMOVE_SERIES"),
    studies.FavoriteAdded: Line("ADD_FAV", study=True),
    studies.FavoriteRemoved: Line("REMOVE_FAV", study=True),
    comments.CommentPosted: Line(mutation=None, target=True),
    report_providers.ReportProviderCreated: _about_provider("CREATE_REPORT_PROVIDER"),
    report_providers.ReportProviderEdited: _about_provider("EDIT_REPORT_PROVIDER"),
    report_providers.ReportProviderDeleted: _about_provider("DELETE_REPORT_PROVIDER"),
    capability_tokens.CapabilityTokenIssued: HIDDEN,
    capability_tokens.CapabilityTokenRevoked: HIDDEN,
    webhooks.WebhookCreated: _about_webhook("CREATE_WEBHOOK"),
    webhooks.WebhookEdited: _about_webhook("EDIT_WEBHOOK"),
    webhooks.WebhookDeleted: _about_webhook("DELETE_WEBHOOK"),
    webhooks.WebhookTriggered: _about_webhook("TRIGGER_WEBHOOK"),
    study_comments.StudyCommentPosted: Line(mutation=None, target=True),
    user_tokens.UserTokenIssued: HIDDEN,
    user_tokens.UserTokenRevoked: HIDDEN,
    image_set.ImageAdded: HIDDEN,
    image_set.ImageRemoved: HIDDEN,
    image_set.PatientDeleted: HIDDEN,
}


@frozen(slots=False)
class Entry:
    """One entry of a feed: a recorded event, read through its line.

    Everything here is as it was recorded. What is true of the people and things named in it *now* is in
    `albumcore.feed.page.AlbumStatus`.
    """

    recorded: RecordedEvent[Any]
    line: Line = field(eq=False)  # it follows from the event, and a copy of a row is not that row

    @property
    def kind(self) -> Kind:
        """A comment, or a mutation."""
        return self.line.kind

    @property
    def author(self) -> UserId:
        """The user in whose name it happened."""
        return self.recorded.act.source.user

    @property
    def target(self) -> UserId | None:
        """The user it was done to, or a private comment was written to."""
        target: UserId | None = self.recorded.event.target if self.line.target else None
        return target

    @property
    def comment(self) -> str | None:
        """The text of a comment."""
        comment: str | None = self.recorded.event.comment if self.kind is Kind.COMMENT else None
        return comment

    @property
    def is_private(self) -> bool:
        """Whether only the author and the target see it: a comment with a target."""
        line = self.line
        return line.mutation is None and line.target and self.recorded.event.target is not None

    @property
    def study_uid(self) -> StudyUID | None:
        """The study it is about."""
        study_uid: StudyUID | None = self.recorded.event.study_uid if self.line.study else None
        return study_uid

    @property
    def series_uids(self) -> tuple[SeriesUID, ...]:
        """The series it is about: one, or those of the study that came or went."""
        if not self.line.study:
            return ()
        event = self.recorded.event
        return (event.series_uid,) if self.line.series else event.series_uids

    @property
    def provider_id(self) -> ReportProviderId | None:
        """The report provider it is about."""
        provider_id: ReportProviderId | None = (
            self.recorded.event.provider_id if self.line.provider else None
        )
        return provider_id

    @property
    def moves_last_event_time(self) -> bool:
        """Whether the album counts it as its latest event: private comments and webhooks it does not."""
        return self.line.is_latest and not self.is_private


def entry(recorded: RecordedEvent[Any]) -> Entry | None:
    """The entry a recorded event shows as, or None where it is hidden."""
    line = FEED[type(recorded.event)]
    return None if line is None else Entry(recorded, line)
