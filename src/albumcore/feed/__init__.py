"""The feed: the projection behind the events endpoint (Kheops API 7)."""

from albumcore.feed.entries import (
    FEED,
    HIDDEN,
    MUTATIONS,
    WITHDRAWN,
    Entry,
    EntryKind,
    EntryType,
    Family,
    Withdrawn,
    entry,
    with_withdrawn,
)
from albumcore.feed.page import (
    AlbumStatus,
    FeedPage,
    ReportProviderStatus,
    album_status_of,
    select,
)
from albumcore.feed.query import FILTERS, FeedQuery, Filter, matches
from albumcore.feed.rendering import (
    DOCUMENTED,
    UPSTREAM,
    FeedForm,
    Person,
    render_feed,
    render_study_comments,
)
from albumcore.feed.visibility import PUBLIC, scopes_of, visible_to

__all__ = [
    "DOCUMENTED",
    "FEED",
    "FILTERS",
    "HIDDEN",
    "MUTATIONS",
    "PUBLIC",
    "UPSTREAM",
    "WITHDRAWN",
    "AlbumStatus",
    "Entry",
    "EntryKind",
    "EntryType",
    "Family",
    "FeedForm",
    "FeedPage",
    "FeedQuery",
    "Filter",
    "Person",
    "ReportProviderStatus",
    "Withdrawn",
    "album_status_of",
    "entry",
    "matches",
    "render_feed",
    "render_study_comments",
    "scopes_of",
    "select",
    "visible_to",
    "with_withdrawn",
]
