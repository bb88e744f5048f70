"""What an album is by its history, and who may do what in it (Kheops API 2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from attrs import field, frozen

from albumcore import ids
from albumcore.albums.values import (
    PERMISSIONS,
    Member,
    MemberFlags,
    Permission,
    Phase,
    ReportProvider,
    Study,
    Webhook,
)
from albumcore.errors import (
    AlbumNotFound,
    Forbidden,
    MemberNotFound,
    SeriesInAnotherStudy,
)
from albumcore.ids import (
    CapabilityTokenId,
    ReportProviderId,
    SeriesUID,
    StudyUID,
    UserId,
    WebhookId,
)
from albumcore.kernel import Act
from albumcore.user_tokens.values import CapabilityToken, Grants


@frozen(slots=False)  # in half the time: a replay makes one for most events, and keeps the last
class AlbumState:
    """An album as its history made it, and the rights of those who come to it."""

    phase: Phase = Phase.NEW
    name: str = ""
    description: str = ""
    flags: MemberFlags = MemberFlags()
    created_at: datetime | None = None
    members: Mapping[UserId, Member] = field(factory=dict)
    studies: Mapping[StudyUID, Study] = field(factory=dict)
    favorites: frozenset[SeriesUID] = frozenset()
    report_providers: Mapping[ReportProviderId, ReportProvider] = field(factory=dict)
    capability_tokens: Mapping[CapabilityTokenId, CapabilityToken] = field(factory=dict)
    webhooks: Mapping[WebhookId, Webhook] = field(factory=dict)

    def require(self, act: Act, permission: Permission) -> None:
        """Pass if the source holds the permission here and now (Kheops API 2).

        Raises:
            AlbumNotFound: there is no such album for the source: it is unknown, deleted, or the source is not
                a member, nor acts through something that belongs to this album.
            Forbidden: the source sees the album, but lacks the permission.
        """
        holders = PERMISSIONS[permission]
        if act.source.report_provider is not None:
            self._reporting(act, act.source.report_provider)
            held = holders.report_provider
        elif act.source.capability_token is not None:
            grants = self._granted(act, act.source.capability_token)
            held = holders.token is not None and all(
                getattr(grants, name) for name in holders.token
            )
        else:
            member = self._member(act.user)
            if isinstance(holders.member, str):
                held = member.is_admin or getattr(self.flags, holders.member)
            else:
                held = member.is_admin or holders.member
        if not held:
            raise Forbidden(f"the permission {permission.value} is missing")

    def _member(self, user: UserId) -> Member:
        member = self.members.get(user)
        if member is None:  # nobody is a member of a new or deleted album
            raise AlbumNotFound("no such album, or you are not a member of it")
        return member

    def _granted(self, act: Act, token_id: CapabilityTokenId) -> Grants:
        token = self.capability_tokens.get(token_id)
        if token is None:
            raise AlbumNotFound("no such album for this capability token")
        creator = self.members.get(token.creator)
        if act.user != token.creator or creator is None or not creator.is_admin:
            raise Forbidden("a capability token acts for its creator, who must still be an admin")
        if not token.usable_at(act.at):
            raise Forbidden("the capability token is revoked, expired or not valid yet")
        return token.grants

    def _reporting(self, act: Act, provider_id: ReportProviderId) -> None:
        provider = self.report_providers.get(provider_id)
        if provider is None:
            raise AlbumNotFound("no such album for this report provider")
        if provider.is_removed or act.user not in self.members:
            raise Forbidden("the report provider was removed, or its user left the album")

    def _target(self, target: UserId) -> Member:
        member = self.members.get(target)
        if member is None:
            raise MemberNotFound("the user is not a member of the album")
        return member

    def new_series(
        self, study_uid: StudyUID, series_uids: Iterable[SeriesUID]
    ) -> tuple[SeriesUID, ...]:
        """Those of the series that are not in the album yet, each once, in the order they were named.

        Raises:
            Invalid: a UID is none.
            SeriesInAnotherStudy: the album holds one of them in another study; a series has one, (0020,000E).
        """
        there = self.studies.get(ids.study_uid(study_uid), frozenset())
        new = tuple(
            uid for uid in dict.fromkeys(map(ids.series_uid, series_uids)) if uid not in there
        )
        for study, held in self.studies.items():
            if study != study_uid and not held.isdisjoint(new):
                raise SeriesInAnotherStudy("the album holds one of these series in another study")
        return new


def in_person(act: Act) -> None:
    """Pass if a user acts in person.

    Raises:
        Forbidden: it happens through a capability token or a report provider.
    """
    if not act.source.in_person:
        raise Forbidden("only a user in person does this")


def no_provider(act: Act) -> None:
    """Pass if it does not happen through a report provider, who brings reports and nothing else.

    Raises:
        Forbidden: it does.
    """
    if act.source.report_provider is not None:
        raise Forbidden("what a report provider brings is a report")


def not_oneself(act: Act, target: UserId) -> None:
    """Pass if the target is somebody else.

    Raises:
        Forbidden: the source names itself.
    """
    if target == act.user:
        raise Forbidden("nobody adds or promotes himself")
