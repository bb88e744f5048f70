"""The search for what a store leaves on the disk finds a secret in each form, so that an empty result has a meaning."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.postgres import empty_database
from support.residue import forms, residue_of_directory, residue_of_heap, residue_of_tables

TEXT = 'a "finding"/Befürchtung 🫀'
IMAGE = random.Random(13).randbytes(50_000)
SECRETS: Mapping[str, str | bytes] = {"text": TEXT, "image": IMAGE}

WAYS: dict[str, tuple[str, Callable[[str], bytes]]] = {
    "plain": ("plain", str.encode),
    "hexadecimal": ("hexadecimal", lambda text: text.encode().hex().encode()),
    "upper-case hexadecimal": ("hexadecimal", lambda text: text.encode().hex().upper().encode()),
    "base64": ("base64 at 0", lambda text: base64.b64encode(text.encode())),
    "base64 after one byte": (
        "base64 at 1",
        lambda text: base64.b64encode(b"\xff" + text.encode()),
    ),
    "base64 between": ("base64 at 2", lambda text: base64.b64encode(b"ab" + text.encode() + b"c")),
    "base64 for URLs": ("base64 at 0", lambda text: base64.urlsafe_b64encode(text.encode())),
    "JSON": ("JSON in ASCII", lambda text: json.dumps([text]).encode()),
    "JSON in UTF-8": ("JSON in UTF-8", lambda text: json.dumps(text, ensure_ascii=False).encode()),
    "JSON with escaped slashes": (
        "JSON in ASCII",
        lambda text: json.dumps(text).replace("/", "\\/").encode(),
    ),
    "JSON in JSON": ("JSON in JSON", lambda text: json.dumps([json.dumps([text])]).encode()),
    "URL": ("URL", lambda text: quote(text, safe="").encode()),
    "digest": ("SHA-256", lambda text: hashlib.sha256(text.encode()).digest()),
    "digest in hexadecimal": (
        "SHA-256 in hexadecimal",
        lambda text: hashlib.sha256(text.encode()).hexdigest().encode(),
    ),
    "digest in base64": (
        "SHA-256 in base64 at 0",
        lambda text: base64.b64encode(hashlib.sha256(text.encode()).digest()),
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_text_is_found_in_each_form(tmp_path: Path, way: str) -> None:
    """Between other bytes, in a file of any name; and a directory without it is clean."""
    form, write = WAYS[way]
    file = tmp_path / "deep" / "file"
    file.parent.mkdir()
    file.write_bytes(bytes(100))
    assert residue_of_directory(tmp_path, SECRETS) == []
    file.write_bytes(b"before" + write(TEXT) + b"after")
    assert form in {one.form for one in residue_of_directory(tmp_path, SECRETS)}


@given(st.binary(min_size=8, max_size=60), st.binary(max_size=5), st.binary(max_size=5))
def test_bytes_are_found_in_base64_of_more(secret: bytes, before: bytes, after: bytes) -> None:
    """Base64 of a secret between any other bytes is found at the alignment of its beginning."""
    found = forms(secret)[f"base64 at {len(before) % 3}"]
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        assert any(pattern in encode(before + secret + after) for pattern in found)


@pytest.mark.parametrize("part", [slice(0, 400), slice(20_000, 24_096), slice(49_000, None)])
def test_a_part_of_an_image_is_found(tmp_path: Path, part: slice) -> None:
    """Also where a page holds a part of it alone."""
    (tmp_path / "page").write_bytes(IMAGE[part])
    [found] = residue_of_directory(tmp_path, SECRETS)
    assert (found.secret, found.form) == ("image", "plain")


def test_a_file_named_by_a_digest_is_found(tmp_path: Path) -> None:
    """The name of a blob is divided after two digits."""
    digest = hashlib.sha256(IMAGE).hexdigest()
    (tmp_path / digest[:2]).mkdir()
    (tmp_path / digest[:2] / digest[2:]).touch()
    [found] = residue_of_directory(tmp_path, SECRETS)
    assert (found.form, found.offset) == ("SHA-256 in hexadecimal", None)


def test_the_write_ahead_log_is_searched(tmp_path: Path) -> None:
    """What an open SQLite file has not written back is found beside it."""
    with closing(sqlite3.connect(tmp_path / "file", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE one (text TEXT)")
        database.execute("INSERT INTO one VALUES (?)", [TEXT])
        assert "file-wal" in {one.place for one in residue_of_directory(tmp_path, SECRETS)}


def test_what_is_too_short_is_refused() -> None:
    """A secret that chance would find proves nothing."""
    with pytest.raises(ValueError, match="6 bytes"):
        forms("7")


def test_tables_and_files_of_postgresql() -> None:
    """Rows are found in their tables; a deleted row is still found in the files until they are vacuumed."""
    with empty_database() as url, psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE one (text TEXT, content BYTEA)")
        assert residue_of_tables(url, SECRETS) == residue_of_heap(url, SECRETS) == []
        connection.execute("INSERT INTO one VALUES (%s, %s)", [TEXT, IMAGE])
        found = residue_of_tables(url, SECRETS)
        assert {(one.place, one.secret) for one in found} == {
            ("table one", "text"),
            ("table one", "image"),
        }
        connection.execute("DELETE FROM one")
        assert residue_of_tables(url, SECRETS) == []
        assert {one.secret for one in residue_of_heap(url, SECRETS)} == {"text", "image"}
        connection.execute("VACUUM FULL one")
        assert residue_of_heap(url, SECRETS) == []
