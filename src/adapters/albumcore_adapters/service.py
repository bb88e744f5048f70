"""The composition root below HTTP: one data directory, opened, with everything that lives in it."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable
from datetime import datetime

from attrs import field, frozen

from albumcore import Albumcore, utc_now
from albumcore.times import Clock, clock_in_utc
from albumcore_adapters.access.holdings import Holdings
from albumcore_adapters.base.request_counts import RequestCounts
from albumcore_adapters.base.secret import load_secret
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.blobs import Blobs, open_blobs
from albumcore_adapters.directory.accounts import Accounts
from albumcore_adapters.directory.catalogue import Catalogue
from albumcore_adapters.directory.claims import SeriesClaims
from albumcore_adapters.directory.clinics import Clinics
from albumcore_adapters.directory.inbox import Inbox
from albumcore_adapters.directory.jwt_revocations import JwtRevocations
from albumcore_adapters.directory.patients import Patients
from albumcore_adapters.directory.people import People
from albumcore_adapters.directory.single_use import SingleUseTokens
from albumcore_adapters.directory.token_last_use import TokenLastUses
from albumcore_adapters.http.response_cache import ResponseCache
from albumcore_adapters.identity.authentication import UNKNOWN_SUBJECT, Authentication
from albumcore_adapters.identity.jwt import JwtVerifier
from albumcore_adapters.identity.service_tokens import Issuer
from albumcore_adapters.outbound import Outbound
from albumcore_adapters.sql.database import Database
from albumcore_adapters.store import database_of
from albumcore_adapters.store.opening import open_store, require_store
from albumcore_adapters.transfer.marker import (
    refuse_unfinished_copy,
    refuse_unfinished_restore,
)
from albumcore_adapters.webhooks import Outbox, open_outbox

MakeId = Callable[[int], str]
"""Makes an id of that many characters of ``[A-Za-z0-9]`` that nobody can guess."""

_ALPHANUMERIC = string.ascii_letters + string.digits


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
    claims: SeriesClaims
    inbox: Inbox
    token_last_uses: TokenLastUses
    jwt_revocations: JwtRevocations
    single_use_tokens: SingleUseTokens
    clinics: Clinics
    patients: Patients
    accounts: Accounts
    verifier: JwtVerifier
    clock: Callable[[], datetime]
    make_id: MakeId
    outbound: Outbound
    outbox: Outbox
    auth: Authentication = field(init=False, eq=False, repr=False)
    holdings: Holdings = field(init=False, eq=False, repr=False)
    response_cache: ResponseCache = field(factory=ResponseCache, init=False, eq=False, repr=False)
    requests: RequestCounts = field(factory=RequestCounts, eq=False, repr=False)

    @auth.default
    def _authentication(self) -> Authentication:
        return Authentication(
            self.albums,
            self.people,
            self.token_last_uses,
            self.jwt_revocations,
            self.verifier,
            Issuer(self.secret, self.settings.root),
            self.clock,
            UNKNOWN_SUBJECT[self.settings.compat],
        )

    @holdings.default
    def _holdings(self) -> Holdings:
        return Holdings(self.albums, self.inbox, self.claims, self.catalogue, self.clock)

    def close(self) -> None:
        """Let go of the database."""
        self.albums.close()


def open_service(
    settings: Settings,
    *,
    must_exist: bool = False,
    clock: Clock = utc_now,
    make_id: MakeId = random_id,
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
    refuse_unfinished_restore(settings)
    if must_exist:
        require_store(settings)
    blobs = open_blobs(settings)
    secret = load_secret(settings.data, settings.secret_file)
    clock = clock_in_utc(clock)
    albums = open_store(settings, clock)
    try:
        refuse_unfinished_copy(database_of(albums))
        return _compose(settings, secret, blobs, albums, clock, make_id)
    except BaseException:
        albums.close()
        raise


def _compose(
    settings: Settings,
    secret: bytes,
    blobs: Blobs,
    albums: Albumcore,
    clock: Clock,
    make_id: MakeId,
) -> Service:
    database = database_of(albums)
    people = People(database)
    outbound = Outbound(allow_private=settings.allow_private_addresses)
    outbox = Outbox(
        albums,
        database,
        people,
        outbound,
        root_url=settings.root,
        api_url=settings.root + (settings.kheops_prefix or ""),
        clock=clock,
        make_id=make_id,
    )
    return Service(
        settings=settings,
        secret=secret,
        albums=albums,
        database=database,
        blobs=blobs,
        people=people,
        catalogue=Catalogue(database),
        claims=SeriesClaims(database),
        inbox=Inbox(database),
        token_last_uses=TokenLastUses(database),
        jwt_revocations=JwtRevocations(database),
        single_use_tokens=SingleUseTokens(database),
        clinics=Clinics(database),
        patients=Patients(database),
        accounts=Accounts(database, secret),
        verifier=JwtVerifier.of(settings, secret, clock),
        clock=clock,
        make_id=make_id,
        outbound=outbound,
        outbox=open_outbox(outbox),
    )
