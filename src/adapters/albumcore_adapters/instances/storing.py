"""Storing instances that are sent: one way for uploads and for imports of files.

Each instance is written to a draft, its header is read by the decoder, and it is checked against what is known. Its
bytes are made durable before the transaction that adds it to the catalogue, confirms its series in the album or inbox,
and records the events. Bytes that no transaction refers to in the end are collected like those of other broken
uploads.

While one instance arrives, those before it are read and made durable. Transactions are for some instances at a time:
an upload that breaks off leaves whole instances, and loses no more than the last few.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, wait
from types import TracebackType
from typing import Self

from attrs import define, evolve, field

from albumcore.ids import StudyUID
from albumcore_adapters.access.images import Upload
from albumcore_adapters.decoding import DecoderFailed, NotAnInstance
from albumcore_adapters.directory.known_instances import KnownInstances
from albumcore_adapters.instances.agreement import is_stored
from albumcore_adapters.instances.archive import InstanceDraft, NotAccepted, awaited
from albumcore_adapters.instances.outcomes import (
    FailureReason,
    InstanceRefused,
    Outcome,
    Refusal,
)
from albumcore_adapters.instances.pictures import store_thumbnails
from albumcore_adapters.instances.reading import InstanceReader
from albumcore_adapters.instances.received import InstanceStore, Received, ReceivedInstances

_AHEAD = 4
"""Instances of a request whose header is read, and which are made durable, while the next one arrives."""


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
    _ahead: deque[tuple[Future[Received | None], InstanceDraft]] = field(factory=deque, init=False)
    _received: ReceivedInstances = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._received = ReceivedInstances(
            self.store, self.upload, self.study, self.verifies, self.outcomes
        )

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
        self._received.flush()
        store = self.store
        reader = InstanceReader(store.instances, store.archive, store.decoder)
        store_thumbnails(reader, self._received.new_series)
        return [one for one in self.outcomes if one is not None]

    # What is done while further instances arrive. It runs in other threads.

    def _prepared(self, place: int, draft: InstanceDraft, file_id: str | None) -> Received | None:
        """Read the header of a draft, and make its bytes durable, unless it is refused."""
        try:
            header = self.store.decoder.header(draft)
            received = Received(place, file_id, header, draft.digest, draft.length)
            known = KnownInstances.of(self.store.instances, [header.record])
            refusal = self._received.refusal(received, known)
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

    def _take(self) -> None:
        """Wait for the instance that was added first, and store those that are ready if there are enough."""
        received = awaited(self.store.archive, self._ahead[0][0])
        self._ahead.popleft()
        if received is not None:
            self._received.add(received)
