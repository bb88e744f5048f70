"""The moments at which an album looks different to a member: the stops of a slider over its history."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from attrs import frozen

from albumcore.codec import moment_of
from albumcore.feed import FEED, FeedQuery
from albumcore.ids import AlbumId, UserId
from albumcore.index import MEMBERSHIP, choices_of, member_term
from albumcore.kernel import STORED
from albumcore.queries import Albumcore
from albumcore.streams import album_stream


@frozen
class Stop:
    """A moment after an entry of the feed.

    Attributes:
        at: The time of the entry (UTC): as of it the album has the entry, and all others of the same time.
        mutation: The name of its mutation; None for a comment.
    """

    at: datetime
    mutation: str | None


@frozen
class Stops:
    """The stops of an album, for a viewer.

    Attributes:
        stops: The stops, oldest first, no two at the same time.
        step: How many entries of its kind each stop stands for; 1 if there is a stop for each.
    """

    stops: Sequence[Stop]
    step: int


def joinings_of(albums: Albumcore, album_id: AlbumId, viewer: UserId) -> Sequence[Stop]:
    """The moments at which a viewer became a member of an album, oldest first; check first that they are one now."""
    found, is_member = [], False
    for one in albums.index.sample(album_stream(album_id).name, [member_term(viewer)], 1):
        was_member, is_member = is_member, MEMBERSHIP[STORED[one.topic]] is not None
        if is_member and not was_member:
            found.append(_stop(one))
    return found


def _stop(stored: Any) -> Stop:
    row = FEED[STORED[stored.topic]]
    return Stop(moment_of(stored), None if row is None else row.mutation)


def stops_of(albums: Albumcore, album_id: AlbumId, viewer: UserId, most: int) -> Stops:
    """The stops of the entries that a viewer sees, at the times at which they were a member.

    With more entries than ``most``, each posting list has a stop for every so many of its entries, the first included.
    They are read from posting lists: no state is made, and the number of entries matters little.

    Args:
        albums: The store.
        album_id: The album; check first that the viewer is a member.
        viewer: Whose feed it is.
        most: The most stops there are; a few at least.
    """
    stream, index = album_stream(album_id).name, albums.index
    terms = [
        term
        for choice in choices_of(viewer, FeedQuery())
        for group in choice.groups
        for term in group
    ]
    number = index.count_entries([stream], terms).get(stream, 0)
    step = 1 if number <= most else -(-number // (most - len(terms)))
    changes = index.sample(stream, [member_term(viewer)], 1)
    since = [one.originator_version for one in changes]
    found: dict[datetime, Stop] = {}
    for one in index.sample(stream, terms, step):
        place = bisect_right(since, one.originator_version)
        if place and MEMBERSHIP[STORED[changes[place - 1].topic]] is not None:
            stop = _stop(one)
            found[stop.at] = stop
    return Stops(list(found.values()), step)
