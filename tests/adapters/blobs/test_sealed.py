"""Sealed bytes: the format, and that no change of them is ever read."""

from __future__ import annotations

import base64
import hashlib
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from albumcore_adapters.blobs import BlobDamaged
from albumcore_adapters.blobs.sealed import (
    CHUNK,
    HEADER,
    SealBroken,
    content_length,
    fits,
    seal_bytes,
    sealed_length,
    unseal_bytes,
)
from albumcore_adapters.blobs.sealed_blobs import SealedBlob, get_sealed
from albumcore_adapters.blobs.sealed_files import SealedReader
from support.sealed_format import write

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "sealed-bytes.md"
STORED_CHUNK = CHUNK + 16
KEY = base64.b64encode(bytes(range(48))).decode()

lengths = st.builds(
    lambda chunks, more: max(0, chunks * CHUNK + more),
    st.integers(0, 4),
    st.sampled_from([0, 1, -1, 2, 15, 16, -16, 17, -17]) | st.integers(-CHUNK, CHUNK),
)
"""Most of them around multiples of the length of a chunk."""


def content_of(length: int) -> bytes:
    """Bytes that repeat in no chunk."""
    return random.Random(length).randbytes(length)


@define
class OneBlob:
    """A storage that has one blob, whatever it is asked for."""

    stored: bytes
    ranges: list[tuple[int, int]] = field(factory=list)

    def read(self, digest: str, length: int) -> bytes:
        """All of it, if it is of this length."""
        if len(self.stored) != length:
            raise BlobDamaged(digest, "length")
        return self.stored

    def read_range(self, digest: str, start: int, stop: int) -> bytes:
        """A part of it, if it is long enough."""
        self.ranges.append((start, stop))
        if stop > len(self.stored):
            raise BlobDamaged(digest, "length")
        return self.stored[start:stop]


def whole(stored: bytes, blob: SealedBlob) -> bytes:
    """Read it whole."""
    return bytes(get_sealed(OneBlob(stored), blob))  # type: ignore[arg-type]


def part(stored: bytes, blob: SealedBlob, start: int, stop: int) -> bytes:
    """Read a range of it."""
    return bytes(SealedReader(OneBlob(stored), blob).read(start, stop))  # type: ignore[arg-type]


# The format


@pytest.mark.parametrize("length", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_the_format_is_that_of_its_page(length: int) -> None:
    """What another program writes by the page is read, and what is written here is what that program writes."""
    content = content_of(length)
    assert unseal_bytes(write(content, KEY), KEY) == content
    sealed, key = seal_bytes(content)
    assert sealed == write(content, key)


def test_the_example_of_the_page() -> None:
    """Bytes that were once stored are read for ever; the page shows their form by an example."""
    page = " ".join(PAGE.read_text().split())
    sealed = (
        "48a03c36ea77d7e7cb19465cc82bb39a34420f9e40a3786fcf43d061cfe8d7c9 "
        "54b89f952995577bf14e20eea4a37b410bbc397f26ee052c"
    )
    assert sealed in page
    assert KEY in page
    assert unseal_bytes(bytes.fromhex(sealed), KEY) == b"An image"


def test_every_seal_has_its_own_key() -> None:
    """So that a nonce is never used twice under a key, and equal contents are not recognisably equal."""
    sealed, keys = zip(*(seal_bytes(b"the same") for _ in range(100)), strict=True)
    assert len(set(sealed)) == len(set(keys)) == 100
    assert len({one[:HEADER] for one in sealed}) == 100


@given(lengths)
def test_lengths(length: int) -> None:
    """The length of the content follows from that of the sealed bytes, and the other way round."""
    sealed = sealed_length(length)
    assert len(seal_bytes(bytes(length))[0]) == sealed
    assert content_length(sealed) == length
    assert sealed_length(length + 1) > sealed


@pytest.mark.parametrize("length", [0, CHUNK, 2 * CHUNK])
def test_lengths_that_nothing_has(length: int) -> None:
    """No sealed bytes end within a header or a tag, or have an empty chunk after others."""
    impossible = (
        range(sealed_length(length) + 1, sealed_length(length) + 17) if length else range(48)
    )
    for sealed in impossible:
        with pytest.raises(ValueError, match=f" {sealed} bytes long"):
            content_length(sealed)
        with pytest.raises(SealBroken, match="bytes long"):
            unseal_bytes(bytes(sealed), KEY)


# Reading


@given(lengths, st.data())
def test_round_trip(length: int, data: st.DataObject) -> None:
    """The whole, and any range; of a range, its chunks and the header are read alone."""
    content = content_of(length)
    sealed, key = seal_bytes(content)
    blob = SealedBlob(hashlib.sha256(sealed).hexdigest(), length, key)
    assert whole(sealed, blob) == content
    start = data.draw(st.integers(0, length))
    stop = data.draw(st.integers(start, length))
    storage = OneBlob(sealed)
    assert SealedReader(storage, blob).read(start, stop) == content[start:stop]  # type: ignore[arg-type]
    read = sum(last - first for first, last in storage.ranges)
    assert read <= HEADER + (2 + (stop - start) // CHUNK) * STORED_CHUNK


@pytest.mark.parametrize(("start", "stop"), [(-1, 1), (2, 1), (0, 11), (11, 11)])
def test_ranges_that_are_none(start: int, stop: int) -> None:
    """A range lies within the content."""
    sealed, key = seal_bytes(bytes(10))
    with pytest.raises(ValueError, match="no range of 10 bytes"):
        part(sealed, SealedBlob("0" * 64, 10, key), start, stop)


Change = Callable[[list[bytes], int, random.Random], tuple[list[bytes], set[int]]]
"""Changes sealed chunks, of which one is chosen; returns them, and the numbers of those that cannot be read now."""


def _flip(chunks: list[bytes], one: int, chance: random.Random) -> tuple[list[bytes], set[int]]:
    place = chance.randrange(len(chunks[one]))
    changed = bytearray(chunks[one])
    changed[place] ^= chance.randrange(1, 256)
    return [*chunks[:one], bytes(changed), *chunks[one + 1 :]], {one}


def _remove(chunks: list[bytes], one: int, chance: random.Random) -> tuple[list[bytes], set[int]]:
    return chunks[:one] + chunks[one + 1 :], set(range(one, len(chunks)))


def _cut(chunks: list[bytes], one: int, chance: random.Random) -> tuple[list[bytes], set[int]]:
    rest = chunks[one][: chance.randrange(len(chunks[one]))]
    return [*chunks[:one], rest], set(range(one, len(chunks)))


def _repeat(chunks: list[bytes], one: int, chance: random.Random) -> tuple[list[bytes], set[int]]:
    return [*chunks[: one + 1], *chunks[one:]], set(range(one + 1, len(chunks)))


def _swap(chunks: list[bytes], one: int, chance: random.Random) -> tuple[list[bytes], set[int]]:
    other = chance.randrange(len(chunks))
    changed = [*chunks]
    changed[one], changed[other] = chunks[other], chunks[one]
    # A last chunk that is shorter than the others moves all between them.
    moved = set(range(min(one, other), max(one, other) + 1))
    is_even = len(chunks[one]) == len(chunks[other])
    return changed, set() if one == other else {one, other} if is_even else moved


def _extend(chunks: list[bytes], one: int, chance: random.Random) -> tuple[list[bytes], set[int]]:
    return [*chunks, chance.randbytes(chance.randrange(1, 100_000))], set()


CHANGES: dict[str, Change] = {
    "flipped": _flip,
    "removed": _remove,
    "truncated": _cut,
    "duplicated": _repeat,
    "swapped": _swap,
    "extended": _extend,
}


def _chunks(sealed: bytes) -> list[bytes]:
    return [sealed[at : at + STORED_CHUNK] for at in range(HEADER, len(sealed), STORED_CHUNK)]


def _check_reads(sealed: bytes, changed: bytes, blob: SealedBlob, lost: set[int]) -> None:
    """Ranges in chunks that are lost are refused, as is the whole of changed bytes; all others are right."""
    if changed != sealed:
        with pytest.raises(BlobDamaged):
            whole(changed, blob)
    content = content_of(blob.length)
    for number in range(-(-blob.length // CHUNK)):
        start, stop = number * CHUNK, min((number + 1) * CHUNK, blob.length)
        for first, last in ((start, stop), (start, start + 1), (stop - 1, stop)):
            if number in lost:
                with pytest.raises(BlobDamaged):
                    part(changed, blob, first, last)
            else:
                assert part(changed, blob, first, last) == content[first:last]


@pytest.mark.parametrize("change", CHANGES)
@given(length=lengths.filter(bool), data=st.data(), chance=st.randoms(use_true_random=False))
def test_no_change_of_sealed_bytes_is_read(
    change: str, length: int, data: st.DataObject, chance: random.Random
) -> None:
    """Every read of an affected range raises, and what is not affected is read right."""
    sealed, key = seal_bytes(content_of(length))
    chunks = _chunks(sealed)
    one = data.draw(st.integers(0, len(chunks) - 1))
    changed, lost = CHANGES[change](chunks, one, chance)
    bytes_now = sealed[:HEADER] + b"".join(changed)
    _check_reads(sealed, bytes_now, SealedBlob("0" * 64, length, key), lost)


@given(length=lengths.filter(bool), place=st.integers(0, HEADER - 1), bit=st.integers(0, 7))
def test_a_changed_header_is_found_by_every_read(length: int, place: int, bit: int) -> None:
    """The commitment to the key belongs to every range."""
    sealed, key = seal_bytes(content_of(length))
    changed = bytearray(sealed)
    changed[place] ^= 1 << bit
    lost = set(range(len(_chunks(sealed))))
    _check_reads(sealed, bytes(changed), SealedBlob("0" * 64, length, key), lost)


@pytest.mark.parametrize("other", ["same key", "same id", "neither"])
@given(length=lengths.filter(bool), data=st.data())
def test_a_chunk_of_another_blob_is_not_read(other: str, length: int, data: st.DataObject) -> None:
    """Nor are whole blobs exchanged, although the other has the same content, and the same key or id."""
    secret, content = bytes(range(48)), content_of(length)
    theirs = {
        "same key": secret[:32] + bytes(16),
        "same id": bytes(32) + secret[32:],
        "neither": bytes(48),
    }
    sealed = write(content, KEY)
    foreign = write(content, base64.b64encode(theirs[other]).decode())
    chunks, blob = _chunks(sealed), SealedBlob("0" * 64, length, KEY)
    one = data.draw(st.integers(0, len(chunks) - 1))
    changed = [*chunks[:one], _chunks(foreign)[one], *chunks[one + 1 :]]
    _check_reads(sealed, sealed[:HEADER] + b"".join(changed), blob, {one})
    _check_reads(sealed, foreign, blob, set(range(len(chunks))))


def test_whether_a_key_fits() -> None:
    """By the header alone: another key, another id, and what is no key do not fit."""
    sealed, key = seal_bytes(b"An image")
    secret = base64.b64decode(key)
    assert fits(key, sealed[:HEADER])
    others = [
        base64.b64encode(secret[:31] + bytes([secret[31] ^ 1]) + secret[32:]).decode(),
        base64.b64encode(secret[:47] + bytes([secret[47] ^ 1])).decode(),
        *("", "no base64!", "AAAA"),
    ]
    assert not any(fits(other, sealed[:HEADER]) for other in others)
    for other in others:
        with pytest.raises(SealBroken, match="key"):
            unseal_bytes(sealed, other)
