"""Importing DICOM files: they are stored as if they were sent, see `albumcore_adapters.instances.storing`."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from itertools import chain, islice
from pathlib import Path

from albumcore_adapters.access.images import Upload
from albumcore_adapters.dicom.data_sets import LEAD, NOT_DICOM, begins_as_dicom
from albumcore_adapters.dicom.files import ImportReport, RefusedFile, files_in, unread_file
from albumcore_adapters.instances.outcomes import InstanceRefused, InstanceStored
from albumcore_adapters.instances.received import InstanceStore
from albumcore_adapters.instances.storing import Storing

_BATCH = 1000  # files, of which what became of each is in memory
_PIECE = 256 * 1024


class _Unread(Exception):
    """A file could not be read to its end."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error


def import_instances(
    store: InstanceStore,
    upload: Upload,
    paths: Iterable[Path],
    progress: Callable[[Path], None] = lambda path: None,
) -> ImportReport:
    """Store the instances in ``paths`` with their bytes, and put their series where an upload puts them.

    The attributes of an instance may contradict what is known of its study and series. Idempotent: an interrupted
    import can be run again.

    Args:
        store: What they are stored with.
        upload: Who imports, and where the series are put.
        paths: Files and folders, in the order of `albumcore_adapters.dicom.files.files_in`.
        progress: Called with each file before it is read.

    Raises:
        BlobsUnavailable, BlobsFull: the storage does not respond, or has no space left.
        PacsFailed: the existing archive fails.
    """
    refused: list[RefusedFile] = []
    stored: set[InstanceStored] = set()
    found = files_in(paths)
    while batch := list(islice(found, _BATCH)):
        for outcome in _import(store, upload, batch, progress):
            if isinstance(outcome, InstanceStored):
                stored.add(outcome)
            elif isinstance(outcome, InstanceRefused):
                assert outcome.file_id is not None
                refused.append(RefusedFile(Path(outcome.file_id), outcome.detail))
            else:
                refused.append(outcome)
    studies, series = {one.study_uid for one in stored}, {one.series_uid for one in stored}
    return ImportReport(len(studies), len(series), len(stored), tuple(refused))


def _import(
    store: InstanceStore,
    upload: Upload,
    batch: Iterable[Path | RefusedFile],
    progress: Callable[[Path], None],
) -> Iterator[InstanceStored | InstanceRefused | RefusedFile]:
    """Store some files, and yield what became of each, in their order."""
    places: list[RefusedFile | None] = []
    with Storing(store, upload, verifies=False) as storing:
        for one in batch:
            if isinstance(one, RefusedFile):
                places.append(one)
            else:
                progress(one)
                places.append(_add(storing, one))
        outcomes = iter(storing.finish())
    for place in places:
        yield next(outcomes) if place is None else place


def _add(storing: Storing, path: Path) -> RefusedFile | None:
    """Store a file; return why it is refused if that is known already."""
    try:
        with closing(_pieces(path)) as pieces:
            start = next(pieces, b"")
            if not begins_as_dicom(start[:LEAD]):
                return RefusedFile(path, NOT_DICOM)
            storing.add(chain((start,), pieces), str(path))
    except _Unread as error:
        return unread_file(path, error.error)
    return None


def _pieces(path: Path) -> Generator[bytes]:
    """Yield the content of a file; its errors are `_Unread`, unlike those of what is done with it."""
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece
    except OSError as error:
        raise _Unread(error) from None
