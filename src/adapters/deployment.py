"""The composition root below HTTP: one data directory, opened, with everything that lives in it."""

from __future__ import annotations

import fcntl
import secrets
import string
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import cast

from attrs import frozen

from adapters.blobs import Blobs, DirectoryBlobs
from adapters.directory import (
    Accounts,
    Catalogue,
    Clinics,
    Database,
    Patients,
    People,
    create_tables,
)
from adapters.http.auth import JwtVerifier
from adapters.secret import load_secret
from adapters.settings import Settings
from adapters.store import database_of, open_sqlite
from albumcore import Albumcore, utc_now

_ALPHANUMERIC = string.ascii_letters + string.digits


def random_id(length: int) -> str:
    """Characters of ``[A-Za-z0-9]`` that nobody can guess; about 5.95 bits in each."""
    return "".join(secrets.choice(_ALPHANUMERIC) for _ in range(length))


@frozen
class Deployment:
    """An open data directory. Close it when done; open it after a fork, not before."""

    settings: Settings
    secret: bytes
    albums: Albumcore
    blobs: Blobs
    people: People
    catalogue: Catalogue
    clinics: Clinics
    patients: Patients
    accounts: Accounts
    verifier: JwtVerifier
    clock: Callable[[], datetime]
    make_id: Callable[[int], str]

    def close(self) -> None:
        """Let go of the database."""
        self.albums.close()


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    """Let one process at a time make the tables: SQLite changes to its journal mode under one alone."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def open_deployment(
    settings: Settings,
    *,
    clock: Callable[[], datetime] = utc_now,
    make_id: Callable[[int], str] = random_id,
) -> Deployment:
    """Open the data directory of the settings, and make what is missing in it.

    Raises:
        SecretError: the secret is damaged, or readable by others than its owner.
    """
    secret = load_secret(settings.data)
    with _one_at_a_time(settings.data / "opening.lock"):
        albums = open_sqlite(
            settings.data / "albumcore.sqlite",
            clock=clock,
            retries=settings.retries,
            snapshot_every=settings.snapshot_every,
            cache_size=settings.cache_size,
        )
        database = cast(Database, database_of(albums))
        create_tables(database)
    return Deployment(
        settings,
        secret,
        albums,
        DirectoryBlobs(settings.data / "blobs"),
        People(database),
        Catalogue(database),
        Clinics(database),
        Patients(database),
        Accounts(database, secret),
        JwtVerifier.of(settings, secret, clock),
        clock,
        make_id,
    )
