"""Posting lists of a feed: an inverted index from what a query may ask for to the entries that match.

A *posting list* holds the versions of the entries that have one term, oldest first and numbered from 1, so its length
and its hundredth entry are found without reading the list. A *term* is a scope (`albumcore.feed.visibility`), or a
scope with one value of one filter: ``mutations``, ``mutations / studies / 1.2.3``, ``private / alice / users / bob``.
A query is answered from posting lists alone, by intersection and union.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache
from typing import Any

from attrs import frozen

from albumcore.feed.entries import Entry, EntryType
from albumcore.feed.query import FILTERS, FeedQuery, Filter
from albumcore.feed.visibility import SEPARATOR, scopes_of, scopes_with
from albumcore.ids import UserId

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
    return tuple([scope + end for scope in scopes_with(one) for end in ("", *ends)])


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
