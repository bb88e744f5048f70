"""Albums of DICOM studies: the aggregate, its values, and one room for the events and decisions of each concern."""

from albumcore.albums.album import Album, Permission
from albumcore.albums.values import (
    Member,
    MemberFlags,
    Phase,
    ReportProvider,
    Webhook,
    WebhookEvent,
)

__all__ = [
    "Album",
    "Member",
    "MemberFlags",
    "Permission",
    "Phase",
    "ReportProvider",
    "Webhook",
    "WebhookEvent",
]
