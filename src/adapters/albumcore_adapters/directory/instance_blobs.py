"""The blobs of stored instances: which there are, which of them an erasure left, and whether they are sound."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter

from attrs import frozen

from albumcore_adapters.blobs.port import BlobMissing, Blobs, Digest
from albumcore_adapters.blobs.sealed import SealKey
from albumcore_adapters.blobs.sealed_blobs import SealedBlob, check_sealed
from albumcore_adapters.directory.stored_instances import IN_PACS, INSTANCE_STREAM, KEY_VERSION
from albumcore_adapters.sql.database import Database, Row, rows_of
from albumcore_adapters.sql.pages import pages
from albumcore_adapters.store.sealing import KEYS_TABLE

_PAGE = 1000
_SELECT = (
    "SELECT stored.sop_instance_uid, stored.blob, stored.length, stored.digest, sealed.key"  # noqa: S608
    " FROM directory_stored_instance AS stored"
    f" LEFT JOIN {KEYS_TABLE} AS sealed ON sealed.stream = '{INSTANCE_STREAM}' || stored.sop_instance_uid"
    f" AND sealed.version = {KEY_VERSION}"
    f" WHERE stored.sop_instance_uid > ? AND stored.blob <> '{IN_PACS}' ORDER BY stored.sop_instance_uid LIMIT {_PAGE}"
)


@frozen
class InstanceBlob:
    """The blob of a stored instance.

    Attributes:
        sop_instance_uid: SOPInstanceUID, (0008,0018).
        digest: SHA-256 of the sealed bytes.
        length: Length of the file, in bytes.
        is_erased: Whether the instance was erased, so that the blob is to be removed.
        key: What opens it; None if the key is gone. Then it stays, unless it was erased: the key may be restored.
    """

    sop_instance_uid: str
    digest: Digest
    length: int
    is_erased: bool
    key: SealKey | None


def instance_blobs(database: Database) -> Iterator[InstanceBlob]:
    """Yield the blobs of all stored instances, also of those that were erased, by SOPInstanceUID.

    Instances in an existing archive have none. They are read in pages, so that many do not need to fit into memory.

    Raises:
        StoreDamaged: the rows are not in their order.
    """

    def read(last: str) -> Sequence[Row]:
        return rows_of(database, _SELECT, last)

    for page in pages(read, itemgetter("sop_instance_uid"), ""):
        for row in page:
            key = row["key"]
            yield InstanceBlob(
                sop_instance_uid=row["sop_instance_uid"],
                digest=row["blob"],
                length=row["length"],
                is_erased=row["digest"] is None,
                key=None if key is None else base64.b64encode(key).decode("ascii"),
            )


def instances_elsewhere(database: Database) -> str | None:
    """A sentence that says how many instances have their bytes in an existing archive; None if there are none."""
    select = f"SELECT count(*) AS number FROM directory_stored_instance WHERE blob = '{IN_PACS}'"  # noqa: S608
    [row] = rows_of(database, select)
    if not row["number"]:
        return None
    return (
        f"the bytes of {row['number']} instances are in the archive at ALBUMCORE_PACS_URL, not here"
    )


def forget_removed_blobs(database: Database, blobs: Blobs) -> None:
    """Delete the rows of erased instances whose blobs were removed: nothing says any more that there were any.

    Raises:
        BlobsUnavailable: the storage does not say whether a blob exists.
    """
    for one in [one for one in instance_blobs(database) if one.is_erased]:
        try:
            blobs.size(one.digest)
        except BlobMissing:
            with database.transaction(commit=True) as cursor:
                # Unless the instance was stored again meanwhile.
                cursor.execute(
                    "DELETE FROM directory_stored_instance"
                    " WHERE sop_instance_uid = ? AND blob = ? AND digest IS NULL",
                    (one.sop_instance_uid, one.digest),
                )


def instance_problems(
    database: Database, blobs: Blobs, progress: Callable[[int], None] = lambda done: None
) -> list[str]:
    """Read the blob of each stored instance, and return a line for each that is damaged, or has another key.

    Of those that were erased nothing is wrong, whether they are still stored or not. Those whose key is gone are
    problems of the directory (`consistency.problems_of`).

    Args:
        database: The tables.
        blobs: The blobs.
        progress: Called with the number of instances so far.

    Raises:
        StoreError, BlobsUnavailable: the database or the storage fails.
    """
    problems = []
    for number, one in enumerate(instance_blobs(database), 1):
        if not one.is_erased and one.key is not None:
            problem = check_sealed(blobs, SealedBlob(one.digest, one.length, one.key))
            if problem is not None:
                problems.append(f"instance {one.sop_instance_uid}: image bytes: {problem}")
        progress(number)
    return problems
