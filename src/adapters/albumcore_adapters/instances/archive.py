"""Where the bytes of instances are stored."""

from __future__ import annotations

from concurrent.futures import Future, wait
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, TypeVar

from attrs import frozen

from albumcore_adapters.base.byte_source import ByteSource
from albumcore_adapters.blobs.port import Blobs, Digest
from albumcore_adapters.blobs.sealed_blobs import SealedBlob
from albumcore_adapters.blobs.sealed_drafts import SealedDraft
from albumcore_adapters.blobs.sealed_files import SealedReader
from albumcore_adapters.directory.instances import InstanceRecord
from albumcore_adapters.directory.stored_instances import StoredInstance

_Result = TypeVar("_Result")


class BytesGone(Exception):
    """The bytes of an instance are not stored here, or were erased.

    Attributes:
        reason: Why there are none, in a few words.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotAccepted(Exception):
    """The archive does not accept an instance.

    Attributes:
        reason: Why: a value of Failure Reason, (0008,1197). An existing archive may give any, also one that is not in
            `outcomes.FailureReason`.
        detail: Why, in words.
    """

    def __init__(self, reason: int, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class InstanceDraft(ByteSource, Protocol):
    """The bytes of an instance while they arrive; once finished, they can be read."""

    def write(self, content: bytes, /) -> None:
        """Append bytes."""
        ...

    def finish(self) -> None:
        """End the bytes."""
        ...

    @property
    def digest(self) -> Digest:
        """SHA-256 of the bytes so far."""
        ...

    def commit(self) -> SealedBlob:
        """Store the bytes durably. This ends the draft, also after an error."""
        ...

    def discard(self) -> None:
        """Remove the draft, unless it has ended."""
        ...


class Archive(Protocol):
    """Where the bytes of instances are stored. Thread-safe; each draft and source is for one thread at a time.

    Every method may raise `BlobsUnavailable`, and where the archive is another server, `PacsFailed`; and then, those
    that request threads call, `LimitReached`.
    """

    def draft(self) -> InstanceDraft:
        """Begin an instance.

        Raises:
            BlobsFull: there is no space left.
        """
        ...

    def store(self, draft: InstanceDraft, record: InstanceRecord) -> SealedBlob | None:
        """Store a finished draft durably. The draft has ended then, also after an error.

        Args:
            draft: The bytes.
            record: What their header says.

        Returns:
            The blob; None if the bytes are in an existing archive.

        Raises:
            NotAccepted: the archive does not accept it.
        """
        ...

    def waiting(self) -> AbstractContextManager[None]:
        """The block in which the thread of a request waits for other threads to store its instances.

        Raises:
            LimitReached: so many threads wait for an archive that does not respond that this one must not.
        """
        ...

    def open(self, instance: StoredInstance) -> ByteSource:
        """Open the bytes of an instance.

        Raises:
            BytesGone: there are none.
            BlobMissing, BlobDamaged: they are lost or damaged, when they are read.
        """
        ...


@frozen
class OwnArchive:
    """The archive in the blobs of the service: each instance is a sealed blob with a key of its own."""

    blobs: Blobs

    def draft(self) -> InstanceDraft:
        """Begin an instance; see `Archive`."""
        return SealedDraft.of(self.blobs)

    def store(self, draft: InstanceDraft, record: InstanceRecord) -> SealedBlob:
        """Store a finished draft durably; see `Archive`."""
        return draft.commit()

    def waiting(self) -> AbstractContextManager[None]:
        """No limit; see `Archive`."""
        return nullcontext()

    def open(self, instance: StoredInstance) -> ByteSource:
        """Open the bytes of an instance; see `Archive`."""
        if instance.is_in_pacs:
            raise BytesGone("the bytes of this instance are in an archive that is not configured")
        if instance.blob is None:
            raise BytesGone("the bytes of this instance were erased")
        return SealedReader(self.blobs, instance.blob)


def awaited(archive: Archive, future: Future[_Result]) -> _Result:
    """Wait for what another thread does with an archive, and return its result.

    Raises:
        LimitReached: see `Archive.waiting`.
        Exception: the errors of the future.
    """
    if not future.done():
        with archive.waiting():
            wait([future])
    return future.result()
