"""ZIP archives that are sent while they are read, as another implementation reads them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from albumcore_adapters.base import zip_stream
from albumcore_adapters.base.zip_stream import ZipEntry, zip_length, zip_pieces

AT = datetime(2026, 3, 1, 12, 30, 20, tzinfo=UTC)
NAMES = st.text("aé/0", min_size=1, max_size=9).filter(lambda name: name[0] != "/")


def entry(name: str, content: bytes, size: int = 3) -> ZipEntry:
    """An entry that is read in small pieces."""

    def pieces() -> Iterator[bytes]:
        return (content[start : start + size] for start in range(0, len(content), size))

    return ZipEntry(name, len(content), pieces)


@given(files=st.dictionaries(NAMES, st.binary(max_size=20), max_size=5))
@pytest.mark.parametrize("limit", [None, 8, 70])
def test_archives_are_read_back(files: dict[str, bytes], limit: int | None) -> None:
    """Every file, of the length that was foretold; also in ZIP64, which begins earlier here."""
    with pytest.MonkeyPatch.context() as patch:
        if limit is not None:
            patch.setattr(zip_stream, "_MOST32", limit)
            patch.setattr(zip_stream, "_MOST16", 3)
        entries = [entry(name, content) for name, content in files.items()]
        archive = b"".join(zip_pieces(entries, AT))
        assert len(archive) == zip_length(entries)
    with zipfile.ZipFile(io.BytesIO(archive)) as read:
        assert read.testzip() is None
        assert {one.filename: read.read(one) for one in read.infolist()} == files
        for one in read.infolist():
            assert one.date_time == (2026, 3, 1, 12, 30, 20)
            assert one.compress_type == zipfile.ZIP_STORED


def test_an_entry_of_another_length_is_refused() -> None:
    """Its length was told before, so the archive would be damaged."""
    short = ZipEntry("short", 4, lambda: [b"abc"])
    with pytest.raises(ValueError, match="short has 3 bytes"):
        list(zip_pieces([short], AT))


def test_an_entry_is_opened_when_its_turn_comes() -> None:
    """Nothing of an archive is in memory but the piece that is sent, and what fails first sends nothing."""
    opened: list[str] = []

    def open_(name: str) -> Iterator[bytes]:
        opened.append(name)
        yield b"abc"

    entries = [ZipEntry(name, 3, partial(open_, name)) for name in ("one", "two")]
    pieces = zip_pieces(entries, AT)
    next(pieces)
    assert opened == ["one"]

    def lost() -> Iterator[bytes]:
        raise OSError

    with pytest.raises(OSError):
        next(zip_pieces([ZipEntry("lost", 3, lost)], AT))
