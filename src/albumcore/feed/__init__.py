"""The feed: the projection behind the events endpoint. A table says how each event shows."""

from albumcore.feed.entries import FEED, HIDDEN, Entry, Family, Kind, Line, entry
from albumcore.feed.lanes import Choice, chosen, lanes_of, scopes_of
from albumcore.feed.page import AlbumStatus, FeedPage, ReportProviderStatus, album_status_of
from albumcore.feed.query import (
    FILTERS,
    PUBLIC,
    FeedQuery,
    Filter,
    matches,
    select,
    visible_to,
)
from albumcore.feed.rendering import (
    DOCUMENTED,
    UPSTREAM,
    FeedForm,
    Person,
    render_feed,
    render_study_comments,
)

__all__ = [
    "DOCUMENTED",
    "FEED",
    "FILTERS",
    "HIDDEN",
    "PUBLIC",
    "UPSTREAM",
    "AlbumStatus",
    "Choice",
    "Entry",
    "Family",
    "FeedForm",
    "FeedPage",
    "FeedQuery",
    "Filter",
    "Kind",
    "Line",
    "Person",
    "ReportProviderStatus",
    "album_status_of",
    "chosen",
    "entry",
    "lanes_of",
    "matches",
    "render_feed",
    "render_study_comments",
    "scopes_of",
    "select",
    "visible_to",
]
