"""Reading the header of one DICOM file: the attributes of an instance, its series and its study (DICOM PS3.10)."""

from __future__ import annotations

import logging
import os
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from attrs import define
from pydicom.datadict import keyword_for_tag
from pydicom.dataset import FileDataset
from pydicom.filereader import read_partial
from pydicom.tag import BaseTag
from pydicom.uid import DeflatedExplicitVRLittleEndian, MediaStorageDirectoryStorage

from albumcore.ids import SeriesUID, StudyUID, is_uid
from albumcore_adapters.base.dicom_json import Attributes, text_value
from albumcore_adapters.dicom.errors import NotAnInstance
from albumcore_adapters.directory.instances import InstanceRecord

# The attributes that a search for studies, series and instances returns (DICOM PS3.18 section 10.6.3.3), as far as
# files contain them.
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
_LONGEST_VALUE = 64 * 1024  # bytes; DICOM permits at most 64 characters a value in these attributes
# (Float, Double Float) Pixel Data: every wanted attribute comes before it.
_PIXEL_DATA = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
# VRs of text and numbers; an attribute with a binary VR or a sequence is ignored.
_PLAIN_VRS = frozenset(
    {"AE", "AS", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "PN", "SH", "SL", "SS", "ST"}
    | {"SV", "TM", "UC", "UI", "UL", "UR", "US", "UT", "UV"}
)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

_PREAMBLE = 128  # bytes before the prefix DICM (DICOM PS3.10 section 7.1)
# The start of a file without preamble and prefix: group 0002 or 0008 with an explicit VR, or with an implicit one and
# then a length below 64 KiB.
_BARE = re.compile(
    rb"(?:[\x02\x08]\x00..|\x00[\x02\x08]..)[A-Z]{2}|\x08\x00....\x00\x00", re.DOTALL
)
_UNDEFINED_LENGTH = 0xFFFFFFFF
_HEADER = 8  # bytes of the tag and length of an item or delimiter (DICOM PS3.5 section 7.5)
_ITEM = b"\xfe\xff\x00\xe0"
_SEQUENCE_ENDS = {b"\xfe\xff\xdd\xe0" + bytes(4), b"\xff\xfe\xe0\xdd" + bytes(4)}

_MAX_NUMBER = 2**63 - 1


@contextmanager
def quiet_pydicom() -> Iterator[None]:
    """Suppress the warnings and the log of pydicom. Not thread-safe: warning filters are global."""
    logger = logging.getLogger("pydicom")
    was_disabled, logger.disabled = logger.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled = was_disabled


def read_header(file: BinaryIO) -> InstanceRecord:
    """Read the attributes of the instance in a file; pixel data is not read.

    Attributes whose value does not fit their VR are left out.

    Args:
        file: A seekable file, at its start.

    Raises:
        NotAnInstance: it is not a DICOM file, or one of its UIDs is missing or invalid, or it is truncated.
        Exception: of any type, raised by pydicom on damaged files.
    """
    dataset = _header(file)
    if dataset.file_meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage:
        raise NotAnInstance("a media directory (DICOMDIR), not an instance")
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
        raise NotAnInstance("not a DICOM file")
    extent = _Extent(file)
    dataset = read_partial(file, extent, force=True, specific_tags=_WANTED)
    # A deflated data set is read from memory; inflating a truncated one fails.
    deflated = dataset.file_meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian
    if not deflated and not extent.is_whole():
        raise NotAnInstance("truncated")
    return dataset


@define
class _Extent:
    """Stops pydicom at the pixel data, and records where the elements read so far end.

    pydicom calls it before it reads each value, so that a wanted value that is far too long is not read.
    """

    file: BinaryIO
    end: int = 0  # offset of the last element's end, or of its value if its length is undefined
    is_open: bool = False
    has_pixels: bool = False

    def __call__(self, tag: BaseTag, _vr: str | None, length: int) -> bool:
        self.is_open = length == _UNDEFINED_LENGTH
        if tag in _WANTED_TAGS and _LONGEST_VALUE < length < _UNDEFINED_LENGTH:
            raise NotAnInstance(f"{keyword_for_tag(tag)} is longer than {_LONGEST_VALUE} bytes")
        self.end = self.file.tell() + (0 if self.is_open else length)
        self.has_pixels = tag in _PIXEL_DATA
        return self.has_pixels

    def is_whole(self) -> bool:
        """Whether the file is as long as its last element requires."""
        size = self.file.seek(0, os.SEEK_END)
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
        raise NotAnInstance(f"no {keyword}")
    if not is_uid(uid):
        raise NotAnInstance(f"{keyword} is not a UID")
    return uid


def _attributes(dataset: FileDataset, tags: Iterable[int]) -> Attributes:
    """Return the attributes with these tags that have a value, in the DICOM JSON Model."""
    found = {f"{tag:08X}": _attribute(dataset, tag) for tag in tags if tag in dataset}
    return {tag: attribute for tag, attribute in found.items() if attribute is not None}


def _attribute(dataset: FileDataset, tag: int) -> Attributes | None:
    try:
        attribute = dataset[tag].to_json_dict(None, 0)
        if attribute["vr"] not in _PLAIN_VRS:
            return None
        values = [_plain(value) for value in attribute.get("Value", ())]
    except Exception:
        # The value does not fit its VR, which is no reason to refuse the whole file.
        return None
    if all(value is None for value in values):
        return None
    return {"vr": str(attribute["vr"]), "Value": values}


def _plain(value: Any) -> str | int | float | dict[str, str] | None:
    """Return a value that JSON and the database can store, or None for an empty or unstorable one."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("", value).strip(" ") or None
    if isinstance(value, dict):
        groups = {name: _plain(group) for name, group in value.items()}
        return {name: group for name, group in groups.items() if isinstance(group, str)} or None
    number: int | float = value
    return number if abs(number) <= _MAX_NUMBER else None  # False for NaN and infinity
