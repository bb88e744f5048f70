"""Entries of a feed, an album's or a study's: the table `FEED` says how the events of each class show."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import Enum
from functools import cached_property
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
from albumcore.erasures import ERASURE_NOTICES, ErasureRecorded, StoreSealed
from albumcore.ids import ReportProviderId, SeriesUID, StudyUID, UserId
from albumcore.image_sets import image_set
from albumcore.kernel import ERASED, ERASED_TEXT, Erased, Event, RecordedEvent
from albumcore.user_tokens import registration, user_tokens


class Withdrawn(Enum):
    """The type of `WITHDRAWN`, so that a withdrawn comment is never taken for a text."""

    WITHDRAWN = "withdrawn"


WITHDRAWN = Withdrawn.WITHDRAWN
"""What stands in place of the text of a comment that was withdrawn."""


class EntryKind(Enum):
    """Comment or mutation; the values are those of the ``types`` parameter (Kheops API 7.1)."""

    COMMENT = "comments"
    MUTATION = "mutations"


class Family(Enum):
    """Groups of mutations that can be selected together (Kheops API 7.1)."""

    SENDING = "SENDING"
    USERS = "USERS"
    REPORT_PROVIDER = "REPORT_PROVIDER"
    WEBHOOKS = "WEBHOOKS"


@frozen(eq=False)  # compared and hashed by identity, which is fast
class EntryType:
    """How the events of one class show: a row of `FEED`.

    Attributes:
        mutation: The ``mutation_type`` of the API; None for a comment.
        family: The family that the mutation can be selected by.
        target: Whether the event's ``target`` is shown.
        study: Whether it is about a study (``study_uid``).
        series: Whether it is about one series (``series_uid``) of that study.
        provider: Whether it is about a report provider (``provider_id``).
        is_latest: Whether it sets the ``last_event_time`` of the album.
    """

    mutation: str | None
    family: Family | None = None
    target: bool = False
    study: bool = False
    series: bool = False
    provider: bool = False
    is_latest: bool = True

    @cached_property
    def kind(self) -> EntryKind:
        """A comment, or a mutation."""
        return EntryKind.COMMENT if self.mutation is None else EntryKind.MUTATION


def _about_user(mutation: str) -> EntryType:
    return EntryType(mutation, Family.USERS, target=True)


def _about_study(mutation: str) -> EntryType:
    return EntryType(mutation, Family.SENDING, study=True)


def _about_series(mutation: str) -> EntryType:
    return EntryType(mutation, Family.SENDING, study=True, series=True)


def _about_provider(mutation: str) -> EntryType:
    return EntryType(mutation, Family.REPORT_PROVIDER, provider=True)


def _about_webhook(mutation: str) -> EntryType:
    return EntryType(mutation, Family.WEBHOOKS, is_latest=False)


PLACEHOLDERS: Mapping[Erased | Withdrawn, str] = {
    ERASED: ERASED_TEXT,
    WITHDRAWN: "[withdrawn]",
}
"""What readers see in the place of a comment that is not shown."""

HIDDEN = None
"""The row of an event class that never shows."""

FEED: Mapping[type[Event[Any]], EntryType | None] = {
    lifecycle.AlbumCreated: EntryType("CREATE_ALBUM"),
    lifecycle.AlbumEdited: EntryType("EDIT_ALBUM"),
    lifecycle.AlbumDeleted: HIDDEN,  # a deleted album has no members
    lifecycle.NotificationsSet: HIDDEN,
    lifecycle.FavoriteSet: HIDDEN,  # a favourite is the member's own
    members.MemberLeft: EntryType("LEAVE_ALBUM", Family.USERS),
    members.MemberAdded: _about_user("ADD_USER"),
    members.AdminAdded: _about_user("ADD_ADMIN"),
    members.MemberRemoved: _about_user("REMOVE_USER"),
    members.MemberSettingsRestored: HIDDEN,  # they are the member's own
    members.MemberPromoted: _about_user("PROMOTE_ADMIN"),
    members.AdminDemoted: _about_user("DEMOTE_ADMIN"),
    studies.StudyImported: _about_study("IMPORT_STUDY"),
    studies.SeriesImported: _about_series("IMPORT_SERIES"),
    studies.StudyRemoved: _about_study("REMOVE_STUDY"),
    studies.SeriesRemoved: _about_series("REMOVE_SERIES"),
    studies.FavoriteAdded: EntryType("ADD_FAV", study=True),
    studies.FavoriteRemoved: EntryType("REMOVE_FAV", study=True),
    studies.ReportAdded: _about_series("NEW_REPORT"),
    comments.CommentPosted: EntryType(mutation=None, target=True),
    comments.CommentWithdrawn: HIDDEN,  # the entry of the comment shows it
    report_providers.ReportProviderCreated: _about_provider("CREATE_REPORT_PROVIDER"),
    report_providers.ReportProviderEdited: _about_provider("EDIT_REPORT_PROVIDER"),
    report_providers.ReportProviderDeleted: _about_provider("DELETE_REPORT_PROVIDER"),
    capability_tokens.CapabilityTokenIssued: HIDDEN,
    capability_tokens.CapabilityTokenRevoked: HIDDEN,
    webhooks.WebhookCreated: _about_webhook("CREATE_WEBHOOK"),
    webhooks.WebhookEdited: _about_webhook("EDIT_WEBHOOK"),
    webhooks.WebhookDeleted: _about_webhook("DELETE_WEBHOOK"),
    webhooks.WebhookTriggered: _about_webhook("TRIGGER_WEBHOOK"),
    study_comments.StudyCommentPosted: EntryType(mutation=None, target=True),
    registration.PersonRegistered: HIDDEN,
    user_tokens.UserTokenIssued: HIDDEN,
    user_tokens.UserTokenRevoked: HIDDEN,
    image_set.ImageAdded: HIDDEN,
    image_set.ImageRemoved: HIDDEN,
    image_set.ImageRestored: HIDDEN,
    image_set.PatientDeleted: HIDDEN,
    image_set.PatientRestored: HIDDEN,
    **dict.fromkeys(ERASURE_NOTICES, HIDDEN),  # what they erased shows as erased
    ErasureRecorded: HIDDEN,
    StoreSealed: HIDDEN,
}
"""How every stored event class shows, in the order of the API's list of mutations."""

MUTATIONS = tuple(one.mutation for one in FEED.values() if one is not None and one.mutation)
"""Every ``mutation_type``."""


@frozen(slots=False)
class Entry:
    """One entry of a feed: a recorded event, and how it shows.

    Its attributes are as recorded, except for the text of a comment that was erased, or withdrawn since. The present
    state of the people and things that it names is in `albumcore.feed.page.AlbumStatus`.

    Attributes:
        recorded: The event.
        type: How it shows.
        is_withdrawn: Whether it is a comment that was withdrawn, now or at the time that the feed is shown of.
    """

    recorded: RecordedEvent[Any]
    type: EntryType = field(eq=False)  # it follows from the event
    is_withdrawn: bool = False

    @property
    def kind(self) -> EntryKind:
        """A comment, or a mutation."""
        return self.type.kind

    @property
    def author(self) -> UserId:
        """The user who acted, also where they acted through a token or a report provider."""
        return self.recorded.act.source.user

    @property
    def target(self) -> UserId | None:
        """The user acted upon, or the reader of a private comment."""
        target: UserId | None = self.recorded.event.target if self.type.target else None
        return target

    @property
    def comment(self) -> str | Erased | Withdrawn | None:
        """Text of a comment, or what stands in its place; None for a mutation."""
        if self.type.mutation is not None:
            return None
        text: str | Erased = self.recorded.event.comment
        return WITHDRAWN if self.is_withdrawn else text

    @property
    def shown_comment(self) -> str | None:
        """Text of a comment as readers see it: a placeholder if it was withdrawn or erased. None for a mutation."""
        comment = self.comment
        return comment if comment is None or isinstance(comment, str) else PLACEHOLDERS[comment]

    @property
    def is_private(self) -> bool:
        """Whether it is a comment with a target, which only its author and its target see."""
        type_ = self.type
        return type_.mutation is None and type_.target and self.recorded.event.target is not None

    @property
    def study_uid(self) -> StudyUID | None:
        """The study that it is about."""
        study_uid: StudyUID | None = self.recorded.event.study_uid if self.type.study else None
        return study_uid

    @property
    def series_uids(self) -> tuple[SeriesUID, ...]:
        """The series that it is about: one, or those of the study that were added or removed."""
        if not self.type.study:
            return ()
        event = self.recorded.event
        return (event.series_uid,) if self.type.series else event.series_uids

    @property
    def provider_id(self) -> ReportProviderId | None:
        """The report provider that it is about."""
        provider_id: ReportProviderId | None = (
            self.recorded.event.provider_id if self.type.provider else None
        )
        return provider_id

    @property
    def moves_last_event_time(self) -> bool:
        """Whether it sets the ``last_event_time`` of the album; private comments and webhooks do not."""
        return self.type.is_latest and not self.is_private


def entry(recorded: RecordedEvent[Any]) -> Entry | None:
    """The entry of a recorded event, or None if it is hidden."""
    shown_as = FEED[type(recorded.event)]
    return None if shown_as is None else Entry(recorded, shown_as)


def with_withdrawn(entries: Iterable[Entry], withdrawn: Collection[int]) -> tuple[Entry, ...]:
    """The entries of an album's feed, with the comments of some versions withdrawn."""
    return tuple(
        Entry(one.recorded, one.type, is_withdrawn=True)
        if one.type.mutation is None and one.recorded.version in withdrawn
        else one
        for one in entries
    )
