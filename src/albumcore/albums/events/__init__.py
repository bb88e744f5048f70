"""Events of an album. The names in ``@stored`` are the storage format: a class may be renamed, a name never."""

from __future__ import annotations

from albumcore.albums.events.life import (
    AdminAdded,
    AdminDemoted,
    AlbumCreated,
    AlbumDeleted,
    AlbumEdited,
    CommentPosted,
    FavoriteSet,
    MemberAdded,
    MemberLeft,
    MemberPromoted,
    MemberRemoved,
    NotificationsSet,
)
from albumcore.albums.events.providers import (
    ReportProviderCreated,
    ReportProviderDeleted,
    ReportProviderEdited,
)
from albumcore.albums.events.studies import (
    FavoriteAdded,
    FavoriteRemoved,
    ReportAdded,
    SeriesImported,
    SeriesRemoved,
    StudyImported,
    StudyRemoved,
)
from albumcore.albums.events.tokens import CapabilityTokenIssued, CapabilityTokenRevoked
from albumcore.albums.events.webhooks import (
    WebhookCreated,
    WebhookDeleted,
    WebhookEdited,
    WebhookTriggered,
)

AlbumEvent = (
    AlbumCreated
    | AlbumEdited
    | AlbumDeleted
    | NotificationsSet
    | FavoriteSet
    | MemberLeft
    | MemberAdded
    | AdminAdded
    | MemberRemoved
    | MemberPromoted
    | AdminDemoted
    | CommentPosted
    | StudyImported
    | SeriesImported
    | ReportAdded
    | StudyRemoved
    | SeriesRemoved
    | FavoriteAdded
    | FavoriteRemoved
    | ReportProviderCreated
    | ReportProviderEdited
    | ReportProviderDeleted
    | CapabilityTokenIssued
    | CapabilityTokenRevoked
    | WebhookCreated
    | WebhookEdited
    | WebhookDeleted
    | WebhookTriggered
)

Decided = tuple[AlbumEvent, ...]
"""What a decision leads to."""

__all__ = [
    "AdminAdded",
    "AdminDemoted",
    "AlbumCreated",
    "AlbumDeleted",
    "AlbumEdited",
    "AlbumEvent",
    "CapabilityTokenIssued",
    "CapabilityTokenRevoked",
    "CommentPosted",
    "Decided",
    "FavoriteAdded",
    "FavoriteRemoved",
    "FavoriteSet",
    "MemberAdded",
    "MemberLeft",
    "MemberPromoted",
    "MemberRemoved",
    "NotificationsSet",
    "ReportAdded",
    "ReportProviderCreated",
    "ReportProviderDeleted",
    "ReportProviderEdited",
    "SeriesImported",
    "SeriesRemoved",
    "StudyImported",
    "StudyRemoved",
    "WebhookCreated",
    "WebhookDeleted",
    "WebhookEdited",
    "WebhookTriggered",
]
