"""Which entries of a feed are asked for, and which of them a viewer may see."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import Attribute, field, frozen

from albumcore.errors import Invalid
from albumcore.feed.entries import Entry, Kind, entry
from albumcore.ids import UserId
from albumcore.kernel import Recorded


def _not_negative(query: object, attribute: Attribute[Any], value: int | None) -> None:
    if value is not None and value < 0:
        raise Invalid(attribute.name, "it is 0 or more")


@frozen
class FeedQuery:
    """A selection of a feed, and one page of it.

    Attributes:
        kinds: The kinds of entries wanted.
        limit: At most that many entries, 0 or more; None for all.
        offset: How many of the newest to pass over.

    Raises:
        Invalid: limit or offset is negative.
    """

    kinds: frozenset[Kind] = frozenset(Kind)
    limit: int | None = field(default=None, validator=_not_negative)
    offset: int = field(default=0, validator=_not_negative)


def visible_to(viewer: UserId | None, one: Entry) -> bool:
    """Whether a member may see an entry: private comments only their author and their target (Kheops API 7.1).

    None stands for whoever keeps the store, and sees everything.
    """
    return viewer is None or not one.is_private or viewer in (one.author, one.target)


def select(
    history: Iterable[Recorded[Any]], viewer: UserId | None, query: FeedQuery
) -> tuple[tuple[Entry, ...], int]:
    """One page of a history as the viewer sees it, newest first, and how many entries there are in all.

    It walks the whole history: this is the way to look at a moment of the past. For the present, an index
    gives the same page without the walk.
    """
    chosen = [
        one
        for one in map(entry, history)
        if one is not None and one.kind in query.kinds and visible_to(viewer, one)
    ]
    chosen.reverse()
    end = None if query.limit is None else query.offset + query.limit
    return tuple(chosen[query.offset : end]), len(chosen)
