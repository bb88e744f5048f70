"""The parts of a search in the catalogue: what is read, which of it is kept, and in which order."""

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

Keep: TypeAlias = Callable[[Row], bool]
Values: TypeAlias = Callable[[Row], Collection[str]]
SortKey: TypeAlias = Callable[[Row], Any]

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
    """Return the series that are populated and of the study they are said to be of, by study."""
    pairs = {(study, uid) for study, uids in visible.items() for uid in uids}
    found: defaultdict[StudyUID, list[Row]] = defaultdict(list)
    for row in select_in(cursor, _SERIES, [uid for _, uid in pairs]):
        if (row["study_uid"], row["uid"]) in pairs:
            found[row["study_uid"]].append(row)
    return dict(found)


def studies(cursor: Cursor, study_uids: Iterable[StudyUID]) -> list[Row]:
    """Return those studies that are known."""
    return list(select_in(cursor, _STUDIES, study_uids))


def instances(cursor: Cursor, series_uids: Iterable[SeriesUID]) -> Mapping[SeriesUID, list[Row]]:
    """Return the instances of each series."""
    found: defaultdict[SeriesUID, list[Row]] = defaultdict(list)
    for row in select_in(cursor, _INSTANCES, series_uids):
        found[row["series_uid"]].append(row)
    return found


def attributes_of(row: Row) -> dict[str, Any]:
    """Return all that is known of a study, series or instance."""
    found: dict[str, Any] = orjson.loads(row["attributes"])
    return found


# Choosing


def _column(name: str) -> Values:
    """The values in a column, where a backslash stands between several."""
    return lambda row: ("" if row[name] is None else str(row[name])).split("\\")


def _name(tag: str) -> Values:
    """The component groups of a name, not all of which are in its column."""
    return lambda row: list(text_values(attributes_of(row), tag)) or [""]


STUDY_TEXTS: Mapping[str, Values] = {
    "AccessionNumber": _column("accession_number"),
    "ReferringPhysicianName": _name("00080090"),
    "StudyDescription": _column("description"),
    "PatientName": _name("00100010"),
    "PatientID": _column("patient_id"),
    "StudyID": _column("study_id"),
}
"""The text filters for studies: keyword, and the values of which one must match."""

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
"""All filters for studies: keyword and tag."""

SERIES_TEXTS: Mapping[str, Values] = {
    "Modality": _column("modality"),
    "SeriesDescription": _column("description"),
    "BodyPartExamined": _column("body_part"),
    "SeriesNumber": _column("number"),
}
"""The text filters for series: keyword, and the values of which one must match."""

SERIES_FILTERS: Mapping[str, str] = {
    "Modality": "00080060",
    "SeriesDescription": "0008103E",
    "BodyPartExamined": "00180015",
    "SeriesInstanceUID": "0020000E",
    "SeriesNumber": "00200011",
}
"""All filters for series: keyword and tag."""


def chosen(rows: Iterable[Row], keeps: Iterable[Keep]) -> list[Row]:
    """Return what every filter keeps."""
    filters = list(keeps)
    return [row for row in rows if all(keep(row) for keep in filters)]


NAMES = frozenset({"PatientName", "ReferringPhysicianName"})
"""The text filters by names of persons. No other is fuzzy: identifiers that sound alike are of different patients."""


def text_filters(
    wanted: Mapping[str, str], known: Mapping[str, Values], *, fuzzy: bool = False
) -> Iterator[Keep]:
    """Yield the filters by text, of which ``wanted`` has the keywords; one by empty text is none.

    Args:
        wanted: The text of each, by keyword.
        known: The values that each looks at, by keyword.
        fuzzy: Filters by names of persons also keep those that sound alike (`person_name_matcher`).
    """
    for keyword, value in wanted.items():
        # Blanks around text mean nothing (DICOM PS3.5 section 6.2).
        if value.strip(" "):
            is_fuzzy = fuzzy and keyword in NAMES
            yield _text_filter(known[keyword], value.strip(" "), fuzzy=is_fuzzy)


def _text_filter(values: Values, wanted: str, *, fuzzy: bool) -> Keep:
    matches = text_matcher(wanted)
    if not fuzzy:
        return lambda row: any(map(matches, values(row)))
    sounds_alike = person_name_matcher(wanted)

    def keep(row: Row) -> bool:
        groups = values(row)
        return any(map(matches, groups)) or sounds_alike("=".join(groups))

    return keep


def within(key: SortKey, ends: tuple[Any, Any] | None) -> Iterator[Keep]:
    """Yield the filter by a range, both ends included, if there is one; what has no value is not in it."""
    if ends is not None:
        first, last = ends
        yield lambda row: (value := key(row)) is not None and first <= value <= last


# Order


def _by_text(column: str) -> SortKey:
    def key(row: Row) -> tuple[str, str] | None:
        found = row[column]
        return None if found is None else (found.casefold(), found)

    return key


def _by(column: str) -> SortKey:
    return lambda row: row[column]


def study_day(row: Row) -> date | None:
    """Return StudyDate, (0008,0020), if it is a date."""
    return date_value(row["date"] or "")


def study_moment(row: Row) -> int | None:
    """Return StudyTime, (0008,0030), if it is a time: microseconds since midnight."""
    return time_value(row["time"] or "")


by_number = _by("number")
"""The order of series by SeriesNumber, (0020,0011), and of instances by InstanceNumber, (0020,0013)."""

STUDY_SORTS: Mapping[str, SortKey] = {
    "StudyDate": study_day,
    "StudyTime": study_moment,
    "AccessionNumber": _by_text("accession_number"),
    "ReferringPhysicianName": _by_text("referring_physician_name"),
    "PatientName": _by_text("patient_name"),
    "PatientID": _by_text("patient_id"),
    "StudyInstanceUID": _by("uid"),
    "StudyID": _by_text("study_id"),
}
"""The orders of studies, and what each goes by: text in any case, dates and times by their meaning."""

SERIES_SORTS: Mapping[str, SortKey] = {
    "SeriesNumber": by_number,
    "Modality": _by_text("modality"),
    "SeriesInstanceUID": _by("uid"),
    "NumberOfSeriesRelatedInstances": _by("instances"),
}
"""The orders of series, and what each goes by."""


def in_order(rows: Iterable[Row], key: SortKey, *, descending: bool = False) -> list[Row]:
    """Sort by a key, then by UID; what has nothing to go by is last either way."""
    keyed = [(key(row), row["uid"], row) for row in rows]
    missing = [one for one in keyed if one[0] is None]
    present = [one for one in keyed if one[0] is not None]
    missing.sort(key=lambda one: one[1], reverse=descending)
    present.sort(key=lambda one: one[:2], reverse=descending)
    return [row for _, _, row in (*present, *missing)]
