"""Visibility: which entries of a feed a viewer may see (Kheops API 7.1).

Members see every mutation and every public comment; a private comment is seen by its author and its target only.
A *scope* is the set of entries that the same viewers see: all mutations, all public comments, the private comments of
one user.
"""

from __future__ import annotations

from collections.abc import Iterable

from albumcore.feed.entries import Entry, EntryKind
from albumcore.ids import UserId

PUBLIC = UserId("")
"""A viewer who sees public entries only: no user has this id."""

MUTATIONS_SCOPE, COMMENTS_SCOPE = "mutations", "comments"
_PRIVATE = "private"
SEPARATOR = "\n"
"""Stands between the parts of a scope or term; ids and UIDs are printable and never contain it."""


def visible_to(viewer: UserId | None, one: Entry) -> bool:
    """Whether a viewer may see an entry. None is the operator of the store, who sees every entry."""
    return viewer is None or not one.is_private or viewer in (one.author, one.target)


def scopes_of(kind: EntryKind, viewer: UserId) -> tuple[str, ...]:
    """The scopes of a kind of entries that a viewer may see; they have no entry in common."""
    if kind is EntryKind.MUTATION:
        return (MUTATIONS_SCOPE,)
    return COMMENTS_SCOPE, _private(viewer)


def scopes_with(one: Entry) -> Iterable[str]:
    """The scopes that contain an entry: two for a private comment between two users."""
    if one.type.mutation is not None:
        return (MUTATIONS_SCOPE,)
    if not one.is_private:
        return (COMMENTS_SCOPE,)
    return dict.fromkeys(_private(sub) for sub in (one.author, one.target) if sub)


def _private(sub: UserId) -> str:
    return f"{_PRIVATE}{SEPARATOR}{sub}"
