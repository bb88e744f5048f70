"""The feed: the projection behind the events endpoint. A table says how each event shows."""

from albumcore.feed.entries import FEED, HIDDEN, Entry, Family, Kind, Line, entry
from albumcore.feed.query import FeedQuery, select, visible_to
from albumcore.feed.view import FeedPage, ProviderStanding, Standing, standing_of

__all__ = [
    "FEED",
    "HIDDEN",
    "Entry",
    "Family",
    "FeedPage",
    "FeedQuery",
    "Kind",
    "Line",
    "ProviderStanding",
    "Standing",
    "entry",
    "select",
    "standing_of",
    "visible_to",
]
