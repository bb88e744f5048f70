"""Taking back what happened to an album itself, to its members, and its comments."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from attrs import asdict

from albumcore.albums.album import Album, Permission
from albumcore.albums.comments import withdraw_comment
from albumcore.albums.lifecycle import AlbumEdited, delete_album, edit_album
from albumcore.albums.members import (
    AdminAdded,
    AdminDemoted,
    MemberAdded,
    MemberLeft,
    MemberPromoted,
    MemberRemoved,
    demote_admin,
    promote_member,
    remove_member,
    restore_member,
)
from albumcore.albums.report_providers import ReportProviderCreated
from albumcore.albums.studies import ReportAdded, SeriesImported, StudyImported
from albumcore.albums.undo.past import Events, Past, Superseded, former
from albumcore.albums.values import Member
from albumcore.albums.webhooks import WebhookCreated
from albumcore.errors import Forbidden
from albumcore.kernel import Act

_JOINED = (MemberAdded, AdminAdded)
_IMPORTED = (StudyImported, SeriesImported, ReportAdded)
_TEXTS = ("name", "description")


def album_created(album: Album, act: Act, past: Past) -> Events:
    """Delete it, while no other member joined and nothing is in it.

    Raises:
        Forbidden: the permission DELETE_ALBUM is missing.
        Superseded: another member joined, or a study, report provider or webhook is in it.
    """
    album.require(act, Permission.DELETE_ALBUM)
    live_providers = [one for one in album.report_providers.values() if not one.is_removed]
    for is_there, by in (
        (album.members.keys() != past.after.members.keys(), _JOINED),
        (album.studies, _IMPORTED),
        (live_providers, (ReportProviderCreated,)),
        (album.webhooks, (WebhookCreated,)),
    ):
        if is_there:
            raise Superseded(by)
    return delete_album(album, act)


def album_edited(album: Album, act: Act, past: Past) -> Events:
    """Set each field back that is still as the event set it; each member flag is a field.

    Raises:
        Forbidden: who acts is no admin.
        Superseded: every field was changed again.
        NotUndoable: what they were before is erased.
    """
    album.require(act, Permission.EDIT_ALBUM)
    if not album.own_membership(act).is_admin:
        raise Forbidden("only an admin edits an album")

    def superseded(changed: Collection[str]) -> Superseded:
        named = {name if name in _TEXTS else "flags" for name in changed}
        return Superseded((AlbumEdited,), touches=lambda event, act: _sets(event, named))

    values = former(_fields_of, past, album, superseded)
    texts = {name: values.pop(name) for name in _TEXTS if name in values}
    return edit_album(album, act, **texts, flags=values) if texts or values else ()


def _fields_of(album: Album) -> dict[str, Any]:
    return {**{name: getattr(album, name) for name in _TEXTS}, **asdict(album.flags)}


def _sets(event: Any, fields: Collection[str]) -> bool:
    return any(getattr(event, name) is not None for name in fields)


def member_changed(album: Album, act: Act, past: Past) -> Events:
    """Give the target the role that they had before, or none.

    Raises:
        Forbidden: the permission for the role that is given is missing, or a plain member would remove another one.
        Superseded: the role was changed again.
    """
    target = past.recorded.event.target
    was, made, now = (one.members.get(target) for one in (past.before, past.after, album))
    album.require(act, _permission(was, made))
    if was is None and target != act.user and not album.own_membership(act).is_admin:
        raise Forbidden("only an admin removes another member")
    if _role(now) != _role(made):
        raise Superseded(
            (*_JOINED, MemberRemoved, MemberLeft, MemberPromoted, AdminDemoted),
            {"users": {target}},
            lambda event, by: target == getattr(event, "target", by.user),
        )
    if was is None:
        return remove_member(album, act, target)
    if now is None:
        return restore_member(album, act, target, was)
    return (promote_member if was.is_admin else demote_admin)(album, act, target)


def _role(member: Member | None) -> bool | None:
    return None if member is None else member.is_admin


def _permission(was: Member | None, made: Member | None) -> Permission:
    """The permission that it takes to make a member what they were."""
    if was is None:
        return Permission.REMOVE_USER
    if was.is_admin:
        return Permission.ADD_ADMIN
    return Permission.ADD_USER if made is None else Permission.REMOVE_ADMIN


def commented(album: Album, act: Act, past: Past) -> Events:
    """Withdraw it: its entry stays, without the text."""
    return withdraw_comment(album, act, past.recorded.act.user)
