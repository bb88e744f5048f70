"""Writing DICOM instances to the tables of the catalogue.

A series belongs to one study forever, and an instance to one series. The attributes of study and series are merged
from those of their instances.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeAlias

from attrs import frozen

from albumcore.errors import Conflict
from albumcore.ids import SeriesUID, StudyUID
from albumcore_adapters.base.dicom_json import Attributes, integer_value, text_value
from albumcore_adapters.sql.database import Cursor, Parameter, has_changed, select_in

_Read: TypeAlias = Callable[[Attributes, str], Parameter]


class Misplaced(Conflict):
    """A UID is used in a second study or series, although it identifies one object (DICOM PS3.3 section A.1)."""

    code = "misplaced"


class SeriesOfOtherStudy(Misplaced):
    """The series belongs to another study.

    Attributes:
        series_uid: SeriesInstanceUID, (0020,000E).
    """

    code = "series_of_other_study"

    def __init__(self, series_uid: SeriesUID) -> None:
        super().__init__("the series UID is in use in another study")
        self.series_uid = series_uid


class InstanceOfOtherSeries(Misplaced):
    """The instance belongs to another series.

    Attributes:
        sop_instance_uid: SOPInstanceUID, (0008,0018).
    """

    code = "instance_of_other_series"

    def __init__(self, sop_instance_uid: str) -> None:
        super().__init__("the SOP instance UID is in use in another series")
        self.sop_instance_uid = sop_instance_uid


@frozen
class InstanceRecord:
    """One DICOM instance, with its attributes by level of the DICOM hierarchy.

    Attributes:
        study_uid: StudyInstanceUID, (0020,000D).
        series_uid: SeriesInstanceUID, (0020,000E).
        sop_instance_uid: SOPInstanceUID, (0008,0018).
        study: Attributes of its study, such as the description.
        series: Attributes of its series.
        instance: Attributes of the instance itself.
    """

    study_uid: StudyUID
    series_uid: SeriesUID
    sop_instance_uid: str
    study: Attributes
    series: Attributes
    instance: Attributes


@frozen
class _Level:
    """A level of the DICOM hierarchy above instances, and the attributes that its columns are read from."""

    select: str
    update: str
    columns: Sequence[tuple[_Read, str]]

    @classmethod
    def of(cls, name: str, columns: Mapping[str, tuple[_Read, str]]) -> _Level:
        assignments = ", ".join(f"{column} = ?" for column in (*columns, "attributes"))
        return cls(
            select=f"SELECT {name}_uid AS uid, attributes FROM directory_{name}"  # noqa: S608
            f" WHERE {name}_uid IN (:values)",
            update=f"UPDATE directory_{name} SET {assignments} WHERE {name}_uid = ?",  # noqa: S608
            columns=tuple(columns.values()),
        )


_STUDY = _Level.of(
    "study",
    {
        "description": (text_value, "00081030"),
        "date": (text_value, "00080020"),
        "time": (text_value, "00080030"),
        "timezone_offset": (text_value, "00080201"),
        "accession_number": (text_value, "00080050"),
        "referring_physician_name": (text_value, "00080090"),
        "patient_name": (text_value, "00100010"),
        "patient_id": (text_value, "00100020"),
        "patient_birth_date": (text_value, "00100030"),
        "patient_sex": (text_value, "00100040"),
        "study_id": (text_value, "00200010"),
    },
)
_SERIES = _Level.of(
    "series",
    {
        "modality": (text_value, "00080060"),
        "description": (text_value, "0008103E"),
        "number": (integer_value, "00200011"),
        "body_part": (text_value, "00180015"),
    },
)


def place_series(cursor: Cursor, homes: Collection[tuple[StudyUID, SeriesUID]]) -> bool:
    """Insert the series that are unknown as placeholders of their study.

    A placeholder of another study is moved: only a claim says that it belongs to that one.

    Args:
        cursor: A transaction.
        homes: The series with their studies.

    Returns:
        Whether one of the studies was unknown.

    Raises:
        SeriesOfOtherStudy: a series has images of another study.
    """
    cursor.executemany(
        "INSERT INTO directory_study (study_uid) VALUES (?) ON CONFLICT DO NOTHING",
        [(study_uid,) for study_uid, _ in homes],
    )
    is_new = has_changed(cursor)
    cursor.executemany(
        "INSERT INTO directory_series (study_uid, series_uid) VALUES (?, ?)"
        " ON CONFLICT (series_uid) DO UPDATE"
        " SET study_uid = excluded.study_uid WHERE directory_series.populated = 0",
        homes,
    )
    rows = select_in(
        cursor,
        "SELECT series_uid, study_uid FROM directory_series WHERE series_uid IN (:values)",
        [series_uid for _, series_uid in homes],
    )
    study_of = {row["series_uid"]: row["study_uid"] for row in rows}
    for study_uid, series_uid in homes:
        if study_of[series_uid] != study_uid:
            raise SeriesOfOtherStudy(series_uid)
    return is_new


def write_instances(cursor: Cursor, records: Sequence[InstanceRecord]) -> None:
    """Write instances and merge their attributes into those of their study and series.

    Args:
        cursor: A transaction.
        records: The instances, whose series exist (`place_series`).

    Raises:
        InstanceOfOtherSeries: an instance belongs to another series.
    """
    studies: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    series: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for record in records:
        studies[record.study_uid].update(record.study)
        series[record.series_uid].update(record.series)
    _write_rows(cursor, records)
    _describe(cursor, _STUDY, studies)
    _describe(cursor, _SERIES, series)
    cursor.executemany(
        "UPDATE directory_series SET populated = 1, instances ="
        " (SELECT count(*) FROM directory_instance AS instance"
        " WHERE instance.series_uid = directory_series.series_uid) WHERE series_uid = ?",
        [(series_uid,) for series_uid in series],
    )


def _describe(cursor: Cursor, level: _Level, found: Mapping[str, Attributes]) -> None:
    """Merge the attributes of instances into those of each study or series."""
    updates: list[list[Parameter]] = []
    for row in select_in(cursor, level.select, found):
        attributes = json.loads(row["attributes"]) | found[row["uid"]]
        columns = [read(attributes, tag) for read, tag in level.columns]
        updates.append([*columns, _dumped(attributes), row["uid"]])
    cursor.executemany(level.update, updates)


def _write_rows(cursor: Cursor, records: Sequence[InstanceRecord]) -> None:
    cursor.executemany(
        "INSERT INTO directory_instance"
        " (sop_instance_uid, series_uid, sop_class_uid, number, attributes) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (sop_instance_uid) DO UPDATE SET sop_class_uid = excluded.sop_class_uid,"
        " number = excluded.number, attributes = excluded.attributes",
        [
            (
                record.sop_instance_uid,
                record.series_uid,
                text_value(record.instance, "00080016"),
                integer_value(record.instance, "00200013"),
                _dumped(record.instance),
            )
            for record in records
        ],
    )
    rows = select_in(
        cursor,
        "SELECT sop_instance_uid, series_uid FROM directory_instance"
        " WHERE sop_instance_uid IN (:values)",
        [record.sop_instance_uid for record in records],
    )
    series_of = {row["sop_instance_uid"]: row["series_uid"] for row in rows}
    for record in records:
        if series_of[record.sop_instance_uid] != record.series_uid:
            raise InstanceOfOtherSeries(record.sop_instance_uid)


def _dumped(attributes: Attributes) -> str:
    return json.dumps(attributes, ensure_ascii=False, separators=(",", ":"))
