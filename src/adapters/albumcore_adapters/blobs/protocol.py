"""What a place for image bytes owes whoever uses it, wherever the bytes are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol, TypeAlias

from albumcore.ids import is_digest

Digest: TypeAlias = str
"""A SHA-256 in 64 lower-case hexadecimal digits."""


class BlobMissing(Exception):
    """A blob that should be there is not: damage to the store, never a mistake of the one who asks.

    Attributes:
        digest: The digest of the missing content.
    """

    def __init__(self, digest: Digest) -> None:
        super().__init__(f"no blob {digest}")
        self.digest = digest


class BlobDamaged(Exception):
    """The bytes that are stored under a digest are not those it was made of, or cannot be read: damage to the store.

    Attributes:
        digest: The digest of the content that was put.
        reason: What is wrong with what is stored, as `Blobs.check` says it.
    """

    def __init__(self, digest: Digest, reason: str) -> None:
        super().__init__(f"blob {digest}: {reason}")
        self.digest = digest
        self.reason = reason


def wrong_length(found: int, length: int) -> str:
    """How a stored length that is not the recorded one is told; both in bytes."""
    return f"wrong length: {found} bytes instead of {length}"


WRONG_DIGEST = "wrong digest: the content has changed"
"""How stored bytes are told that have another SHA-256 than they were put under."""


class BlobsUnavailable(Exception):
    """The place where blobs are kept does not answer, or refuses. Asked again later, it may do its part.

    It says nothing about whether a blob is there. The message never holds a credential.

    Attributes:
        code: The name that the place itself gives the refusal, such as ``AccessDenied``, if it gives one.
    """

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


class BlobsFull(BlobsUnavailable):
    """There is no room for another blob: the disk, or the quota of its user, is used up. Nothing was kept."""


class Blobs(Protocol):
    """A place for image bytes. What `put` has returned for is not lost again by a crash.

    Methods that take a digest raise `ValueError` for a text that is none. Every method raises `BlobsUnavailable`
    where the place is another machine, and that one does not do its part. Threads may share it.
    """

    def put(self, content: bytes) -> Digest:
        """Keep ``content`` and return its digest.

        To put the same again changes nothing but its age, which starts again, and mends what has rotted.

        Raises:
            BlobsFull: there is no room for it.
        """
        ...

    def get(self, digest: Digest, length: int | None = None) -> bytes:
        """Return the content, which is what was put, or nothing.

        Its length is compared at each read, and its SHA-256 unless this process has verified the same stored bytes
        before. ``length`` is the recorded one, in bytes, where that is known.

        Raises:
            BlobMissing: it is not there.
            BlobDamaged: what is stored is not what was put.
        """
        ...

    def size(self, digest: Digest) -> int:
        """Return the length of the content, in bytes.

        Raises:
            BlobMissing: it is not there.
        """
        ...

    def digests(self, before: datetime | None = None) -> Iterator[Digest]:
        """Go through the digests of all blobs, in ascending order; or of those last put before a moment.

        Raises:
            Invalid: the moment has no zone.
        """
        ...

    def check(self, digest: Digest, length: int) -> str | None:
        """Read the blob to its end and say what is wrong with it; None if it is sound.

        ``length`` is in bytes. A text that is no digest is said to be wrong, too, not raised.
        """
        ...

    def remove(self, digest: Digest, before: datetime) -> bool:
        """Remove a blob that was last put before a moment; whether it was there, and that old.

        For blobs that nothing refers to: who is about to refer to one puts it first, which makes it young.

        Raises:
            Invalid: the moment has no zone.
        """
        ...


def check_digest(text: str) -> Digest:
    """The text, which is to become part of a path or a key.

    Raises:
        ValueError: it is no digest.
    """
    if not is_digest(text):
        raise ValueError("a digest has 64 lower-case hexadecimal digits")
    return text
