"""Reading the header of one DICOM file: the attributes of an instance, its series and its study (DICOM PS3.10)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from albumcore.ids import SeriesUID, StudyUID, is_uid
from albumcore_adapters.base.dicom_json import Attributes, element, sorted_by_tag, text_value
from albumcore_adapters.dicom.data_sets import damage_refused, parse
from albumcore_adapters.dicom.deflated import BoundedReader
from albumcore_adapters.dicom.errors import NotAnInstance
from albumcore_adapters.dicom.frame_places import sent_as_stored
from albumcore_adapters.dicom.header import Header
from albumcore_adapters.dicom.json_model import JsonModel, dumped, pixel_attribute
from albumcore_adapters.dicom.links import bulk_link
from albumcore_adapters.dicom.pixel_places import PixelPlaces
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
_LONGEST_VALUE = 64 * 1024  # bytes; DICOM permits at most 64 characters a value in these attributes
LONGEST_ACCEPTED = dict.fromkeys((*_STUDY, *_SERIES, *_INSTANCE), _LONGEST_VALUE)
"""The longest value that is accepted of the attributes that the catalogue stores, in bytes, by tag."""

MAX_HEADER_JSON = 64 * 1024 * 1024
"""The longest JSON of a header, in bytes."""

# VRs of text and numbers; an attribute with a binary VR or a sequence is ignored.
_PLAIN_VRS = frozenset(
    {"AE", "AS", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "PN", "SH", "SL", "SS", "ST"}
    | {"SV", "TM", "UC", "UI", "UL", "UR", "US", "UT", "UV"}
)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

_MAX_NUMBER = 2**63 - 1


def read_header(file: BoundedReader) -> Header:
    """Read the header of the instance in a file; of its pixel data only where it is.

    Attributes whose value does not fit their VR are left out. Not thread-safe, because the warning filters of Python
    are global.

    Args:
        file: The file, at its start.

    Raises:
        NotAnInstance: it is not a DICOM file, or one of its UIDs is missing or invalid, or it is truncated or damaged,
            or a deflated data set is too long.
    """
    with damage_refused():
        parsed = parse(file, LONGEST_ACCEPTED)
        model = JsonModel(parsed)
        attributes = model.attributes()
        record = _record(attributes)
        link = bulk_link(record.study_uid, record.series_uid, record.sop_instance_uid)
        attributes["00083002"] = element("UI", parsed.transfer_syntax)
        json = dumped(sorted_by_tag(attributes | pixel_attribute(parsed)), link)
        if len(json) > MAX_HEADER_JSON:
            raise NotAnInstance(f"its header is longer than {MAX_HEADER_JSON} bytes as JSON")
        places = (
            None
            if parsed.is_deflated
            else PixelPlaces(sent_as_stored(parsed), model.known_places())
        )
        return Header(record, json, parsed.transfer_syntax, places)


def _record(attributes: Attributes) -> InstanceRecord:
    study, series, instance = (_chosen(attributes, tags) for tags in (_STUDY, _SERIES, _INSTANCE))
    return InstanceRecord(
        study_uid=StudyUID(_uid(study, "0020000D", "StudyInstanceUID")),
        series_uid=SeriesUID(_uid(series, "0020000E", "SeriesInstanceUID")),
        sop_instance_uid=_uid(instance, "00080018", "SOPInstanceUID"),
        study=study,
        series=series,
        instance=instance,
    )


def _uid(attributes: Attributes, tag: str, keyword: str) -> str:
    uid = text_value(attributes, tag)
    if uid is None:
        raise NotAnInstance(f"no {keyword}")
    if not is_uid(uid):
        raise NotAnInstance(f"{keyword} is not a UID")
    return uid


def _chosen(attributes: Attributes, tags: Iterable[int]) -> Attributes:
    """Return the attributes with these tags that have a value."""
    found = {}
    for name in (f"{tag:08X}" for tag in tags):
        attribute = attributes.get(name, {})
        if attribute.get("vr") in _PLAIN_VRS:
            values = [_plain(value) for value in attribute.get("Value", ())]
            if any(value is not None for value in values):
                found[name] = {"vr": attribute["vr"], "Value": values}
    return found


def _plain(value: Any) -> str | int | float | dict[str, str] | None:
    """Return a value that the database can store, or None for an empty or unstorable one."""
    if value is None:
        return None
    if isinstance(value, str):
        return _UNSTORABLE.sub("", value).strip(" ") or None
    if isinstance(value, dict):
        groups = {name: _plain(group) for name, group in value.items()}
        return {name: group for name, group in groups.items() if isinstance(group, str)} or None
    number: int | float = value
    return number if abs(number) <= _MAX_NUMBER else None
