"""Sealing of events: the cipher of personal fields, and the fact that a store is sealed.

A store is sealed from its first event on, or never. The one row of ``directory_sealed`` names the cipher; a store in
clear has no row. The keys are in ``directory_event_key``, one row for each event that has a sealed part.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

from eventsourcing.persistence import PersistenceError

from albumcore.opening import MissingExtra
from albumcore.sealing import Sealed, Sealer
from albumcore_adapters.sql.database import Cursor, Database

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SEALED_TABLE = "directory_sealed"
"""Has one row in a sealed store: ``cipher``."""

KEYS_TABLE = "directory_event_key"
"""The keys of events: ``stream``, ``version``, ``subject``, ``key``."""

CIPHER = "AES-256-GCM"
"""The name of the only cipher there is, as the store has it."""

_KEY_BYTES = 32
_NONCE = bytes(12)
"""Always the same: a key encrypts one text."""

_COMMITMENT = b"albumcore/key/1"
"""What is hashed before a key. AES-GCM alone does not prove that a text was encrypted under this very key."""

_IN_USE = (
    "SELECT 1 AS one FROM stored_events UNION ALL SELECT 1 FROM directory_person "
    "UNION ALL SELECT 1 FROM directory_patient UNION ALL SELECT 1 FROM directory_account LIMIT 1"
)


class OtherForm(PersistenceError):
    """The store is sealed and must be in clear, or the other way round."""


class AesSealer:
    """AES-256-GCM under a random key for each event, with a commitment to the key.

    Raises:
        MissingExtra: the package `cryptography` is not installed.
    """

    def __init__(self) -> None:
        try:
            from cryptography.exceptions import InvalidTag
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        except ModuleNotFoundError as error:
            raise MissingExtra(
                "a sealed store needs more: pip install 'albumcore[sealed]'"
            ) from error
        self._cipher: type[AESGCM] = AESGCM
        self._invalid = InvalidTag

    def seal(self, content: bytes, context: bytes) -> Sealed:
        """Encrypt bytes under a new key, authenticated together with their context."""
        key = secrets.token_bytes(_KEY_BYTES)
        return Sealed(key, commitment(key), self._cipher(key).encrypt(_NONCE, content, context))

    def open(self, sealed: Sealed, context: bytes) -> bytes:
        """Decrypt bytes.

        Raises:
            ValueError: the key is not that of the commitment, or the bytes or their context are not what was sealed.
        """
        if commitment(sealed.key) != sealed.commitment:
            raise ValueError("its key is not the one it was sealed with")
        try:
            return self._cipher(sealed.key).decrypt(_NONCE, sealed.content, context)
        except self._invalid:
            raise ValueError("its sealed part was changed, or is that of another event") from None


def commitment(key: bytes) -> str:
    """The commitment to a key: SHA-256, in hexadecimal, of a prefix and the key."""
    return hashlib.sha256(_COMMITMENT + key).hexdigest()


def sealer_of(database: Database, wanted: str | None) -> Sealer | None:
    """The sealer of a store; None if it is in clear. An empty store is sealed if that is wanted.

    Args:
        database: The database, migrated.
        wanted: ``y`` if the store must be sealed, ``n`` if it must be in clear, ``new`` to seal it if it is empty;
            None if it may be either.

    Raises:
        OtherForm: it is not as wanted.
        PersistenceError: it is sealed with a cipher of a newer release.
        MissingExtra: it is sealed, and the cipher is not installed.
    """
    with database.transaction(commit=False) as cursor:
        cipher = _cipher(cursor)
    if cipher is None:
        return _seal(database, wanted) if wanted in ("y", "new") else None
    if wanted == "n":
        raise OtherForm("the store is sealed, and a store in clear is asked for")
    if cipher != CIPHER:
        raise PersistenceError(f"the store is sealed with {cipher}, which this release lacks")
    return AesSealer()


def is_sealed_store(database: Database) -> bool:
    """Whether a migrated store is sealed."""
    with database.transaction(commit=False) as cursor:
        return _cipher(cursor) is not None


def _seal(database: Database, wanted: str) -> Sealer | None:
    """Seal a store if it is empty."""
    with database.transaction(commit=True) as cursor:
        cursor.execute(_IN_USE)
        if cursor.fetchone() is None:
            sealer = AesSealer()
            cursor.execute(
                "INSERT INTO directory_sealed VALUES (?) ON CONFLICT DO NOTHING", [CIPHER]
            )
            return sealer
    if wanted == "y":
        raise OtherForm(
            "the store is in clear, and a sealed one is asked for: `albumcore copy --seal` makes one of it"
        )
    return None


def _cipher(cursor: Cursor) -> str | None:
    cursor.execute("SELECT cipher FROM directory_sealed")
    row = cursor.fetchone()
    return None if row is None else row["cipher"]
