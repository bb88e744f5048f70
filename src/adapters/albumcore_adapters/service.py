"""The composition root below HTTP: it opens a data directory, and hands each room what it needs.

No room takes the whole `Service`; only `http.app`, `server` and `cli` do, and pass its parts on.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from attrs import field, frozen

from albumcore import Albumcore, utc_now
from albumcore.times import Clock, clock_in_utc
from albumcore_adapters.access.holdings import Holdings
from albumcore_adapters.access.images import UNSEEN_SERIES, ImageAccess
from albumcore_adapters.base.cursors import Cursors
from albumcore_adapters.base.random_ids import MakeId, random_id
from albumcore_adapters.base.request_counts import RequestCounts
from albumcore_adapters.base.secret import load_authorization, load_client_secret, load_secret
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.blobs import Blobs, ImageBytes, open_blobs
from albumcore_adapters.decoding import Decoder
from albumcore_adapters.directory.accounts import Accounts
from albumcore_adapters.directory.catalogue import Catalogue
from albumcore_adapters.directory.claims import SeriesClaims
from albumcore_adapters.directory.clinics import Clinics
from albumcore_adapters.directory.inbox import Inbox
from albumcore_adapters.directory.jwt_revocations import JwtRevocations
from albumcore_adapters.directory.operator_notes import note_first_secret
from albumcore_adapters.directory.pacs_series import PacsSeries
from albumcore_adapters.directory.patients import Patients
from albumcore_adapters.directory.people import People
from albumcore_adapters.directory.pseudonyms import Pseudonyms
from albumcore_adapters.directory.single_use import SingleUseTokens
from albumcore_adapters.directory.stored_instances import StoredInstances
from albumcore_adapters.directory.token_last_use import TokenLastUses
from albumcore_adapters.identity.authentication import UNKNOWN_SUBJECT, Authentication
from albumcore_adapters.identity.jwt import JwtVerifier
from albumcore_adapters.identity.oidc import OpenIdConnect
from albumcore_adapters.identity.service_tokens import Issuer
from albumcore_adapters.instances.archive import OwnArchive
from albumcore_adapters.instances.fetching import SeriesFetcher
from albumcore_adapters.instances.pacs_archive import PacsArchive
from albumcore_adapters.instances.reading import InstanceReader
from albumcore_adapters.instances.received import InstanceStore
from albumcore_adapters.outbound import Outbound, Pacs
from albumcore_adapters.sql.database import Database
from albumcore_adapters.store import database_of, is_store_sealed, watch_of
from albumcore_adapters.store.configured import open_store, require_store
from albumcore_adapters.store.log_watch import LogWatch
from albumcore_adapters.transfer.marker import (
    refuse_unfinished_copy,
    refuse_unfinished_restore,
)
from albumcore_adapters.webhooks import Outbox, open_outbox

STORING_THREADS = 4
"""Threads that read the headers of instances and make their bytes durable, beside those that receive them."""


@frozen
class Service:
    """An open data directory. Open it after a fork, not before, and close it when done."""

    settings: Settings
    secret: bytes = field(repr=False)
    albums: Albumcore
    database: Database = field(repr=False)
    blobs: Blobs
    image_bytes: ImageBytes
    people: People
    catalogue: Catalogue
    claims: SeriesClaims
    inbox: Inbox
    token_last_uses: TokenLastUses
    single_use_tokens: SingleUseTokens
    clinics: Clinics
    patients: Patients
    accounts: Accounts
    clock: Callable[[], datetime]
    make_id: MakeId
    outbound: Outbound
    outbox: Outbox
    auth: Authentication = field(repr=False)
    holdings: Holdings = field(repr=False)
    image_access: ImageAccess = field(repr=False)
    decoder: Decoder = field(repr=False)
    instance_store: InstanceStore = field(repr=False)
    instance_reader: InstanceReader = field(repr=False)
    series_fetcher: SeriesFetcher = field(repr=False)
    openid: OpenIdConnect | None = field(repr=False)
    log_watch: LogWatch = field(repr=False)
    requests: RequestCounts = field(factory=RequestCounts, eq=False, repr=False)

    @property
    def cursors(self) -> Cursors:
        """What makes and reads the texts of cursors."""
        return self.outbox.cursors

    def close(self) -> None:
        """End waiting requests and decoding processes, and close the database and the connections to an archive."""
        self.log_watch.stop()
        self.instance_store.executor.shutdown()
        self.decoder.close()
        if self.series_fetcher.archive is not None:
            self.series_fetcher.archive.close()
        self.albums.close()


def open_service(
    settings: Settings,
    *,
    must_exist: bool = False,
    clock: Clock = utc_now,
    make_id: MakeId = random_id,
) -> Service:
    """Open the data directory of the settings. Create whatever is missing in it.

    Args:
        settings: The settings.
        must_exist: Create no store.
        clock: Returns the current time, aware. A reading without a time zone raises `Invalid`.
        make_id: Makes an unguessable id of so many characters.

    Raises:
        NoStore: there is no store, and it must exist.
        UnfinishedCopy: the store is an unfinished copy, or a restore of it was cut off.
        SettingsError: the database or the place for image bytes cannot be used here.
        NewerStore: a newer release wrote the store.
        StoreError, sqlite3.Error: the database is damaged, or is not a database.
        OSError: the directory cannot be read or written.
        SecretError: the secret or the file with the credentials of an archive is damaged, or other users can read it.
    """
    refuse_unfinished_restore(settings)
    if must_exist:
        require_store(settings)
    blobs = open_blobs(settings)
    secret = load_secret(settings.data, settings.secret_file)
    pacs = Pacs.of(settings, load_authorization(settings.pacs_auth_file))
    client_secret = load_client_secret(settings.oidc_client_secret_file)
    clock = clock_in_utc(clock)
    albums = open_store(settings, clock)
    try:
        refuse_unfinished_copy(database_of(albums))
        note_first_secret(database_of(albums), secret)
        return _compose(settings, secret, client_secret, blobs, pacs, albums, clock, make_id)
    except BaseException:
        albums.close()
        raise


def _compose(
    settings: Settings,
    secret: bytes,
    client_secret: str | None,
    blobs: Blobs,
    pacs: Pacs | None,
    albums: Albumcore,
    clock: Clock,
    make_id: MakeId,
) -> Service:
    database, is_sealed = database_of(albums), is_store_sealed(albums)
    people = People(database, Pseudonyms(albums, make_id) if is_sealed else None)
    catalogue, claims, inbox = Catalogue(database), SeriesClaims(database), Inbox(database)
    token_last_uses, jwt_revocations = TokenLastUses(database), JwtRevocations(database)
    verifier = JwtVerifier.of(settings, secret, clock)
    outbound = Outbound(allow_private=settings.allow_private_addresses)
    issuer, unknown = Issuer(secret, settings.root), UNKNOWN_SUBJECT[settings.compat]
    auth = Authentication(
        albums, people, token_last_uses, jwt_revocations, verifier, issuer, clock, unknown
    )
    outbox = Outbox(
        *(albums, database, people, outbound, Cursors(secret)),
        *(settings.root, settings.api_url, clock, make_id),
    )
    single_use = SingleUseTokens(database)
    holdings = Holdings(albums, inbox, claims, catalogue, clock)
    access = ImageAccess(holdings, settings.enforces_download, UNSEEN_SERIES[settings.compat])
    decoder, stored = Decoder.of(settings), StoredInstances(database)
    pacs_archive = _pacs_archive(settings, pacs, blobs, database)
    reader = InstanceReader(stored, pacs_archive or OwnArchive(blobs), decoder)
    return Service(
        settings=settings,
        secret=secret,
        albums=albums,
        database=database,
        blobs=blobs,
        image_bytes=ImageBytes(blobs, seals=is_sealed),
        people=people,
        catalogue=catalogue,
        claims=claims,
        inbox=inbox,
        token_last_uses=token_last_uses,
        single_use_tokens=single_use,
        clinics=Clinics(database),
        patients=Patients(database),
        accounts=Accounts(database, secret),
        clock=clock,
        make_id=make_id,
        outbound=outbound,
        outbox=open_outbox(outbox),
        auth=auth,
        holdings=holdings,
        image_access=access,
        decoder=decoder,
        instance_store=_instance_store(settings, reader, access),
        instance_reader=reader,
        series_fetcher=SeriesFetcher(pacs_archive, decoder, catalogue, stored, albums.index, clock),
        openid=OpenIdConnect.of(settings, client_secret, auth, single_use, secret),
        log_watch=watch_of(albums),
    )


def _pacs_archive(
    settings: Settings, pacs: Pacs | None, blobs: Blobs, database: Database
) -> PacsArchive | None:
    if pacs is None:
        return None
    return PacsArchive(pacs, blobs, PacsSeries(database), settings.max_instance)


def _instance_store(
    settings: Settings, reader: InstanceReader, access: ImageAccess
) -> InstanceStore:
    return InstanceStore(
        archive=reader.archive,
        decoder=reader.decoder,
        instances=reader.instances,
        access=access,
        executor=ThreadPoolExecutor(STORING_THREADS, "storing"),
        max_instance=settings.max_instance,
    )
