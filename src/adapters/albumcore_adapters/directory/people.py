"""People, known by the ``sub`` claim of their identity provider.

This is where names and e-mail addresses live: events name people by ``sub`` alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from albumcore.errors import Conflict
from albumcore.feed import Person
from albumcore.ids import UserId, user_id
from albumcore_adapters.sql.database import (
    MAX_KEY,
    Cursor,
    Database,
    Row,
    is_storable,
    rows_of,
    select_in,
)

_BY_SUB = "SELECT sub, email, name FROM directory_person WHERE sub = ?"
_BY_EMAIL = "SELECT sub, email, name FROM directory_person WHERE email = ?"


class EmailTaken(Conflict):
    """The e-mail address belongs to another person: an address names one person (Kheops API 14)."""

    code = "email_taken"


@frozen
class People:
    """Everyone who has been seen, with what their identity provider last said of them."""

    database: Database

    def register(self, sub: str, email: str | None = None, name: str | None = None) -> Person:
        """Make the person known, or bring what is known up to date.

        A claim that is missing, blank or not storable leaves what is known as it is, and so does an
        address of more than 255 characters, which nobody has (RFC 5321 section 4.5.3.1.3), or one
        that changes its letters in lower case (`changes_letters`). Cheap when nothing is new, so
        that it can be called on every request.

        Raises:
            Invalid: ``sub`` is no user id.
            EmailTaken: the address belongs to somebody else; nothing is stored then.
        """
        known = self.person(sub)
        if known is not None and _says_nothing_new(known, email, name):
            return known
        sub, email, name = user_id(sub), _claim(email), _claim(name)
        email = email and _address(email)
        if known is not None and _says_nothing_new(known, email, name):
            return known
        with self.database.transaction(commit=True) as cursor:
            cursor.execute(
                "INSERT INTO directory_person (sub) VALUES (?) ON CONFLICT DO NOTHING", (sub,)
            )
            if any(holder.sub != sub for holder in _select(cursor, _BY_EMAIL, email)):
                raise EmailTaken("the e-mail address belongs to another user")
            cursor.execute(
                "UPDATE directory_person"
                " SET email = coalesce(?, email), name = coalesce(?, name) WHERE sub = ?",
                (email, name, sub),
            )
            [person] = _select(cursor, _BY_SUB, sub)
            return person

    def known(self, sub: str) -> bool:
        """Whether somebody with exactly this ``sub`` has been registered."""
        return self.person(sub) is not None

    def person(self, sub: str) -> Person | None:
        """Return the person with exactly this ``sub``."""
        return next(map(_person, rows_of(self.database, _BY_SUB, sub)), None)

    def find(self, reference: str) -> Person | None:
        """Return the person a client refers to (Kheops API, user reference).

        It is a ``sub``, taken as it is. With an ``@`` it may also be an e-mail address, in any case
        and with or without blanks around it. An exact ``sub`` comes first: otherwise an address
        that equals it would stand in the way of the user it belongs to.
        """
        found = self.person(reference)
        if found is not None or "@" not in reference or changes_letters(reference):
            return found
        rows = rows_of(self.database, _BY_EMAIL, _email(reference))
        return next(map(_person, rows), None)

    def people(self, subs: Iterable[str]) -> dict[UserId, Person]:
        """Return those of ``subs`` who are known, by ``sub``."""
        with self.database.transaction(commit=False) as cursor:
            rows = select_in(
                cursor, "SELECT sub, email, name FROM directory_person WHERE sub IN (:values)", subs
            )
            return {person.sub: person for person in map(_person, rows)}

    def everyone(self) -> list[Person]:
        """Return all who have been registered."""
        return [
            _person(row)
            for row in rows_of(self.database, "SELECT sub, email, name FROM directory_person")
        ]


def _select(cursor: Cursor, select: str, value: str | None) -> list[Person]:
    cursor.execute(select, (value,))
    return [_person(row) for row in cursor.fetchall()]


def _person(row: Row) -> Person:
    return Person(row["sub"], row["email"], row["name"])


def _says_nothing_new(known: Person, email: str | None, name: str | None) -> bool:
    return email in (None, known.email) and name in (None, known.name)


def _claim(text: str | None) -> str | None:
    return text if text and text.strip() and is_storable(text) else None


def changes_letters(address: str) -> bool:
    """Whether an e-mail address becomes another one in lower case.

    It does where a letter outside ASCII has one of ASCII for its lower case, as KELVIN SIGN (U+212A) has ``k``: who
    holds the first address need not hold the second.
    """
    return any(one.lower().isascii() and not one.isascii() for one in address)


def _address(text: str) -> str | None:
    email = _email(text)
    return email if len(email) <= MAX_KEY and not changes_letters(text) else None


def _email(text: str) -> str:
    # Python's lower(), because SQL's knows ASCII only.
    return text.strip(" \t").lower()
