"""Pseudonyms: random user ids, by which events and tables name people.

One row of the directory relates a pseudonym to the person, and has the salt of the commitment that the first event of
the pseudonym's stream contains. If that row is deleted, nothing else says who the user was. As long as it exists, the
commitment shows that it was not changed.
"""

from __future__ import annotations

import hashlib
import re
import secrets

from attrs import frozen

from albumcore import Albumcore
from albumcore.ids import UserId
from albumcore_adapters.base.random_ids import MakeId

_PREFIX, _LENGTH = "p-", 20
_PSEUDONYM = re.compile(r"p-[A-Za-z0-9]{20}")
_SALT_BYTES = 32


@frozen
class Pseudonyms:
    """What new pseudonyms are made with.

    Attributes:
        albums: The store that records registrations.
        make_id: Makes an unguessable id of so many characters.
    """

    albums: Albumcore
    make_id: MakeId


def new_pseudonym(make_id: MakeId) -> UserId:
    """Return a new pseudonym: ``p-`` and 20 random letters and digits."""
    return UserId(_PREFIX + make_id(_LENGTH))


def is_pseudonym(user: str) -> bool:
    """Whether a user id has the form of a pseudonym."""
    return _PSEUDONYM.fullmatch(user) is not None


def new_salt() -> str:
    """Return a new salt: 32 random bytes, in hexadecimal."""
    return secrets.token_hex(_SALT_BYTES)


def commitment_of(salt: str, sub: str) -> str:
    """Return the commitment to a person: the SHA-256 of salt and ``sub``, in hexadecimal.

    Raises:
        ValueError: the salt is not hexadecimal.
    """
    return hashlib.sha256(bytes.fromhex(salt) + sub.encode()).hexdigest()
