"""Posting lists of a feed: an inverted index from what a query may ask for to the entries that match.

A *posting list* holds the versions of the entries that have one term, oldest first and numbered from 1, so its length
and its hundredth entry are found without reading the list. A *term* is a scope (`albumcore.feed.visibility`), or a
scope with one value of one filter: ``mutations``, ``mutations / studies / 1.2.3``, ``private / alice / users / bob``.
A query is answered from posting lists alone, by intersection and union.

Two more kinds of lists answer no query: the changes of each user's membership, and those of each report provider.
Their last entry up to a version says what held then, so a page of the past needs no state.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache
from typing import Any

from attrs import frozen

from albumcore.albums import lifecycle, members
from albumcore.feed.entries import FEED, Entry, EntryType
from albumcore.feed.query import FILTERS, FeedQuery, Filter
from albumcore.feed.visibility import (
    COMMENTS_SCOPE,
    MUTATIONS_SCOPE,
    SEPARATOR,
    scopes_of,
    scopes_with,
)
from albumcore.ids import ReportProviderId, SeriesUID, UserId
from albumcore.kernel import Event

MEMBERSHIP: Mapping[type[Event[Any]], bool | None] = {
    lifecycle.AlbumCreated: True,
    members.MemberAdded: False,
    members.AdminAdded: True,
    members.MemberPromoted: True,
    members.AdminDemoted: False,
    members.MemberRemoved: None,
    members.MemberLeft: None,
}
"""The event classes that change a membership, each with whether the user is an admin after it; None for no member.

The user is the target of the event, or its author if it has none.
"""

_MEMBERS, _PROVIDERS = "members", "report providers"

POSTED: Mapping[str, Filter] = {name: one for name, one in FILTERS.items() if one.has_postings}
"""The filters whose values are terms."""


@frozen
class Choice:
    """Entries of one scope: those that are, for each group of terms, in a posting list of the group.

    Attributes:
        groups: One or more groups of terms. The lists of a group are united, the groups are intersected.
        is_simple: Whether there is one group, and no entry is in two of its lists.
    """

    groups: tuple[tuple[str, ...], ...]
    is_simple: bool


def terms_of(one: Entry) -> tuple[str, ...]:
    """The terms of an entry, each once."""
    # A dictionary, because an entry may have the same value twice.
    ends = {
        f"{beginning}{value}": None
        for beginning, values in _values_of(one.type)
        for value in values(one)
        if value is not None
    }
    found = [scope + end for scope in scopes_with(one) for end in ("", *ends)]
    if type(one.recorded.event) in MEMBERSHIP:
        found.append(member_term(one.target or one.author))
    if one.provider_id is not None:
        found.append(provider_term(one.provider_id))
    return tuple(found)


def member_term(user: UserId) -> str:
    """The term of the entries that change the membership of a user."""
    return f"{_MEMBERS}{SEPARATOR}{user}"


def provider_term(provider_id: ReportProviderId) -> str:
    """The term of the entries about a report provider; those that are made through it are not among them."""
    return f"{_PROVIDERS}{SEPARATOR}{provider_id}"


def series_term(series_uid: SeriesUID) -> str:
    """The term of the mutations about a series."""
    return f"{MUTATIONS_SCOPE}{_after_scope('series')}{series_uid}"


def latest_terms() -> tuple[str, ...]:
    """The terms of the entries that set the ``last_event_time`` of an album."""
    after = _after_scope("mutations")
    latest = (one.mutation for one in FEED.values() if one is not None and one.is_latest)
    return COMMENTS_SCOPE, *(f"{MUTATIONS_SCOPE}{after}{name}" for name in latest if name)


def choices_of(viewer: UserId, query: FeedQuery) -> list[Choice]:
    """What a query selects for a viewer, at any time. The choices have no entry in common."""
    wanted = {name: values for name in POSTED if (values := getattr(query, name)) is not None}
    return [_choice(scope, wanted) for kind in query.kinds for scope in scopes_of(kind, viewer)]


def _after_scope(name: str) -> str:
    return f"{SEPARATOR}{name}{SEPARATOR}"


@cache
def _values_of(type_: EntryType) -> tuple[tuple[str, Callable[[Entry], Iterable[Any]]], ...]:
    """For each filter that entries of a type have values for: how the term goes on after the scope, and the values."""
    return tuple(
        (_after_scope(name), row.values)
        for name, row in POSTED.items()
        if row.needs is None or getattr(type_, row.needs)
    )


def _choice(scope: str, wanted: Mapping[str, Collection[str]]) -> Choice:
    groups = tuple(
        tuple(f"{scope}{_after_scope(name)}{value}" for value in dict.fromkeys(values))
        for name, values in wanted.items()
    )
    if not groups:
        return Choice(((scope,),), is_simple=True)
    is_single = all(POSTED[name].is_single for name in wanted)
    is_simple = len(groups) == 1 and (len(groups[0]) == 1 or is_single)
    return Choice(groups, is_simple=is_simple)
