"""The composition root below HTTP: one data directory, opened, with everything that lives in it."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable
from datetime import datetime
from typing import cast

from attrs import field, frozen

from adapters.blobs import Blobs, DirectoryBlobs
from adapters.directory import (
    Accounts,
    Catalogue,
    Clinics,
    Database,
    Inbox,
    Patients,
    People,
    Spent,
    TokenUses,
    create_tables,
)
from adapters.http.auth import JwtVerifier
from adapters.outbound import Outbound
from adapters.secret import load_secret
from adapters.settings import Settings
from adapters.store import database_of, open_sqlite
from adapters.webhooks import Outbox, open_outbox
from albumcore import Albumcore, utc_now

DATABASE = "albumcore.sqlite"
_ALPHANUMERIC = string.ascii_letters + string.digits


class NoStore(Exception):
    """A store was to be there already, and is not."""


def random_id(length: int) -> str:
    """Characters of ``[A-Za-z0-9]`` that nobody can guess; about 5.95 bits in each."""
    return "".join(secrets.choice(_ALPHANUMERIC) for _ in range(length))


@frozen
class Deployment:
    """An open data directory. Close it when done; open it after a fork, not before."""

    settings: Settings
    secret: bytes = field(repr=False)
    albums: Albumcore
    blobs: Blobs
    people: People
    catalogue: Catalogue
    inbox: Inbox
    token_uses: TokenUses
    spent: Spent
    clinics: Clinics
    patients: Patients
    accounts: Accounts
    verifier: JwtVerifier
    clock: Callable[[], datetime]
    make_id: Callable[[int], str]
    outbound: Outbound
    outbox: Outbox

    def close(self) -> None:
        """Let go of the database."""
        self.albums.close()


def open_deployment(
    settings: Settings,
    *,
    must_exist: bool = False,
    clock: Callable[[], datetime] = utc_now,
    make_id: Callable[[int], str] = random_id,
) -> Deployment:
    """Open the data directory of the settings, and make what is missing in it.

    Args:
        settings: Which directory, and how.
        must_exist: Make nothing: a mistyped path must not pass for an empty store.
        clock: Tells the present moment, aware and in UTC.
        make_id: Makes an id of that many characters that nobody can guess.

    Raises:
        NoStore: there is none, and it must exist.
        StoreError, sqlite3.Error: the database is damaged, or none.
        OSError: the directory cannot be read or written.
        SecretError: the secret is damaged, or readable by others than its owner.
    """
    database_file = settings.data / DATABASE
    if must_exist and not (database_file.is_file() and database_file.stat().st_size):
        raise NoStore(f"there is no store in {settings.data}")
    secret = load_secret(settings.data)
    albums = open_sqlite(
        database_file,
        clock=clock,
        retries=settings.retries,
        snapshot_every=settings.snapshot_every,
        cache_size=settings.cache_size,
    )
    database = cast(Database, database_of(albums))
    create_tables(database)
    people = People(database)
    outbound = Outbound(allow_private=settings.allow_private_addresses)
    return Deployment(
        settings,
        secret,
        albums,
        DirectoryBlobs(settings.data / "blobs"),
        people,
        Catalogue(database),
        Inbox(database),
        TokenUses(database),
        Spent(database),
        Clinics(database),
        Patients(database),
        Accounts(database, secret),
        JwtVerifier.of(settings, secret, clock),
        clock,
        make_id,
        outbound,
        open_outbox(
            albums,
            people,
            outbound,
            root=settings.root,
            base=settings.root + (settings.kheops_prefix or ""),
            clock=clock,
            make_id=make_id,
        ),
    )
