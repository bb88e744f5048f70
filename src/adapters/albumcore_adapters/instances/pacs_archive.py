"""An existing archive (PACS) as the place of the bytes of instances: stored and fetched over DICOMweb.

What is known of an instance was read from its bytes, and they are compared with its SHA-256 whenever they are fetched.
So other bytes under a UID are noticed, and never shown in place of those that were sent.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from threading import Lock
from typing import Any
from weakref import finalize

import orjson
from attrs import define, field

from albumcore.ids import SeriesUID, StudyUID, is_uid
from albumcore_adapters.base.byte_source import ByteSource
from albumcore_adapters.base.concurrency import ConcurrencyLimit
from albumcore_adapters.base.multipart import (
    READ_AT_ONCE,
    Framing,
    MalformedBody,
    MediaType,
    read_parts,
)
from albumcore_adapters.blobs.port import Blobs, Digest
from albumcore_adapters.blobs.sealed_drafts import SealedDraft
from albumcore_adapters.directory.instances import InstanceRecord
from albumcore_adapters.directory.pacs_series import PacsSeries
from albumcore_adapters.directory.stored_instances import StoredInstance
from albumcore_adapters.instances.archive import (
    BytesGone,
    InstanceDraft,
    NotAccepted,
    OwnArchive,
)
from albumcore_adapters.instances.outcomes import FailureReason
from albumcore_adapters.outbound import Pacs, PacsFailed

IN_MEMORY = 1024 * 1024
"""The longest fetched file that is in memory, in bytes; a longer one is in a sealed draft."""

MOST_WAITING = 8
"""Threads of requests that wait for answers of the archive at a time; as many others wait for instances to be sent to
it."""

_LIMIT = (MOST_WAITING, "the archive does not respond to earlier requests; try again", 5)
_PATIENCE = 2.0  # seconds
_CACHED = 4  # long files
_PAGE = 500
_MAX_FOUND = 16 * 1024 * 1024  # bytes of a page of search results
_MAX_OUTCOME = 1024 * 1024

_DICOM = "application/dicom"
_AS_STORED = f'multipart/related; type="{_DICOM}"; transfer-syntax=*'
_JSON = "application/dicom+json"
_SERIES, _INSTANCE = "0020000E", "00080018"
_FAILED, _REFERENCED, _REASON = "00081198", "00081155", "00081197"


class PacsFile:
    """A file that was fetched. A `ByteSource`. Thread-safe.

    Attributes:
        length: Its length, in bytes.
        digest: Its SHA-256.
    """

    def __init__(self, pieces: Iterable[bytes], blobs: Blobs, limit: int) -> None:
        self._lock = Lock()
        self._draft: SealedDraft | None = None
        content, sha256, self.length = bytearray(), hashlib.sha256(), 0
        for piece in pieces:
            self.length += len(piece)
            if self.length > limit:
                raise PacsFailed("the archive sent a file that is larger than an instance may be")
            sha256.update(piece)
            content += piece
            if self.length > IN_MEMORY:
                if self._draft is None:
                    self._draft = SealedDraft.of(blobs)
                    finalize(self, self._draft.discard)
                self._draft.write(bytes(content))
                content = bytearray()
        if self._draft is not None:
            self._draft.finish()
        self._content = bytes(content)
        self.digest: Digest = sha256.hexdigest()

    @property
    def is_long(self) -> bool:
        """Whether it is in a draft."""
        return self._draft is not None

    def read(self, start: int, stop: int) -> bytes:
        """Return a range of bytes; see `ByteSource`."""
        if self._draft is not None:
            with self._lock:
                return self._draft.read(start, stop)
        if not 0 <= start <= stop <= self.length:
            raise ValueError(f"no range of {self.length} bytes: {start} to {stop}")
        return self._content[start:stop]


@define(eq=False)
class PacsArchive:
    """The archive in a PACS. Instances that were stored as blobs before are read as such.

    The threads that wait for it are limited in number, so that one that hangs does not hold up all of them.

    Attributes:
        pacs: The client.
        blobs: Where drafts are written, and what was stored before.
        series: Which series the archive has from this service.
        max_instance: The largest instance, in bytes.
    """

    pacs: Pacs
    blobs: Blobs
    series: PacsSeries
    max_instance: int
    _cache: OrderedDict[Digest, PacsFile] = field(factory=OrderedDict, init=False, repr=False)
    _lock: Lock = field(factory=Lock, init=False, repr=False)
    _reading: ConcurrencyLimit = field(
        factory=lambda: ConcurrencyLimit(*_LIMIT, _PATIENCE), init=False, repr=False
    )
    _sending: ConcurrencyLimit = field(
        factory=lambda: ConcurrencyLimit(*_LIMIT, _PATIENCE), init=False, repr=False
    )

    def draft(self) -> InstanceDraft:
        """Begin an instance, in a draft that is never stored; see `Archive`."""
        return SealedDraft.of(self.blobs)

    def store(self, draft: InstanceDraft, record: InstanceRecord) -> None:
        """Send an instance to the archive, and see that it has these bytes; see `Archive`.

        Raises:
            NotAccepted: the archive has images of its series that it does not have from this service, refuses it, or
                has other bytes of it afterwards.
            PacsFailed: the archive fails.
        """
        study, series, uid = record.study_uid, record.series_uid, record.sop_instance_uid
        try:
            self._require_known(study, series)
            reason = self._send(draft)
            digest = self._digest(study, series, uid)
        finally:
            draft.discard()
        if digest is None:
            detail = "the archive does not store it"
            raise NotAccepted(reason or FailureReason.PROCESSING_FAILURE, detail)
        if digest != draft.digest:
            detail = "the archive has another file with this SOP instance UID"
            raise NotAccepted(FailureReason.DUPLICATE, detail)

    def waiting(self) -> AbstractContextManager[None]:
        """The block in which a thread waits for instances to be sent; see `Archive`."""
        return self._sending.slot()

    def open(self, instance: StoredInstance) -> ByteSource:
        """Fetch an instance, or open its blob; see `Archive`.

        Raises:
            BytesGone: the archive does not have it any more.
            PacsFailed: the archive fails, or has other bytes than those that are known.
            LimitReached: too many threads wait for it.
        """
        if not instance.is_in_pacs:
            return OwnArchive(self.blobs).open(instance)
        assert instance.digest is not None
        with self._lock:
            if instance.digest in self._cache:
                self._cache.move_to_end(instance.digest)
                return self._cache[instance.digest]
        found = self.fetch(instance.study_uid, instance.series_uid, instance.sop_instance_uid)
        if found is None:
            raise BytesGone("the archive does not have this instance any more")
        if found.digest != instance.digest:
            raise PacsFailed("the archive has another file of this instance than the one it had")
        if found.is_long:
            # The frames of such a file are often asked for one by one.
            with self._lock:
                self._cache[found.digest] = found
                if len(self._cache) > _CACHED:
                    self._cache.popitem(last=False)
        return found

    def fetch(self, study: StudyUID, series: SeriesUID, sop_instance_uid: str) -> PacsFile | None:
        """Fetch the file of an instance; None if the archive has none.

        Raises:
            PacsFailed: the archive fails.
            LimitReached: too many threads wait for it.
        """
        with self._reading.slot(), self._file(study, series, sop_instance_uid) as pieces:
            return None if pieces is None else PacsFile(pieces, self.blobs, self.max_instance)

    def series_of(self, study: StudyUID) -> list[SeriesUID]:
        """The series of a study that the archive has.

        Raises:
            PacsFailed, LimitReached: as for `fetch`.
        """
        return [SeriesUID(uid) for uid in self._search(f"/studies/{study}/series", _SERIES)]

    def instances_of(self, study: StudyUID, series: SeriesUID) -> list[str]:
        """The SOPInstanceUIDs of the instances of a series that the archive has.

        Raises:
            PacsFailed, LimitReached: as for `fetch`.
        """
        return [*self._search(f"/studies/{study}/series/{series}/instances", _INSTANCE)]

    def close(self) -> None:
        """Close the connections to the archive."""
        self.pacs.close()

    def _require_known(self, study: StudyUID, series: SeriesUID) -> None:
        if self.series.knows(series):
            return
        path = f"/studies/{study}/series/{series}/instances"
        # Another thread may have noted it, and sent the first image, meanwhile.
        if self._page(path, _INSTANCE, 0, 1) and not self.series.knows(series):
            detail = "the archive has images of this series that are not in any album or inbox"
            raise NotAccepted(FailureReason.NOT_AUTHORIZED, detail)
        self.series.note(series)

    def _send(self, draft: InstanceDraft) -> int | None:
        """Send an instance, and return the reason for which the archive refuses it, if it gives one."""
        framing = Framing()
        head, end = framing.before(_DICOM, is_first=True), framing.end

        def body() -> Iterator[bytes]:
            yield head
            for start in range(0, draft.length, READ_AT_ONCE):
                yield draft.read(start, min(start + READ_AT_ONCE, draft.length))
            yield end

        headers = {"Content-Type": framing.content_type(_DICOM), "Accept": _JSON}
        length = len(head) + draft.length + len(end)
        with self.pacs.post("/studies", headers, length, body) as answer:
            if answer.status in (404, 405):
                raise PacsFailed(f"the archive answered {answer.status}: it stores nothing there")
            return _reason(answer.content(_MAX_OUTCOME))

    def _digest(self, study: StudyUID, series: SeriesUID, uid: str) -> Digest | None:
        with self._file(study, series, uid) as pieces:
            if pieces is None:
                return None
            sha256 = hashlib.sha256()
            for piece in pieces:
                sha256.update(piece)
            return sha256.hexdigest()

    @contextmanager
    def _file(
        self, study: StudyUID, series: SeriesUID, uid: str
    ) -> Iterator[Iterator[bytes] | None]:
        """Fetch the file of an instance, in pieces that are read in the block; None if there is none."""
        path = f"/studies/{study}/series/{series}/instances/{uid}"
        with self.pacs.get(path, _AS_STORED) as answer:
            if answer.status in (404, 410):
                yield None
                return
            if answer.status != 200:
                raise PacsFailed(f"the archive answered {answer.status}")
            read = _reader(answer.pieces)
            parts = read_parts(MediaType.of(answer.content_type), read)
            try:
                part = next(parts, None)
                if part is None:
                    raise PacsFailed("the answer of the archive has no parts")
                yield part.pieces()
                # The rest is read, so that the connection can be used again.
                if next(parts, None) is not None:
                    raise PacsFailed("the archive sent more than one file of an instance")
            except MalformedBody as error:
                raise PacsFailed(f"the answer of the archive is malformed: {error}") from None

    def _search(self, path: str, tag: str) -> dict[str, None]:
        """The UIDs that a search finds, in order."""
        found: dict[str, None] = {}
        while page := self._listed(path, tag, len(found)):
            before = len(found)
            found.update(dict.fromkeys(page))
            # An archive may know no offset, or no limit.
            if len(found) == before or len(page) < _PAGE:
                break
        return found

    def _listed(self, path: str, tag: str, offset: int) -> Sequence[str]:
        with self._reading.slot():
            return self._page(path, tag, offset, _PAGE)

    def _page(self, path: str, tag: str, offset: int, limit: int) -> Sequence[str]:
        with self.pacs.get(f"{path}?limit={limit}&offset={offset}", _JSON) as answer:
            if answer.status in (204, 404):
                return []
            if answer.status not in (200, 206):
                raise PacsFailed(f"the archive answered {answer.status} to a search")
            content = answer.content(_MAX_FOUND)
        try:
            found: list[Any] = orjson.loads(content or b"[]")
            uids = [one[tag]["Value"][0] for one in found]
        except (ValueError, LookupError, TypeError):
            raise PacsFailed("the archive answers a search with what is no DICOM JSON") from None
        return [uid for uid in uids if isinstance(uid, str) and is_uid(uid)]


def _reader(pieces: Iterator[bytes]) -> Any:
    """What reads the pieces of a body: each as it comes, and nothing at the end."""

    def read(size: int) -> bytes:
        return next((piece for piece in pieces if piece), b"")

    return read


def _reason(content: bytes) -> int | None:
    """The reason for the first failure in the answer to an upload (DICOM PS3.18 section 10.5.3), if it can be read."""
    try:
        reason = orjson.loads(content)[_FAILED]["Value"][0][_REASON]["Value"][0]
    except (ValueError, LookupError, TypeError):
        return None
    return reason if isinstance(reason, int) and 0 <= reason <= 0xFFFF else None
