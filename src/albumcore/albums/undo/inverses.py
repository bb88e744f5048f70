"""Taking back: for each class of events, the decision that is its inverse.

Nothing is taken back from the history: an undo is a decision like any other, and its events carry in their envelope
the version of the event that they take back. The rules:

- The source needs the permission of the inverse now.
- What of the change still holds is taken back: the fields, series or flags that are as the event set them.
- If nothing of it holds any more, it was `Superseded`. If it changed nothing, nothing is recorded.
- What was revoked or forgotten stays so: capability tokens, the ids of report providers, the secrets of webhooks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from albumcore.albums.album import Album
from albumcore.albums.capability_tokens import CapabilityTokenRevoked
from albumcore.albums.comments import CommentPosted, CommentWithdrawn
from albumcore.albums.lifecycle import AlbumCreated, AlbumDeleted, AlbumEdited
from albumcore.albums.members import (
    AdminAdded,
    AdminDemoted,
    MemberAdded,
    MemberLeft,
    MemberPromoted,
    MemberRemoved,
    MemberSettingsRestored,
)
from albumcore.albums.report_providers import (
    ReportProviderCreated,
    ReportProviderDeleted,
    ReportProviderEdited,
)
from albumcore.albums.studies import (
    FavoriteAdded,
    FavoriteRemoved,
    ReportAdded,
    SeriesImported,
    SeriesRemoved,
    StudyImported,
    StudyRemoved,
)
from albumcore.albums.undo.members import (
    album_created,
    album_edited,
    commented,
    member_changed,
)
from albumcore.albums.undo.past import Events, Past
from albumcore.albums.undo.services import (
    provider_created,
    provider_deleted,
    provider_edited,
    webhook_created,
    webhook_deleted,
    webhook_edited,
)
from albumcore.albums.undo.studies import (
    favorites_changed,
    series_imported,
    series_removed,
)
from albumcore.albums.webhooks import WebhookCreated, WebhookDeleted, WebhookEdited
from albumcore.errors import NotUndoable
from albumcore.kernel import Act, Event


def undo(album: Album, act: Act, past: Past) -> Events:
    """Take back an event of the album that the source sees in its feed.

    Args:
        album: The album as it is now.
        act: Source and time; ``undoes`` is the version of the event.
        past: The event, and the states around it.

    Raises:
        AlbumNotFound, Forbidden: see `Album.require`, for the permission of the inverse.
        NotUndoable: the event has no inverse, or is itself an undo, or what it changed is forgotten.
        Superseded: nothing of what it changed holds any more.
        SeriesInAnotherStudy: a removed series is in the album now, in another study.
        IdTaken: the album has a webhook of the id of the deleted one now.
    """
    inverse = INVERSES.get(type(past.recorded.event))
    if past.recorded.act.undoes is not None:
        raise NotUndoable("this takes back another event; do that again instead")
    if inverse is None:
        raise NotUndoable("there is no way to take this back")
    return inverse(album, act, past)


INVERSES: Mapping[type[Event[Any]], Callable[[Album, Act, Past], Events]] = {
    AlbumCreated: album_created,
    AlbumEdited: album_edited,
    MemberAdded: member_changed,
    AdminAdded: member_changed,
    MemberRemoved: member_changed,
    MemberPromoted: member_changed,
    AdminDemoted: member_changed,
    StudyImported: series_imported,
    SeriesImported: series_imported,
    ReportAdded: series_imported,
    StudyRemoved: series_removed,
    SeriesRemoved: series_removed,
    FavoriteAdded: favorites_changed,
    FavoriteRemoved: favorites_changed,
    CommentPosted: commented,
    ReportProviderCreated: provider_created,
    ReportProviderEdited: provider_edited,
    ReportProviderDeleted: provider_deleted,
    WebhookCreated: webhook_created,
    WebhookEdited: webhook_edited,
    WebhookDeleted: webhook_deleted,
}
"""The inverse of each class of events; a class that is not here cannot be taken back.

A member who left comes back by an invitation, and what a webhook delivered stays delivered.
"""

UNDO_EVENTS: tuple[type[Event[Any]], ...] = (
    *(AlbumEdited, AlbumDeleted),
    *(MemberAdded, AdminAdded, MemberRemoved, MemberLeft, MemberPromoted, AdminDemoted),
    *(MemberSettingsRestored, CapabilityTokenRevoked),
    *(StudyImported, SeriesImported, StudyRemoved, SeriesRemoved, FavoriteAdded, FavoriteRemoved),
    *(ReportProviderCreated, ReportProviderEdited, ReportProviderDeleted),
    *(WebhookCreated, WebhookEdited, WebhookDeleted),
    CommentWithdrawn,
)
"""The classes of the events that an undo may record."""
