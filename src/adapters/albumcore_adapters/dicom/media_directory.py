"""Writing a media directory, DICOMDIR (DICOM PS3.10 chapter 8, PS3.3 annex F): the records of the files on a medium."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

from attrs import define, field, frozen

from albumcore_adapters.base.dicom_json import Attributes
from albumcore_adapters.dicom.directory_records import (
    PATIENT_RECORD,
    SERIES_RECORD,
    STUDY_RECORD,
    RecordType,
    record_type,
)
from albumcore_adapters.dicom.transfer_syntaxes import EXPLICIT_LITTLE_ENDIAN

_UTF8 = {"vr": "CS", "Value": ["ISO_IR 192"]}  # SpecificCharacterSet
_DIRECTORY = "1.2.840.10008.1.3.10"  # Media Storage Directory Storage
_IMPLEMENTATION = "2.25.204738419274906136520738209915744033091"
_IN_USE = 0xFFFF
_LONGEST = 0xFFFE  # bytes of a value with a length of 16 bits
_LONG_VRS = frozenset({"SQ", "UC", "UR", "UT"})  # of those that are written: a length of 32 bits
_NUMBERS = {"SL": "<l", "SS": "<h", "UL": "<L", "US": "<H"}
_TEXTS = frozenset(
    {"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI"}
    | {"UR", "UT"}
)


@frozen
class DirectoryFile:
    """A file on the medium, as its record names it.

    Attributes:
        path: The components of its name, such as ``("DICOM", "0", "1")``.
        sop_class_uid: SOPClassUID, (0008,0016).
        sop_instance_uid: SOPInstanceUID, (0008,0018).
        transfer_syntax: TransferSyntaxUID, (0002,0010).
        attributes: The attributes of the instance that its record is made from.
    """

    path: Sequence[str]
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax: str
    attributes: Attributes


_ITEM = struct.Struct("<HHL")
_PLACES = struct.Struct("<HH2sHL HH2sHH HH2sHL")


@define
class _Record:
    """A record, with the files or records below it, before its place is known."""

    attributes: bytes
    below: list[_Record] = field(factory=list)

    @property
    def length(self) -> int:
        """The length of its item, in bytes."""
        return _ITEM.size + _PLACES.size + len(self.attributes)

    def item(self, following: int, lower: int) -> bytes:
        """The item, with the offsets of the next record of its level and of the first one below it; 0 for none."""
        places = _PLACES.pack(
            *(0x0004, 0x1400, b"UL", 4, following),
            *(0x0004, 0x1410, b"US", 2, _IN_USE),
            *(0x0004, 0x1420, b"UL", 4, lower),
        )
        head = _ITEM.pack(0xFFFE, 0xE000, len(places) + len(self.attributes))
        return head + places + self.attributes


def media_directory(
    name: str, study: Attributes, series: Iterable[tuple[Attributes, Iterable[DirectoryFile]]]
) -> bytes:
    """Return a media directory of the files of one study.

    A record needs the values of some attributes. A file without them has no record; nor have the files of a series or
    a study without them.

    Args:
        name: FileSetID, (0004,1130).
        study: The attributes of the patient and the study.
        series: The attributes of each series, and its files.
    """
    patient = _record(PATIENT_RECORD, study)
    of_study = _record(STUDY_RECORD, study)
    if patient is not None and of_study is not None:
        of_study.below = [*_series_records(series)]
        patient.below = [of_study] if of_study.below else []
    records = [patient] if patient is not None and patient.below else []
    return _written(name, records)


def _series_records(
    series: Iterable[tuple[Attributes, Iterable[DirectoryFile]]],
) -> Iterator[_Record]:
    for attributes, files in series:
        found = _record(SERIES_RECORD, attributes)
        if found is not None:
            found.below = [one for one in map(_file_record, files) if one is not None]
        if found is not None and found.below:
            yield found


def _record(
    kind: RecordType, known: Attributes, reference: Attributes | None = None
) -> _Record | None:
    attributes = kind.attributes(known)
    if attributes is None:
        return None
    named = {"00041430": {"vr": "CS", "Value": [kind.name]}, "00080005": _UTF8}
    return _Record(_encoded({**named, **(reference or {}), **attributes}))


def _file_record(file: DirectoryFile) -> _Record | None:
    reference = {
        "00041500": {"vr": "CS", "Value": file.path},
        "00041510": {"vr": "UI", "Value": [file.sop_class_uid]},
        "00041511": {"vr": "UI", "Value": [file.sop_instance_uid]},
        "00041512": {"vr": "UI", "Value": [file.transfer_syntax]},
    }
    return _record(record_type(file.sop_class_uid), file.attributes, reference)


def _written(name: str, records: Sequence[_Record]) -> bytes:
    places: list[tuple[_Record, int, int]] = []
    length = _placed(records, 0, places)
    digest = sha256(b"".join(record.attributes for record, _, _ in places)).digest()
    uid = f"2.25.{int.from_bytes(digest[:16], 'big')}"
    start = len(_head(name, uid, 0, 0))
    pieces = [_head(name, uid, start if places else 0, length)]
    for record, place, following in places:
        lower = start + place + record.length if record.below else 0
        pieces.append(record.item(start + following if following else 0, lower))
    return b"".join(pieces)


def _placed(records: Sequence[_Record], place: int, places: list[tuple[_Record, int, int]]) -> int:
    """Add each record with its offset and that of the next one of its level, parents first; return the end."""
    for number, record in enumerate(records):
        mine = len(places)
        places.append((record, place, 0))
        after = _placed(record.below, place + record.length, places)
        places[mine] = (record, place, after if number + 1 < len(records) else 0)
        place = after
    return place


def _head(name: str, uid: str, patient: int, length: int) -> bytes:
    """The file up to the first record, which is at the offset ``patient``; 0 without any record."""
    meta = _encoded(
        {
            "00020002": {"vr": "UI", "Value": [_DIRECTORY]},
            "00020003": {"vr": "UI", "Value": [uid]},
            "00020010": {"vr": "UI", "Value": [EXPLICIT_LITTLE_ENDIAN]},
            "00020012": {"vr": "UI", "Value": [_IMPLEMENTATION]},
        }
    )
    version = struct.pack("<HH2sHL2s", 0x0002, 0x0001, b"OB", 0, 2, b"\0\1")
    directory = _encoded(
        {
            "00041130": {"vr": "CS", "Value": [name]},
            "00041200": {"vr": "UL", "Value": [patient]},
            "00041202": {"vr": "UL", "Value": [patient]},
            "00041212": {"vr": "US", "Value": [0]},
        }
    )
    sequence = struct.pack("<HH2sHL", 0x0004, 0x1220, b"SQ", 0, length)
    group = _element("00020000", "UL", [len(version) + len(meta)])
    return bytes(128) + b"DICM" + group + version + meta + directory + sequence


# Explicit VR Little Endian


def _encoded(attributes: Attributes) -> bytes:
    return b"".join(
        _element(tag, one["vr"], one.get("Value", ())) for tag, one in sorted(attributes.items())
    )


def _element(tag: str, vr: str, values: Iterable[Any]) -> bytes:
    """An element; empty if its VR is not one that directories have, or a value does not fit it."""
    group, number = int(tag[:4], 16), int(tag[4:], 16)
    if vr == "SQ":
        content = b"".join(map(_item, values))
    elif vr in _NUMBERS:
        try:
            content = b"".join(struct.pack(_NUMBERS[vr], value) for value in values)
        except struct.error:
            return b""
    elif vr in _TEXTS:
        content = "\\".join(map(_text, values)).encode("utf-8", "replace")
        content += (b"\0" if vr == "UI" else b" ") * (len(content) % 2)
    else:
        return b""
    if vr in _LONG_VRS:
        return struct.pack("<HH2sHL", group, number, vr.encode(), 0, len(content)) + content
    if len(content) > _LONGEST:
        return b""
    return struct.pack("<HH2sH", group, number, vr.encode(), len(content)) + content


def _item(attributes: Attributes | None) -> bytes:
    content = _encoded(attributes or {})
    return _ITEM.pack(0xFFFE, 0xE000, len(content)) + content


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        groups = [value.get(name, "") for name in ("Alphabetic", "Ideographic", "Phonetic")]
        return "=".join(groups).rstrip("=")
    return "" if value is None else str(value)
