"""Sealed blobs: sealed bytes stored under their SHA-256, and read whole or in part."""

from __future__ import annotations

from contextlib import suppress

from attrs import field, frozen

from albumcore_adapters.blobs.port import BlobDamaged, BlobMissing, Blobs, Digest
from albumcore_adapters.blobs.sealed import (
    CHUNK,
    HEADER,
    Opener,
    SealBroken,
    SealKey,
    chunks_of,
    fits,
    range_of,
    seal_bytes,
    sealed_length,
    unseal_bytes,
)


@frozen
class SealedBlob:
    """A sealed blob, as what refers to it has it.

    Attributes:
        digest: SHA-256 of the sealed bytes.
        length: Length of the content, in bytes.
        key: What opens it. Without the key, the content is gone.
    """

    digest: Digest
    length: int
    key: SealKey = field(repr=False)

    @property
    def stored_length(self) -> int:
        """The number of sealed bytes."""
        return sealed_length(self.length)


def put_sealed(blobs: Blobs, content: bytes) -> SealedBlob:
    """Store content durably, sealed with a new key. The same content is stored again each time.

    Raises:
        BlobsUnavailable: the storage did not confirm it.
    """
    sealed, key = seal_bytes(content)
    return SealedBlob(blobs.put(sealed), len(content), key)


def get_sealed(blobs: Blobs, blob: SealedBlob) -> bytearray:
    """Return the whole content. Every chunk is verified.

    Raises:
        BlobMissing: the blob does not exist.
        BlobDamaged: the stored bytes are not what was put, or the key is another one.
        BlobsUnavailable: the storage does not respond.
    """
    # Taken before what is read: the next large object then gets the memory of the sealed bytes, and not new pages.
    content = bytearray(blob.length)
    sealed = blobs.read(blob.digest, blob.stored_length)
    try:
        return unseal_bytes(sealed, blob.key, content)
    except SealBroken as error:
        raise BlobDamaged(blob.digest, error.reason) from None


def open_range(blobs: Blobs, blob: SealedBlob, start: int, stop: int) -> bytes | bytearray:
    """Return the bytes of content from ``start`` to before ``stop``, counted from 0.

    The header and the chunks of the range are read and verified, and nothing else.

    Raises:
        ValueError: there is no such range in the content.
        BlobMissing: the blob does not exist.
        BlobDamaged: these chunks are not what was put, or the key is another one.
        BlobsUnavailable: the storage does not respond.
    """
    if not 0 <= start <= stop <= blob.length:
        raise ValueError(f"no range of {blob.length} bytes: {start} to {stop}")
    if start == stop:
        return b""
    chunks = chunks_of(start, stop)
    first, after = range_of(chunks, blob.length)
    if first == HEADER:  # the header comes right before them
        sealed = blobs.read_range(blob.digest, 0, after)
        header, sealed = sealed[:HEADER], sealed[HEADER:]
    else:
        header = blobs.read_range(blob.digest, 0, HEADER)
        sealed = blobs.read_range(blob.digest, first, after)
    try:
        content = Opener.of(blob.key, blob.length, header).chunks(chunks, sealed)
    except SealBroken as error:
        raise BlobDamaged(blob.digest, error.reason) from None
    before = start - chunks.start * CHUNK
    return content[before : before + stop - start]


def check_sealed(blobs: Blobs, blob: SealedBlob) -> str | None:
    """Read a whole sealed blob and return what is wrong with it, or None if it is sound and the key fits."""
    header = b""
    with suppress(BlobMissing, BlobDamaged, ValueError):  # the check says what is wrong
        header = blobs.read_range(blob.digest, 0, HEADER)
    problem = blobs.check(blob.digest, blob.stored_length)
    return problem or (None if fits(blob.key, header) else "its key is another one")
