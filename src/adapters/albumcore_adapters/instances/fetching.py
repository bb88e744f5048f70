"""Fetching: the instances that an existing archive has of a series are added to the catalogue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from attrs import frozen

from albumcore.errors import Conflict
from albumcore.ids import SeriesUID, StudyUID, UserId
from albumcore.index import Index
from albumcore.kernel import Source
from albumcore.times import Clock
from albumcore_adapters.decoding import Decoder, DecoderFailed, NotAnInstance
from albumcore_adapters.directory.catalogue import Catalogue
from albumcore_adapters.directory.instances import InstanceRecord
from albumcore_adapters.directory.known_instances import KnownInstances
from albumcore_adapters.directory.stored_instances import NewInstance, StoredInstances
from albumcore_adapters.instances.additions import new_instance
from albumcore_adapters.instances.pacs_archive import PacsArchive
from albumcore_adapters.sql.database import LOCK_SECONDS
from albumcore_adapters.webhooks import note_upload

_BATCH = 50
"""Instances that are added in one transaction."""


@frozen
class Fetched:
    """What was found in the archive.

    Attributes:
        instances: The number of instances that were added, or whose files had changed.
        known: The number of those that were known already.
        passed_over: A line for each that was not added, with the reason.
    """

    instances: int = 0
    known: int = 0
    passed_over: tuple[str, ...] = ()

    def __add__(self, other: Fetched) -> Fetched:
        return Fetched(
            self.instances + other.instances,
            self.known + other.known,
            self.passed_over + other.passed_over,
        )


class _PassedOver(Exception):
    """An instance is not added."""


@frozen
class SeriesFetcher:
    """What series are fetched with.

    Attributes:
        archive: The existing archive; None if there is none: then nothing is fetched.
        decoder: Reads the headers.
        catalogue: The catalogue.
        instances: The tables of stored instances.
        index: Their database, with its write lock.
        clock: Returns the present time (UTC).
    """

    archive: PacsArchive | None
    decoder: Decoder
    catalogue: Catalogue
    instances: StoredInstances
    index: Index
    clock: Clock

    def fetch(
        self,
        study: StudyUID,
        series: Iterable[SeriesUID],
        source: Source,
        owner: UserId | None = None,
        progress: Callable[[int], None] = lambda done: None,
    ) -> Fetched:
        """Add the instances that the archive has of some series, and renew those whose files have changed.

        Every file is read once, and whatever is served later is compared with what was read. Those that are gone stay
        in the catalogue. Albums that have the series are notified of new ones, as of an upload (Kheops API 11).

        Args:
            study: The study.
            series: The series. The caller has checked that they may be fetched: all images of them are shown to those
                who hold them.
            source: Who has them fetched.
            owner: A user whose inbox the series are put into.
            progress: Called with the number of instances so far.

        Raises:
            PacsFailed: the archive fails. What was added before stays.
            LimitReached: too many requests wait for the archive. What was added before stays.
        """
        if self.archive is None:
            return Fetched()
        total, done = Fetched(), 0
        for uid in series:
            found = self.archive.instances_of(study, uid)
            for start in range(0, len(found), _BATCH):
                batch = found[start : start + _BATCH]
                total += self._batch(self.archive, study, uid, batch, source, owner)
                done += len(batch)
                progress(done)
        return total

    def _batch(
        self,
        archive: PacsArchive,
        study: StudyUID,
        series: SeriesUID,
        uids: Sequence[str],
        source: Source,
        owner: UserId | None,
    ) -> Fetched:
        stored = {uid: self.instances.one(study, series, uid) for uid in uids}
        records: list[InstanceRecord] = []
        new: list[NewInstance] = []
        known, passed_over = 0, []
        for uid, one in stored.items():
            if one is not None and one.blob is not None:
                known += 1  # Its file is here.
                continue
            try:
                record, instance = self._read(archive, study, series, uid)
            except _PassedOver as error:
                passed_over.append(f"{uid}: {error}")
                continue
            is_known = one is not None and one.digest == instance.digest
            if is_known:
                known += 1
            else:
                new.append(instance)
            if owner is not None or not is_known:
                records.append(record)
        try:
            self._add(records, new, source, owner)
        except Conflict as error:
            return Fetched(0, known, (*passed_over, f"series {series}: {error.detail}"))
        return Fetched(len(new), known, tuple(passed_over))

    def _read(
        self, archive: PacsArchive, study: StudyUID, series: SeriesUID, uid: str
    ) -> tuple[InstanceRecord, NewInstance]:
        file = archive.fetch(study, series, uid)
        if file is None:
            raise _PassedOver("the archive does not have it any more")
        try:
            header = self.decoder.header(file)
        except (NotAnInstance, DecoderFailed) as error:
            raise _PassedOver(str(error)) from None
        record = header.record
        if (record.study_uid, record.series_uid, record.sop_instance_uid) != (study, series, uid):
            raise _PassedOver("its file has other UIDs")
        return record, new_instance(header, file.digest, file.length, None)

    def _add(
        self,
        records: Sequence[InstanceRecord],
        new: Sequence[NewInstance],
        source: Source,
        owner: UserId | None,
    ) -> None:
        """Add instances of a study in one transaction, put their series into an inbox, and note them for webhooks.

        Raises:
            Conflict: a UID is in use in another study or series.
        """
        if not records:
            return
        with self.index.write_transaction(LOCK_SECONDS):
            known = KnownInstances.of(self.instances, records).instances
            added = Counter(one.series_uid for one in records if one.sop_instance_uid not in known)
            self.catalogue.store(records, owner=owner)
            with self.instances.database.transaction(commit=True) as cursor:
                at = self.clock()
                self.instances.add(cursor, new, at)
                note_upload(cursor, source, records[0].study_uid, added, at)
