"""Drafts of blobs as files: written piece by piece, and read again before they are stored under their digest."""

from __future__ import annotations

import errno
import hashlib
import os
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

from attrs import define, field

from albumcore_adapters.blobs.port import BlobsFull, BlobsUnavailable, Digest

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""Errors of the file system that mean that there is no space left."""


@contextmanager
def no_space_is_full(place: object) -> Iterator[None]:
    """Translate the errors of a file system that is full to `BlobsFull`."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise BlobsFull(f"{place}: {error.strerror}") from error
        raise


@define
class FileDraft:
    """A draft in an open file; see `port.Draft`. Where it is stored, subclasses know.

    Attributes:
        place: What an error names.
        descriptor: The file, open for reading and writing; -1 once it is closed.
    """

    place: object
    descriptor: int
    _sha256: hashlib._Hash = field(factory=hashlib.sha256, init=False, repr=False)
    _length: int = field(default=0, init=False)

    def write(self, content: bytes | memoryview) -> None:
        """Append bytes; see `port.Draft`."""
        self._sha256.update(content)
        rest = memoryview(content)
        with no_space_is_full(self.place):
            while rest:
                rest = rest[os.write(self.descriptor, rest) :]
        self._length += len(content)

    def read_range(self, start: int, stop: int) -> bytes:
        """Return a range of what was written; see `port.Draft`."""
        if not 0 <= start <= stop <= self._length:
            raise ValueError(f"no range of {self._length} bytes: {start} to {stop}")
        content = os.pread(self.descriptor, stop - start, start)
        if len(content) < stop - start:
            raise BlobsUnavailable(f"{self.place}: a draft became shorter")
        return content

    @property
    def digest(self) -> Digest:
        """SHA-256 of what was written so far."""
        return self._sha256.hexdigest()

    def commit(self) -> Digest:
        """Store what was written, durably, and return its digest; see `port.Draft`."""
        digest = self.digest
        try:
            with no_space_is_full(self.place):
                self._store(digest, self._length)
        finally:
            self.discard()
        return digest

    def discard(self) -> None:
        """Remove the draft, unless it was stored; see `port.Draft`."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    @abstractmethod
    def _store(self, digest: Digest, length: int) -> None:
        """Store what was written under its digest, durably."""
