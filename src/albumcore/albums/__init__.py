"""Albums of DICOM studies: values, events, and the state with its decisions."""

from albumcore.albums.album import Album
from albumcore.albums.events import AlbumEvent
from albumcore.albums.values import (
    Member,
    MemberFlags,
    Permission,
    Phase,
    ReportProvider,
    Webhook,
    WebhookEvent,
)

__all__ = [
    "Album",
    "AlbumEvent",
    "Member",
    "MemberFlags",
    "Permission",
    "Phase",
    "ReportProvider",
    "Webhook",
    "WebhookEvent",
]
