"""Cursors: places in the history of a stream, as opaque texts that clients hold (Kheops API 7.1).

A cursor stands after one event. It is encrypted and authenticated with keys of the service, and bound to its stream:
its text says neither how long a history is, nor which stream it is of. One place has one text, so that an answer does
not change unless its entries do.

The event is named by its version and its time, both of which it has for ever: through an erasure, a rebuilt index, and
a copy of the store. In a store that was restored, and went on differently, the event of that version has another time.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from struct import Struct

from attrs import frozen

from albumcore.errors import NotFound

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLACE = Struct(">qq")  # the version, and the time in microseconds
_TAG = 16  # bytes
_LENGTH = 43  # characters: base64url of 32 bytes, without padding
_ALPHABET = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


class CursorGone(NotFound):
    """The cursor is of another history: of another album or patient, of other keys, or from before a restore."""

    code = "cursor_gone"


@frozen
class CursorPlace:
    """A place in a history: after the event of a version, which has the time ``at``.

    Attributes:
        version: The version; 0 for the beginning.
        at: The time of its event (UTC), to the microsecond; that of the epoch for the beginning.
    """

    version: int
    at: datetime = _EPOCH


BEGINNING = CursorPlace(0)
"""Before the first event."""


class Cursors:
    """Makes texts of cursors, and reads them.

    Encryption is deterministic: the authentication tag of the place is the nonce of the key stream (as in SIV, RFC
    5297, with HMAC-SHA-256 for both).

    Args:
        secret: The secret of the service. Machines that share it read the cursors of each other.
    """

    def __init__(self, secret: bytes) -> None:
        self._tag_key = hmac.digest(secret, b"cursor-tag", "sha256")
        self._stream_key = hmac.digest(secret, b"cursor-stream", "sha256")

    def text(self, stream: str, cursor: CursorPlace) -> str:
        """The text of a cursor: 43 characters of ``[A-Za-z0-9_-]``."""
        place = _PLACE.pack(cursor.version, (cursor.at - _EPOCH) // timedelta(microseconds=1))
        tag = self._tag(stream, place)
        return urlsafe_b64encode(tag + self._masked(tag, place)).rstrip(b"=").decode()

    def cursor(self, stream: str, text: str) -> CursorPlace:
        """The cursor of a text.

        Raises:
            ValueError: the text has another form than every cursor.
            CursorGone: it was made for another stream, or with another secret.
        """
        if len(text) != _LENGTH or not _ALPHABET.issuperset(text):
            raise ValueError("it is no cursor")
        decoded = urlsafe_b64decode(f"{text}=")
        tag, masked = decoded[:_TAG], decoded[_TAG:]
        place = self._masked(tag, masked)
        if not hmac.compare_digest(tag, self._tag(stream, place)):
            raise CursorGone(OTHER_HISTORY)
        version, microseconds = _PLACE.unpack(place)
        return CursorPlace(version, _EPOCH + timedelta(microseconds=microseconds))

    def _tag(self, stream: str, place: bytes) -> bytes:
        return hmac.digest(self._tag_key, place + stream.encode(), "sha256")[:_TAG]

    def _masked(self, tag: bytes, place: bytes) -> bytes:
        mask = hmac.digest(self._stream_key, tag, "sha256")[: _PLACE.size]
        return (int.from_bytes(place) ^ int.from_bytes(mask)).to_bytes(_PLACE.size)


OTHER_HISTORY = (
    "the cursor is of another history; read the list without `after`, and go on from its cursor"
)
"""What `CursorGone` says."""
