"""Sealed drafts: content of any length that is encrypted while it is written, and read again before it is stored."""

from __future__ import annotations

import hashlib

from attrs import define, field

from albumcore_adapters.blobs.port import Blobs, BlobsUnavailable, Digest, Draft
from albumcore_adapters.blobs.sealed import CHUNK, ChunkSealer, SealBroken
from albumcore_adapters.blobs.sealed_blobs import SealedBlob
from albumcore_adapters.blobs.sealed_files import SealedRanges


@define(eq=False)
class SealedDraft:
    """A sealed blob that is being written. Once it is finished, it is a `ByteSource`. For one thread.

    A draft has an open file until it is committed or discarded. Of the content, what is written at once is in memory,
    and a chunk.

    Attributes:
        length: Length of the content so far, in bytes.
    """

    _draft: Draft
    _sealer: ChunkSealer = field(factory=ChunkSealer, init=False, repr=False)
    _sha256: hashlib._Hash = field(factory=hashlib.sha256, init=False, repr=False)
    _rest: bytearray = field(factory=bytearray, init=False, repr=False)
    length: int = field(default=0, init=False)
    _ranges: SealedRanges | None = field(default=None, init=False, repr=False)

    @classmethod
    def of(cls, blobs: Blobs) -> SealedDraft:
        """Begin a draft with a new key.

        Raises:
            BlobsFull: there is no space left.
        """
        draft = cls(blobs.draft())
        draft._draft.write(draft._sealer.header)
        return draft

    def write(self, content: bytes | memoryview) -> None:
        """Append content.

        Raises:
            BlobsFull: there is no space left.
        """
        self._sha256.update(content)
        self.length += len(content)
        plain = memoryview(content)
        sealed = []
        # A chunk is sealed once more follows it: only then it is known not to be the last.
        while len(self._rest) + len(plain) > CHUNK:
            taken = CHUNK - len(self._rest)
            chunk = self._rest + plain[:taken] if self._rest else plain[:taken]
            self._rest, plain = bytearray(), plain[taken:]
            sealed.append(self._sealer.seal(chunk, is_last=False))
        # Written together: the system then caches the file in larger blocks, which are read faster.
        self._draft.write(b"".join(sealed))
        self._rest += plain

    def finish(self) -> None:
        """Write the last chunk. After that the content is complete, and can be read.

        Raises:
            BlobsFull: there is no space left.
        """
        self._draft.write(self._sealer.seal(self._rest, is_last=True))
        self._rest = bytearray()
        self._ranges = SealedRanges(self._draft.read_range, self._sealer.key, self.length)

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes of content from ``start`` to before ``stop``, of a draft that is finished.

        Raises:
            ValueError: there is no such range, or the draft is not finished.
            BlobsUnavailable: the draft was changed on the disk.
        """
        if self._ranges is None:
            raise ValueError("the draft is not finished")
        try:
            return self._ranges.read(start, stop)
        except SealBroken as error:
            raise BlobsUnavailable(f"a draft was changed: {error.reason}") from None

    @property
    def digest(self) -> Digest:
        """SHA-256 of the content so far."""
        return self._sha256.hexdigest()

    def commit(self) -> SealedBlob:
        """Store a finished draft durably, and return the blob. The draft has ended then, also after an error.

        Raises:
            BlobsUnavailable: the storage did not confirm it.
        """
        return SealedBlob(self._draft.commit(), self.length, self._sealer.key)

    def discard(self) -> None:
        """Remove the draft, unless it has ended."""
        self._draft.discard()
