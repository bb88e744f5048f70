"""Sealed blobs: sealed bytes stored under their SHA-256, and read whole or in part."""

from __future__ import annotations

from contextlib import suppress

from attrs import field, frozen

from albumcore_adapters.blobs.port import BlobDamaged, BlobMissing, Blobs, Digest
from albumcore_adapters.blobs.sealed import (
    HEADER,
    SealBroken,
    SealKey,
    fits,
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


def check_sealed(blobs: Blobs, blob: SealedBlob) -> str | None:
    """Read a whole sealed blob and return what is wrong with it, or None if it is sound and the key fits."""
    header = b""
    with suppress(BlobMissing, BlobDamaged, ValueError):  # the check says what is wrong
        header = blobs.read_range(blob.digest, 0, HEADER)
    problem = blobs.check(blob.digest, blob.stored_length)
    return problem or (None if fits(blob.key, header) else "its key is another one")
