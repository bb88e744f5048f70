"""Which entries of a feed are asked for, and which of them a viewer may see (Kheops API 7.1)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from attrs import Attribute, field, frozen

from albumcore.errors import Invalid
from albumcore.feed.entries import Entry, Kind, entry
from albumcore.ids import (
    CapabilityTokenId,
    ReportProviderId,
    SeriesUID,
    StudyUID,
    UserId,
)
from albumcore.kernel import RecordedEvent
from albumcore.times import in_utc

ALL: frozenset[Kind] = frozenset(Kind)


def _not_negative(query: object, attribute: Attribute[Any], value: int | None) -> None:
    if value is not None and value < 0:
        raise Invalid(attribute.name, "it is 0 or more")


def _since(at: datetime | None) -> datetime | None:
    return None if at is None else in_utc("since", at)


def _until(at: datetime | None) -> datetime | None:
    return None if at is None else in_utc("until", at)


@frozen
class FeedQuery:
    """A selection of a feed, and one page of it.

    A filter that is None is not asked for. What is asked for must all hold, and of the values of one filter any
    will do. `FILTERS` says what each means.

    Attributes:
        kinds: The kinds of entries wanted.
        mutations: Names of mutations.
        users: Whose doing it was, or whom it was done to.
        studies: Studies it is about.
        series: Series it is about.
        providers: Report providers it is about, or happened through.
        capability_tokens: Capability tokens it happened through.
        since: The first moment of interest, included; kept in UTC.
        until: The last one, included; kept in UTC.
        limit: At most that many entries, 0 or more; None for all.
        offset: How many of the newest to pass over.

    Raises:
        Invalid: limit or offset is negative, or a moment has no zone.
    """

    kinds: frozenset[Kind] = ALL
    limit: int | None = field(default=None, validator=_not_negative)
    offset: int = field(default=0, validator=_not_negative)
    mutations: Collection[str] | None = None
    users: Collection[UserId] | None = None
    studies: Collection[StudyUID] | None = None
    series: Collection[SeriesUID] | None = None
    providers: Collection[ReportProviderId] | None = None
    capability_tokens: Collection[CapabilityTokenId] | None = None
    since: datetime | None = field(default=None, converter=_since)
    until: datetime | None = field(default=None, converter=_until)


@frozen
class Filter:
    """One way to choose entries.

    Attributes:
        said: What an entry says there; None says nothing.
        holds: Whether one thing that is said will do, by what is wanted.
        is_one: Whether an entry says one thing there at most.
        needs: What a line must have for its entries to say anything there; None for nothing.
    """

    said: Callable[[Entry], Iterable[Any]]
    holds: str = "in"
    is_one: bool = False
    needs: str | None = None


HOLDS: Mapping[str, Callable[[Any, Any], bool]] = {
    "in": lambda one, wanted: one in wanted,
    ">=": lambda one, wanted: one >= wanted,
    "<=": lambda one, wanted: one <= wanted,
}
"""How what is said is compared with what is wanted."""

FILTERS: Mapping[str, Filter] = {
    "kinds": Filter(lambda one: (one.kind,), is_one=True),
    "mutations": Filter(lambda one: (one.line.mutation,), is_one=True, needs="mutation"),
    "users": Filter(lambda one: (one.author, one.target)),
    "studies": Filter(lambda one: (one.study_uid,), is_one=True, needs="study"),
    "series": Filter(lambda one: one.series_uids, needs="study"),
    "providers": Filter(lambda one: (one.provider_id, one.recorded.act.source.report_provider)),
    "capability_tokens": Filter(
        lambda one: (one.recorded.act.source.capability_token,), is_one=True
    ),
    "since": Filter(lambda one: (one.recorded.at,), ">=", is_one=True),
    "until": Filter(lambda one: (one.recorded.at,), "<=", is_one=True),
}
"""Every filter, by its name in `FeedQuery`."""


def matches(query: FeedQuery, one: Entry) -> bool:
    """Whether an entry is among those that are asked for."""
    for name, row in FILTERS.items():
        wanted = getattr(query, name)
        if wanted is not None:
            holds = HOLDS[row.holds]
            if not any(value is not None and holds(value, wanted) for value in row.said(one)):
                return False
    return True


PUBLIC = UserId("")
"""A viewer that nobody can be, and who so sees what everybody does."""


def visible_to(viewer: UserId | None, one: Entry) -> bool:
    """Whether a member may see an entry: private comments only their author and their target (Kheops API 7.1).

    None stands for whoever keeps the store, and sees everything.
    """
    return viewer is None or not one.is_private or viewer in (one.author, one.target)


def select(
    history: Iterable[RecordedEvent[Any]], viewer: UserId | None, query: FeedQuery
) -> tuple[tuple[Entry, ...], int]:
    """One page of a history as the viewer sees it, newest first, and how many entries there are in all.

    It walks the whole history: this is the way to look at a moment of the past. For the present, an index
    gives the same page without the walk.
    """
    chosen = [
        one
        for one in map(entry, history)
        if one is not None and matches(query, one) and visible_to(viewer, one)
    ]
    chosen.reverse()
    end = None if query.limit is None else query.offset + query.limit
    return tuple(chosen[query.offset : end]), len(chosen)
