"""The port of blob storage: `Blobs`, its errors, and the digest that identifies a blob."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol, TypeAlias

from albumcore.ids import is_digest

Digest: TypeAlias = str
"""A SHA-256 in 64 lower-case hexadecimal digits."""


class BlobMissing(Exception):
    """A blob that an event refers to does not exist: the store is damaged. It is never an error of the client.

    Attributes:
        digest: The digest of the missing content.
    """

    def __init__(self, digest: Digest) -> None:
        super().__init__(f"no blob {digest}")
        self.digest = digest


class BlobDamaged(Exception):
    """The stored bytes do not have the digest they are stored under, or are not readable: the store is damaged.

    Attributes:
        digest: The digest of the content that was put.
        reason: What is wrong, in the words of `Blobs.check`.
    """

    def __init__(self, digest: Digest, reason: str) -> None:
        super().__init__(f"blob {digest}: {reason}")
        self.digest = digest
        self.reason = reason


class BlobsUnavailable(Exception):
    """The storage does not respond, or refuses a request. Trying again later may succeed.

    It does not say whether a blob exists. The message never contains a credential.

    Attributes:
        code: The error code of the storage, such as ``AccessDenied``, if there is one.
    """

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


class BlobsFull(BlobsUnavailable):
    """The disk is full, or the quota of its user is used up. Nothing was stored."""


WRONG_DIGEST = "wrong digest: the content has changed"
"""The reason for stored bytes with another SHA-256 than the one they are stored under."""


def wrong_length(found: int, length: int) -> str:
    """Return the reason for a blob of ``found`` bytes that should have ``length`` bytes."""
    return f"wrong length: {found} bytes instead of {length}"


def too_short(start: int, stop: int) -> str:
    """Return the reason for a blob that ends before a range does."""
    return f"wrong length: it ends before byte {stop} of the range from {start}"


def require_digest(text: str) -> Digest:
    """Return the text, which is safe as part of a path or a key.

    Raises:
        ValueError: it is not a digest.
    """
    if not is_digest(text):
        raise ValueError("a digest has 64 lower-case hexadecimal digits")
    return text


class Draft(Protocol):
    """A blob that is being written. It has an open file, and is no blob until `commit`. For one thread.

    Every method may raise `BlobsUnavailable`.
    """

    def write(self, content: bytes | memoryview) -> None:
        """Append bytes.

        Raises:
            BlobsFull: there is no space left.
        """
        ...

    def read_range(self, start: int, stop: int) -> bytes:
        """Return the bytes from ``start`` to before ``stop``, of those that were written.

        Raises:
            ValueError: there is no such range.
        """
        ...

    @property
    def digest(self) -> Digest:
        """SHA-256 of what was written so far."""
        ...

    def commit(self) -> Digest:
        """Store what was written as a blob, and return its digest: the blob is durable then. This ends the draft.

        After an error the draft is gone as well. The blob may be stored nevertheless, which is harmless.

        Raises:
            BlobsFull: there is no space left.
        """
        ...

    def discard(self) -> None:
        """Remove the draft, unless it has ended."""
        ...


class Blobs(Protocol):
    """Content-addressed storage of image bytes: each content is stored once, under its SHA-256. Thread-safe.

    A blob is durable when `put` returns. Methods with a digest raise ValueError for a text that is not a digest.
    Every method may raise `BlobsUnavailable`. Times are aware; one without a time zone is `Invalid`.
    """

    def put(self, content: bytes) -> Digest:
        """Store content durably and return its digest.

        Putting the same content again renews its age, and replaces stored bytes that are damaged.

        Raises:
            BlobsFull: there is no space left.
        """
        ...

    def draft(self) -> Draft:
        """Begin a blob that is written piece by piece, of any length. Its memory is constant.

        Raises:
            BlobsFull: there is no space left.
        """
        ...

    def get(self, digest: Digest, length: int | None = None) -> bytes:
        """Return the content of a blob: exactly what was put.

        Every read compares the length. It also compares the SHA-256, unless this process has verified the same
        stored bytes before.

        Args:
            digest: The digest.
            length: The recorded length in bytes, if known.

        Raises:
            BlobMissing: the blob does not exist.
            BlobDamaged: the stored bytes are not what was put.
        """
        ...

    def read(self, digest: Digest, length: int) -> bytes:
        """Return the stored bytes of a blob, of this length. The SHA-256 is not compared: the caller verifies them.

        Raises:
            BlobMissing: the blob does not exist.
            BlobDamaged: it has another length, or is not readable.
        """
        ...

    def read_range(self, digest: Digest, start: int, stop: int) -> bytes:
        """Return the stored bytes from ``start`` to before ``stop``, which is greater. The caller verifies them.

        Raises:
            BlobMissing: the blob does not exist.
            BlobDamaged: it ends before the range does, or is not readable.
        """
        ...

    def size(self, digest: Digest) -> int:
        """Return the length of the content, in bytes.

        Raises:
            BlobMissing: the blob does not exist.
        """
        ...

    def digests(self, before: datetime | None = None) -> Iterator[Digest]:
        """Yield the digests of all blobs in ascending order, or only of those last put before a time."""
        ...

    def check(self, digest: Digest, length: int) -> str | None:
        """Read a whole blob and return what is wrong with it, or None if it is sound.

        A missing blob and a text that is not a digest are returned as reasons, not raised.

        Args:
            digest: The digest.
            length: The recorded length in bytes.
        """
        ...

    def remove(self, digest: Digest, before: datetime) -> bool:
        """Remove a blob if it was last put before a time; return whether it was removed.

        For unreferenced blobs: an upload puts the blob before it records an event with its digest, which renews the
        age of the blob.
        """
        ...

    def remove_drafts(self, before: datetime) -> int:
        """Remove the drafts that were last written before a time, which a crash left; return how many there were."""
        ...
