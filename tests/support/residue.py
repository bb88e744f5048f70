"""Search of what a store leaves on the disk: secrets, in every form that software stores bytes and texts in.

A file is searched as bytes: what is deleted and not overwritten counts, as in free pages and write-ahead logs.
Nothing is decompressed. PostgreSQL compresses values of more than 2 kB in its files; the search of its tables sees
them decompressed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import mmap
import os
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from urllib.parse import quote

import psycopg
from attrs import frozen
from psycopg import sql

_LEAST = 6  # bytes; shorter ones are found by chance
_WHOLE = 64  # bytes; of longer secrets pieces are searched, because pages and chunks divide them
_PIECE = 32  # bytes
_MOST_PIECES = 32
_TABLES = """
    SELECT table_schema, table_name FROM information_schema.tables
    WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')
    ORDER BY 1, 2
"""


@frozen
class Residue:
    """One find.

    Attributes:
        place: A file, relative to the directory that was searched, or ``table NAME``.
        secret: The name of the secret.
        form: The form it was found in, such as ``base64 at 1``.
        offset: Where in the place, in bytes; None for the name of a file.
    """

    place: str
    secret: str
    form: str
    offset: int | None = None


def residue_of_directory(root: Path, secrets: Mapping[str, str | bytes]) -> list[Residue]:
    """Search all files below a directory, and their names, for secrets by their names.

    Each secret is searched in each form of `forms`; the first place of each form in each file is returned. Close a
    store first, or search it open: the write-ahead log is one of its files.
    """
    found: list[Residue] = []
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        place = str(path.relative_to(root))
        # A blob's name is divided after two digits.
        found += _of_bytes(
            place, f"{place}\n{place.replace(os.sep, '')}".encode(), secrets, name=True
        )
        if path.stat().st_size:
            with (
                path.open("rb") as file,
                mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
            ):
                found += _of_bytes(place, content, secrets)
    return found


def residue_of_tables(database: str, secrets: Mapping[str, str | bytes]) -> list[Residue]:
    """Search all rows of all tables of a PostgreSQL database, by its address, as `residue_of_directory` does."""
    found: list[Residue] = []
    with psycopg.connect(database) as connection:
        for schema, table in connection.execute(_TABLES).fetchall():
            # In binary, bytes and texts are as they are, without escapes; the text form has the numbers.
            for form in ("binary", "text"):
                copying = sql.SQL("COPY {} TO STDOUT (FORMAT {})").format(
                    sql.Identifier(schema, table), sql.SQL(form)
                )
                with connection.cursor().copy(copying) as copy:
                    content = b"".join(map(bytes, copy))
                found += _of_bytes(f"table {table}", content, secrets)
    return found


def residue_of_heap(database: str, secrets: Mapping[str, str | bytes]) -> list[Residue]:
    """Search the files of a PostgreSQL database, after a checkpoint, as `residue_of_directory` does.

    The server must run on this machine under this user, and the address must be that of a superuser. The write-ahead
    log is not searched.
    """
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        row = connection.execute(
            "SELECT current_setting('data_directory'), oid FROM pg_database WHERE datname = current_database()"
        ).fetchone()
    assert row is not None
    return residue_of_directory(Path(row[0], "base", str(row[1])), secrets)


def _of_bytes(
    place: str,
    content: bytes | mmap.mmap,
    secrets: Mapping[str, str | bytes],
    *,
    name: bool = False,
) -> Iterator[Residue]:
    for secret, value in secrets.items():
        for form, patterns in forms(value).items():
            offsets = [at for pattern in patterns if (at := content.find(pattern)) >= 0]
            if offsets:
                yield Residue(place, secret, form, None if name else min(offsets))


@cache
def forms(secret: str | bytes) -> Mapping[str, tuple[bytes, ...]]:
    """The byte strings that give a secret away, by the name of the form.

    A secret of more than 64 bytes is searched in pieces of 32. Forms: plain, hexadecimal, base64 (of both alphabets)
    at each of its three alignments, JSON escapes, quoting of URLs and of SQL; and the SHA-256 of the secret, plain, in
    hexadecimal and in base64.

    Raises:
        ValueError: it is shorter than 6 bytes, so that chance would find it.
    """
    content = secret.encode() if isinstance(secret, str) else secret
    if len(content) < _LEAST:
        raise ValueError(f"a secret to search for has {_LEAST} bytes at least")
    digest = hashlib.sha256(content).digest()
    found = _forms_of_bytes("", [digest], "SHA-256 in ")
    if isinstance(secret, str):
        found |= _forms_of_text(_text_pieces(secret))
    return {**_forms_of_bytes("plain", _pieces(content)), **found}


def _pieces(content: bytes) -> list[bytes]:
    if len(content) <= _WHOLE:
        return [content]
    last = len(content) - _PIECE
    number = min(_MOST_PIECES, 1 + last // _PIECE)
    starts = sorted({last * one // max(number - 1, 1) for one in range(number)})
    pieces = [content[start : start + _PIECE] for start in starts]
    # A run of equal bytes is found in any file.
    telling = [piece for piece in pieces if len(set(piece)) > _PIECE // 4]
    return telling or [content]


def _text_pieces(text: str) -> list[str]:
    if len(text.encode()) <= _WHOLE:
        return [text]
    return [
        text[start : start + _PIECE] for start in range(0, max(1, len(text) - _PIECE + 1), _PIECE)
    ]


def _forms_of_bytes(
    plain: str, pieces: list[bytes], before: str = ""
) -> dict[str, tuple[bytes, ...]]:
    found = {
        plain or before.removesuffix(" in "): tuple(pieces),
        f"{before}hexadecimal": tuple(
            one for piece in pieces for one in (piece.hex().encode(), piece.hex().upper().encode())
        ),
    }
    for shift in range(3):
        found[f"{before}base64 at {shift}"] = tuple(
            encode(bytes(shift) + piece)[_FIRST[shift] : (shift + len(piece)) * 8 // 6]
            for piece in pieces
            for encode in (base64.b64encode, base64.urlsafe_b64encode)
        )
    return found


_FIRST = (0, 2, 3)
"""The first character of base64 that the bytes before do not change, by their number modulo 3."""


def _forms_of_text(pieces: list[str]) -> dict[str, tuple[bytes, ...]]:
    escapes: Mapping[str, Callable[[str], str]] = {
        "JSON in ASCII": lambda text: json.dumps(text)[1:-1],
        "JSON in UTF-8": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
        "JSON in JSON": lambda text: json.dumps(json.dumps(text))[3:-3],
        "JSON in JSON, in UTF-8": lambda text: json.dumps(
            json.dumps(text, ensure_ascii=False), ensure_ascii=False
        )[3:-3],
        "JSON, each character escaped": _all_escaped,
        "URL": lambda text: quote(text, safe=""),
        "URL with slashes": quote,
        "form": lambda text: quote(text, safe="").replace("%20", "+"),
        "SQL": lambda text: text.replace("'", "''"),
    }
    found: dict[str, tuple[bytes, ...]] = {}
    for form, escape in escapes.items():
        texts = [escape(piece) for piece in pieces]
        # Of escapes with letters, both cases; of slashes, with and without.
        wider = {
            *texts,
            *(text.replace("/", "\\/") for text in texts),
            *map(_in_upper_case, pieces if form == "JSON, each character escaped" else ()),
        }
        found[form] = tuple(text.encode() for text in sorted(wider))
    found["UTF-16"] = tuple(piece.encode("utf-16-le") for piece in pieces)
    return found


def _all_escaped(text: str) -> str:
    units = text.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _in_upper_case(text: str) -> str:
    return _all_escaped(text).upper().replace("\\U", "\\u")
