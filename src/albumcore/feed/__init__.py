"""The feed: the projection behind the events endpoint. A table says how each event shows."""

from albumcore.feed.entries import FEED, HIDDEN, Entry, Family, Kind, Line, entry
from albumcore.feed.lanes import Choice, chosen, lanes_of, scopes_of
from albumcore.feed.query import FILTERS, PUBLIC, FeedQuery, Filter, matches, select, visible_to
from albumcore.feed.view import FeedPage, ProviderStanding, Standing, standing_of

__all__ = [
    "FEED",
    "FILTERS",
    "HIDDEN",
    "PUBLIC",
    "Choice",
    "Entry",
    "Family",
    "FeedPage",
    "FeedQuery",
    "Filter",
    "Kind",
    "Line",
    "ProviderStanding",
    "Standing",
    "chosen",
    "entry",
    "lanes_of",
    "matches",
    "scopes_of",
    "select",
    "standing_of",
    "visible_to",
]
