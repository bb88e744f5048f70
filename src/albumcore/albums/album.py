"""The album: its state, and one decision for each thing that can happen to it (stream ``album-<id>``).

Every decision checks in the same order: is the album there for the source, may the source do this, are the
values sound, does it fit the state. A decision that would change nothing returns no events; where the
contract wants an event all the same, the docstring says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from attrs import evolve, fields_dict, frozen

from albumcore.albums import events as happened
from albumcore.albums.events import AlbumEvent
from albumcore.albums.state import AlbumState, in_person, no_provider, not_oneself
from albumcore.albums.values import (
    MemberFlags,
    Permission,
    Phase,
    ReportProvider,
    check_comment,
    check_description,
    check_name,
    check_provider_text,
)
from albumcore.capabilities.values import Grants, check_digest, check_grants, check_title, validity
from albumcore.errors import (
    AlbumExists,
    CapabilityTokenNotFound,
    Forbidden,
    IdTaken,
    Invalid,
    MemberNotFound,
    ReportProviderNotFound,
    SeriesNotFound,
)
from albumcore.ids import (
    CapabilityTokenId,
    ReportProviderId,
    SeriesUID,
    StudyUID,
    UserId,
    user_id,
)
from albumcore.kernel import Act

Decided = tuple[AlbumEvent, ...]


@frozen
class Album(AlbumState):
    """An album and what can be decided about it. ``Album()`` is one that was not created yet."""

    # The album itself

    def create(
        self, act: Act, name: str, description: str = "", flags: MemberFlags | None = None
    ) -> Decided:
        """Open the album; its creator is the only member, and an admin (Kheops API 3.3).

        Raises:
            AlbumExists: the id was used before.
            Forbidden: not a user in person.
            Invalid: name or description break their limits.
        """
        if self.phase is not Phase.NEW:
            raise AlbumExists("this album id was used before")
        in_person(act)
        checked = check_name(name), check_description(description)
        return (happened.AlbumCreated(*checked, flags or MemberFlags()),)

    def edit(
        self,
        act: Act,
        name: str | None = None,
        description: str | None = None,
        flags: Mapping[str, bool] | None = None,
        notification_new_series: bool | None = None,
        notification_new_comment: bool | None = None,
    ) -> Decided:
        """Change what is given, and leave what is None (Kheops API 3.4).

        Admins may change everything, and every edit of theirs is recorded, even one that changes nothing: the
        contract wants it. Other members may set their own notifications only.

        Raises:
            AlbumNotFound, Forbidden: see `require`; a plain member touches what is the admins'.
            Invalid: name or description break their limits, or a flag is unknown.
        """
        self.require(act, Permission.EDIT_ALBUM)
        member = self._member(act.user)
        if not member.is_admin and not (name is None and description is None and not flags):
            raise Forbidden("members who are not admins may change their notifications only")
        for flag, value in (flags or {}).items():
            if flag not in fields_dict(MemberFlags) or not isinstance(value, bool):
                raise Invalid(flag, "no such member flag, or neither true nor false")
        edited = happened.AlbumEdited(
            None if name is None else check_name(name),
            None if description is None else check_description(description),
            evolve(self.flags, **flags) if flags else None,
        )
        told = (member.notification_new_series, member.notification_new_comment)
        wanted = (
            told[0] if notification_new_series is None else notification_new_series,
            told[1] if notification_new_comment is None else notification_new_comment,
        )
        return (
            *((edited,) if member.is_admin else ()),
            *((happened.NotificationsSet(*wanted),) if wanted != told else ()),
        )

    def delete(self, act: Act) -> Decided:
        """End the album for everybody (Kheops API 3.5). Studies stay wherever else they are.

        Raises:
            AlbumNotFound, Forbidden: see `require`.
        """
        self.require(act, Permission.DELETE_ALBUM)
        return (happened.AlbumDeleted(),)

    # Members

    def add_member(self, act: Act, target: UserId) -> Decided:
        """Make the target a member (Kheops API 5). Who is one already stays what he is, and nothing is recorded.

        Raises:
            AlbumNotFound, Forbidden: see `require`; nobody adds himself.
            Invalid: the target is no sub.
        """
        self.require(act, Permission.ADD_USER)
        not_oneself(act, user_id(target))
        return () if target in self.members else (happened.MemberAdded(target),)

    def add_admin(self, act: Act, target: UserId) -> Decided:
        """Make the target an admin: add a stranger as one, or promote a member (Kheops API 5).

        Raises:
            AlbumNotFound, Forbidden: see `require`; nobody adds himself.
            Invalid: the target is no sub.
        """
        if target in self.members:
            return self.promote_member(act, target)
        self.require(act, Permission.ADD_ADMIN)
        not_oneself(act, user_id(target))
        return (happened.AdminAdded(target),)

    def promote_member(self, act: Act, target: UserId) -> Decided:
        """Make a member an admin (Kheops API 5). Capability tokens that an earlier demotion revoked stay so.

        Raises:
            AlbumNotFound, Forbidden: see `require`; nobody promotes himself.
            MemberNotFound: the target is not a member.
        """
        self.require(act, Permission.ADD_ADMIN)
        not_oneself(act, target)
        return () if self._target(target).is_admin else (happened.MemberPromoted(target),)

    def demote_admin(self, act: Act, target: UserId) -> Decided:
        """Make an admin a plain member, and take back the tokens he made for this album (Kheops API 5).

        One may demote oneself, and the last admin too.

        Raises:
            AlbumNotFound, Forbidden: see `require`.
            MemberNotFound: the target is not a member, or not an admin.
        """
        self.require(act, Permission.REMOVE_ADMIN)
        if not self._target(target).is_admin:
            raise MemberNotFound("the user is not an admin of the album")
        return (happened.AdminDemoted(target), *self._revocations(act, target))

    def remove_member(self, act: Act, target: UserId) -> Decided:
        """Take the target out; whoever names himself leaves (Kheops API 5).

        Raises:
            AlbumNotFound: see `require`.
            MemberNotFound: the target is not a member. This comes before the next.
            Forbidden: only an admin removes somebody else.
        """
        self.require(act, Permission.REMOVE_USER)
        if target == act.user:
            return self.leave(act)
        self._target(target)
        if not self._member(act.user).is_admin:
            raise Forbidden("only an admin removes somebody else")
        return (happened.MemberRemoved(target), *self._revocations(act, target))

    def leave(self, act: Act) -> Decided:
        """Leave the album; with its last member it ends, admin or not (Kheops API 5).

        Raises:
            AlbumNotFound, Forbidden: see `require`.
        """
        self.require(act, Permission.REMOVE_USER)
        if len(self.members) == 1:
            return (happened.AlbumDeleted(),)
        return (happened.MemberLeft(), *self._revocations(act, act.user))

    # Studies and series

    def import_study(
        self, act: Act, study_uid: StudyUID, series_uids: Iterable[SeriesUID]
    ) -> Decided:
        """Put series of a study into the album; those already there are passed over (Kheops API 4.1).

        Raises:
            AlbumNotFound, Forbidden: see `require`; what a report provider brings is a report.
            Invalid: a UID is none.
            SeriesInAnotherStudy: the album holds one of the series in another study.
        """
        self.require(act, Permission.ADD_SERIES)
        no_provider(act)
        new = self.new_series(study_uid, series_uids)
        return (happened.StudyImported(study_uid, new),) if new else ()

    def import_series(self, act: Act, study_uid: StudyUID, series_uid: SeriesUID) -> Decided:
        """Put one series into the album (Kheops API 4.2). One already there changes nothing.

        Raises:
            AlbumNotFound, Forbidden: see `require`; what a report provider brings is a report.
            Invalid: a UID is none.
            SeriesInAnotherStudy: the album holds the series in another study.
        """
        self.require(act, Permission.ADD_SERIES)
        no_provider(act)
        new = self.new_series(study_uid, [series_uid])
        return (happened.SeriesImported(study_uid, series_uid),) if new else ()

    def add_report(self, act: Act, study_uid: StudyUID, series_uid: SeriesUID) -> Decided:
        """Put a report, one series, into the album through a report provider (Kheops API 4.5).

        Raises:
            AlbumNotFound, Forbidden: see `require`; the source does not act through a report provider.
            Invalid: a UID is none.
            SeriesInAnotherStudy: the album holds the series in another study.
        """
        self.require(act, Permission.ADD_SERIES)
        if act.source.report_provider is None:
            raise Forbidden("reports come from report providers")
        new = self.new_series(study_uid, [series_uid])
        return (happened.ReportAdded(study_uid, series_uid),) if new else ()

    def remove_study(self, act: Act, study_uid: StudyUID) -> Decided:
        """Take every series of a study out of the album (Kheops API 4.3).

        Raises:
            AlbumNotFound, Forbidden: see `require`.
            SeriesNotFound: the album holds nothing of the study.
        """
        self.require(act, Permission.DELETE_SERIES)
        if study_uid not in self.studies:
            raise SeriesNotFound("no series of this study is in the album")
        return (happened.StudyRemoved(study_uid, tuple(sorted(self.studies[study_uid]))),)

    def remove_series(self, act: Act, study_uid: StudyUID, series_uid: SeriesUID) -> Decided:
        """Take one series out of the album (Kheops API 4.4).

        Raises:
            AlbumNotFound, Forbidden: see `require`.
            SeriesNotFound: it is not in the album.
        """
        self.require(act, Permission.DELETE_SERIES)
        if series_uid not in self.studies.get(study_uid, ()):
            raise SeriesNotFound("this series is not in the album")
        return (happened.SeriesRemoved(study_uid, series_uid),)

    # Comments

    def post_comment(self, act: Act, comment: str, target: UserId | None = None) -> Decided:
        """Say something to all members, or to one of them in private, oneself included (Kheops API 7.2).

        Raises:
            AlbumNotFound, Forbidden: see `require`.
            Invalid: the comment is empty or longer than 1024 characters.
            MemberNotFound: the target is not a member.
        """
        self.require(act, Permission.WRITE_COMMENT)
        check_comment(comment)
        if target is not None:
            self._target(target)
        return (happened.CommentPosted(comment, target),)

    # Report providers

    def create_report_provider(
        self, act: Act, provider_id: ReportProviderId, name: str, url: str
    ) -> Decided:
        """Let a report provider in (Kheops API 8).

        Raises:
            AlbumNotFound, Forbidden: see `require`.
            Invalid: name or url break their limits.
            IdTaken: the provider id was used before.
        """
        self.require(act, Permission.MANAGE_REPORT_PROVIDERS)
        checked = check_provider_text("name", name), check_provider_text("url", url)
        if provider_id in self.report_providers:
            raise IdTaken("this report provider id was used before")
        return (happened.ReportProviderCreated(provider_id, *checked),)

    def edit_report_provider(
        self,
        act: Act,
        provider_id: ReportProviderId,
        name: str | None = None,
        url: str | None = None,
    ) -> Decided:
        """Rename a report provider or move its address (Kheops API 8).

        It is recorded even when nothing changed: the contract wants it.

        Raises:
            AlbumNotFound, Forbidden: see `require`.
            Invalid: name or url break their limits.
            ReportProviderNotFound: unknown or deleted.
        """
        self.require(act, Permission.MANAGE_REPORT_PROVIDERS)
        new_name = None if name is None else check_provider_text("name", name)
        new_url = None if url is None else check_provider_text("url", url)
        provider = self._provider(act, provider_id)
        return (
            happened.ReportProviderEdited(
                provider_id, new_name or provider.name, new_url or provider.url
            ),
        )

    def delete_report_provider(self, act: Act, provider_id: ReportProviderId) -> Decided:
        """Turn a report provider away (Kheops API 8).

        Raises:
            AlbumNotFound, Forbidden: see `require`.
            ReportProviderNotFound: unknown, or deleted before.
        """
        self._provider(act, provider_id)
        return (happened.ReportProviderDeleted(provider_id),)

    def _provider(self, act: Act, provider_id: ReportProviderId) -> ReportProvider:
        self.require(act, Permission.MANAGE_REPORT_PROVIDERS)
        provider = self.report_providers.get(provider_id)
        if provider is None or provider.is_removed:
            raise ReportProviderNotFound("no such report provider in this album")
        return provider

    # Capability tokens of the album

    def issue_capability_token(
        self,
        act: Act,
        token_id: CapabilityTokenId,
        digest: str,
        title: str,
        grants: Grants,
        not_before: datetime | None = None,
        expires_at: datetime | None = None,
    ) -> Decided:
        """Make a token that opens this album, for three months unless told otherwise (Kheops API 10).

        Raises:
            AlbumNotFound, Forbidden: see `require`.
            Invalid: the digest, the title or a time breaks its rule, or the grants do not hang together.
            IdTaken: the token id was used before.
        """
        self.require(act, Permission.MANAGE_CAPABILITY_TOKENS)
        start, end = validity(act.at, not_before, expires_at)
        issued = happened.CapabilityTokenIssued(
            token_id, check_digest(digest), check_title(title), start, end, check_grants(grants)
        )
        if token_id in self.capability_tokens:
            raise IdTaken("this capability token id was used before")
        return (issued,)

    def revoke_capability_token(self, act: Act, token_id: CapabilityTokenId) -> Decided:
        """Take a token back, at once and for good; its creator and the admins may (Kheops API 10).

        One that is revoked or expired already stays as it is.

        Raises:
            CapabilityTokenNotFound: no such token, or not for the source.
            Forbidden: not a user in person.
        """
        token = self.capability_tokens.get(token_id)
        member = self.members.get(act.user)
        if token is None or not (act.user == token.creator or (member and member.is_admin)):
            raise CapabilityTokenNotFound("no such capability token")
        in_person(act)
        return (happened.CapabilityTokenRevoked(token_id),) if token.revocable_at(act.at) else ()

    def _revocations(self, act: Act, user: UserId) -> Decided:
        """Whoever stops being an admin loses the tokens he made as one."""
        return tuple(
            happened.CapabilityTokenRevoked(token_id)
            for token_id, token in self.capability_tokens.items()
            if token.creator == user and token.revocable_at(act.at)
        )
