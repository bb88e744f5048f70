"""The lock that tells whether a store is open: shared by all who have it open, and not to be had alone meanwhile."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from albumcore_adapters.sql.open_lock import OpenLock, is_at
from albumcore_adapters.store import StoreUnavailable, open_sqlite


def test_an_open_store_is_held_until_it_is_closed(tmp_path: Path) -> None:
    """Several may have it open; it can be had alone once the last of them is closed."""
    path = tmp_path / "store.sqlite"
    first, second = open_sqlite(path), open_sqlite(path)
    first.close()
    with pytest.raises(StoreUnavailable, match="has the store open"):
        OpenLock(path, exclusive=True)
    second.close()
    second.close()
    OpenLock(path, exclusive=True).close()


def test_a_store_that_is_being_replaced_is_not_opened(tmp_path: Path) -> None:
    """Nor is it made: the file is as it was."""
    path = tmp_path / "store.sqlite"
    with closing(OpenLock(path, exclusive=True)):
        with pytest.raises(StoreUnavailable, match="being restored"):
            open_sqlite(path)
        assert not path.exists()
    open_sqlite(path).close()


def test_a_store_that_cannot_be_opened_is_not_held(tmp_path: Path) -> None:
    """What is no database is let go of."""
    path = tmp_path / "store.sqlite"
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(Exception, match="not a database"):
        open_sqlite(path)
    OpenLock(path, exclusive=True).close()


@pytest.mark.parametrize("is_removed", [False, True])
def test_the_lock_is_of_the_file_that_stands_there(
    is_removed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A directory that is renamed between the opening of the lock's file and the lock takes the file with it."""
    data, path = tmp_path / "data", tmp_path / "data" / "store.sqlite"
    data.mkdir()
    (tmp_path / "new").mkdir()
    opening = os.open

    def swapped(file: Path, flags: int, mode: int = 0o777) -> int:
        monkeypatch.undo()
        descriptor = opening(file, flags, mode)
        if is_removed:
            file.unlink()
        else:
            data.rename(tmp_path / "old")
            (tmp_path / "new").rename(data)
        return descriptor

    monkeypatch.setattr(os, "open", swapped)
    with closing(OpenLock(path)), pytest.raises(StoreUnavailable):
        OpenLock(path, exclusive=True)
    shutil.rmtree(data)


def test_what_is_gone_is_at_no_path(tmp_path: Path) -> None:
    """Neither is what another file has taken the place of."""
    file = tmp_path / "file"
    descriptor = os.open(file, os.O_CREAT | os.O_RDWR)
    assert is_at(file, descriptor)
    file.unlink()
    assert not is_at(file, descriptor)
    file.touch()
    assert not is_at(file, descriptor)
    os.close(descriptor)


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    """It is named, and not a file beside the database that nobody asked for."""
    missing = tmp_path / "nowhere"
    with pytest.raises(FileNotFoundError) as caught:
        open_sqlite(missing / "albums.sqlite")
    assert caught.value.filename == str(missing)
