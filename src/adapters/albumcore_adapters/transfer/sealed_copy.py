"""Copying a store in clear to a sealed one: the same history, with pseudonyms, and with texts and images sealed.

Streams, versions and positions are those of the source; only the stream of a user is renamed to their pseudonym. The
events that a store in clear does not have come at its end: the registration of each person, and last `StoreSealed`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from itertools import takewhile, zip_longest
from typing import Any, cast

from attrs import define, evolve, field

from albumcore import (
    Act,
    Albumcore,
    ImageAdded,
    PersonRegistered,
    RecordedEvent,
    Source,
    StoreSealed,
    user_stream,
)
from albumcore.ids import is_digest
from albumcore.kernel import Event, stored_name
from albumcore.sealing import KeyedEvent, KeyedNotification
from albumcore.streams import erasures_stream
from albumcore_adapters.base.progress import Stage
from albumcore_adapters.base.secret import copy_secret
from albumcore_adapters.blobs import BlobDamaged, BlobMissing, Blobs, Digest
from albumcore_adapters.blobs.sealed import SealKey, seal_bytes
from albumcore_adapters.blobs.sealed_blobs import put_sealed
from albumcore_adapters.directory.instance_blobs import instance_blobs
from albumcore_adapters.directory.pseudonyms import commitment_of
from albumcore_adapters.directory.stored_instances import INSTANCE_STREAM
from albumcore_adapters.erasure.erasing import OPERATOR
from albumcore_adapters.store.sealing import KEYS_TABLE, SEALED_TABLE, is_sealed_store
from albumcore_adapters.transfer import tables
from albumcore_adapters.transfer.blobs import copy_all
from albumcore_adapters.transfer.copy import (
    ANOTHER_STORE,
    Copied,
    check_source,
    mark_target,
    rebuild_and_verify,
)
from albumcore_adapters.transfer.endpoint import Endpoint
from albumcore_adapters.transfer.errors import TransferRefused
from albumcore_adapters.transfer.location import Location
from albumcore_adapters.transfer.marker import mark_finished
from albumcore_adapters.transfer.renaming import has_users, renamed_row
from albumcore_adapters.transfer.sealed_form import SealedForm
from albumcore_adapters.transfer.sealed_people import PEOPLE_TABLE, SealedPeople
from albumcore_adapters.transfer.tables import (
    EVENT_TABLE,
    RowValues,
    Table,
    UnstorableRow,
    advance_identities,
    batches,
    count,
    differences,
    in_key_order,
    insert_together,
    make_equal,
    newest_event,
    rows,
    tables_beside_events,
    with_progress,
)

_KEY_TABLE = Table(KEYS_TABLE, ("stream", "version"), ("stream", "version", "subject", "key"), None)

_NO_PLACE = (
    "there are images: say where they are, and where the sealed ones are to be, "
    "by --blobs-from and --blobs-to"
)

_CONCURRENCY = 8
"""Images that are sealed at a time. Each is held in memory, and S3 is slow to answer."""

_OWN_EVENTS = (stored_name(PersonRegistered).name, stored_name(StoreSealed).name)
"""The stored names of events that a sealed copy ends with, and that a store in clear does not have."""


def copy_sealed(
    source: Location,
    target: Location,
    open_blobs: Callable[[], tuple[Blobs, Blobs]] | None,
    stage: Stage,
    clock: Callable[[], datetime],
) -> Copied:
    """Copy a store in clear to a sealed one: events, the tables beside them, the secret, and image bytes.

    It reads, resumes and ends as `copy_store` does. What can be compared is compared: what the events say under the
    pseudonyms of the target, and every row.

    Args:
        source: The store in clear. It is not changed.
        target: An empty location, or one with an unfinished sealed copy of the same store.
        open_blobs: Opens the image bytes of source and target; None if neither place is known.
        stage: Shows the progress.
        clock: Returns the current time.

    Raises:
        TransferRefused: there is no store, or it is sealed, or an unfinished copy itself; an event of it cannot be
            read; the target holds another store, or cannot store a row of the source; there are images, and no place
            for them.
        StoreError: a database cannot be reached, or an operation on it failed.
        BlobsUnavailable: the place of the images does not answer.
        MissingExtra: the cipher is not installed.
    """
    if source == target:
        raise TransferRefused("both addresses are the same")
    with ExitStack() as stack:
        old = stack.enter_context(source.source())
        check_source(old)
        if is_sealed_store(old.database):
            raise TransferRefused("the store to copy from is sealed: copy it without --seal")
        store, new = stack.enter_context(target.target(sealed=True))
        mark_target(new, clock())
        has_secret = copy_secret(source.directory, target.directory)
        blobs = None if open_blobs is None else open_blobs()
        return _SealedCopy(old, new, store, blobs, stage).made(has_secret=has_secret)


@define
class _SealedCopy:
    """A sealed copy under way."""

    source: Endpoint
    target: Endpoint
    store: Albumcore
    blobs: tuple[Blobs, Blobs] | None
    stage: Stage
    people: SealedPeople = field(init=False)
    form: SealedForm = field(init=False)
    images: int = 0
    damaged: int = 0

    def __attrs_post_init__(self) -> None:
        self.people = SealedPeople.of(self.target)
        self.form = SealedForm(self.people.name_of)

    def made(self, *, has_secret: bool) -> Copied:
        """Copy what is missing in the target, compare, and if both agree, end and verify it."""
        _delete_own_events(self.target)
        try:
            with self.source.database.read_snapshot():
                events = self._copy_events()
                beside = self._copy_tables()
                self._copy_instances()
                advance_identities(self.source, self.target)
        except UnstorableRow as error:
            raise TransferRefused(f"the target cannot hold what the source has: {error}") from error
        is_whole = self._is_equal()
        problems: Sequence[str] = ()
        if is_whole:
            self._end(events)
            blobs = None if self.blobs is None else self.blobs[1]
            problems = rebuild_and_verify(
                self.store, blobs, count(self.target, EVENT_TABLE), self.stage
            )
            mark_finished(self.target.database)
        newest = newest_event(self.target)
        position = 0 if newest is None else newest[0]
        images = None if self.blobs is None else self.images
        return Copied(
            events, position, beside, images, self.damaged, has_secret, is_whole, problems
        )

    # Events

    def _copy_events(self) -> int:
        """Seal the events that the target lacks; return how many the source has."""
        last = self._last_copied()
        events, before = count(self.source, EVENT_TABLE), count(self.target, EVENT_TABLE)
        with (
            self.stage("sealing events and images", events) as progress,
            ThreadPoolExecutor(_CONCURRENCY) as pool,
        ):
            missing = with_progress(rows(self.source, EVENT_TABLE, last), progress, before)
            for batch in batches(missing):
                said = [self.form.renamed(KeyedEvent(*row[1:])) for row in batch]
                sealed = map(self.form.sealed, pool.map(self._with_sealed_image, said))
                self._insert([row[0] for row in batch], [*sealed])
        return events

    def _insert(self, positions: Sequence[int], events: Sequence[KeyedEvent]) -> None:
        stored, keys = [], []
        for position, one in zip(positions, events, strict=True):
            place = one.originator_id, one.originator_version
            stored.append((position, *place, one.topic, one.state))
            if one.key is not None:
                keys.append((*place, one.subject, one.key))
        insert_together(self.target, ((EVENT_TABLE, stored), (_KEY_TABLE, keys)))

    def _with_sealed_image(self, recorded: RecordedEvent[Any]) -> RecordedEvent[Any]:
        """Return an event that refers to the sealed bytes of its image, if it adds one."""
        if not isinstance(recorded.event, ImageAdded):
            return recorded
        content = recorded.event.content
        digest, key = self._sealed_bytes(content.digest)
        event = evolve(recorded.event, content=evolve(content, digest=digest), key=key)
        return RecordedEvent(recorded.stream, recorded.version, recorded.act, event)

    def _sealed_bytes(self, digest: Digest) -> tuple[Digest, SealKey]:
        """Store image bytes sealed, and return digest and key. What is missing or damaged stays missing."""
        if self.blobs is None:
            raise TransferRefused(_NO_PLACE)
        source, target = self.blobs
        try:
            image = source.get(digest)
        except (BlobMissing, BlobDamaged):
            self.damaged += 1
            missing, key = seal_bytes(b"")
            return hashlib.sha256(missing).hexdigest(), key
        self.images += 1
        sealed = put_sealed(target, image)
        return sealed.digest, sealed.key

    def _last_copied(self) -> tuple[int] | None:
        """Return the position of the last event that an earlier call copied."""
        newest = newest_event(self.target)
        if newest is None:
            return None
        position: int = newest[0]
        wanted = next(rows(self.source, EVENT_TABLE, (position - 1,)), None)
        found = next(self._sealed_events(position - 1))
        if wanted is None or wanted[0] != position or not self._is_of(wanted, found):
            raise TransferRefused(ANOTHER_STORE)
        return (position,)

    def _sealed_events(self, after: int) -> Iterator[KeyedNotification]:
        """Yield the events of the target after a position, with their keys, in the order of positions."""
        read = self.store.recorder.select_notifications
        while found := read(after, tables.BATCH, inclusive_of_start=False):
            yield from cast(Sequence[KeyedNotification], found)
            after = found[-1].id

    def _is_of(self, row: RowValues, found: KeyedNotification) -> bool:
        return self.form.is_of(KeyedEvent(*row[1:]), found)

    # Tables beside the events

    def _copy_tables(self) -> int:
        """Make the tables beside the events equal; return how many rows they have in the source."""
        wanted = self._wanted()
        sizes = [count(self.source, table) for table in wanted]
        with self.stage("copying what is beside them", sum(sizes)) as progress:
            for number, (table, found) in enumerate(wanted.items()):
                watched = partial(with_progress, progress=progress, before=sum(sizes[:number]))
                if table.name == PEOPLE_TABLE:
                    self.people.describe(table, found, watched)
                else:
                    make_equal(self.target, table, found, watched, partial(self._there, table))
        return sum(sizes)

    def _copy_instances(self) -> None:
        """Copy the bytes of DICOM instances, which are sealed in a store in clear as well."""
        wanted = (one.digest for one in instance_blobs(self.source.database) if not one.is_erased)
        digests = filter(is_digest, wanted)
        if self.blobs is None:
            if next(digests, None) is not None:
                raise TransferRefused(_NO_PLACE)
            return
        with self.stage("copying the bytes of instances", None) as progress:
            copied, damaged = copy_all(*self.blobs, progress, digests)
        self.images += copied
        self.damaged += damaged

    def _wanted(self) -> Mapping[Table, Callable[[], Iterator[RowValues]]]:
        """Return what yields the rows of each table as they are to be in the target, ordered by key."""
        return {
            table: partial(self._wanted_rows, table)
            for table in tables_beside_events()
            if table.name != SEALED_TABLE  # which is empty in a store in clear
        }

    def _there(self, table: Table) -> Iterator[RowValues]:
        """Yield the rows of the target that those of the source are compared with."""
        is_keys = table.name == KEYS_TABLE
        return _keys_of_instances(self.target) if is_keys else rows(self.target, table)

    def _wanted_rows(self, table: Table) -> Iterator[RowValues]:
        if table.name == KEYS_TABLE:
            return _keys_of_instances(self.source)
        if table.name == PEOPLE_TABLE:
            return in_key_order(table, self.people.rows(self.source, table))
        found = rows(self.source, table)
        if not has_users(table):
            return found
        return in_key_order(table, (renamed_row(table, row, self.people.name_of) for row in found))

    # The end

    def _is_equal(self) -> bool:
        """Return whether the target says what a new snapshot of the source says.

        Raises:
            TransferRefused: the target has an event that the source does not have.
        """
        with self.source.database.read_snapshot():
            events = count(self.source, EVENT_TABLE)
            with self.stage("comparing", events) as progress:
                wanted = with_progress(rows(self.source, EVENT_TABLE), progress)
                for row, found in zip_longest(wanted, self._sealed_events(0)):
                    if found is None:
                        return False
                    if row is None or row[0] != found.id or not self._is_of(row, found):
                        raise TransferRefused(ANOTHER_STORE)
            return not any(
                any(True for _ in differences(found(), self._there(table), table))
                for table, found in self._wanted().items()
            )

    def _end(self, events: int) -> None:
        """Record what a store in clear does not have: that each person was registered, and last, what was sealed."""
        with self.stage("registering people", len(self.people.by_sub)) as progress:
            for number, (sub, person) in enumerate(sorted(self.people.by_sub.items()), 1):
                registered = PersonRegistered(commitment_of(person.salt, sub))
                self.store.handle(
                    user_stream(person.pid), _recorded, Source(person.pid), registered
                )
                progress(number)
        self.store.handle(erasures_stream(), _recorded, Source(OPERATOR), StoreSealed(events))


def _keys_of_instances(endpoint: Endpoint) -> Iterator[RowValues]:
    """Yield the keys of instances, which in a sealed store are among those of events."""
    found = rows(endpoint, _KEY_TABLE, (INSTANCE_STREAM, 0))
    return takewhile(lambda row: row[0].startswith(INSTANCE_STREAM), found)


def _recorded(state: Any, act: Act, event: Event[Any]) -> tuple[Event[Any], ...]:
    """Record an event that no decision leads to: the history before it is that of another store."""
    return (event,)


def _delete_own_events(target: Endpoint) -> None:
    """Delete the events of an end that was cut off, so that the next one comes after all events of the source."""
    marks = ", ".join("?" * len(_OWN_EVENTS))
    with target.database.transaction(commit=True) as cursor:
        cursor.execute(f"DELETE FROM {EVENT_TABLE.name} WHERE topic IN ({marks})", _OWN_EVENTS)  # noqa: S608
