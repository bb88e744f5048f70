"""The lanes of a feed: what an entry can be found by without looking at the others.

A lane is a list of entries, oldest first, by the name of what they have in common. Each entry stands in the lane of
its *scope*, which says who may see it, and in one more for everything that a filter may ask for in that scope:
``mutations``, ``mutations / studies / 1.2.3``, ``mutations / users / alice``. Two people see a private comment, so
it is in two scopes. The entries of a lane are numbered, so how many there are, and which is the hundredth, is
known without a walk; a query is answered from lanes alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache
from typing import Any

from attrs import frozen

from albumcore.feed.entries import Entry, Kind, Line
from albumcore.feed.query import FILTERS, FeedQuery, Filter
from albumcore.ids import UserId

_MUTATIONS, _COMMENTS, _PRIVATE = "mutations", "comments", "private"
_SEPARATOR = "\n"  # is in no sub, UID, id or name: they are printable

TERMS: Mapping[str, Filter] = {
    name: one for name, one in FILTERS.items() if name not in ("kinds", "since", "until")
}
"""The filters that have lanes. Kinds are told by the scope, and moments by the version."""


@frozen
class Choice:
    """Entries of one scope: those that stand, for each group of lanes, in one of the group.

    Attributes:
        groups: One or more groups of lanes.
        is_simple: Whether there is one group, and no entry stands in two lanes of it.
    """

    groups: tuple[tuple[str, ...], ...]
    is_simple: bool


def _after_scope(name: str) -> str:
    return f"{_SEPARATOR}{name}{_SEPARATOR}"


@cache
def _said(line: Line) -> tuple[tuple[str, Callable[[Entry], Iterable[Any]]], ...]:
    """How the lane of each term that entries of a line may have goes on after the scope, and what they say there."""
    return tuple(
        (_after_scope(name), row.said)
        for name, row in TERMS.items()
        if row.needs is None or getattr(line, row.needs)
    )


def lanes_of(one: Entry) -> tuple[str, ...]:
    """The lanes that an entry stands in, each once."""
    # A dictionary, because an entry may say the same thing twice.
    terms = {
        f"{beginning}{value}": None
        for beginning, said in _said(one.line)
        for value in said(one)
        if value is not None
    }
    return tuple([scope + term for scope in _scopes_of(one) for term in ("", *terms)])


def chosen(viewer: UserId, query: FeedQuery) -> list[Choice]:
    """The entries that a viewer sees and asks for, whatever their moment: no entry is in two of the choices."""
    asked = {name: wanted for name in TERMS if (wanted := getattr(query, name)) is not None}
    return [_choice(scope, asked) for kind in query.kinds for scope in scopes_of(kind, viewer)]


def scopes_of(kind: Kind, viewer: UserId) -> tuple[str, ...]:
    """The lanes in which all entries of a kind are that a viewer may see (Kheops API 7.1)."""
    if kind is Kind.MUTATION:
        return (_MUTATIONS,)
    return _COMMENTS, _private(viewer)


def _scopes_of(one: Entry) -> Iterable[str]:
    if one.line.mutation is not None:
        return (_MUTATIONS,)
    if not one.is_private:
        return (_COMMENTS,)
    return dict.fromkeys(_private(sub) for sub in (one.author, one.target) if sub)


def _private(sub: UserId) -> str:
    return f"{_PRIVATE}{_SEPARATOR}{sub}"


def _lane(scope: str, name: str, value: str) -> str:
    return f"{scope}{_after_scope(name)}{value}"


def _choice(scope: str, asked: Mapping[str, Collection[str]]) -> Choice:
    groups = tuple(
        tuple(_lane(scope, name, value) for value in dict.fromkeys(wanted))
        for name, wanted in asked.items()
    )
    if not groups:
        return Choice(((scope,),), is_simple=True)
    alone = len(groups) == 1 and (len(groups[0]) == 1 or all(TERMS[name].is_one for name in asked))
    return Choice(groups, is_simple=alone)
