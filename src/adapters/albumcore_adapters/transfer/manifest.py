"""The manifest of a backup. It is written last: a directory without one is not a complete backup."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Self

import orjson
from attrs import evolve, field, frozen
from cattrs import BaseValidationError
from cattrs.preconf.orjson import make_converter

from albumcore_adapters.base.posix import sync_directory
from albumcore_adapters.base.progress import ReportProgress
from albumcore_adapters.base.whole_file import whole_file
from albumcore_adapters.blobs import Digest
from albumcore_adapters.transfer.errors import BackupDamaged, TransferRefused

NAME = "manifest.json"
VERSION = 2
"""The version of the format of the backup and its manifest. A newer one is refused; version 1 had no keys."""

KEYS_DIRECTORY = "keys"
"""The directory of a backup with what erasure deletes. It may be kept for a shorter time than the rest."""

BLOB_LIST = "blobs.txt"
"""The file that lists the image bytes: each line is a digest and a length in bytes, in ascending order."""


@frozen
class BackupFile:
    """A file of a backup.

    Attributes:
        path: Its path below the backup.
        length: Its length in bytes.
        sha256: The SHA-256 digest of its content, in hexadecimal.
    """

    path: str
    length: int
    sha256: str

    @classmethod
    def of(cls, backup: Path, path: str) -> Self:
        """Read the file, and sync it to disk."""
        with (backup / path).open("rb") as file:
            os.fsync(file.fileno())
            return cls(
                path,
                os.fstat(file.fileno()).st_size,
                hashlib.file_digest(file, "sha256").hexdigest(),
            )

    def problem(self, backup: Path) -> str | None:
        """Return what is wrong with the file, or None."""
        try:
            found = self.of(backup, self.path)
        except OSError as error:
            return f"{self.path}: {error.strerror}"
        return None if found == self else f"{self.path}: its content has changed"


@frozen
class BackupTable:
    """A table of PostgreSQL, whose rows are in one file of a backup in the text format of COPY.

    Attributes:
        name: Its name.
        columns: Its columns, in the order of the values in the file.
        rows: The number of rows.
        number: The identity column, whose values the database generates, or None.
        given: The highest value that was generated for it.
        is_key: Whether its file is among the keys of the backup.
    """

    name: str
    columns: tuple[str, ...]
    rows: int
    number: str | None = None
    given: int = 0
    is_key: bool = False

    @property
    def path(self) -> str:
        """Its file: a path below the backup."""
        return f"{KEYS_DIRECTORY if self.is_key else 'tables'}/{self.name}.copy"


@frozen(kw_only=True)
class Manifest:
    """The description of a backup.

    Attributes:
        version: The version of its format.
        made_at: When the backup was begun. The snapshot in it was taken then or later.
        release: The release of albumcore that made it.
        origin: The database system of the store.
        schema: The version of the schema: the number of migrations that were applied.
        events: The number of events.
        position: The position of the last of them; 0 if there is none.
        blobs: The number of image files that the events refer to.
        blob_bytes: Their total length in bytes.
        blobs_at: The bucket that holds them; None if they are in the backup.
        has_secret: Whether the secret of the data directory is in the backup.
        is_sealed: Whether the store is sealed.
        files: Every file except for the manifest, the keys, and the image bytes, which `BLOB_LIST` lists.
        keys: The files with what erasure deletes, in a sealed store: keys of events, people, patients and catalogue.
        tables: Every table, if the origin is PostgreSQL.
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
    is_sealed: bool = False
    files: tuple[BackupFile, ...] = ()
    keys: tuple[BackupFile, ...] = ()
    tables: tuple[BackupTable, ...] = field(default=())

    def as_json(self) -> bytes:
        """Return the manifest as one JSON object."""
        return orjson.dumps(
            _converter.unstructure(self), option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z
        )

    def written(self, backup: Path, paths: Iterable[str], keys: Iterable[str]) -> Self:
        """Sync the backup to disk, then write the manifest with the digests of these files, and return it."""
        files, key_files = (
            tuple(BackupFile.of(backup, path) for path in some) for some in (paths, keys)
        )
        whole = evolve(self, files=files, keys=key_files)
        sync_tree(backup)
        with whole_file(backup / NAME) as file:
            file.write(whole.as_json() + b"\n")
        sync_directory(backup.parent)
        return whole

    @classmethod
    def read(cls, backup: Path) -> Self:
        """Read the manifest of a backup.

        Raises:
            TransferRefused: there is none, or it has another version.
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
        if version not in range(1, VERSION + 1):
            raise TransferRefused(
                f"the backup is of version {version}, and this release knows versions up to {VERSION}: "
                "restore it with the release that made it, or a later one"
            )
        try:
            manifest = _converter.structure(found, cls)
        except BaseValidationError:
            raise BackupDamaged(f"{NAME}: it cannot be read") from None
        return manifest

    def check(self, backup: Path, progress: ReportProgress = lambda done: None) -> None:
        """Compare the files with their digests in the manifest. Image bytes are checked when they are copied.

        Raises:
            TransferRefused: the keys are not there.
            BackupDamaged: some have changed.
        """
        if self.keys and not (backup / KEYS_DIRECTORY).exists():
            raise TransferRefused(
                f"{KEYS_DIRECTORY} is not in the backup: put its archive of keys there, without which names, texts and "
                "images cannot be read"
            )
        problems = []
        for number, file in enumerate((*self.files, *self.keys), 1):
            problems.append(file.problem(backup))
            progress(number)
        if found := [one for one in problems if one]:
            raise BackupDamaged("\n".join(found))

    def check_counts(self, events: int, position: int) -> None:
        """Compare what was restored with the manifest: the number of events, and the position of the last.

        Raises:
            BackupDamaged: they differ.
        """
        if (events, position) != (self.events, self.position):
            raise BackupDamaged(
                f"there are {events} events up to position {position}, and the manifest says {self.events} "
                f"up to position {self.position}"
            )


_converter = make_converter(forbid_extra_keys=True)


def listed_blobs(backup: Path) -> Iterator[tuple[Digest, int]]:
    """Yield the digests and lengths of the image bytes that the events of a backup refer to."""
    with (backup / BLOB_LIST).open(encoding="ascii") as lines:
        for line in lines:
            digest, length = line.split()
            yield digest, int(length)


def private_opener(path: str, flags: int) -> int:
    """Open a new file that only its owner may read; an opener for `open`."""
    return os.open(path, flags, 0o600)


def sync_tree(directory: Path) -> None:
    """Sync a directory, and all directories below it, to disk."""
    for path, _, _ in os.walk(directory, topdown=False):
        sync_directory(Path(path))
