"""The list of erasures: what is appended is read again, with ids and nothing else."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from albumcore.erasures import ErasureKind
from albumcore_adapters.erasure.erasure_list import (
    ErasureListDamaged,
    ListedErasure,
    append_erasure,
    read_erasures,
)

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
LISTED = [
    ListedErasure(AT, ErasureKind.PERSON, "p-abc", basis="Art. 17"),
    ListedErasure(AT, ErasureKind.PATIENT, "7"),
    ListedErasure(AT, ErasureKind.STUDY, "1.2.3"),
    ListedErasure(AT, ErasureKind.COMMENT, "album-Q7bZ2mP0xT", version=3),
    ListedErasure(AT, ErasureKind.IMAGE, "63"),
    ListedErasure(AT, ErasureKind.ALBUM, "Q7bZ2mP0xT"),
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A list of every kind of erasure."""
    path = tmp_path / "erasures.jsonl"
    for one in LISTED:
        append_erasure(path, one)
    return path


def test_what_is_appended_is_read_again(file: Path) -> None:
    """In the order of appending; only its owner can read the file."""
    assert read_erasures(file) == LISTED
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_line_is_an_object_with_the_id_under_its_own_name(file: Path) -> None:
    """Numbers are numbers, and what is not given is absent."""
    told = [orjson.loads(line) for line in file.read_bytes().splitlines()]
    at = "2026-03-01T09:30:00+00:00"
    assert told == [
        {"at": at, "kind": "person", "pid": "p-abc", "basis": "Art. 17"},
        {"at": at, "kind": "patient", "patient": 7},
        {"at": at, "kind": "study", "study": "1.2.3"},
        {"at": at, "kind": "comment", "stream": "album-Q7bZ2mP0xT", "version": 3},
        {"at": at, "kind": "image", "image": 63},
        {"at": at, "kind": "album", "album": "Q7bZ2mP0xT"},
    ]


def test_a_line_that_was_cut_off_did_not_happen(file: Path) -> None:
    """Its erasure was not committed. What is appended after it begins a line."""
    with file.open("ab") as opened:
        opened.write(b'{"at": "2026-03-01T09:3')
    assert read_erasures(file) == LISTED
    append_erasure(file, LISTED[0])
    assert read_erasures(file) == [*LISTED, LISTED[0]]


def test_a_line_that_does_not_fit_on_the_disk_is_an_error(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The erasure is not committed then: a restore would pass over a part of a line."""
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, line: write(descriptor, line[:20]))
    with pytest.raises(OSError, match="20 of 64 bytes"):
        append_erasure(file, LISTED[1])
    assert read_erasures(file) == LISTED


@pytest.mark.parametrize(
    "line",
    [
        b'{"at": "2026-03-01T09:30:00+00:00", "kind": "planet", "planet": 3}',
        b'{"at": "2026-03-01T09:30:00+00:00", "kind": "person"}',
        b'{"at": "2026-03-01T09:30:00+00:00", "kind": "patient", "patient": "7"}',
        b'{"at": "2026-03-01T09:30:00+00:00", "kind": "comment", "stream": "album-A"}',
        b'{"at": "2026-03-01T09:30:00+00:00", "kind": "album", "album": "A", "basis": 17}',
        b'{"at": "2026-03-01T09:30:00", "kind": "album", "album": "A"}',
        b'{"kind": "album", "album": "A"}',
        b"[]}",
    ],
)
def test_a_line_that_is_no_erasure_is_refused(file: Path, line: bytes) -> None:
    """By its number."""
    with file.open("ab") as opened:
        opened.write(line + b"\n")
    with pytest.raises(ErasureListDamaged, match="line 7 "):
        read_erasures(file)
