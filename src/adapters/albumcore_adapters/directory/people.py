"""People, identified by the ``sub`` claim of their identity provider.

Names and e-mail addresses are here; events refer to people by ``sub`` alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from albumcore.errors import Conflict
from albumcore.feed import Person
from albumcore.ids import UserId, user_id
from albumcore.text import is_text
from albumcore_adapters.sql.database import (
    MAX_KEY,
    Cursor,
    Database,
    Row,
    rows_of,
    select_in,
)

_BY_SUB = "SELECT sub, email, name FROM directory_person WHERE sub = ?"
_BY_EMAIL = "SELECT sub, email, name FROM directory_person WHERE email = ?"


class EmailTaken(Conflict):
    """The e-mail address belongs to another person; it identifies one person (Kheops API 14)."""

    code = "email_taken"


@frozen
class People:
    """All registered people, with the claims that their identity provider last made."""

    database: Database

    def register(self, sub: str, email: str | None = None, name: str | None = None) -> Person:
        """Register a person, or update their name and e-mail address. Cheap without changes: called on every request.

        A claim that is missing, blank or not storable changes nothing; neither does an address of more than 255
        characters (RFC 5321 section 4.5.3.1.3 permits fewer) or one that `changes_letters` in lower case.

        Args:
            sub: The claim ``sub``.
            email: The claim ``email``; stored in lower case.
            name: The claim ``name``.

        Raises:
            Invalid: ``sub`` is not a valid subject identifier.
            EmailTaken: the address belongs to another person; nothing is stored.
        """
        known = self.person(sub)
        if known is not None and _is_unchanged(known, email, name):
            return known
        sub, email, name = user_id(sub), _claim(email), _claim(name)
        email = email and _address(email)
        if known is not None and _is_unchanged(known, email, name):
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
        """Whether a person with exactly this ``sub`` is registered."""
        return self.person(sub) is not None

    def person(self, sub: str) -> Person | None:
        """Return the person with exactly this ``sub``."""
        return next(map(_person, rows_of(self.database, _BY_SUB, sub)), None)

    def find(self, reference: str) -> Person | None:
        """Return the person that a user reference of a client means (Kheops API).

        It is an exact ``sub``, or an e-mail address without regard to case and surrounding blanks. The ``sub`` takes
        precedence: otherwise an address equal to it would hide the person with that ``sub``.
        """
        found = self.person(reference)
        if found is not None or "@" not in reference or changes_letters(reference):
            return found
        rows = rows_of(self.database, _BY_EMAIL, _email(reference))
        return next(map(_person, rows), None)

    def people(self, subs: Iterable[str]) -> dict[UserId, Person]:
        """Return the registered people among ``subs``, by ``sub``."""
        with self.database.transaction(commit=False) as cursor:
            rows = select_in(
                cursor, "SELECT sub, email, name FROM directory_person WHERE sub IN (:values)", subs
            )
            return {person.sub: person for person in map(_person, rows)}

    def everyone(self) -> list[Person]:
        """Return all registered people."""
        return [
            _person(row)
            for row in rows_of(self.database, "SELECT sub, email, name FROM directory_person")
        ]


def _select(cursor: Cursor, select: str, value: str | None) -> list[Person]:
    cursor.execute(select, (value,))
    return [_person(row) for row in cursor.fetchall()]


def _person(row: Row) -> Person:
    return Person(row["sub"], row["email"], row["name"])


def _is_unchanged(known: Person, email: str | None, name: str | None) -> bool:
    return email in (None, known.email) and name in (None, known.name)


def _claim(text: str | None) -> str | None:
    return text if text and text.strip() and is_text(text) else None


def changes_letters(address: str) -> bool:
    """Whether an e-mail address becomes a different one in lower case.

    This happens if a letter outside ASCII has a lower case in ASCII, as KELVIN SIGN (U+212A) has ``k``. The owner of
    the first address need not own the second.
    """
    return any(one.lower().isascii() and not one.isascii() for one in address)


def _address(text: str) -> str | None:
    email = _email(text)
    return email if len(email) <= MAX_KEY and not changes_letters(text) else None


def _email(text: str) -> str:
    # By Python, because SQLite's lower() handles ASCII only.
    return text.strip(" \t").lower()
