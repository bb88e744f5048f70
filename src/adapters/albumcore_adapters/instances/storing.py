"""Storing instances that are sent: one way for uploads and for imports of files.

Each instance is written to a draft, its header is read by the decoder, and it is checked against what is known. Its
bytes are made durable before the transaction that adds it to the catalogue, confirms its series in the album or inbox,
and records the events. Bytes that no transaction refers to in the end are collected like those of other broken
uploads.

While one instance arrives, those before it are read and made durable. Transactions are for some instances at a time:
an upload that breaks off leaves whole instances, and loses no more than the last few.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future, wait
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Self, TypeAlias

from attrs import define, evolve, field, frozen

from albumcore.errors import AlbumcoreError, Conflict, Invalid
from albumcore.ids import SeriesUID, StudyUID
from albumcore_adapters.access.images import (
    ImageAccess,
    SeriesNotWritable,
    Strictness,
    Upload,
    put_images,
    reads_place,
    require_storable,
)
from albumcore_adapters.base.dicom_json import text_value
from albumcore_adapters.blobs.port import Digest
from albumcore_adapters.blobs.sealed_blobs import SealedBlob
from albumcore_adapters.decoding import Decoder, DecoderFailed, Header, NotAnInstance
from albumcore_adapters.directory.instances import place_series, write_instances
from albumcore_adapters.directory.known_instances import KnownInstances
from albumcore_adapters.directory.stored_instances import (
    StoredInstances,
    dicom_patient_subject,
)
from albumcore_adapters.instances.additions import new_instance
from albumcore_adapters.instances.agreement import is_stored, refusal_of
from albumcore_adapters.instances.archive import Archive, InstanceDraft, NotAccepted, awaited
from albumcore_adapters.instances.outcomes import (
    FailureReason,
    InstanceRefused,
    InstanceStored,
    Outcome,
    Refusal,
)
from albumcore_adapters.instances.pictures import store_thumbnails
from albumcore_adapters.instances.reading import InstanceReader
from albumcore_adapters.sql.database import Cursor
from albumcore_adapters.webhooks import note_upload

_SOP_CLASS, _PATIENT_ID = "00080016", "00100020"

_AHEAD = 4
"""Instances of a request whose header is read, and which are made durable, while the next one arrives."""

_MOST_INSTANCES = 200
_MOST_BYTES = 256 * 1024 * 1024
_MOST_HEADER_BYTES = 8 * 1024 * 1024
"""What one transaction stores at most, apart from the instance with which it is exceeded."""


@frozen
class InstanceStore:
    """What instances are stored with.

    Attributes:
        archive: Where their bytes go.
        decoder: Reads their headers.
        instances: The tables of stored instances.
        access: Who may store what.
        executor: Runs what is done while further instances arrive.
        max_instance: The largest instance, in bytes.
    """

    archive: Archive
    decoder: Decoder
    instances: StoredInstances
    access: ImageAccess
    executor: Executor
    max_instance: int


@frozen
class _Received:
    """An instance whose header was read.

    Attributes:
        place: Its place among what was sent, from 0.
        file_id: What the sender calls it.
        header: Its header.
        digest: SHA-256 of its file.
        length: Length of its file, in bytes.
        is_durable: Whether its bytes were stored now; otherwise the same ones were stored before.
        blob: Its bytes; None if they are in an existing archive, or were stored before.
    """

    place: int
    file_id: str | None
    header: Header
    digest: Digest
    length: int
    is_durable: bool = False
    blob: SealedBlob | None = None

    @property
    def series(self) -> tuple[StudyUID, SeriesUID]:
        """Its series, with the study."""
        return self.header.record.study_uid, self.header.record.series_uid

    @property
    def sop_class_uid(self) -> str | None:
        """SOPClassUID, (0008,0016)."""
        return text_value(self.header.record.instance, _SOP_CLASS)

    def stored(self) -> InstanceStored:
        """The outcome if it is stored."""
        record = self.header.record
        return InstanceStored(
            record.study_uid, record.series_uid, record.sop_instance_uid, self.sop_class_uid
        )

    def refused(self, refusal: Refusal) -> InstanceRefused:
        """The outcome if it is not."""
        return refusal.of(self.header.record, self.sop_class_uid, self.file_id)


class _Refused(Exception):
    """Some instances of a transaction are refused by what others stored meanwhile, by place."""

    def __init__(self, refusals: Mapping[int, Refusal]) -> None:
        super().__init__()
        self.refusals = refusals


_Writable: TypeAlias = dict[tuple[StudyUID, SeriesUID], bool | Refusal]


@define
class Storing:
    """The instances of one request, stored one after the other. A context manager, for one thread.

    Where the block ends with an error, what is not stored yet is dropped.

    Attributes:
        store: What they are stored with.
        upload: Who sends them, and where their series are put.
        study: The only study whose instances are stored; None for all.
        verifies: Whether the attributes of study and series must agree with what is known.
        outcomes: What became of each, in the order they were added.
    """

    store: InstanceStore
    upload: Upload
    study: StudyUID | None = None
    verifies: bool = True
    outcomes: list[Outcome | None] = field(factory=list, init=False)
    _ahead: deque[tuple[Future[_Received | None], InstanceDraft]] = field(factory=deque, init=False)
    _batch: list[_Received] = field(factory=list, init=False)
    _new_series: dict[tuple[StudyUID, SeriesUID], None] = field(factory=dict, init=False)
    _writable: _Writable = field(factory=dict, init=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for future, draft in self._ahead:
            # A draft that is being read is removed by the thread that reads it.
            if future.cancel():
                draft.discard()
        # `wait` would wait for a cancelled one until its turn comes.
        wait([future for future, _ in self._ahead if not future.cancelled()])
        self._ahead.clear()

    def add(self, content: Iterable[bytes], file_id: str | None = None) -> None:
        """Receive an instance, and store those that have become ready.

        Args:
            content: Its bytes, in pieces.
            file_id: What the sender calls it.

        Raises:
            BlobsUnavailable, BlobsFull, AlbumcoreError: the storage does not respond, or has no space left.
            PacsFailed, LimitReached: an existing archive fails, or too many requests wait for it.
            Exception: the errors of ``content``.
        """
        draft = self.store.archive.draft()
        try:
            for piece in content:
                if draft.length + len(piece) > self.store.max_instance:
                    draft.discard()
                    detail = f"it is larger than {self.store.max_instance} bytes"
                    self.refuse(FailureReason.OUT_OF_RESOURCES, detail, file_id)
                    return
                draft.write(piece)
            draft.finish()
        except BaseException:
            draft.discard()
            raise
        self.add_draft(draft, file_id)

    def add_draft(self, draft: InstanceDraft, file_id: str | None = None) -> None:
        """Take over an instance that was received already: its draft is finished."""
        place = len(self.outcomes)
        self.outcomes.append(None)
        future = self.store.executor.submit(self._prepared, place, draft, file_id)
        self._ahead.append((future, draft))
        while len(self._ahead) > _AHEAD:
            self._take()

    def refuse(self, reason: FailureReason, detail: str, file_id: str | None = None) -> None:
        """Record that something that was sent is no instance, or is not read."""
        self.outcomes.append(InstanceRefused(reason, detail, file_id=file_id))

    def finish(self) -> Sequence[Outcome]:
        """Store the rest, and the thumbnails of new series, and return what became of each.

        Raises:
            BlobsUnavailable, BlobsFull, PacsFailed, LimitReached, AlbumcoreError: as for `add`.
        """
        while self._ahead:
            self._take()
        self._flush()
        store = self.store
        reader = InstanceReader(store.instances, store.archive, store.decoder)
        store_thumbnails(reader, self._new_series)
        return [one for one in self.outcomes if one is not None]

    # What is done while further instances arrive. It runs in other threads.

    def _prepared(self, place: int, draft: InstanceDraft, file_id: str | None) -> _Received | None:
        """Read the header of a draft, and make its bytes durable, unless it is refused."""
        try:
            header = self.store.decoder.header(draft)
            received = _Received(place, file_id, header, draft.digest, draft.length)
            known = KnownInstances.of(self.store.instances, [header.record])
            refusal = self._refusal(received, known, self._writable)
            if refusal is not None:
                self.outcomes[place] = received.refused(refusal)
                return None
            if is_stored(known, header.record, draft.digest):
                return received
            try:
                blob = self.store.archive.store(draft, header.record)
            except NotAccepted as error:
                refusal = Refusal(error.reason, error.detail)
                self.outcomes[place] = received.refused(refusal)
                return None
            return evolve(received, is_durable=True, blob=blob)
        except (NotAnInstance, DecoderFailed) as error:
            reason = FailureReason.PROCESSING_FAILURE
            self.outcomes[place] = InstanceRefused(reason, str(error), file_id=file_id)
            return None
        finally:
            draft.discard()

    def _refusal(
        self, received: _Received, known: KnownInstances, found: _Writable
    ) -> Refusal | None:
        record = received.header.record
        if self.study is not None and record.study_uid != self.study:
            return Refusal(FailureReason.OTHER_STUDY, "it is of another study than the address")
        try:
            dicom_patient_subject(text_value(record.study, _PATIENT_ID) or "")
        except Invalid as error:
            return Refusal(FailureReason.PROCESSING_FAILURE, error.detail)
        if received.series not in found:
            found[received.series] = self._is_writable(*received.series)
        writable = found[received.series]
        if isinstance(writable, Refusal):
            return writable
        refusal = refusal_of(
            known, record, received.digest, must_agree=self.verifies, is_strict=writable
        )
        if refusal is not None and refusal.tags and not reads_place(self.store.access, self.upload):
            # Which attributes differ would tell, guess by guess, what is known.
            return evolve(refusal, tags=())
        return refusal

    def _is_writable(self, study: StudyUID, series: SeriesUID) -> bool | Refusal:
        """Why a series is not written, or whether images must agree with those that are there, whatever is asked."""
        try:
            return require_storable(self.store.access, self.upload, study, series)
        except SeriesNotWritable as error:
            return Refusal(FailureReason.NOT_AUTHORIZED, error.detail)

    # Transactions

    def _take(self) -> None:
        """Wait for the instance that was added first, and store those that are ready if there are enough."""
        received = awaited(self.store.archive, self._ahead[0][0])
        self._ahead.popleft()
        if received is not None:
            self._batch.append(received)
        batch = self._batch
        if (
            len(batch) >= _MOST_INSTANCES
            or sum(one.length for one in batch if one.is_durable) >= _MOST_BYTES
            or sum(len(one.header.json) for one in batch) >= _MOST_HEADER_BYTES
        ):
            self._flush()

    def _flush(self) -> None:
        """Store the instances that are ready."""
        batch, self._batch = self._batch, []
        self._put(batch)

    def _put(self, batch: Sequence[_Received]) -> None:
        """Store instances in one transaction; without those that are refused in it."""
        if not batch:
            return
        series = list(dict.fromkeys(one.series for one in batch))
        try:
            put_images(self.store.access, self.upload, series, partial(self._write, batch))
        except _Refused as error:
            for one in batch:
                if one.place in error.refusals:
                    self.outcomes[one.place] = one.refused(error.refusals[one.place])
            self._put([one for one in batch if one.place not in error.refusals])
        except AlbumcoreError as error:
            # One of the series is refused: each is stored by itself.
            if len(series) > 1:
                for uids in series:
                    self._put([one for one in batch if one.series == uids])
                return
            reason = (
                FailureReason.CONTRADICTS
                if isinstance(error, Conflict)
                else FailureReason.NOT_AUTHORIZED
            )
            for one in batch:
                self.outcomes[one.place] = one.refused(Refusal(reason, error.detail))
        else:
            for one in batch:
                self.outcomes[one.place] = one.stored()

    def _write(self, batch: Collection[_Received], strictness: Strictness) -> None:
        """Write instances to the catalogue, in the transaction that this thread is in.

        Args:
            batch: The instances.
            strictness: What this transaction found of their series: it may have changed since they arrived.

        Raises:
            _Refused: some of them are refused.
        """
        instances = self.store.instances
        known = KnownInstances.of(instances, [one.header.record for one in batch])
        refusals: dict[int, Refusal] = {}
        new: list[_Received] = []
        added = Counter[tuple[StudyUID, SeriesUID]]()
        populated = frozenset(known.series)
        writable: _Writable = {**strictness}
        for one in batch:
            record = one.header.record
            if (refusal := self._refusal(one, known, writable)) is not None:
                refusals[one.place] = refusal
            elif not is_stored(known, record, one.digest):
                if not one.is_durable:
                    # It was erased after it was found.
                    detail = "it was erased while it was sent"
                    refusals[one.place] = Refusal(FailureReason.PROCESSING_FAILURE, detail)
                    continue
                added[one.series] += record.sop_instance_uid not in known.instances
                known.learn(record, one.digest)
                new.append(one)
                if one.header.record.series_uid not in populated:
                    self._new_series[one.series] = None
        if refusals:
            raise _Refused(refusals)
        records = [one.header.record for one in new]
        with instances.database.transaction(commit=True) as cursor:
            place_series(cursor, {one.series for one in new})
            write_instances(cursor, records)
            at = self.store.access.holdings.clock()
            rows = [new_instance(one.header, one.digest, one.length, one.blob) for one in new]
            instances.add(cursor, rows, at)
            self._note(cursor, {one.series: added[one.series] for one in batch}, at)

    def _note(
        self, cursor: Cursor, added: Mapping[tuple[StudyUID, SeriesUID], int], at: datetime
    ) -> None:
        """Note for webhooks how many instances were added to each series."""
        for study in dict.fromkeys(study for study, _ in added):
            numbers = {uid: number for (of, uid), number in added.items() if of == study}
            note_upload(cursor, self.upload.source, study, numbers, at)
