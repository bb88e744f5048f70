"""The feed: the projection behind the events endpoint. A table says how each event shows."""

from albumcore.feed.entries import FEED, HIDDEN, Entry, Family, Kind, Line, entry
from albumcore.feed.lanes import Choice, chosen, lanes_of, scopes_of
from albumcore.feed.query import FILTERS, PUBLIC, FeedQuery, Filter, matches, select, visible_to
from albumcore.feed.rendering import (
    DOCUMENTED,
    UPSTREAM,
    FeedForm,
    Person,
    render_feed,
    render_study_comments,
)
from albumcore.feed.view import FeedPage, ProviderStanding, Standing, standing_of

__all__ = [
    "DOCUMENTED",
    "FEED",
    "FILTERS",
    "HIDDEN",
    "PUBLIC",
    "UPSTREAM",
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
    "ProviderStanding",
    "Standing",
    "chosen",
    "entry",
    "lanes_of",
    "matches",
    "render_feed",
    "render_study_comments",
    "scopes_of",
    "select",
    "standing_of",
    "visible_to",
]
