"""The composition root below HTTP: one data directory, opened, with everything that lives in it."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from attrs import field, frozen

from albumcore import Albumcore, StoreOptions, utc_now
from albumcore.times import Clock, clock_in_utc
from albumcore_adapters.base.request_counts import RequestCounts
from albumcore_adapters.base.secret import load_secret
from albumcore_adapters.base.settings import Settings, SettingsError
from albumcore_adapters.blobs import Blobs, open_blobs
from albumcore_adapters.directory import (
    Accounts,
    Catalogue,
    Claims,
    Clinics,
    Inbox,
    Patients,
    People,
    Spent,
    TokenFloors,
    TokenUses,
)
from albumcore_adapters.http.response_cache import ResponseCache
from albumcore_adapters.identity.jwt import JwtVerifier
from albumcore_adapters.outbound.client import Outbound
from albumcore_adapters.sql.database import Database
from albumcore_adapters.store import (
    MissingExtra,
    NoAddress,
    database_of,
    has_postgres_store,
    open_postgres,
    open_sqlite,
)
from albumcore_adapters.transfer.marker import is_unfinished
from albumcore_adapters.webhooks import Outbox, open_outbox

DATABASE = "albumcore.sqlite"
_ALPHANUMERIC = string.ascii_letters + string.digits


class NoStore(Exception):
    """A store was to be there already, and is not, or not yet the whole of it."""


class UnfinishedCopy(NoStore):
    """What is there is a copy that `albumcore copy` has not brought to its end."""


def random_id(length: int) -> str:
    """Characters of ``[A-Za-z0-9]`` that nobody can guess; about 5.95 bits in each."""
    return "".join(secrets.choice(_ALPHANUMERIC) for _ in range(length))


@frozen
class Service:
    """An open data directory. Close it when done; open it after a fork, not before."""

    settings: Settings
    secret: bytes = field(repr=False)
    albums: Albumcore
    database: Database = field(repr=False)
    blobs: Blobs
    people: People
    catalogue: Catalogue
    claims: Claims
    inbox: Inbox
    token_uses: TokenUses
    token_floors: TokenFloors
    spent: Spent
    clinics: Clinics
    patients: Patients
    accounts: Accounts
    verifier: JwtVerifier
    clock: Callable[[], datetime]
    make_id: Callable[[int], str]
    outbound: Outbound
    outbox: Outbox
    response_cache: ResponseCache = field(factory=ResponseCache, init=False, eq=False, repr=False)
    requests: RequestCounts = field(factory=RequestCounts, eq=False, repr=False)

    def close(self) -> None:
        """Let go of the database."""
        self.albums.close()


def open_service(
    settings: Settings,
    *,
    must_exist: bool = False,
    clock: Clock = utc_now,
    make_id: Callable[[int], str] = random_id,
) -> Service:
    """Open the data directory of the settings, and make what is missing in it.

    Args:
        settings: Which directory, and how.
        must_exist: Make nothing: a mistyped path must not pass for an empty store.
        clock: Tells the present moment, aware; one that tells no zone is `Invalid` when it is read.
        make_id: Makes an id of that many characters that nobody can guess.

    Raises:
        NoStore: there is none, and it must exist.
        UnfinishedCopy: it is an unfinished copy, or a restore was cut off before the store was in its place.
        SettingsError: the database or the place for image bytes is one that cannot be used here.
        NewerStore: a newer release wrote the store.
        StoreError, sqlite3.Error: the database is damaged, or none.
        OSError: the directory cannot be read or written.
        SecretError: the secret is damaged, or readable by others than its owner.
    """
    _refuse_half_restored(settings)
    if must_exist and not _is_there(settings):
        place = settings.data if settings.database is None else "the database of the settings"
        raise NoStore(f"there is no store in {place}")
    blobs = open_blobs(settings)
    secret = load_secret(settings.data, settings.secret_file)
    clock = clock_in_utc(clock)
    albums = _open_albums(settings, clock)
    database = database_of(albums)
    if is_unfinished(database):
        albums.close()
        raise UnfinishedCopy(
            "the store is an unfinished copy: run `albumcore copy` again, to its end"
        )
    people, catalogue = People(database), Catalogue(database)
    claims, inbox = Claims(database), Inbox(database)
    outbound = Outbound(allow_private=settings.allow_private_addresses)
    return Service(
        settings,
        secret,
        albums,
        database,
        blobs,
        people,
        catalogue,
        claims,
        inbox,
        TokenUses(database),
        TokenFloors(database),
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


def before_restore(data: Path) -> Path:
    """Where a data directory stays that a restore has put another one in the place of."""
    data = data.resolve()
    return data.with_name(f"{data.name}.before-restore")


def _refuse_half_restored(settings: Settings) -> None:
    old = before_restore(settings.data)
    if settings.database is None and old.exists() and not _is_there(settings):
        raise UnfinishedCopy(
            f"{settings.data} is missing, and {old} is there: a restore was cut off between two renames. "
            f"Run `albumcore restore` again, or rename {old.name} back"
        )


def _is_there(settings: Settings) -> bool:
    if settings.database is not None:
        with _usable_database():
            return has_postgres_store(settings.database)
    file = settings.data / DATABASE
    return file.is_file() and bool(file.stat().st_size)


def _open_albums(settings: Settings, clock: Callable[[], datetime]) -> Albumcore:
    options: StoreOptions = {
        "clock": clock,
        "busy_seconds": settings.busy_seconds,
        "snapshot_every": settings.snapshot_every,
        "cache_size": settings.cache_size,
    }
    if settings.database is None:
        return open_sqlite(settings.data / DATABASE, **options)
    with _usable_database():
        return open_postgres(settings.database, **options)


@contextmanager
def _usable_database() -> Iterator[None]:
    try:
        yield
    except MissingExtra:
        needed = "the extra `postgres` to be installed: pip install 'albumcore[postgres]'"
        raise SettingsError("ALBUMCORE_DATABASE", needed) from None
    except NoAddress:
        # Not repeated: it may hold a password.
        expected = "an address that libpq understands"
        raise SettingsError("ALBUMCORE_DATABASE", expected) from None
