"""Consistency check of pseudonyms: each person is the one whose registration the history has."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import partial
from operator import itemgetter

from albumcore import Albumcore, PersonRegistered, RecordedEvent
from albumcore.ids import UserId
from albumcore.streams import key_of
from albumcore_adapters.directory.pseudonyms import commitment_of, is_pseudonym
from albumcore_adapters.sql.database import Database, Row, rows_of
from albumcore_adapters.sql.pages import pages

_PEOPLE = "SELECT sub, pid, salt FROM directory_person ORDER BY pid"
_MEMBERS = "SELECT DISTINCT sub FROM member_row ORDER BY sub"
_PAGE = 1000


def registration_problems(
    albums: Albumcore, database: Database, erased: Collection[UserId] = frozenset()
) -> list[str]:
    """Return one line for each pseudonym whose person and registration do not belong together.

    A changed or exchanged row of the directory is found: it would show the acts of one person as those of another.

    Args:
        albums: The open store.
        database: Its database.
        erased: The pseudonyms of people who were erased, who have no row.

    Raises:
        StoreError: a table is not readable.
    """
    people = rows_of(database, _PEOPLE)
    members = [row["sub"] for row in rows_of(database, _MEMBERS) if is_pseudonym(row["sub"])]
    has_pseudonyms = members or any(row["salt"] is not None for row in people)
    registered = _commitments(albums) if has_pseudonyms else {}
    return [
        *_wrong_people(people, registered),
        *_without_person(people, members, registered, erased),
    ]


def _commitments(albums: Albumcore) -> Mapping[UserId, str]:
    """The commitment of the first registration in each stream; one that is unreadable is not among them."""
    found: dict[UserId, str] = {}
    read = partial(albums.follow_only, (PersonRegistered,), limit=_PAGE)
    for page in pages(read, itemgetter(0), 0):
        for _, one in page:
            if isinstance(one, RecordedEvent):
                found.setdefault(UserId(key_of(one.stream)), one.event.commitment)
    return found


def _wrong_people(people: Collection[Row], registered: Mapping[UserId, str]) -> Iterator[str]:
    for row in people:
        user, salt = row["pid"], row["salt"]
        if salt is None:
            if user != row["sub"]:
                yield f"directory_person pid={user!r}: it has no salt, and is not the sub itself"
        elif user not in registered:
            yield f"directory_person pid={user!r}: its registration is not in the history"
        elif registered[user] != _commitment(salt, row["sub"]):
            yield f"directory_person pid={user!r}: it was registered for another sub"


def _commitment(salt: str, sub: str) -> str | None:
    try:
        return commitment_of(salt, sub)
    except ValueError:
        return None


def _without_person(
    people: Collection[Row],
    members: Collection[UserId],
    registered: Mapping[UserId, str],
    erased: Collection[UserId],
) -> Iterator[str]:
    known = {row["pid"] for row in people}
    for user in sorted(registered.keys() - known - set(erased)):
        yield f"user-{user}: its person is not in the directory"
    for user in members:
        if user not in registered:
            yield f"member_row sub={user!r}: its registration is not in the history"
