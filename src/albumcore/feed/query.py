"""Queries of a feed: which entries are selected, by the table `FILTERS`, and which page of them (Kheops API 7.1)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from attrs import Attribute, field, frozen

from albumcore.errors import Invalid
from albumcore.feed.entries import Entry, EntryKind
from albumcore.ids import (
    CapabilityTokenId,
    ReportProviderId,
    SeriesUID,
    StudyUID,
    UserId,
)
from albumcore.times import in_utc

ALL: frozenset[EntryKind] = frozenset(EntryKind)


def _not_negative(query: object, attribute: Attribute[Any], value: int | None) -> None:
    if value is not None and value < 0:
        raise Invalid(attribute.name, "it is 0 or more")


def _since(at: datetime | None) -> datetime | None:
    return None if at is None else in_utc(at, "since")


def _until(at: datetime | None) -> datetime | None:
    return None if at is None else in_utc(at, "until")


@frozen
class FeedQuery:
    """A selection of entries, and one page of it.

    An entry is selected if it matches every filter that is not None; it matches a filter by any of its values.
    `FILTERS` has the meaning of each.

    Attributes:
        kinds: Comments, mutations, or both.
        mutations: Names of mutations.
        users: Author or target.
        studies: Studies that it is about.
        series: Series that it is about.
        providers: Report providers that it is about, or that were acted through.
        capability_tokens: Capability tokens that were acted through.
        since: Earliest time, inclusive; converted to UTC.
        until: Latest time, inclusive; converted to UTC.
        limit: Size of the page, 0 or more; None for all.
        offset: How many of the newest entries to skip.
        after: Only entries of later versions than this one, and the page begins with the oldest; None for the newest.
        before: Only entries of earlier versions than this one; the page is the same however many are added.

    Raises:
        Invalid: limit, offset, after or before is negative, a time has no time zone, or offset is beside after.
    """

    kinds: frozenset[EntryKind] = ALL
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
    after: int | None = field(default=None, validator=_not_negative)
    before: int | None = field(default=None, validator=_not_negative)

    def __attrs_post_init__(self) -> None:
        if self.after is not None and self.offset:
            raise Invalid("offset", "it does not go with after")


@frozen
class Filter:
    """One way to select entries: a row of `FILTERS`.

    Attributes:
        values: The values of an entry that the filter compares; None is no value.
        operator: How a value is compared with what the query asks for, a key of `OPERATORS`.
        is_single: Whether an entry has at most one value.
        needs: The attribute of `EntryType` without which an entry has no value; None if all may have one.
        has_postings: Whether there is a posting list for each value (`albumcore.index.postings`).
    """

    values: Callable[[Entry], Iterable[Any]]
    operator: str = "in"
    is_single: bool = False
    needs: str | None = None
    has_postings: bool = True


OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "in": lambda one, wanted: one in wanted,
    ">=": lambda one, wanted: one >= wanted,
    "<=": lambda one, wanted: one <= wanted,
}
"""Compares a value of an entry with what the query asks for."""

FILTERS: Mapping[str, Filter] = {
    # The scope of a posting list separates kinds, and its versions are in the order of time.
    "kinds": Filter(lambda one: (one.kind,), is_single=True, has_postings=False),
    "mutations": Filter(lambda one: (one.type.mutation,), is_single=True, needs="mutation"),
    "users": Filter(lambda one: (one.author, one.target)),
    "studies": Filter(lambda one: (one.study_uid,), is_single=True, needs="study"),
    "series": Filter(lambda one: one.series_uids, needs="study"),
    "providers": Filter(lambda one: (one.provider_id, one.recorded.act.source.report_provider)),
    "capability_tokens": Filter(
        lambda one: (one.recorded.act.source.capability_token,), is_single=True
    ),
    "since": Filter(lambda one: (one.recorded.at,), ">=", is_single=True, has_postings=False),
    "until": Filter(lambda one: (one.recorded.at,), "<=", is_single=True, has_postings=False),
}
"""Every filter, by its name in `FeedQuery`. A new one needs a field there and a row here."""


def matches(query: FeedQuery, one: Entry) -> bool:
    """Whether a query selects an entry."""
    for name, row in FILTERS.items():
        wanted = getattr(query, name)
        if wanted is not None:
            holds = OPERATORS[row.operator]
            if not any(value is not None and holds(value, wanted) for value in row.values(one)):
                return False
    return True
