"""Reading DICOM files and importing their headers into the catalogue.

Only headers are read, and no file stops an import: each one is an instance, or is refused with a reason.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from io import FileIO
from itertools import islice
from pathlib import Path

from attrs import frozen

from albumcore.ids import UserId, user_id
from albumcore_adapters.dicom.deflated import MAX_INFLATED, BoundedReader
from albumcore_adapters.dicom.errors import NotAnInstance
from albumcore_adapters.dicom.headers import read_header
from albumcore_adapters.directory.catalogue import Catalogue
from albumcore_adapters.directory.instances import InstanceRecord, Misplaced

_BATCH = 200  # files stored in one transaction


@frozen
class DicomFile:
    """A file with an instance."""

    path: Path
    record: InstanceRecord


@frozen
class RefusedFile:
    """A file or folder without a readable instance.

    Attributes:
        path: Its path.
        reason: Why it was refused; the same text for every file with the same fault.
        unread: Whether it could not be read at all: it does not exist, or permission is denied.
    """

    path: Path
    reason: str
    unread: bool = False


@frozen
class ImportReport:
    """The result of an import.

    Attributes:
        studies: The number of different studies in the stored files.
        series: The number of different series in the stored files.
        instances: The number of different instances in the stored files.
        refused: The files and folders that were not stored.
    """

    studies: int
    series: int
    instances: int
    refused: tuple[RefusedFile, ...]


def read_files(
    paths: Iterable[Path],
    on_file: Callable[[Path], None] | None = None,
    max_inflated: int = MAX_INFLATED,
) -> Iterator[DicomFile | RefusedFile]:
    """Read the headers of the files in ``paths``, and of all files in the folders in ``paths``.

    Folders are read in the order of names, each once, however many links lead to it. Symbolic links are followed
    within ``paths``; a link that leads out of them is refused. A file is an instance if its study, series and SOP
    instance UIDs are valid (DICOM PS3.5 section 9.1) and it is not truncated. Attributes whose value does not fit
    their VR are left out.

    Not thread-safe, because the warning filters of Python are global.

    Args:
        paths: Files and folders; a missing one is refused like any other.
        on_file: Called with each file before it is read.
        max_inflated: How much longer than its file a deflated data set may be, in bytes.
    """
    for found in files_in(paths):
        if isinstance(found, RefusedFile):
            yield found
        else:
            if on_file is not None:
                on_file(found)
            yield _examined(found, max_inflated)


def import_files(
    catalogue: Catalogue,
    owner: UserId,
    paths: Iterable[Path],
    progress: Callable[[Path], None] | None = None,
    max_inflated: int = MAX_INFLATED,
) -> ImportReport:
    """Store the headers of the instances in ``paths`` in the catalogue, and put their series into an inbox.

    The files themselves are not stored; see `albumcore_adapters.instances.importing`.

    Idempotent: an interrupted import can be run again.

    Args:
        catalogue: The catalogue.
        owner: The user whose inbox receives the series.
        paths: Files and folders.
        progress: Called with each file before it is read.
        max_inflated: How much longer than its file a deflated data set may be, in bytes.

    Raises:
        Invalid: ``owner`` is not a valid user id.
    """
    owner = user_id(owner)
    refused: list[RefusedFile] = []
    studies: set[str] = set()
    series: set[str] = set()
    instances: set[str] = set()
    found = read_files(paths, progress, max_inflated)
    while batch := list(islice(found, _BATCH)):
        refused += [result for result in batch if isinstance(result, RefusedFile)]
        files = [result for result in batch if isinstance(result, DicomFile)]
        for result in _store(catalogue, owner, files):
            if isinstance(result, RefusedFile):
                refused.append(result)
            else:
                studies.add(result.record.study_uid)
                series.add(result.record.series_uid)
                instances.add(result.record.sop_instance_uid)
    return ImportReport(len(studies), len(series), len(instances), tuple(refused))


def _store(
    catalogue: Catalogue, owner: UserId, files: Sequence[DicomFile]
) -> Iterator[DicomFile | RefusedFile]:
    """Store the files in one transaction; if one of them is misplaced, find it by binary search and refuse it."""
    try:
        catalogue.store([file.record for file in files], owner=owner)
    except Misplaced as error:
        if len(files) == 1:
            yield RefusedFile(files[0].path, error.detail)
        else:
            middle = len(files) // 2
            yield from _store(catalogue, owner, files[:middle])
            yield from _store(catalogue, owner, files[middle:])
    else:
        yield from files


def files_in(paths: Iterable[Path]) -> Iterator[Path | RefusedFile]:
    """Yield the files in ``paths``, and all files in the folders in ``paths``; see `read_files`."""
    waiting = list(paths)[::-1]
    named = {_real_with_parents(path)[0] for path in waiting}
    visited: set[tuple[int, int]] = set()
    while waiting:
        path = waiting.pop()
        try:
            if path.is_symlink() and named.isdisjoint(_real_with_parents(path)):
                yield RefusedFile(path, "a symbolic link that leads out of what was named")
                continue
            status = path.stat()
            if stat.S_ISREG(status.st_mode):
                yield path
            elif not stat.S_ISDIR(status.st_mode):
                # Opening a pipe would wait for its other end.
                yield RefusedFile(path, "neither a file nor a folder")
            elif (status.st_dev, status.st_ino) not in visited:
                visited.add((status.st_dev, status.st_ino))
                waiting.extend(sorted(path.iterdir(), reverse=True))
        except OSError as error:
            yield unread_file(path, error)


def unread_file(path: Path, error: OSError) -> RefusedFile:
    """The refusal of a file that the operating system does not let us read."""
    return RefusedFile(path, f"cannot be read: {error.strerror}", unread=True)


def _real_with_parents(path: Path) -> tuple[Path, ...]:
    real = Path(os.path.realpath(path))  # Path.resolve raises where links form a circle
    return real, *real.parents


def _examined(path: Path, max_inflated: int) -> DicomFile | RefusedFile:
    try:
        with BoundedReader(FileIO(path), max_inflated) as file:
            return DicomFile(path, read_header(file).record)
    except NotAnInstance as error:
        return RefusedFile(path, str(error))
    except OSError as error:
        return unread_file(path, error)
