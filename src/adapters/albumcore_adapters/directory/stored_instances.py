"""DICOM instances whose bytes are stored: where the bytes are, the headers as JSON, and the thumbnails of series.

The bytes of each instance are a sealed blob. Its key is a row of ``directory_event_key``, in a stream of its own, so
that it is erased, backed up and copied as the keys of events are. Without the key the bytes are gone.

A row of ``directory_stored_instance`` without a digest is that of an instance that was erased: it says which blob is to
be removed. A row with an empty blob is that of an instance whose bytes are in an existing archive (PACS): it has no
blob, and no key, and the PatientID that the subject of a key would name.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from attrs import field, frozen

from albumcore.ids import SeriesUID, StudyUID
from albumcore_adapters.blobs.port import Digest
from albumcore_adapters.blobs.sealed_blobs import SealedBlob
from albumcore_adapters.sql.database import Cursor, Database, Row, key_text, rows_of, select_in
from albumcore_adapters.store.sealing import KEYS_TABLE

INSTANCE_STREAM = "instance-"
"""How the stream of the key of an instance begins; the SOPInstanceUID follows. It has no events."""

KEY_VERSION = 1
"""The version of each such key."""

DICOM_PATIENT = "dicom-patient:"
"""How the subject of each such key begins; the PatientID follows."""

IN_PACS = ""
"""The blob of an instance whose bytes are in an existing archive."""

_INSTANCES = (
    "SELECT instance.sop_instance_uid, series.study_uid, instance.series_uid, instance.sop_class_uid,"  # noqa: S608
    " instance.number, stored.blob, stored.length, stored.digest, stored.transfer_syntax, stored.pixels, sealed.key"
    " FROM directory_instance AS instance"
    " JOIN directory_series AS series ON series.series_uid = instance.series_uid"
    " LEFT JOIN directory_stored_instance AS stored ON stored.sop_instance_uid = instance.sop_instance_uid"
    f" LEFT JOIN {KEYS_TABLE} AS sealed ON sealed.stream = '{INSTANCE_STREAM}' || instance.sop_instance_uid"
    f" AND sealed.version = {KEY_VERSION}"
    " WHERE series.study_uid = ? AND instance.series_uid = ?"
)
_IN_ORDER = " ORDER BY instance.number IS NULL, instance.number, instance.sop_instance_uid"
_HEADERS = (
    "SELECT instance.sop_instance_uid, instance.series_uid, header.header FROM directory_instance AS instance"
    " LEFT JOIN directory_header AS header ON header.sop_instance_uid = instance.sop_instance_uid"
)
_REPLACED_HEADER = (
    "ON CONFLICT (sop_instance_uid) DO UPDATE"
    " SET series_uid = excluded.series_uid, header = excluded.header"
)


def dicom_patient_subject(dicom_patient_id: str) -> str:
    """Return the subject of the keys of a patient's instances, by PatientID, (0010,0020); empty if there is none.

    Raises:
        Invalid: it cannot be part of a key, as it is too long.
    """
    return DICOM_PATIENT + key_text("PatientID", dicom_patient_id)


@frozen
class StoredInstance:
    """An instance of the catalogue, and where its bytes are.

    Attributes:
        sop_instance_uid: SOPInstanceUID, (0008,0018).
        study_uid: StudyInstanceUID, (0020,000D).
        series_uid: SeriesInstanceUID, (0020,000E).
        sop_class_uid: SOPClassUID, (0008,0016), if known.
        number: InstanceNumber, (0020,0013), if known.
        length: The length of the file, in bytes; None if it is not stored here.
        digest: SHA-256 of the file; None if it is not stored here.
        transfer_syntax: TransferSyntaxUID, (0002,0010), of the file; None if it is not stored here, or not known.
        blob: The file; None if it is not stored here, or if its key is gone.
        pixels: Where its frames and bulk data are in the file, as JSON; None if there are none, or if it is not known.
        is_in_pacs: Whether the file is in an existing archive; what is said of it, was read there.
    """

    sop_instance_uid: str
    study_uid: StudyUID
    series_uid: SeriesUID
    sop_class_uid: str | None
    number: int | None
    length: int | None
    digest: Digest | None
    transfer_syntax: str | None
    blob: SealedBlob | None
    pixels: str | None = field(repr=False)
    is_in_pacs: bool = False


@frozen
class NewInstance:
    """An instance whose bytes are durable, as it is added.

    Attributes:
        sop_instance_uid: SOPInstanceUID, (0008,0018).
        series_uid: SeriesInstanceUID, (0020,000E).
        dicom_patient_id: PatientID, (0010,0020); empty if it has none.
        blob: The file, sealed; None if it is in an existing archive.
        digest: SHA-256 of the file.
        length: Length of the file, in bytes.
        transfer_syntax: TransferSyntaxUID, (0002,0010), if it has one.
        pixels: Where its frames and bulk data are in the file, as JSON, if there are any.
        header: The data set in the DICOM JSON Model, as it is served; None if it is made later.
    """

    sop_instance_uid: str
    series_uid: SeriesUID
    dicom_patient_id: str
    blob: SealedBlob | None
    digest: Digest
    length: int
    transfer_syntax: str | None
    pixels: str | None = field(default=None, repr=False)
    header: bytes | None = field(default=None, repr=False)


@frozen
class Thumbnail:
    """A small picture of a series.

    Attributes:
        media_type: Its media type, such as ``image/jpeg``.
        image: Its bytes.
    """

    media_type: str
    image: bytes = field(repr=False)


@frozen
class StoredInstances:
    """The instances whose bytes are stored, beside the catalogue, which has their attributes."""

    database: Database

    def add(self, cursor: Cursor, instances: Sequence[NewInstance], at: datetime) -> None:
        """Add instances, with their keys and headers, in the transaction that writes them to the catalogue.

        One that is known is replaced: the caller compares digests before (`known_digests`). The thumbnails of the
        series stay, except for signs, which are PNG: an instance that has come may have a picture.

        Args:
            cursor: The transaction.
            instances: The instances. Their bytes are durable.
            at: The present time (UTC): they must be stored for as long as `ALBUMCORE_KEEP_AT_LEAST` says from then on.

        Raises:
            Invalid: the PatientID of one of them cannot be part of a key. Nothing was written.
        """
        keys = [
            (
                INSTANCE_STREAM + one.sop_instance_uid,
                KEY_VERSION,
                dicom_patient_subject(one.dicom_patient_id),
                base64.b64decode(one.blob.key),
            )
            for one in instances
            if one.blob is not None
        ]
        cursor.executemany(
            f"INSERT INTO {KEYS_TABLE} (stream, version, subject, key) VALUES (?, ?, ?, ?)"  # noqa: S608
            " ON CONFLICT (stream, version) DO UPDATE SET subject = excluded.subject, key = excluded.key",
            keys,
        )
        cursor.executemany(
            "INSERT INTO directory_stored_instance"
            " (sop_instance_uid, series_uid, blob, length, digest, transfer_syntax, pixels,"
            " stored_at, dicom_patient_id)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (sop_instance_uid) DO UPDATE"
            " SET series_uid = excluded.series_uid, blob = excluded.blob, length = excluded.length,"
            " digest = excluded.digest, transfer_syntax = excluded.transfer_syntax, pixels = excluded.pixels,"
            " stored_at = excluded.stored_at, dicom_patient_id = excluded.dicom_patient_id",
            [
                (
                    *(one.sop_instance_uid, one.series_uid),
                    *(IN_PACS if one.blob is None else one.blob.digest, one.length),
                    *(one.digest, one.transfer_syntax, one.pixels, at.isoformat()),
                    one.dicom_patient_id if one.blob is None else None,
                )
                for one in instances
            ],
        )
        cursor.executemany(
            "INSERT INTO directory_header (sop_instance_uid, series_uid, header)"  # noqa: S608
            f" VALUES (?, ?, ?) {_REPLACED_HEADER}",
            [
                (one.sop_instance_uid, one.series_uid, one.header)
                for one in instances
                if one.header is not None
            ],
        )
        cursor.executemany(
            "DELETE FROM directory_thumbnail WHERE series_uid = ? AND media_type = 'image/png'",
            [(series_uid,) for series_uid in {one.series_uid for one in instances}],
        )

    def known_digests(
        self, sop_instance_uids: Iterable[str], cursor: Cursor | None = None
    ) -> dict[str, Digest]:
        """Return the SHA-256 of the file of each of these instances whose bytes are stored, here with their key.

        Args:
            sop_instance_uids: The instances.
            cursor: The transaction to read in; by default, one of its own.
        """
        select = (
            "SELECT sop_instance_uid, digest FROM directory_stored_instance AS stored"  # noqa: S608
            f" WHERE sop_instance_uid IN (:values) AND digest IS NOT NULL AND (blob = '{IN_PACS}' OR EXISTS"
            f" (SELECT 1 FROM {KEYS_TABLE} AS sealed WHERE sealed.version = {KEY_VERSION}"
            f" AND sealed.stream = '{INSTANCE_STREAM}' || stored.sop_instance_uid))"
        )
        if cursor is None:
            with self.database.transaction(commit=False) as own:
                return self.known_digests(sop_instance_uids, own)
        found = select_in(cursor, select, sop_instance_uids)
        return {row["sop_instance_uid"]: row["digest"] for row in found}

    def of_series(self, study_uid: StudyUID, series_uid: SeriesUID) -> list[StoredInstance]:
        """Return the instances of a series in the catalogue, by InstanceNumber, then by UID; none if it is unknown."""
        return [
            *map(_instance, rows_of(self.database, _INSTANCES + _IN_ORDER, study_uid, series_uid))
        ]

    def one(
        self, study_uid: StudyUID, series_uid: SeriesUID, sop_instance_uid: str
    ) -> StoredInstance | None:
        """Return an instance; None if the catalogue has none of these UIDs together."""
        select = _INSTANCES + " AND instance.sop_instance_uid = ?"
        found = rows_of(self.database, select, study_uid, series_uid, sop_instance_uid)
        return next(map(_instance, found), None)

    def headers(
        self, series_uids: Iterable[SeriesUID], sop_instance_uid: str | None = None
    ) -> dict[str, bytes | None]:
        """Return the header of each instance of some series, or of one of them, in the DICOM JSON Model.

        Returns:
            The headers by SOPInstanceUID, in order of series, then InstanceNumber, then UID; None for one that is not
            made yet.
        """
        wanted = list(dict.fromkeys(series_uids))
        if sop_instance_uid is None:
            select = f"{_HEADERS} WHERE instance.series_uid = ?{_IN_ORDER}"
            with self.database.transaction(commit=False) as cursor:
                found = [row for uid in wanted for row in _selected(cursor, select, uid)]
        else:
            select = f"{_HEADERS} WHERE instance.sop_instance_uid = ?"
            rows = rows_of(self.database, select, sop_instance_uid)
            found = [row for row in rows if row["series_uid"] in wanted]
        return {row["sop_instance_uid"]: row["header"] for row in found}

    def headers_of(self, sop_instance_uids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Yield the headers of some instances, as far as they are made, in the DICOM JSON Model, each with its UID."""
        select = (
            "SELECT sop_instance_uid, header FROM directory_header"
            " WHERE sop_instance_uid IN (:values)"
        )
        with self.database.transaction(commit=False) as cursor:
            for row in select_in(cursor, select, sop_instance_uids):
                yield row["sop_instance_uid"], row["header"]

    def put_header(self, series_uid: SeriesUID, sop_instance_uid: str, header: bytes) -> None:
        """Store the header of an instance, unless the instance was erased meanwhile. One that is there is replaced."""
        with self.database.transaction(commit=True) as cursor:
            cursor.execute(
                "INSERT INTO directory_header (sop_instance_uid, series_uid, header)"  # noqa: S608
                " SELECT sop_instance_uid, series_uid, ? FROM directory_instance"
                f" WHERE sop_instance_uid = ? AND series_uid = ? {_REPLACED_HEADER}",
                (header, sop_instance_uid, series_uid),
            )

    def thumbnail(self, series_uid: SeriesUID) -> Thumbnail | None:
        """Return the thumbnail of a series, if one was stored since its instances changed."""
        select = "SELECT media_type, image FROM directory_thumbnail WHERE series_uid = ?"
        for row in rows_of(self.database, select, series_uid):
            return Thumbnail(row["media_type"], row["image"])
        return None

    def put_thumbnail(self, series_uid: SeriesUID, thumbnail: Thumbnail) -> None:
        """Store the thumbnail of a series, unless its study was erased meanwhile. One that is there is replaced."""
        with self.database.transaction(commit=True) as cursor:
            cursor.execute(
                "INSERT INTO directory_thumbnail (series_uid, media_type, image)"
                " SELECT series_uid, ?, ? FROM directory_series WHERE series_uid = ? AND populated = 1"
                " ON CONFLICT (series_uid) DO UPDATE"
                " SET media_type = excluded.media_type, image = excluded.image",
                (thumbnail.media_type, thumbnail.image, series_uid),
            )


def _instance(row: Row) -> StoredInstance:
    blob = None
    if row["digest"] is not None and row["key"] is not None:
        key = base64.b64encode(row["key"]).decode("ascii")
        blob = SealedBlob(row["blob"], row["length"], key)
    return StoredInstance(
        sop_instance_uid=row["sop_instance_uid"],
        study_uid=row["study_uid"],
        series_uid=row["series_uid"],
        sop_class_uid=row["sop_class_uid"],
        number=row["number"],
        length=row["length"],
        digest=row["digest"],
        transfer_syntax=row["transfer_syntax"],
        blob=blob,
        pixels=row["pixels"],
        is_in_pacs=row["blob"] == IN_PACS,
    )


def _selected(cursor: Cursor, select: str, value: str) -> list[Row]:
    cursor.execute(select, (value,))
    return cursor.fetchall()
