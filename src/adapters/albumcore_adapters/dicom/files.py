"""Reading DICOM files into the catalogue: headers only, and nothing that is met is fatal.

A file is either an instance, or it is named with the reason why it is not one.
"""

from __future__ import annotations

import logging
import os
import re
import stat
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from attrs import define, frozen
from pydicom.datadict import keyword_for_tag
from pydicom.dataset import FileDataset
from pydicom.filereader import read_partial
from pydicom.tag import BaseTag
from pydicom.uid import DeflatedExplicitVRLittleEndian, MediaStorageDirectoryStorage

from albumcore.ids import SeriesUID, StudyUID, is_uid, user_id
from albumcore_adapters.base.dicom_json import text_value
from albumcore_adapters.dicom.deflated import MAX_INFLATED, BoundedReader, InflatesTooFar
from albumcore_adapters.directory import Attributes, Catalogue, InstanceRecord, Misplaced

# The attributes that a search for studies, series and instances answers with (DICOM PS3.18
# section 10.6.3.3), as far as they stand in the files themselves.
_STUDY = (
    0x00080020,  # StudyDate
    0x00080030,  # StudyTime
    0x00080050,  # AccessionNumber
    0x00080090,  # ReferringPhysicianName
    0x00080201,  # TimezoneOffsetFromUTC
    0x00081030,  # StudyDescription
    0x00100010,  # PatientName
    0x00100020,  # PatientID
    0x00100030,  # PatientBirthDate
    0x00100040,  # PatientSex
    0x0020000D,  # StudyInstanceUID
    0x00200010,  # StudyID
)
_SERIES = (
    0x00080021,  # SeriesDate
    0x00080031,  # SeriesTime
    0x00080060,  # Modality
    0x00080201,  # TimezoneOffsetFromUTC
    0x0008103E,  # SeriesDescription
    0x00180015,  # BodyPartExamined
    0x0020000E,  # SeriesInstanceUID
    0x00200011,  # SeriesNumber
    0x00400244,  # PerformedProcedureStepStartDate
    0x00400245,  # PerformedProcedureStepStartTime
)
_INSTANCE = (
    0x00080016,  # SOPClassUID
    0x00080018,  # SOPInstanceUID
    0x00080201,  # TimezoneOffsetFromUTC
    0x00200013,  # InstanceNumber
    0x00280008,  # NumberOfFrames
    0x00280010,  # Rows
    0x00280011,  # Columns
    0x00280100,  # BitsAllocated
)
_WANTED_TAGS = frozenset({*_STUDY, *_SERIES, *_INSTANCE})
_WANTED: list[BaseTag | int] = [BaseTag(tag) for tag in _WANTED_TAGS]
_LONGEST_VALUE = 64 * 1024  # bytes; the longest of them that DICOM allows has 64 characters a value
# (Float, Double Float) Pixel Data: everything wanted comes before.
_PIXEL_DATA = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
# Text and numbers; a file that gives an attribute a binary VR or a sequence is not followed.
_PLAIN_VRS = frozenset(
    {"AE", "AS", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "PN", "SH", "SL", "SS", "ST"}
    | {"SV", "TM", "UC", "UI", "UL", "UR", "US", "UT", "UV"}
)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

_PREAMBLE = 128  # bytes before the prefix (DICOM PS3.10 section 7.1)
# How a file begins that lacks preamble and prefix: with group 0002 or 0008. The VR is explicit, or
# implicit and then the length is below 64 KiB.
_BARE = re.compile(
    rb"(?:[\x02\x08]\x00..|\x00[\x02\x08]..)[A-Z]{2}|\x08\x00....\x00\x00", re.DOTALL
)
_UNDEFINED_LENGTH = 0xFFFFFFFF
_HEADER = 8  # bytes of an item's or a delimiter's tag and length (DICOM PS3.5 section 7.5)
_ITEM = b"\xfe\xff\x00\xe0"
_SEQUENCE_ENDS = {b"\xfe\xff\xdd\xe0" + bytes(4), b"\xff\xfe\xe0\xdd" + bytes(4)}

_BATCH = 200
_MAX_NUMBER = 2**63 - 1


@frozen
class DicomFile:
    """A file that holds an instance."""

    path: Path
    record: InstanceRecord


@frozen
class Refused:
    """A file or folder that no instance could be read from, and why.

    Attributes:
        reason: One of a few, the same for every file of an import that has the same fault.
        unread: Whether the file system did not give it: it is not there, or may not be read.
    """

    path: Path
    reason: str
    unread: bool = False


@frozen
class ImportReport:
    """What an import came to.

    Attributes:
        studies: How many different studies the files stored belong to; series and instances alike.
        refused: What was left out, and why.
    """

    studies: int
    series: int
    instances: int
    refused: tuple[Refused, ...]


class _Unusable(Exception):
    """The file holds no usable instance; the text says why."""


def read(
    paths: Iterable[Path],
    on_file: Callable[[Path], None] | None = None,
    max_inflated: int = MAX_INFLATED,
) -> Iterator[DicomFile | Refused]:
    """Read the header of every file among ``paths`` and in the folders among them, in order.

    Folders are gone through by name, each once, however many links lead to it. A symbolic link is
    followed to what lies within ``paths``, and refused where it leads out of them. A file is an
    instance when its study, series and SOP instance UIDs are there and are UIDs (DICOM PS3.5
    section 9.1), and when it is not cut short. Attributes that do not fit their VR are left out.

    Not to be used by several threads at once: pydicom warns through filters of the whole process.

    Args:
        paths: Files and folders; what is not there is refused like anything else.
        on_file: Called with each file before it is read.
        max_inflated: How much longer than its file a deflated data set may be, in bytes.
    """
    for found in _files(paths):
        if isinstance(found, Refused):
            yield found
        else:
            if on_file is not None:
                on_file(found)
            yield _examined(found, max_inflated)


def import_files(
    catalogue: Catalogue,
    owner: str,
    paths: Iterable[Path],
    progress: Callable[[Path], None] | None = None,
    max_inflated: int = MAX_INFLATED,
) -> ImportReport:
    """Store the instances among ``paths`` in the catalogue and put their series in an inbox.

    An import that was interrupted can be run again: what is stored already stays as it is.

    Args:
        catalogue: Where the instances go.
        owner: The sub of the person whose inbox it is.
        paths: Files and folders.
        progress: Called with each file before it is read.
        max_inflated: How much longer than its file a deflated data set may be, in bytes.

    Raises:
        Invalid: ``owner`` is no user id.
    """
    owner = user_id(owner)
    refused: list[Refused] = []
    studies: set[str] = set()
    series: set[str] = set()
    instances: set[str] = set()
    found = read(paths, progress, max_inflated)
    while batch := list(islice(found, _BATCH)):
        refused += [result for result in batch if isinstance(result, Refused)]
        files = [result for result in batch if isinstance(result, DicomFile)]
        for result in _store(catalogue, owner, files):
            if isinstance(result, Refused):
                refused.append(result)
            else:
                studies.add(result.record.study_uid)
                series.add(result.record.series_uid)
                instances.add(result.record.sop_instance_uid)
    return ImportReport(len(studies), len(series), len(instances), tuple(refused))


def _store(
    catalogue: Catalogue, owner: str, files: Sequence[DicomFile]
) -> Iterator[DicomFile | Refused]:
    """Store all files but those that do not fit the catalogue, found by halving."""
    try:
        catalogue.store([file.record for file in files], owner=owner)
    except Misplaced as error:
        if len(files) == 1:
            yield Refused(files[0].path, error.detail)
        else:
            middle = len(files) // 2
            yield from _store(catalogue, owner, files[:middle])
            yield from _store(catalogue, owner, files[middle:])
    else:
        yield from files


def _files(paths: Iterable[Path]) -> Iterator[Path | Refused]:
    waiting = list(paths)[::-1]
    named = {_real_with_parents(path)[0] for path in waiting}
    visited: set[tuple[int, int]] = set()
    while waiting:
        path = waiting.pop()
        try:
            if path.is_symlink() and named.isdisjoint(_real_with_parents(path)):
                yield Refused(path, "a symbolic link that leads out of what was named")
                continue
            status = path.stat()
            if stat.S_ISREG(status.st_mode):
                yield path
            elif not stat.S_ISDIR(status.st_mode):
                # Opening a pipe would wait for its other end.
                yield Refused(path, "neither a file nor a folder")
            elif (status.st_dev, status.st_ino) not in visited:
                visited.add((status.st_dev, status.st_ino))
                waiting.extend(sorted(path.iterdir(), reverse=True))
        except OSError as error:
            yield _unread(path, error)


def _unread(path: Path, error: OSError) -> Refused:
    return Refused(path, f"cannot be read: {error.strerror}", unread=True)


def _real_with_parents(path: Path) -> tuple[Path, ...]:
    real = Path(os.path.realpath(path))  # Path.resolve raises where links form a circle
    return real, *real.parents


def _examined(path: Path, max_inflated: int) -> DicomFile | Refused:
    try:
        with BoundedReader(path, max_inflated) as file, _quiet():
            return DicomFile(path, _record(file))
    except (_Unusable, InflatesTooFar) as error:
        return Refused(path, str(error))
    except Exception as error:
        # Damage makes pydicom raise errors of every kind, OSError too. Their text may quote the
        # file, so only the kind is told.
        if isinstance(error, OSError) and error.strerror:
            return _unread(path, error)
        return Refused(path, f"damaged header ({type(error).__name__})")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what pydicom remarks on a file to ourselves, on both of its ways."""
    logger = logging.getLogger("pydicom")
    was_disabled, logger.disabled = logger.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled = was_disabled


def _record(file: BinaryIO) -> InstanceRecord:
    dataset = _header(file)
    if dataset.file_meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage:
        raise _Unusable("a media directory (DICOMDIR), not an instance")
    study, series, instance = (_attributes(dataset, tags) for tags in (_STUDY, _SERIES, _INSTANCE))
    return InstanceRecord(
        study_uid=StudyUID(_uid(study, "0020000D", "StudyInstanceUID")),
        series_uid=SeriesUID(_uid(series, "0020000E", "SeriesInstanceUID")),
        sop_instance_uid=_uid(instance, "00080018", "SOPInstanceUID"),
        study=study,
        series=series,
        instance=instance,
    )


def _header(file: BinaryIO) -> FileDataset:
    start = file.read(_PREAMBLE + 4)
    file.seek(0)
    if start[_PREAMBLE:] != b"DICM" and not _BARE.match(start):
        raise _Unusable("not a DICOM file")
    extent = _Extent(file)
    dataset = read_partial(file, extent, force=True, specific_tags=_WANTED)
    # What is deflated is read from memory, and inflating it fails by itself when it is cut short.
    deflated = dataset.file_meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian
    if not deflated and not extent.is_whole():
        raise _Unusable("truncated")
    return dataset


@define
class _Extent:
    """Stops pydicom at the pixel data, and notes how far the elements met so far reach.

    It is asked before a value is read, so that one that is wanted but far too long is not.
    """

    file: BinaryIO
    end: int = 0  # of the last element, or where its value begins if its length is undefined
    is_open: bool = False
    has_pixels: bool = False

    def __call__(self, tag: BaseTag, _vr: str | None, length: int) -> bool:
        self.is_open = length == _UNDEFINED_LENGTH
        if tag in _WANTED_TAGS and _LONGEST_VALUE < length < _UNDEFINED_LENGTH:
            raise _Unusable(f"{keyword_for_tag(tag)} is longer than {_LONGEST_VALUE} bytes")
        self.end = self.file.tell() + (0 if self.is_open else length)
        self.has_pixels = tag in _PIXEL_DATA
        return self.has_pixels

    def is_whole(self) -> bool:
        """Whether the file goes as far as its last element says."""
        size = os.fstat(self.file.fileno()).st_size
        if self.is_open:
            return self._ends_with_delimiter(size)
        return self.end <= size if self.has_pixels else self.end == size

    def _ends_with_delimiter(self, size: int) -> bool:
        self.file.seek(self.end if self.has_pixels else size - _HEADER)
        header = self.file.read(_HEADER)
        while header.startswith(_ITEM) and len(header) == _HEADER:
            self.file.seek(int.from_bytes(header[4:], "little"), os.SEEK_CUR)
            header = self.file.read(_HEADER)
        return header in _SEQUENCE_ENDS


def _uid(attributes: Attributes, tag: str, keyword: str) -> str:
    uid = text_value(attributes, tag)
    if uid is None:
        raise _Unusable(f"no {keyword}")
    if not is_uid(uid):
        raise _Unusable(f"{keyword} is not a UID")
    return uid


def _attributes(dataset: FileDataset, tags: Iterable[int]) -> Attributes:
    """Return those of ``tags`` that have a value, in the DICOM JSON Model."""
    found = {f"{tag:08X}": _attribute(dataset, tag) for tag in tags if tag in dataset}
    return {tag: attribute for tag, attribute in found.items() if attribute is not None}


def _attribute(dataset: FileDataset, tag: int) -> Attributes | None:
    try:
        attribute = dataset[tag].to_json_dict(None, 0)
        if attribute["vr"] not in _PLAIN_VRS:
            return None
        values = [_plain(value) for value in attribute.get("Value", ())]
    except Exception:
        # The value is not what its VR says. An attribute is not worth refusing the file for.
        return None
    if all(value is None for value in values):
        return None
    return {"vr": str(attribute["vr"]), "Value": values}


def _plain(value: Any) -> str | int | float | dict[str, str] | None:
    """Return a value as JSON and the database can hold it, or None if there is nothing to hold."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("", value).strip(" ") or None
    if isinstance(value, dict):
        groups = {name: _plain(group) for name, group in value.items()}
        return {name: group for name, group in groups.items() if isinstance(group, str)} or None
    number: int | float = value
    return number if abs(number) <= _MAX_NUMBER else None  # which neither NaN nor infinity is
