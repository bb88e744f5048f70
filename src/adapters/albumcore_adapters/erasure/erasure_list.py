"""The list of erasures, in a file beside the data: a backup that is older than an erasure is restored with it.

It has one JSON object a line, with ids only::

    {"at": "2026-03-01T09:30:00+00:00", "kind": "person", "pid": "p-7h2k...", "basis": "Art. 17(1)(b)"}
    {"at": "...", "kind": "comment", "stream": "album-Q7bZ2mP0xT", "version": 3}

The other kinds are ``patient``, ``study``, ``image`` and ``album``, each with its id under its own name, and
``instances``, with that of their ``study``. ``basis`` is
there if one was given. A line is on the disk before the erasure is committed. So the list may have one that did not
happen, which does no harm: an erasure is idempotent.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from attrs import frozen

from albumcore.erasures import ErasureKind
from albumcore.errors import Invalid
from albumcore.times import in_utc

_NAMES: Mapping[ErasureKind, tuple[str, type[str] | type[int]]] = {
    ErasureKind.PERSON: ("pid", str),
    ErasureKind.PATIENT: ("patient", int),
    ErasureKind.STUDY: ("study", str),
    ErasureKind.COMMENT: ("stream", str),
    ErasureKind.IMAGE: ("image", int),
    ErasureKind.ALBUM: ("album", str),
    ErasureKind.INSTANCES: ("study", str),
}
"""The name of the id of each kind, and its type."""


class ErasureListDamaged(Exception):
    """A line of the list is no erasure."""


@frozen
class ListedErasure:
    """One erasure.

    Attributes:
        at: When it was (UTC).
        kind: What was erased.
        key: Its id: a pseudonym, the number of a patient or image, a UID, an album id; the stream of a comment.
        version: The version of a comment.
        basis: The legal basis, if one was given.
    """

    at: datetime
    kind: ErasureKind
    key: str
    version: int | None = None
    basis: str | None = None


def append_erasure(file: Path, erasure: ListedErasure) -> None:
    """Append a line to the list, and wait until it is on the disk.

    Raises:
        OSError: it cannot be written.
    """
    name, as_type = _NAMES[erasure.kind]
    told: dict[str, Any] = {
        "at": in_utc(erasure.at).isoformat(),
        "kind": erasure.kind.value,
        name: as_type(erasure.key),
    }
    for optional in ("version", "basis"):
        if (value := getattr(erasure, optional)) is not None:
            told[optional] = value
    is_new = not file.exists()
    descriptor = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        # After a crash, the last line may be cut off.
        size = os.fstat(descriptor).st_size
        begun = b"" if not size or os.pread(descriptor, 1, size - 1) == b"\n" else b"\n"
        line = begun + orjson.dumps(told) + b"\n"
        if (written := os.write(descriptor, line)) < len(line):
            # On a full disk. A part of a line is passed over by those who read the list.
            raise OSError(errno.ENOSPC, f"{written} of {len(line)} bytes were written", str(file))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if is_new:
        _sync(file.parent)


def read_erasures(file: Path) -> list[ListedErasure]:
    """The erasures of a list, oldest first.

    Raises:
        ErasureListDamaged: a line is no erasure; the message has its number.
        OSError: the file cannot be read.
    """
    return [*_erasures(file.read_bytes())]


def _erasures(content: bytes) -> Iterator[ListedErasure]:
    lines = content.split(b"\n")
    for number, line in enumerate(lines, 1):
        try:
            if line.strip():
                yield _erasure(orjson.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError, Invalid) as error:
            # One that was cut off was not committed: the line after it, or the end of the file, shows that.
            if not line.endswith(b"}"):
                continue
            raise ErasureListDamaged(f"line {number} of the list is no erasure: {error}") from error


def _erasure(told: dict[str, Any]) -> ListedErasure:
    kind = ErasureKind(told["kind"])
    name, as_type = _NAMES[kind]
    version, basis = told.get("version"), told.get("basis")
    if (
        type(told[name]) is not as_type
        or not isinstance(version, int if kind is ErasureKind.COMMENT else int | None)
        or not isinstance(basis, str | None)
    ):
        raise TypeError("a value is of another type")
    return ListedErasure(
        in_utc(datetime.fromisoformat(told["at"])), kind, str(told[name]), version, basis
    )


def _sync(directory: Path) -> None:
    """Have the name of a new file on the disk."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
