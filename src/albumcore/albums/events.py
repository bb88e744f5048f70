"""Events of an album. The names in ``@stored`` are the storage format: a class may be renamed, a name never."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from albumcore.albums.values import Member, MemberFlags, Phase, ReportProvider
from albumcore.capabilities.values import CapabilityToken, Grants
from albumcore.ids import (
    CapabilityTokenId,
    ReportProviderId,
    SeriesUID,
    StudyUID,
    UserId,
)
from albumcore.kernel import Act, assoc, dissoc, stored

if TYPE_CHECKING:
    from albumcore.albums.album import Album


@stored("album.created")
@frozen
class AlbumCreated:
    """The source opened the album, and is its first member and admin."""

    name: str
    description: str
    flags: MemberFlags

    def evolve(self, state: Album, act: Act) -> Album:
        """The album is open, with one member."""
        return evolve(
            state,
            phase=Phase.OPEN,
            name=self.name,
            description=self.description,
            flags=self.flags,
            created_at=act.at,
            members={act.user: Member(is_admin=True)},
        )


@stored("album.edited")
@frozen
class AlbumEdited:
    """An admin set some of name, description and member flags; what is None stayed."""

    name: str | None = None
    description: str | None = None
    flags: MemberFlags | None = None

    def evolve(self, state: Album, act: Act) -> Album:
        """What was set holds from now on."""
        return evolve(
            state,
            name=state.name if self.name is None else self.name,
            description=state.description if self.description is None else self.description,
            flags=state.flags if self.flags is None else self.flags,
        )


@stored("album.deleted")
@frozen
class AlbumDeleted:
    """An admin deleted the album, or its last member left it."""

    def evolve(self, state: Album, act: Act) -> Album:
        """Nothing of it is left to anybody."""
        return type(state)(phase=Phase.DELETED, created_at=state.created_at)


@stored("album.notifications_set")
@frozen
class NotificationsSet:
    """The source chose which news of the album to be told of."""

    new_series: bool
    new_comment: bool

    def evolve(self, state: Album, act: Act) -> Album:
        """The member's own settings hold from now on."""
        member = evolve(
            state.members[act.user],
            notification_new_series=self.new_series,
            notification_new_comment=self.new_comment,
        )
        return evolve(state, members=assoc(state.members, act.user, member))


@stored("album.member_left")
@frozen
class MemberLeft:
    """The source is no longer a member, by its own wish."""

    def evolve(self, state: Album, act: Act) -> Album:
        """One member fewer."""
        return evolve(state, members=dissoc(state.members, act.user))


@stored("album.member_added")
@frozen
class MemberAdded:
    """The target is a plain member."""

    target: UserId

    def evolve(self, state: Album, act: Act) -> Album:
        """One member more."""
        return evolve(state, members=assoc(state.members, self.target, Member()))


@stored("album.admin_added")
@frozen
class AdminAdded:
    """The target is a member, and an admin from the start."""

    target: UserId

    def evolve(self, state: Album, act: Act) -> Album:
        """One admin more."""
        return evolve(state, members=assoc(state.members, self.target, Member(is_admin=True)))


@stored("album.member_removed")
@frozen
class MemberRemoved:
    """An admin took the target out of the album."""

    target: UserId

    def evolve(self, state: Album, act: Act) -> Album:
        """One member fewer."""
        return evolve(state, members=dissoc(state.members, self.target))


@stored("album.member_promoted")
@frozen
class MemberPromoted:
    """The target, a plain member until now, is an admin."""

    target: UserId

    def evolve(self, state: Album, act: Act) -> Album:
        """The same members, one admin more."""
        return _with_right(state, self.target, is_admin=True)


@stored("album.admin_demoted")
@frozen
class AdminDemoted:
    """The target, an admin until now, is a plain member."""

    target: UserId

    def evolve(self, state: Album, act: Act) -> Album:
        """The same members, one admin fewer."""
        return _with_right(state, self.target, is_admin=False)


def _with_right(state: Album, target: UserId, *, is_admin: bool) -> Album:
    member = evolve(state.members[target], is_admin=is_admin)
    return evolve(state, members=assoc(state.members, target, member))


@stored("album.study_imported")
@frozen
class StudyImported:
    """Series of one study came into the album; only those that were not in it."""

    study_uid: StudyUID
    series_uids: tuple[SeriesUID, ...]

    def evolve(self, state: Album, act: Act) -> Album:
        """The study is in the album, with these series too."""
        return _with_series(state, self.study_uid, self.series_uids)


@stored("album.series_imported")
@frozen
class SeriesImported:
    """One series came into the album."""

    study_uid: StudyUID
    series_uid: SeriesUID

    def evolve(self, state: Album, act: Act) -> Album:
        """The series is in the album."""
        return _with_series(state, self.study_uid, (self.series_uid,))


@stored("album.report_added")
@frozen
class ReportAdded:
    """A report provider put a report, one series, into the album."""

    study_uid: StudyUID
    series_uid: SeriesUID

    def evolve(self, state: Album, act: Act) -> Album:
        """The report's series is in the album."""
        return _with_series(state, self.study_uid, (self.series_uid,))


@stored("album.study_removed")
@frozen
class StudyRemoved:
    """A study went out of the album, with every series of it that was there."""

    study_uid: StudyUID
    series_uids: tuple[SeriesUID, ...]

    def evolve(self, state: Album, act: Act) -> Album:
        """The study is not in the album."""
        return evolve(state, studies=dissoc(state.studies, self.study_uid))


@stored("album.series_removed")
@frozen
class SeriesRemoved:
    """One series went out of the album."""

    study_uid: StudyUID
    series_uid: SeriesUID

    def evolve(self, state: Album, act: Act) -> Album:
        """The series is not in the album; nor is its study, if this was its last."""
        left = state.studies[self.study_uid] - {self.series_uid}
        if not left:
            return evolve(state, studies=dissoc(state.studies, self.study_uid))
        return evolve(state, studies=assoc(state.studies, self.study_uid, left))


def _with_series(state: Album, study_uid: StudyUID, series_uids: tuple[SeriesUID, ...]) -> Album:
    there = state.studies.get(study_uid, frozenset())
    return evolve(state, studies=assoc(state.studies, study_uid, there.union(series_uids)))


@stored("album.comment_posted")
@frozen
class CommentPosted:
    """The source wrote a comment: to all members, or to one target in private."""

    comment: str
    target: UserId | None = None

    def evolve(self, state: Album, act: Act) -> Album:
        """The album's rules do not depend on what was said."""
        return state


@stored("album.report_provider_created")
@frozen
class ReportProviderCreated:
    """An admin let a report provider in."""

    provider_id: ReportProviderId
    name: str
    url: str

    def evolve(self, state: Album, act: Act) -> Album:
        """The album has this provider."""
        provider = ReportProvider(self.name, self.url, act.at)
        return evolve(
            state, report_providers=assoc(state.report_providers, self.provider_id, provider)
        )


@stored("album.report_provider_edited")
@frozen
class ReportProviderEdited:
    """An admin renamed a report provider or moved its address; name and url are those after it."""

    provider_id: ReportProviderId
    name: str
    url: str

    def evolve(self, state: Album, act: Act) -> Album:
        """The provider goes by the new name and address."""
        provider = evolve(state.report_providers[self.provider_id], name=self.name, url=self.url)
        return evolve(
            state, report_providers=assoc(state.report_providers, self.provider_id, provider)
        )


@stored("album.report_provider_deleted")
@frozen
class ReportProviderDeleted:
    """An admin turned a report provider away."""

    provider_id: ReportProviderId

    def evolve(self, state: Album, act: Act) -> Album:
        """The provider is kept as removed: old events still name it."""
        provider = evolve(state.report_providers[self.provider_id], is_removed=True)
        return evolve(
            state, report_providers=assoc(state.report_providers, self.provider_id, provider)
        )


@stored("album.capability_token_issued")
@frozen
class CapabilityTokenIssued:
    """An admin made a capability token for this album."""

    token_id: CapabilityTokenId
    digest: str
    title: str
    not_before: datetime
    expires_at: datetime
    grants: Grants

    def evolve(self, state: Album, act: Act) -> Album:
        """The album has this token."""
        token = CapabilityToken(
            self.digest, self.title, act.user, act.at, self.not_before, self.expires_at, self.grants
        )
        return evolve(state, capability_tokens=assoc(state.capability_tokens, self.token_id, token))


@stored("album.capability_token_revoked")
@frozen
class CapabilityTokenRevoked:
    """A capability token of this album was taken back, by hand or with its creator's rights."""

    token_id: CapabilityTokenId

    def evolve(self, state: Album, act: Act) -> Album:
        """The token stays known, and opens nothing any more."""
        token = evolve(
            state.capability_tokens[self.token_id], revoked_at=act.at, revoked_by=act.user
        )
        return evolve(state, capability_tokens=assoc(state.capability_tokens, self.token_id, token))


AlbumEvent = (
    AlbumCreated
    | AlbumEdited
    | AlbumDeleted
    | NotificationsSet
    | MemberLeft
    | MemberAdded
    | AdminAdded
    | MemberRemoved
    | MemberPromoted
    | AdminDemoted
    | StudyImported
    | SeriesImported
    | ReportAdded
    | StudyRemoved
    | SeriesRemoved
    | CommentPosted
    | ReportProviderCreated
    | ReportProviderEdited
    | ReportProviderDeleted
    | CapabilityTokenIssued
    | CapabilityTokenRevoked
)
