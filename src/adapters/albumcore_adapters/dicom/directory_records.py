"""The records of a media directory, and which attributes each has (DICOM PS3.3 annex F.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from albumcore_adapters.base.dicom_json import Attributes


@frozen
class RecordType:
    """A type of directory records.

    Attributes:
        name: DirectoryRecordType, (0004,1430).
        required: The tags of the attributes that an instance must have a value of.
        optional: VR by tag of the attributes that are empty without a value.
        conditional: The tags of the attributes that the record has if the instance has them.
    """

    name: str
    required: Sequence[str] = ()
    optional: Mapping[str, str] = {}
    conditional: Sequence[str] = ()

    def attributes(self, known: Attributes) -> dict[str, Any] | None:
        """Return the attributes of the record, in order of tags; None if the instance lacks one that is required."""
        if not all(known.get(tag, {}).get("Value") for tag in self.required):
            return None
        found = {tag: {"vr": vr} for tag, vr in self.optional.items()}
        wanted = (*self.required, *self.optional, *self.conditional)
        return dict(
            sorted({**found, **{tag: known[tag] for tag in wanted if tag in known}}.items())
        )


_NUMBER = "00200013"
_DATE, _TIME = "00080023", "00080033"  # ContentDate, ContentTime
_LABEL = "00700080"
_CONTENT = {"00700081": "LO", "00700084": "PN"}  # ContentDescription, ContentCreatorName
_CONCEPT = "0040A043"  # ConceptNameCodeSequence

PATIENT_RECORD = RecordType("PATIENT", ["00100020"], {"00100010": "PN"})
STUDY_RECORD = RecordType(
    "STUDY",
    ["00080020", "00080030", "0020000D", "00200010"],
    {"00080050": "SH", "00081030": "LO"},
)
SERIES_RECORD = RecordType("SERIES", ["00080060", "0020000E", "00200011"])
IMAGE_RECORD = RecordType("IMAGE", [_NUMBER])

_IDENTIFIED = ([_NUMBER, _DATE, _TIME, _LABEL], _CONTENT)
_WITH_TIME = ([_NUMBER, _DATE, _TIME],)

_STORAGE = "1.2.840.10008.5.1.4.1.1."
_TYPES: Mapping[str, RecordType] = {
    "4.2": RecordType(
        "SPECTROSCOPY",
        [
            *("00080008", _DATE, _TIME, _NUMBER),
            *("00280008", "00280010", "00280011", "00289001", "00289002"),
        ],
    ),
    "9.": RecordType("WAVEFORM", *_WITH_TIME),
    "11.": RecordType(
        "PRESENTATION", ["00700082", "00700083", _NUMBER, _LABEL], _CONTENT, ["00081115"]
    ),
    "66": RecordType("RAW DATA", *_WITH_TIME),
    "66.1": RecordType("REGISTRATION", *_IDENTIFIED),
    "66.2": RecordType("FIDUCIAL", *_IDENTIFIED),
    "66.3": RecordType("REGISTRATION", *_IDENTIFIED),
    "66.5": RecordType("SURFACE", *_IDENTIFIED),
    "66.6": RecordType("TRACT", *_IDENTIFIED),
    "67": RecordType("VALUE MAP", *_IDENTIFIED),
    "77.1.5.3": RecordType("STEREOMETRIC"),
    "78.": RecordType("MEASUREMENT", *_IDENTIFIED),
    "88.": RecordType(
        "SR DOCUMENT",
        [_NUMBER, "0040A491", "0040A493", _DATE, _TIME, _CONCEPT],
        {},
        ["0040A032"],
    ),
    "88.59": RecordType("KEY OBJECT DOC", [_NUMBER, _DATE, _TIME, _CONCEPT]),
    "104.": RecordType(
        "ENCAP DOC",
        [_NUMBER, "00420012"],
        {_DATE: "DA", _TIME: "TM", "00420010": "ST", _CONCEPT: "SQ"},
        ["0040E001"],
    ),
    "481.2": RecordType("RT DOSE", [_NUMBER, "3004000A"]),
    "481.3": RecordType(
        "RT STRUCTURE SET", [_NUMBER, "30060002"], {"30060008": "DA", "30060009": "TM"}
    ),
    "481.4": RecordType("RT TREAT RECORD", [_NUMBER], {"30080250": "DA", "30080251": "TM"}),
    "481.5": RecordType("RT PLAN", [_NUMBER, "300A0002"], {"300A0006": "DA", "300A0007": "TM"}),
    "481.6": RecordType("RT TREAT RECORD", [_NUMBER], {"30080250": "DA", "30080251": "TM"}),
    "481.7": RecordType("RT TREAT RECORD", [_NUMBER], {"30080250": "DA", "30080251": "TM"}),
    "481.8": RecordType("RT PLAN", [_NUMBER, "300A0002"], {"300A0006": "DA", "300A0007": "TM"}),
    "481.9": RecordType("RT TREAT RECORD", [_NUMBER], {"30080250": "DA", "30080251": "TM"}),
}
"""The types by SOP class, behind the root of the storage classes; a final dot stands for all classes below it."""


def record_type(sop_class_uid: str) -> RecordType:
    """Return the type of the records of a SOP class: that of images, if it has no other."""
    root, storage, below = sop_class_uid.rpartition(_STORAGE)
    if root or not storage:
        return IMAGE_RECORD
    return _TYPES.get(below) or _TYPES.get(f"{below.partition('.')[0]}.", IMAGE_RECORD)
