"""Instances of one request that were received: checked against what is known, and stored in transactions.

A transaction is for some instances at a time: an upload that breaks off leaves whole instances, and loses no more than
the last few.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Executor
from datetime import datetime
from functools import partial
from typing import TypeAlias

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
from albumcore_adapters.decoding import Decoder, Header
from albumcore_adapters.directory.instances import place_series, write_instances
from albumcore_adapters.directory.known_instances import KnownInstances
from albumcore_adapters.directory.stored_instances import StoredInstances, dicom_patient_subject
from albumcore_adapters.instances.additions import new_instance
from albumcore_adapters.instances.agreement import is_stored, refusal_of
from albumcore_adapters.instances.archive import Archive
from albumcore_adapters.instances.outcomes import (
    FailureReason,
    InstanceRefused,
    InstanceStored,
    Outcome,
    Refusal,
)
from albumcore_adapters.sql.database import Cursor
from albumcore_adapters.webhooks import note_upload

_SOP_CLASS, _PATIENT_ID = "00080016", "00100020"

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
class Received:
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
            *(record.study_uid, record.series_uid, record.sop_instance_uid),
            *(self.sop_class_uid, self.is_durable),
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
class ReceivedInstances:
    """The instances of one request that were received, and are stored some at a time.

    Attributes:
        store: What they are stored with.
        upload: Who sends them, and where their series are put.
        study: The only study whose instances are stored; None for all.
        verifies: Whether the attributes of study and series must agree with what is known.
        outcomes: What became of each, by place; those of stored ones are written here.
        new_series: The series that had no images before.
    """

    store: InstanceStore
    upload: Upload
    study: StudyUID | None
    verifies: bool
    outcomes: list[Outcome | None]
    new_series: dict[tuple[StudyUID, SeriesUID], None] = field(factory=dict, init=False)
    _batch: list[Received] = field(factory=list, init=False)
    _found: _Writable = field(factory=dict, init=False)

    def refusal(self, received: Received, known: KnownInstances) -> Refusal | None:
        """Why an instance is refused, before it is made durable; None if it is not. Thread-safe."""
        return self._refusal(received, known, self._found)

    def add(self, received: Received) -> None:
        """Add an instance, and store those that are ready if there are enough."""
        self._batch.append(received)
        batch = self._batch
        if (
            len(batch) >= _MOST_INSTANCES
            or sum(one.length for one in batch if one.is_durable) >= _MOST_BYTES
            or sum(len(one.header.json) for one in batch) >= _MOST_HEADER_BYTES
        ):
            self.flush()

    def flush(self) -> None:
        """Store the instances that are ready."""
        batch, self._batch = self._batch, []
        self._put(batch)

    def _refusal(
        self, received: Received, known: KnownInstances, found: _Writable
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

    def _put(self, batch: Sequence[Received]) -> None:
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

    def _write(self, batch: Collection[Received], strictness: Strictness) -> None:
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
        new: list[Received] = []
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
                    self.new_series[one.series] = None
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
