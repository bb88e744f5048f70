"""Sealed bytes: content encrypted in chunks, of which any range is verified alone.

docs/reference/sealed-bytes.md describes the format: a commitment to the key, then chunks of 64 KiB, each encrypted with
AES-256-GCM (NIST SP 800-38D), with nonces as in the construction STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015).
"""

from __future__ import annotations

import base64
import hashlib
import os
from io import BytesIO
from typing import TypeAlias

from attrs import field, frozen
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SealKey: TypeAlias = str
"""What opens sealed bytes: 32 bytes of key and 16 bytes of id, both random, in base64."""

CHUNK = 64 * 1024
"""Bytes of content in each chunk but the last."""

HEADER = hashlib.sha256().digest_size
"""Bytes of the commitment, which come before the first chunk."""

_KEY = 32  # bytes
_ID = 16  # bytes
_TAG = 16  # bytes that each chunk is longer than its content
_DOMAIN = b"albumcore/blob-key/1"


class SealBroken(Exception):
    """Sealed bytes that cannot be opened with this key: they were changed, or are those of another key.

    Attributes:
        reason: What is wrong, in a few words.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def sealed_length(length: int) -> int:
    """Return the number of sealed bytes of so many bytes of content."""
    return HEADER + length + _TAG * _chunks(length)


def content_length(sealed: int) -> int:
    """Return the number of bytes of content in so many sealed bytes.

    Raises:
        ValueError: no content has so many sealed bytes.
    """
    body = sealed - HEADER
    length = body - _TAG * -(-body // (CHUNK + _TAG))
    if body < _TAG or sealed_length(length) != sealed:
        raise ValueError(f"no sealed bytes are {sealed} bytes long")
    return length


def seal_bytes(content: bytes) -> tuple[bytes, SealKey]:
    """Encrypt content with a new key; return the sealed bytes and the key."""
    sealer = ChunkSealer()
    plain = memoryview(content)
    last = _chunks(len(content)) - 1
    chunks = [
        sealer.seal(plain[one * CHUNK : (one + 1) * CHUNK], is_last=one == last)
        for one in range(last + 1)
    ]
    return b"".join((sealer.header, *chunks)), sealer.key


class ChunkSealer:
    """Seals one content with a new key, chunk by chunk.

    Attributes:
        key: What opens the sealed bytes.
        header: What comes before the first chunk.
    """

    def __init__(self) -> None:
        secret = os.urandom(_KEY + _ID)
        self._cipher, self._id, self.header = _parts(secret)
        self.key: SealKey = base64.b64encode(secret).decode("ascii")
        self._number = 0

    def seal(self, content: bytes | bytearray | memoryview, *, is_last: bool) -> bytes:
        """Return the next chunk, of 64 KiB of content; the last has the rest."""
        nonce = _nonce(self._number, is_last)
        self._number += 1
        return self._cipher.encrypt(nonce, content, self._id)


def unseal_bytes(sealed: bytes, key: SealKey, content: bytearray | None = None) -> bytearray:
    """Return the content of sealed bytes.

    Args:
        sealed: The sealed bytes.
        key: What opens them.
        content: What the content is written to, and returned; of its length. By default, new memory.

    Raises:
        SealBroken: they were changed, or are those of another key.
    """
    try:
        length = content_length(len(sealed))
    except ValueError as error:
        raise SealBroken(str(error)) from None
    if content is None:
        content = bytearray(length)
    opener = Opener.of(key, length, sealed[:HEADER])
    opener.chunks_into(memoryview(content), range(_chunks(length)), memoryview(sealed)[HEADER:])
    return content


def fits(key: SealKey, header: bytes) -> bool:
    """Whether sealed bytes with this header were sealed with this key. No chunk is read for it."""
    try:
        return _parts(_secret(key))[2] == header
    except SealBroken:
        return False


@frozen
class Opener:
    """Opens chunks of sealed bytes whose key fits.

    Attributes:
        length: Length of the content, in bytes. It says which chunk is the last.
    """

    length: int
    _cipher: AESGCM = field(repr=False, eq=False)
    _id: bytes = field(repr=False)

    @classmethod
    def of(cls, key: SealKey, length: int, header: bytes) -> Opener:
        """Return the opener of the sealed bytes with this header.

        Raises:
            SealBroken: they were sealed with another key.
        """
        cipher, blob_id, expected = _parts(_secret(key))
        if header != expected:
            raise SealBroken("they are those of another key")
        return cls(length, cipher, blob_id)

    def chunks(self, numbers: range, sealed: bytes | memoryview) -> bytes:
        """Return the content of chunks in a row.

        Args:
            numbers: Their numbers, from 0.
            sealed: Their sealed bytes.

        Raises:
            SealBroken: one of them was changed.
        """
        # Bytes that are written where they are: a bytearray would have to be copied to become bytes.
        content = BytesIO(bytes(len(sealed) - _TAG * len(numbers)))
        with content.getbuffer() as written:
            self.chunks_into(written, numbers, memoryview(sealed))
        return content.getvalue()

    def chunks_into(self, written: memoryview, numbers: range, sealed: memoryview) -> None:
        """Write the content of chunks in a row to memory of its length; see `chunks`."""
        last, size, number = _chunks(self.length) - 1, CHUNK + _TAG, 0
        try:
            for place, number in enumerate(numbers):
                self._cipher.decrypt_into(
                    _nonce(number, number == last),
                    sealed[place * size : (place + 1) * size],
                    self._id,
                    written[place * CHUNK : (place + 1) * CHUNK],
                )
        except InvalidTag:
            raise SealBroken(f"chunk {number} has changed") from None


def chunks_of(start: int, stop: int) -> range:
    """Return the numbers of the chunks that hold the bytes of content from ``start`` to before ``stop``."""
    return range(start // CHUNK, -(-stop // CHUNK))


def range_of(chunks: range, length: int) -> tuple[int, int]:
    """Return where chunks are in the sealed bytes of so long a content: the first byte, and the one after the last."""
    size = CHUNK + _TAG
    return HEADER + chunks.start * size, min(HEADER + chunks.stop * size, sealed_length(length))


def _chunks(length: int) -> int:
    """Return the number of chunks; empty content has one, so that it is verified as well."""
    return max(1, -(-length // CHUNK))


def _nonce(number: int, is_last: bool) -> bytes:
    """Return the nonce of a chunk: its number in 11 bytes, and whether it is the last."""
    return number.to_bytes(11, "big") + (b"\1" if is_last else b"\0")


def _secret(key: SealKey) -> bytes:
    try:
        secret = base64.b64decode(key, validate=True)
    except ValueError:
        secret = b""
    if len(secret) != _KEY + _ID:
        raise SealBroken("their key is malformed")
    return secret


def _parts(secret: bytes) -> tuple[AESGCM, bytes, bytes]:
    """Return the cipher, the id, and the header that commits to both."""
    return AESGCM(secret[:_KEY]), secret[_KEY:], hashlib.sha256(_DOMAIN + secret).digest()
