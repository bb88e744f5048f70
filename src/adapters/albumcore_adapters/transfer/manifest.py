"""The manifest of a backup: what is in it, written last. A directory without one is no backup."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Self

import orjson
from attrs import evolve, field, frozen
from cattrs import BaseValidationError
from cattrs.preconf.orjson import make_converter

from albumcore_adapters.base.posix import sync_directory
from albumcore_adapters.blobs import Digest
from albumcore_adapters.transfer.errors import BackupDamaged, TransferRefused

NAME = "manifest.json"
VERSION = 1
"""The form of the manifest, and of the backup it describes; a newer one is refused."""

BLOB_LIST = "blobs.txt"
"""The file that lists the image bytes: a digest and a length in bytes, a line each, in ascending order."""


@frozen
class BackupFile:
    """A file of a backup.

    Attributes:
        path: Its path below the backup.
        length: In bytes.
        sha256: Of its content, in hexadecimal digits.
    """

    path: str
    length: int
    sha256: str

    @classmethod
    def of(cls, backup: Path, path: str) -> Self:
        """A file as it is, synced to the disk."""
        with (backup / path).open("rb") as file:
            os.fsync(file.fileno())
            return cls(
                path,
                os.fstat(file.fileno()).st_size,
                hashlib.file_digest(file, "sha256").hexdigest(),
            )

    def problem(self, backup: Path) -> str | None:
        """What is wrong with the file by now, or None."""
        try:
            found = self.of(backup, self.path)
        except OSError as error:
            return f"{self.path}: {error.strerror}"
        return None if found == self else f"{self.path}: its content has changed"


@frozen
class BackupTable:
    """A table of PostgreSQL, whose rows are in one file of a backup, in the text format of COPY.

    Attributes:
        name: Its name.
        columns: Its columns, in the order of the values in the file.
        rows: How many rows there are.
        number: The column whose values the database gives out, or None.
        given: The highest number that was given out for it.
    """

    name: str
    columns: tuple[str, ...]
    rows: int
    number: str | None = None
    given: int = 0

    @property
    def path(self) -> str:
        """The path of its file below the backup."""
        return f"tables/{self.name}.copy"


@frozen(kw_only=True)
class Manifest:
    """What is in a backup.

    Attributes:
        version: The form of the backup.
        made_at: The moment at which the backup was begun; it is of this moment or a later one.
        release: The release of albumcore that made it.
        origin: The database that the store was in.
        schema: How many migrations it had been through: the version of its tables.
        events: How many events there are.
        position: The position of the last of them; 0 where there is none.
        blobs: How many image files the events refer to.
        blob_bytes: Their length together.
        blobs_at: Where they are: None for in the backup, or the bucket that they were left in.
        has_secret: Whether the secret of the data directory is in it.
        files: Every file of it but for the manifest and the image bytes, which `BLOB_LIST` lists.
        tables: Every table, where the origin is PostgreSQL.
    """

    version: int = VERSION
    made_at: datetime
    release: str
    origin: Literal["sqlite", "postgresql"]
    schema: int
    events: int
    position: int
    blobs: int = 0
    blob_bytes: int = 0
    blobs_at: str | None = None
    has_secret: bool = False
    files: tuple[BackupFile, ...] = ()
    tables: tuple[BackupTable, ...] = field(default=())

    def as_json(self) -> bytes:
        """The manifest as one JSON object."""
        return orjson.dumps(
            _converter.unstructure(self), option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z
        )

    def written(self, backup: Path, paths: Iterable[str]) -> Self:
        """Write the manifest with the digests of these files, once all else of the backup is on the disk."""
        whole = evolve(self, files=tuple(BackupFile.of(backup, path) for path in paths))
        sync_tree(backup)
        draft = backup / f".{NAME}"
        with open(draft, "xb", opener=for_its_owner) as file:
            file.write(whole.as_json() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, backup / NAME)
        sync_directory(backup)
        sync_directory(backup.parent)
        return whole

    @classmethod
    def read(cls, backup: Path) -> Self:
        """Read the manifest of a backup.

        Raises:
            TransferRefused: there is none, or a newer release made it.
            BackupDamaged: it cannot be read.
        """
        try:
            found: Any = orjson.loads((backup / NAME).read_bytes())
            version = found["version"]
        except (FileNotFoundError, NotADirectoryError):
            raise TransferRefused(
                f"{backup} is no backup, or one that was not finished: there is no {NAME} in it"
            ) from None
        except (ValueError, TypeError, KeyError):
            raise BackupDamaged(f"{NAME}: it cannot be read") from None
        if version != VERSION:
            raise TransferRefused(
                f"the backup is of version {version}, and this release knows version {VERSION}: "
                "restore it with the release that made it, or a later one"
            )
        try:
            manifest = _converter.structure(found, cls)
        except BaseValidationError:
            raise BackupDamaged(f"{NAME}: it cannot be read") from None
        return manifest

    def check(self, backup: Path, progress: Callable[[int], None] = lambda done: None) -> None:
        """Compare the files with what the manifest says of them; image bytes are checked as they are copied.

        Raises:
            BackupDamaged: some are not what they were.
        """
        problems = []
        for number, file in enumerate(self.files, 1):
            problems.append(file.problem(backup))
            progress(number)
        if found := [one for one in problems if one]:
            raise BackupDamaged("\n".join(found))


_converter = make_converter(forbid_extra_keys=True)


def listed_blobs(backup: Path) -> Iterator[tuple[Digest, int]]:
    """The digest and the length of all image bytes that the events of a backup refer to."""
    with (backup / BLOB_LIST).open(encoding="ascii") as lines:
        for line in lines:
            digest, length = line.split()
            yield digest, int(length)


def for_its_owner(path: str, flags: int) -> int:
    """An opener of new files that its owner alone may read, whatever directory they are in."""
    return os.open(path, flags, 0o600)


def sync_tree(directory: Path) -> None:
    """Wait until all names below a directory are on the disk."""
    for path, _, _ in os.walk(directory, topdown=False):
        sync_directory(Path(path))
