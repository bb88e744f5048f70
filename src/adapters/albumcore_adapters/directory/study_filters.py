"""The tables and steps of a search in the catalogue: reading rows, filtering and sorting them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import date
from typing import Any, TypeAlias

import orjson

from albumcore.ids import SeriesUID, StudyUID
from albumcore_adapters.base.dicom_json import text_values
from albumcore_adapters.base.dicom_matching import (
    date_value,
    person_name_matcher,
    text_matcher,
    time_value,
)
from albumcore_adapters.sql.database import Cursor, Row, select_in

RowFilter: TypeAlias = Callable[[Row], bool]
"""Whether a row is in the result."""

TextValues: TypeAlias = Callable[[Row], Collection[str]]
"""The texts of a row that a text filter compares; one match suffices."""

RowKey: TypeAlias = Callable[[Row], Any]
"""The sort key of a row; None if it has no value."""

# Reading

_STUDIES = (
    "SELECT study_uid AS uid, date, time, accession_number, referring_physician_name, description,"
    " patient_name, patient_id, study_id, attributes FROM directory_study"
    " WHERE study_uid IN (:values)"
)
_SERIES = (
    "SELECT series_uid AS uid, study_uid, modality, description, number, body_part, instances,"
    " attributes FROM directory_series WHERE series_uid IN (:values) AND populated = 1"
)
_INSTANCES = (
    "SELECT sop_instance_uid AS uid, series_uid, number, attributes FROM directory_instance"
    " WHERE series_uid IN (:values)"
)


def visible_series(
    cursor: Cursor, visible: Mapping[StudyUID, Collection[SeriesUID]]
) -> dict[StudyUID, list[Row]]:
    """Return those series that are populated and belong to the given study, by study."""
    pairs = {(study, uid) for study, uids in visible.items() for uid in uids}
    found: defaultdict[StudyUID, list[Row]] = defaultdict(list)
    for row in select_in(cursor, _SERIES, [uid for _, uid in pairs]):
        if (row["study_uid"], row["uid"]) in pairs:
            found[row["study_uid"]].append(row)
    return dict(found)


def studies(cursor: Cursor, study_uids: Iterable[StudyUID]) -> list[Row]:
    """Return those studies that are in the catalogue."""
    return list(select_in(cursor, _STUDIES, study_uids))


def instances(cursor: Cursor, series_uids: Iterable[SeriesUID]) -> Mapping[SeriesUID, list[Row]]:
    """Return the instances of each series."""
    found: defaultdict[SeriesUID, list[Row]] = defaultdict(list)
    for row in select_in(cursor, _INSTANCES, series_uids):
        found[row["series_uid"]].append(row)
    return found


def attributes_of(row: Row) -> dict[str, Any]:
    """Return the attributes of a study, series or instance, in the DICOM JSON Model."""
    found: dict[str, Any] = orjson.loads(row["attributes"])
    return found


# Filtering


def _column(name: str) -> TextValues:
    """The values of a column, in which a backslash separates several."""
    return lambda row: ("" if row[name] is None else str(row[name])).split("\\")


def _name(tag: str) -> TextValues:
    """The component groups of a person name; its column has one of them only."""
    return lambda row: list(text_values(attributes_of(row), tag)) or [""]


STUDY_TEXTS: Mapping[str, TextValues] = {
    "AccessionNumber": _column("accession_number"),
    "ReferringPhysicianName": _name("00080090"),
    "StudyDescription": _column("description"),
    "PatientName": _name("00100010"),
    "PatientID": _column("patient_id"),
    "StudyID": _column("study_id"),
}
"""The text filters of studies: the compared values, by keyword."""

STUDY_FILTERS: Mapping[str, str] = {
    "StudyDate": "00080020",
    "StudyTime": "00080030",
    "AccessionNumber": "00080050",
    "ModalitiesInStudy": "00080061",
    "ReferringPhysicianName": "00080090",
    "StudyDescription": "00081030",
    "PatientName": "00100010",
    "PatientID": "00100020",
    "StudyInstanceUID": "0020000D",
    "StudyID": "00200010",
}
"""All filters of studies: tag by keyword."""

SERIES_TEXTS: Mapping[str, TextValues] = {
    "Modality": _column("modality"),
    "SeriesDescription": _column("description"),
    "BodyPartExamined": _column("body_part"),
    "SeriesNumber": _column("number"),
}
"""The text filters of series: the compared values, by keyword."""

SERIES_FILTERS: Mapping[str, str] = {
    "Modality": "00080060",
    "SeriesDescription": "0008103E",
    "BodyPartExamined": "00180015",
    "SeriesInstanceUID": "0020000E",
    "SeriesNumber": "00200011",
}
"""All filters of series: tag by keyword."""


def filtered(rows: Iterable[Row], filters: Iterable[RowFilter]) -> list[Row]:
    """Return the rows that pass every filter."""
    filters = list(filters)
    return [row for row in rows if all(keep(row) for keep in filters)]


NAMES = frozenset({"PatientName", "ReferringPhysicianName"})
"""The text filters that support fuzzy matching: those of person names (DICOM PS3.18 section 8.3.4.2)."""


def text_filters(
    wanted: Mapping[str, str], known: Mapping[str, TextValues], *, fuzzy: bool = False
) -> Iterator[RowFilter]:
    """Yield a filter for each text that is not empty.

    Args:
        wanted: The text to match, by keyword.
        known: The table of text filters: `STUDY_TEXTS` or `SERIES_TEXTS`.
        fuzzy: Match person names by `person_name_matcher` too.
    """
    for keyword, value in wanted.items():
        # Leading and trailing spaces are not significant (DICOM PS3.5 section 6.2).
        if value.strip(" "):
            is_fuzzy = fuzzy and keyword in NAMES
            yield _text_filter(known[keyword], value.strip(" "), fuzzy=is_fuzzy)


def _text_filter(values: TextValues, wanted: str, *, fuzzy: bool) -> RowFilter:
    matches = text_matcher(wanted)
    if not fuzzy:
        return lambda row: any(map(matches, values(row)))
    matches_name = person_name_matcher(wanted)

    def keep(row: Row) -> bool:
        groups = values(row)
        return any(map(matches, groups)) or matches_name("=".join(groups))

    return keep


def within(key: RowKey, ends: tuple[Any, Any] | None) -> Iterator[RowFilter]:
    """Yield a filter by a range with both ends included, unless it is None; a row without a value does not pass."""
    if ends is not None:
        first, last = ends
        yield lambda row: (value := key(row)) is not None and first <= value <= last


# Sorting


def _by_text(column: str) -> RowKey:
    def key(row: Row) -> tuple[str, str] | None:
        found = row[column]
        return None if found is None else (found.casefold(), found)

    return key


def _by(column: str) -> RowKey:
    return lambda row: row[column]


def study_date(row: Row) -> date | None:
    """Return StudyDate, (0008,0020), or None if it is not a date."""
    return date_value(row["date"] or "")


def study_time(row: Row) -> int | None:
    """Return StudyTime, (0008,0030), in microseconds since midnight, or None if it is not a time."""
    return time_value(row["time"] or "")


by_number = _by("number")
"""The sort key SeriesNumber, (0020,0011), of series, and InstanceNumber, (0020,0013), of instances."""

STUDY_SORTS: Mapping[str, RowKey] = {
    "StudyDate": study_date,
    "StudyTime": study_time,
    "AccessionNumber": _by_text("accession_number"),
    "ReferringPhysicianName": _by_text("referring_physician_name"),
    "PatientName": _by_text("patient_name"),
    "PatientID": _by_text("patient_id"),
    "StudyInstanceUID": _by("uid"),
    "StudyID": _by_text("study_id"),
}
"""The sort keys of studies: texts without regard to case, dates and times by value."""

SERIES_SORTS: Mapping[str, RowKey] = {
    "SeriesNumber": by_number,
    "Modality": _by_text("modality"),
    "SeriesInstanceUID": _by("uid"),
    "NumberOfSeriesRelatedInstances": _by("instances"),
}
"""The sort keys of series."""


def sorted_rows(rows: Iterable[Row], key: RowKey, *, descending: bool = False) -> list[Row]:
    """Return the rows sorted by a key, then by UID; rows without a value are last in both directions."""
    keyed = [(key(row), row["uid"], row) for row in rows]
    missing = [one for one in keyed if one[0] is None]
    present = [one for one in keyed if one[0] is not None]
    missing.sort(key=lambda one: one[1], reverse=descending)
    present.sort(key=lambda one: one[:2], reverse=descending)
    return [row for _, _, row in (*present, *missing)]
