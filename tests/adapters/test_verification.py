"""Verifying a whole store: damage of the database, rows of the directory, and read-only directories."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random

import pytest

from albumcore import utc_now
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.server import demo
from albumcore_adapters.service import open_service
from albumcore_adapters.store import Unreadable
from albumcore_adapters.store.configured import NoStore
from albumcore_adapters.transfer.marker import mark_unfinished
from albumcore_adapters.verification import Verified, verify
from support.deep import at_length
from support.forked import albumcore

FILE = "albumcore.sqlite"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The closed data directory of the demo."""
    data = tmp_path_factory.mktemp("sound") / "data"
    service = open_service(Settings(data=data))
    demo.fill(service)
    service.close()
    return data


@pytest.fixture
def data(sound: Path, tmp_path: Path) -> Path:
    """A copy of it, which a test damages."""
    shutil.copytree(sound, tmp_path / "data")
    return tmp_path / "data"


def _verify(data: Path, *, read_only: bool = False) -> Verified:
    return verify(Settings(data=data), read_only=read_only)


def _is_sound(file: Path) -> bool:
    """The result of SQLite's integrity check."""
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        connection.text_factory = bytes
        try:
            return connection.execute("PRAGMA integrity_check").fetchall() == [(b"ok",)]
        except (sqlite3.DatabaseError, UnicodeDecodeError):
            return False


def _pages(file: Path, kind: str) -> dict[str, int]:
    """The root pages of the tables or indexes of a database, by name, and the page size."""
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        statement = "SELECT name, rootpage FROM sqlite_master WHERE type = ? AND rootpage > 1"
        return dict(connection.execute(statement, [kind]))


SIZE = 4096


def test_a_sound_store(data: Path) -> None:
    """No problem is found, read-only or not, and the files do not change."""
    assert _verify(data).problems == []
    before = _contents(data)
    found = _verify(data, read_only=True)
    assert (found.problems, found.left_out) == ([], [])
    assert found.events > 0
    assert _contents(data) == before


def _contents(data: Path) -> dict[str, bytes]:
    return {str(one): one.read_bytes() for one in sorted(data.rglob("*")) if one.is_file()}


# Damage of the database itself


def test_an_index_with_a_cell_cut(data: Path) -> None:
    """An index without its last entry is consistent in itself, and yet the damage is found, in every index."""
    clean = (data / FILE).read_bytes()
    cut = 0
    for name, page in _pages(data / FILE, "index").items():
        content = bytearray(clean)
        header = (page - 1) * SIZE
        cells = int.from_bytes(content[header + 3 : header + 5], "big")
        if not cells:
            continue
        content[header + 3 : header + 5] = (cells - 1).to_bytes(2, "big")
        (data / FILE).write_bytes(content)
        problems = _verify(data).problems
        assert any(line.startswith("database: ") for line in problems), name
        cut += 1
    assert cut > 5


@pytest.mark.parametrize("kind", ["index", "table"])
@pytest.mark.parametrize("filling", [b"\0", b"\xff", None], ids=["zeros", "ones", "noise"])
def test_an_overwritten_page(data: Path, kind: str, filling: bytes | None) -> None:
    """The root page of each table and index."""
    clean = (data / FILE).read_bytes()
    for name, page in _pages(data / FILE, kind).items():
        content = bytearray(clean)
        noise = Random(page).randbytes(SIZE) if filling is None else filling * SIZE
        content[(page - 1) * SIZE : page * SIZE] = noise
        (data / FILE).write_bytes(content)
        assert _verify(data).problems, name


def test_flipped_bits(data: Path) -> None:
    """Each is found, or harmless according to SQLite; the file is not written to."""
    clean = (data / FILE).read_bytes()
    used = [place for place, byte in enumerate(clean) if byte and place >= SIZE]
    random = Random(7)
    found = 0
    for _ in range(at_length(400, 40)):
        content = bytearray(clean)
        content[random.choice(used)] ^= 1 << random.randrange(8)
        (data / FILE).write_bytes(content)
        is_sound = _is_sound(data / FILE)
        problems = _verify(data, read_only=True).problems
        assert is_sound or problems
        found += bool(problems)
        assert (data / FILE).read_bytes() == content
    assert found


LEAF_OF_AN_INDEX = 10
"""The first byte of such a page."""


def test_a_key_out_of_its_order(data: Path) -> None:
    """The last SOPInstanceUID in the index is a smaller one: reading in pages comes to an end."""
    with closing(sqlite3.connect(data / FILE)) as connection:
        [(last,)] = connection.execute(
            "SELECT max(sop_instance_uid) FROM directory_stored_instance"
        )
    content = bytearray((data / FILE).read_bytes())
    for start in range(SIZE, len(content), SIZE):
        if content[start] == LEAF_OF_AN_INDEX:
            page = content[start : start + SIZE]
            content[start : start + SIZE] = page.replace(last.encode(), b"0" + last.encode()[1:])
    (data / FILE).write_bytes(content)
    problems = _verify(data).problems
    assert problems[0].startswith("database: ")
    assert "not all can be read: the keys of a table are not in their order" in problems


def test_a_file_that_is_cut_short(data: Path) -> None:
    """Half of the pages are missing."""
    os.truncate(data / FILE, (data / FILE).stat().st_size // SIZE // 2 * SIZE)
    assert _verify(data).problems


def test_damage_is_not_written_to(data: Path) -> None:
    """A damaged file is only read: a rescue may need it unchanged."""
    page = _pages(data / FILE, "table")["member_row"]
    with (data / FILE).open("r+b") as file:
        file.seek((page - 1) * SIZE)
        file.write(b"\xff" * SIZE)
    before = _contents(data)
    problems = _verify(data).problems
    assert problems[0].startswith("database: ")
    assert problems[-1].startswith("not all can be read: ")
    assert _contents(data) == before


def test_damage_that_keeps_it_from_being_opened(data: Path) -> None:
    """The problems of the integrity check are listed all the same."""
    page = _pages(data / FILE, "table")["form_of_rows"]
    with (data / FILE).open("r+b") as file:
        file.seek((page - 1) * SIZE)
        file.write(b"\xff" * SIZE)
    problems = _verify(data).problems
    assert problems[0].startswith("database: ")
    assert problems[-1].startswith("the store cannot be opened: ")


def test_references_of_the_database(data: Path) -> None:
    """Foreign keys of SQLite, if an operator added some."""
    with closing(sqlite3.connect(data / FILE)) as connection:
        connection.execute("CREATE TABLE mine (a REFERENCES directory_person (sub))")
        connection.execute("INSERT INTO mine VALUES ('nobody')")
        connection.commit()
    assert _verify(data).problems == [
        "database: mine row 1: it refers to a row of directory_person that is not there"
    ]


# The directory

UNREADABLE = {
    "UPDATE directory_study SET attributes = '{' WHERE rowid = 1": "directory_study study_uid=",
    "UPDATE directory_series SET attributes = '[]' WHERE rowid = 1": "directory_series series_uid=",
    "UPDATE directory_patient SET dob = '12/31/1999'": "directory_patient id=1: its dob",
    "UPDATE directory_patient SET gender = 'x'": "directory_patient id=1: its gender",
    "UPDATE directory_patient SET first = x'00'": "directory_patient id=1: its first",
    "UPDATE directory_patient SET first = CAST(x'ff41' AS TEXT)": "directory_patient id=1: its first",
    "UPDATE directory_patient SET oldid = 'old'": "directory_patient id=1: its oldid",
    "UPDATE directory_clinic SET ends = ''": "directory_clinic id=1: its ends",
    "UPDATE directory_station SET level = 1.5": "directory_station id=1: its level",
    "UPDATE directory_account SET active = 7": "directory_account id=1: its active",
    "UPDATE directory_account SET password_hash = x'00'": "directory_account id=1: its password_hash",
    "INSERT INTO directory_token_use VALUES ('t', '2026-01-01T00:00:00')": (
        "directory_token_use token_id='t': its last_used"
    ),
    "INSERT INTO directory_spent VALUES ('d', 'soon')": "directory_spent digest='d': its ends_at",
    "INSERT INTO directory_token_floor VALUES ('a', 'x')": "directory_token_floor sub='a': its seconds",
    "INSERT INTO directory_session VALUES ('d', 'kheops', 'a', 'soon', '2026-01-01T00:00:00+00:00')": (
        "directory_session session_digest='d': its expires_at"
    ),
    "INSERT INTO directory_session VALUES ('d', 'x', 'a', '2026-01-01', '2026-01-01')": (
        "directory_session session_digest='d': its kind"
    ),
    "INSERT INTO directory_album_look VALUES ('a', 'b', 'x')": (
        "directory_album_look sub='a', album_id='b': its version"
    ),
    "INSERT INTO directory_station VALUES (-1, 'x', 1)": "directory_station id=-1: its id",
}


@pytest.mark.parametrize("damage", UNREADABLE)
def test_values_that_cannot_be_read(data: Path, damage: str) -> None:
    """Problems name table, key and column, but not the value, which may be personal data."""
    _run(data, damage)
    problems = _verify(data).problems
    expected = UNREADABLE[damage]
    assert any(
        line.startswith(expected) and line.endswith(" cannot be read") for line in problems
    ), problems


ORPHANS = {
    "DELETE FROM directory_study": ("directory_series", "its study is not there"),
    "DELETE FROM directory_series": ("directory_instance", "its series is not there"),
    "DELETE FROM directory_instance": ("directory_series", "another number of instances"),
    "DELETE FROM directory_patient": ("image_row", "its patient is not there"),
    "INSERT INTO directory_inbox VALUES ('alice', '9.9', '9.9.1', 0)": (
        "directory_inbox sub='alice', study_uid='9.9', series_uid='9.9.1'",
        "its study is not there",
    ),
    "INSERT INTO directory_inbox SELECT 'nobody', study_uid, series_uid, 0 FROM directory_series": (
        "directory_inbox sub='nobody'",
        "it names no person",
    ),
    "INSERT INTO directory_claim SELECT 'inbox:a', study_uid, series_uid, 'nobody', 0 FROM directory_series": (
        "directory_claim place='inbox:a'",
        "it names no person",
    ),
    "INSERT INTO directory_claim SELECT 'attic', study_uid, series_uid, '', 0 FROM directory_series": (
        "directory_claim place='attic'",
        "it names no place",
    ),
    "INSERT INTO directory_claim VALUES ('album:a', '9.9', '9.9.1', '', 0)": (
        "directory_claim place='album:a'",
        "its series is not there",
    ),
    "INSERT INTO directory_bringer VALUES ('9.9.1', 'alice')": (
        "directory_bringer series_uid='9.9.1', sub='alice'",
        "its series is not there",
    ),
}


@pytest.mark.parametrize("damage", ORPHANS)
def test_references_to_what_is_not_there(data: Path, damage: str) -> None:
    """Dangling references of each kind; the problem names the key of the row that refers."""
    _run(
        data,
        "INSERT INTO directory_instance SELECT '7.7', series_uid, NULL, 1, '{}' FROM directory_series LIMIT 1",
        "UPDATE directory_series SET instances = instances + 1 WHERE rowid = 1",
    )
    if _verify(data).problems:  # the first series by key need not be the first one by row
        _run(
            data,
            "UPDATE directory_series SET instances = (SELECT count(*) FROM directory_instance AS i "
            "WHERE i.series_uid = directory_series.series_uid)",
        )
    assert _verify(data).problems == []
    _run(data, damage)
    beginning, end = ORPHANS[damage]
    problems = _verify(data).problems
    assert any(line.startswith(beginning) and line.endswith(end) for line in problems), problems


def test_a_table_of_the_directory_that_is_gone(data: Path) -> None:
    """It is not created on a read-only mount, and the history is verified all the same."""
    _run(data, "DROP TABLE directory_spent")
    found = _verify(data, read_only=True)
    assert found.problems == ["not all can be read: no such table: directory_spent"]
    assert found.events > 0


def _run(data: Path, *statements: str) -> None:
    with closing(sqlite3.connect(data / FILE)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


# A read-only mount


@contextmanager
def _mounted_read_only(data: Path) -> Iterator[None]:
    """The directory, which is read-only until the end of the block."""
    for options in (["--bind", str(data), str(data)], ["-o", "remount,ro,bind", str(data)]):
        made = subprocess.run(["mount", *options], capture_output=True, check=False)
        if made.returncode:
            pytest.skip("this machine lets nobody mount")
    try:
        yield
    finally:
        subprocess.run(["umount", str(data)], check=True)
        subprocess.run(["umount", str(data)], capture_output=True, check=False)


def _command(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = albumcore("verify", *arguments)
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_read_only_mount(data: Path) -> None:
    """It is verified read-only without the flag, and problems are found."""
    for file in data.rglob("*.sqlite-*"):
        file.unlink()
    with _mounted_read_only(data):
        ended = _command("--data", str(data))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.endswith("index rows, snapshots and image files agree with them\n")
    _run(data, "DELETE FROM member_row")
    with _mounted_read_only(data):
        ended = _command("--data", str(data))
    assert ended.returncode == 1
    assert "member_row" in ended.stdout


def test_a_read_only_mount_with_changes_beside_it(data: Path) -> None:
    """A write-ahead log cannot be read there, and is not ignored: the message says what to do."""
    with closing(sqlite3.connect(data / FILE)) as connection:
        connection.execute("UPDATE directory_station SET level = 2")
        connection.commit()
        copied = data.parent / "copied"
        shutil.copytree(data, copied)
    with _mounted_read_only(copied):
        ended = _command("--data", str(copied))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "copy the directory, and verify the copy" in ended.stderr
    assert _command("--data", str(copied)).returncode == 0


def _forbid(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the system report a read-only file system."""
    monkeypatch.setattr(os, "access", lambda *_: False)


def test_a_directory_that_may_not_be_written(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written, not even where it would be possible; an empty write-ahead log is ignored."""
    (data / f"{FILE}-wal").touch()
    before = _contents(data)
    _forbid(monkeypatch)
    assert _verify(data).problems == []
    assert _contents(data) == before
    (data / f"{FILE}-wal").write_bytes(b"x")
    with pytest.raises(Unreadable, match="read-only"):
        _verify(data)


def test_read_only_beside_a_running_service(data: Path) -> None:
    """Its commits are read, and no file is created beside them."""
    service = open_service(Settings(data=data))
    try:
        service.clinics.add_station("new")
        names = sorted(os.listdir(data))
        found = _verify(data, read_only=True)
        assert found.problems == []
        service.people.register("zoe")
        assert sorted(os.listdir(data)) == names
    finally:
        service.close()


def test_read_only_makes_no_directory_for_images(data: Path) -> None:
    """If it is missing, the images are missing, and it is not created."""
    shutil.rmtree(data / "blobs")
    problems = _verify(data, read_only=True).problems
    assert problems
    assert all(line.endswith(": missing") for line in problems)
    assert not (data / "blobs").exists()


def test_read_only_of_what_is_not_whole(data: Path, tmp_path: Path) -> None:
    """An unfinished copy, and index rows of another release, are refused."""
    with pytest.raises(NoStore):
        _verify(tmp_path / "nowhere", read_only=True)
    _run(data, "UPDATE form_of_rows SET form = 'older'")
    assert _verify(data, read_only=True).problems == [
        "the store cannot be opened: an older release wrote it: open a writable copy first"
    ]
    service = open_service(Settings(data=data))
    mark_unfinished(service.database, utc_now())
    service.close()
    with pytest.raises(NoStore, match="unfinished"):
        _verify(data, read_only=True)


def test_the_flag(data: Path) -> None:
    """``--read-only`` leaves no new file."""
    for file in data.glob(f"{FILE}-*"):
        file.unlink()
    names = sorted(os.listdir(data))
    ended = _command("--read-only", "--data", str(data))
    assert ended.returncode == 0
    assert sorted(os.listdir(data)) == names
