"""People, identified by the ``sub`` claim of their identity provider, and the ids by which events name them.

Subs, names and e-mail addresses are here alone. Events and all other tables refer to people by user id: a pseudonym,
or the ``sub`` itself in a store without pseudonyms.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from albumcore import (
    Act,
    PersonRegistered,
    RecordedEvent,
    Source,
    UserTokens,
    register_person,
    user_stream,
)
from albumcore.errors import Conflict
from albumcore.feed import Person
from albumcore.ids import UserId, user_id
from albumcore.text import is_text
from albumcore_adapters.directory.pseudonyms import (
    Pseudonyms,
    commitment_of,
    new_pseudonym,
    new_salt,
)
from albumcore_adapters.sql.database import (
    MAX_KEY,
    Cursor,
    Database,
    Row,
    rows_of,
    select_in,
)

_COLUMNS = "SELECT sub, pid, email, name FROM directory_person"
_BY_SUB, _BY_PID, _BY_EMAIL = (f"{_COLUMNS} WHERE {name} = ?" for name in ("sub", "pid", "email"))
_INSERT = (
    "INSERT INTO directory_person (sub, pid, salt) VALUES (?, ?, ?) ON CONFLICT (sub) DO NOTHING"
)
_UPDATE = (
    "UPDATE directory_person SET email = coalesce(?, email), name = coalesce(?, name) WHERE sub = ?"
)


class EmailTaken(Conflict):
    """The e-mail address belongs to another person; it identifies one person (Kheops API 14)."""

    code = "email_taken"


@frozen
class RegisteredUser:
    """A registered person.

    Attributes:
        id: The user id by which events and tables name them.
        person: The person, as others see them.
    """

    id: UserId
    person: Person


@frozen
class People:
    """All registered people, with the claims that their identity provider last made.

    Attributes:
        database: Where the table is.
        pseudonyms: What pseudonyms of new people are made with; without it, the id of a user is their ``sub``.
    """

    database: Database
    pseudonyms: Pseudonyms | None = None

    def register(
        self,
        sub: str,
        email: str | None = None,
        name: str | None = None,
        known: RegisteredUser | None = None,
    ) -> RegisteredUser:
        """Register a person, or update their name and e-mail address. Cheap without changes: called on every request.

        A new person gets a pseudonym, if the store has pseudonyms. Its stream then begins with the registration,
        recorded in the transaction that adds the person: of several first registrations at once, one is recorded.

        A claim that is missing, blank or not storable changes nothing; neither does an address of more than 255
        characters (RFC 5321 section 4.5.3.1.3 permits fewer) or one that `changes_letters` in lower case.

        Args:
            sub: The claim ``sub``.
            email: The claim ``email``; stored in lower case.
            name: The claim ``name``.
            known: The person with this ``sub``, if they were looked up already.

        Raises:
            Invalid: ``sub`` is not a valid subject identifier.
            EmailTaken: the address belongs to another person; nothing is stored.
        """
        known = known or self.with_sub(sub)
        if known is not None and _is_unchanged(known.person, email, name):
            return known
        sub, email, name = user_id(sub), _claim(email), _claim(name)
        email = email and _address(email)
        if known is not None and _is_unchanged(known.person, email, name):
            return known
        if self.pseudonyms is not None:
            return self._register(self.pseudonyms, sub, email, name)
        with self.database.transaction(commit=True) as cursor:
            cursor.execute(_INSERT, (sub, sub, None))
            return _updated(cursor, sub, email, name)

    def _register(
        self, pseudonyms: Pseudonyms, sub: str, email: str | None, name: str | None
    ) -> RegisteredUser:
        """Register or update a person, under a new pseudonym if they have none at the time of the transaction."""
        user, salt = new_pseudonym(pseudonyms.make_id), new_salt()
        stored: list[RegisteredUser] = []

        def decide(state: UserTokens, act: Act) -> tuple[PersonRegistered, ...]:
            if self.with_sub(sub) is not None:
                return ()
            return register_person(state, act, commitment_of(salt, sub))

        def project(recorded: tuple[RecordedEvent[PersonRegistered], ...]) -> None:
            with self.database.transaction(commit=True) as cursor:
                if recorded:
                    cursor.execute(_INSERT, (sub, user, salt))
                stored.append(_updated(cursor, sub, email, name))

        pseudonyms.albums.handle_projected(project, user_stream(user), decide, Source(user))
        return stored[-1]

    def known(self, user: UserId) -> bool:
        """Whether the user with exactly this id is registered."""
        return self.person(user) is not None

    def person(self, user: UserId) -> Person | None:
        """Return the person that exactly this user id names."""
        found = next(map(_user, rows_of(self.database, _BY_PID, user)), None)
        return None if found is None else found.person

    def with_sub(self, sub: str) -> RegisteredUser | None:
        """Return the person with exactly this ``sub``."""
        return next(map(_user, rows_of(self.database, _BY_SUB, sub)), None)

    def find(self, reference: str) -> RegisteredUser | None:
        """Return the person that a user reference of a client means (Kheops API).

        It is an exact ``sub``, or an e-mail address without regard to case and surrounding blanks. The ``sub`` takes
        precedence: otherwise an address equal to it would hide the person with that ``sub``.
        """
        found = self.with_sub(reference)
        if found is not None or "@" not in reference or changes_letters(reference):
            return found
        return next(map(_user, rows_of(self.database, _BY_EMAIL, _email(reference))), None)

    def people(self, users: Iterable[UserId]) -> dict[UserId, Person]:
        """Return the registered people among some users, by user id."""
        with self.database.transaction(commit=False) as cursor:
            rows = select_in(cursor, f"{_COLUMNS} WHERE pid IN (:values)", users)
            return {user.id: user.person for user in map(_user, rows)}

    def everyone(self) -> dict[UserId, Person]:
        """Return all registered people, by user id."""
        return {user.id: user.person for user in map(_user, rows_of(self.database, _COLUMNS))}


def _updated(cursor: Cursor, sub: str, email: str | None, name: str | None) -> RegisteredUser:
    """Store the new claims of a person who is in the table, and return them."""
    cursor.execute(_BY_EMAIL, (email,))
    if any(holder["sub"] != sub for holder in cursor.fetchall()):
        raise EmailTaken("the e-mail address belongs to another user")
    cursor.execute(_UPDATE, (email, name, sub))
    cursor.execute(_BY_SUB, (sub,))
    [row] = cursor.fetchall()
    return _user(row)


def _user(row: Row) -> RegisteredUser:
    return RegisteredUser(row["pid"], Person(row["sub"], row["email"], row["name"]))


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
