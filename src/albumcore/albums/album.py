"""The album as an aggregate: its state, and who may do what in it (stream ``album-<id>``; Kheops API 2).

The events and decisions of an album are in the rooms beside this module, one for each concern. A decision is a
function of the album, the act and its arguments. It checks, in this order: the album exists for the caller, the
caller has the permission, the arguments are valid, the change fits the state. It returns the events to record; none
where nothing would change, unless its docstring says that the API wants an event all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum

from attrs import field, frozen

from albumcore.albums.values import (
    Member,
    MemberFlags,
    Phase,
    ReportProvider,
    Study,
    Webhook,
)
from albumcore.errors import AlbumNotFound, Forbidden, MemberNotFound
from albumcore.ids import (
    CapabilityTokenId,
    ReportProviderId,
    SeriesUID,
    StudyUID,
    UserId,
    WebhookId,
)
from albumcore.kernel import Act, Erased, assoc, changed, dissoc
from albumcore.user_tokens.values import CapabilityToken, Grants


class Permission(Enum):
    """One right in an album (Kheops API 2)."""

    ADD_USER = "ADD_USER"
    REMOVE_USER = "REMOVE_USER"
    ADD_ADMIN = "ADD_ADMIN"
    REMOVE_ADMIN = "REMOVE_ADMIN"
    DOWNLOAD_SERIES = "DOWNLOAD_SERIES"
    SEND_SERIES = "SEND_SERIES"
    DELETE_SERIES = "DELETE_SERIES"
    ADD_SERIES = "ADD_SERIES"
    READ_SERIES = "READ_SERIES"
    WRITE_COMMENT = "WRITE_COMMENT"
    READ_COMMENT = "READ_COMMENT"
    EDIT_ALBUM = "EDIT_ALBUM"
    DELETE_ALBUM = "DELETE_ALBUM"
    LIST_USERS = "LIST_USERS"
    EDIT_FAVORITES = "EDIT_FAVORITES"
    MANAGE_CAPABILITY_TOKENS = "MANAGE_CAPABILITIES_TOKEN"
    MANAGE_REPORT_PROVIDERS = "MANAGE_DICOM_SR"
    GET_REPORT_PROVIDERS = "GET_DICOM_SR"
    MANAGE_WEBHOOKS = "MANAGE_WEBHOOK"


@frozen
class Holders:
    """Who holds a permission beside the admins, who hold every one.

    Attributes:
        member: True for every member, False for none, or the member flag that decides.
        token: The grants that a capability token of the album needs, or None if no token holds the permission.
        report_provider: Whether a report provider of the album holds it.
    """

    member: bool | str
    token: frozenset[str] | None = None
    report_provider: bool = False


PERMISSIONS: Mapping[Permission, Holders] = {
    Permission.ADD_USER: Holders("add_user"),
    Permission.REMOVE_USER: Holders(member=True),  # oneself only: `remove_member` checks it
    Permission.ADD_ADMIN: Holders(member=False),
    Permission.REMOVE_ADMIN: Holders(member=False),
    Permission.DOWNLOAD_SERIES: Holders("download_series", frozenset({"read", "download"})),
    Permission.SEND_SERIES: Holders("send_series", frozenset({"read", "appropriate"})),
    Permission.DELETE_SERIES: Holders("delete_series", frozenset({"read", "write"})),
    Permission.ADD_SERIES: Holders("add_series", frozenset({"write"}), report_provider=True),
    Permission.READ_SERIES: Holders(True, frozenset({"read"}), report_provider=True),
    Permission.WRITE_COMMENT: Holders("write_comments"),
    Permission.READ_COMMENT: Holders(member=True),
    Permission.EDIT_ALBUM: Holders(member=True),  # own notifications only: `edit_album` checks it
    Permission.DELETE_ALBUM: Holders(member=False),
    Permission.LIST_USERS: Holders(member=True),
    Permission.EDIT_FAVORITES: Holders("add_series"),
    Permission.MANAGE_CAPABILITY_TOKENS: Holders(member=False),
    Permission.MANAGE_REPORT_PROVIDERS: Holders(member=False),
    Permission.GET_REPORT_PROVIDERS: Holders(member=True),
    Permission.MANAGE_WEBHOOKS: Holders(member=False),
}


@frozen(slots=False)  # faster to create: a replay creates one for most events and keeps the last
class Album:
    """State of an album. ``Album()`` is the state before its first event.

    Attributes:
        phase: New, open or deleted; a new or deleted album has no members.
        created_at: UTC; None before the first event.
        members: By user.
        studies: The series of each study that are in the album.
        favorites: The series that are favourites of the album.
        report_providers: By id, deleted ones included.
        capability_tokens: By id, revoked and expired ones included.
        webhooks: By id.
    """

    phase: Phase = Phase.NEW
    name: str | Erased = ""
    description: str | Erased = ""
    flags: MemberFlags = MemberFlags()
    created_at: datetime | None = None
    members: Mapping[UserId, Member] = field(factory=dict)
    studies: Mapping[StudyUID, Study] = field(factory=dict)
    favorites: frozenset[SeriesUID] = frozenset()
    report_providers: Mapping[ReportProviderId, ReportProvider] = field(factory=dict)
    capability_tokens: Mapping[CapabilityTokenId, CapabilityToken] = field(factory=dict)
    webhooks: Mapping[WebhookId, Webhook] = field(factory=dict)

    def require(self, act: Act, permission: Permission) -> None:
        """Check that the source of an act holds a permission at its time (Kheops API 2).

        Raises:
            AlbumNotFound: the album does not exist for the source: it is unknown or deleted, or the source is
                neither a member nor acts through a token or provider of this album.
            Forbidden: the source sees the album, but lacks the permission.
        """
        holders = PERMISSIONS[permission]
        if act.source.report_provider is not None:
            self._require_provider(act, act.source.report_provider)
            held = holders.report_provider
        elif act.source.capability_token is not None:
            grants = self._grants(act, act.source.capability_token)
            held = holders.token is not None and all(
                getattr(grants, name) for name in holders.token
            )
        else:
            member = self.own_membership(act)
            if isinstance(holders.member, str):
                held = member.is_admin or getattr(self.flags, holders.member)
            else:
                held = member.is_admin or holders.member
        if not held:
            raise Forbidden(f"the permission {permission.value} is missing", rule="permission")

    def own_membership(self, act: Act) -> Member:
        """The membership of the acting user.

        Raises:
            AlbumNotFound: they are not a member; a new or deleted album has none.
        """
        member = self.members.get(act.source.user)
        if member is None:
            raise AlbumNotFound("no such album, or you are not a member of it")
        return member

    def membership(self, target: UserId) -> Member:
        """The membership of the user whom a decision is about.

        Raises:
            MemberNotFound: they are not a member.
        """
        member = self.members.get(target)
        if member is None:
            raise MemberNotFound("the user is not a member of the album")
        return member

    def with_member(self, user: UserId, member: Member) -> Album:
        """A copy with this membership of a user."""
        return changed(self, members=assoc(self.members, user, member))

    def without_member(self, user: UserId) -> Album:
        """A copy in which the user is not a member."""
        return changed(self, members=dissoc(self.members, user))

    def _grants(self, act: Act, token_id: CapabilityTokenId) -> Grants:
        token = self.capability_tokens.get(token_id)
        if token is None:
            raise AlbumNotFound("no such album for this capability token")
        creator = self.members.get(token.creator)
        if act.user != token.creator or creator is None or not creator.is_admin:
            raise Forbidden("a capability token acts for its creator, who must still be an admin")
        if not token.usable_at(act.at):
            raise Forbidden("the capability token is revoked, expired or not valid yet")
        return token.grants

    def _require_provider(self, act: Act, provider_id: ReportProviderId) -> None:
        provider = self.report_providers.get(provider_id)
        if provider is None:
            raise AlbumNotFound("no such album for this report provider")
        if provider.is_removed or act.user not in self.members:
            raise Forbidden("the report provider was removed, or its user left the album")
