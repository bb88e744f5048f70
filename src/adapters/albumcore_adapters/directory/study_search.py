"""Search for studies and series, and the metadata of a study (Kheops API 12.1 to 12.3; DICOM PS3.18 chapter 10).

The caller of these functions decides which series are visible. Placeholders (series that are not populated) are never
found. Results are in the DICOM JSON Model (DICOM PS3.18 Annex F).

A text filter matches whole values without regard to case, with ``*`` as wild card. One of several values, and one
component group of a person name, must match (DICOM PS3.4 section C.2.2.3). A missing value matches like empty text,
and an empty filter matches everything (universal matching, DICOM PS3.4 section C.2.2.2.3).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any

from attrs import field, frozen

from albumcore.ids import SeriesUID, StudyUID
from albumcore_adapters.base.dicom_json import Attributes, element, sorted_by_tag
from albumcore_adapters.directory.study_filters import (
    SERIES_SORTS,
    SERIES_TEXTS,
    STUDY_SORTS,
    STUDY_TEXTS,
    attributes_of,
    by_number,
    filtered,
    instances,
    sorted_rows,
    studies,
    study_date,
    study_time,
    text_filters,
    visible_series,
    within,
)
from albumcore_adapters.sql.database import Database, Row

# The attributes of results: ..._ALWAYS also when empty, ..._IF_KNOWN when there is a value.

_STUDY_ALWAYS = {
    "00080020": "DA",  # StudyDate
    "00080030": "TM",  # StudyTime
    "00080050": "SH",  # AccessionNumber
    "00080090": "PN",  # ReferringPhysicianName
    "00100010": "PN",  # PatientName
    "00100020": "LO",  # PatientID
    "00100030": "DA",  # PatientBirthDate
    "00100040": "CS",  # PatientSex
    "0020000D": "UI",  # StudyInstanceUID
    "00200010": "SH",  # StudyID
}
_STUDY_DESCRIPTION = {"00081030": "LO"}
_STUDY_IF_KNOWN = ("00080201",)  # TimezoneOffsetFromUTC

_SERIES_ALWAYS = {
    "00080060": "CS",  # Modality
    "0008103E": "LO",  # SeriesDescription
    "00180015": "CS",  # BodyPartExamined
    "0020000E": "UI",  # SeriesInstanceUID
    "00200011": "IS",  # SeriesNumber
    "00201209": "IS",  # NumberOfSeriesRelatedInstances
}
_SERIES_IF_KNOWN = (
    "00080021",  # SeriesDate
    "00080031",  # SeriesTime
    "00080201",  # TimezoneOffsetFromUTC
    "00400244",  # PerformedProcedureStepStartDate
    "00400245",  # PerformedProcedureStepStartTime
)

_ONLINE = {"00080056": element("CS", "ONLINE")}  # InstanceAvailability


@frozen
class StudyQuery:
    """A search for studies: filters, order, and page.

    Attributes:
        texts: Text filters by keyword, each of `STUDY_TEXTS`.
        modality: Matches one of ModalitiesInStudy, (0008,0061), of the visible series, without regard to case.
        study_uids: Matches StudyInstanceUID, (0020,000D).
        dates: Range of StudyDate, (0008,0020), both ends included (`dicom_matching.date_range`).
        times: Range of StudyTime, (0008,0030), both ends included (`dicom_matching.time_range`).
        fuzzy: Whether person names are matched fuzzily too.
        sort: The sort key, one of `STUDY_SORTS`. Ties are ordered by study UID; studies without a value are last in
            both directions.
        descending: Whether the order is reversed.
        limit: The largest number of studies on the page; None for all.
        offset: The number of studies to skip.
        with_description: Whether results include StudyDescription, (0008,1030).
    """

    texts: Mapping[str, str] = field(factory=dict)
    modality: str | None = None
    study_uids: Collection[StudyUID] | None = None
    dates: tuple[date, date] | None = None
    times: tuple[int, int] | None = None
    fuzzy: bool = False
    sort: str = "StudyDate"
    descending: bool = True
    limit: int | None = None
    offset: int = 0
    with_description: bool = False


@frozen
class FoundStudy:
    """A study in the result of a search.

    Attributes:
        study_uid: StudyInstanceUID, (0020,000D).
        series_uids: Its visible, populated series.
        attributes: The attributes of Kheops API 12.1, in order of tags. Modalities and numbers of series and
            instances count visible series only.
    """

    study_uid: StudyUID
    series_uids: frozenset[SeriesUID]
    attributes: dict[str, Any]


@frozen
class SeriesQuery:
    """A search for series of a study: filters and order.

    Attributes:
        texts: Text filters by keyword, each of `SERIES_TEXTS`.
        series_uids: Matches SeriesInstanceUID, (0020,000E).
        sort: The sort key, one of `SERIES_SORTS`. Ties are ordered by series UID; series without a value are last in
            both directions.
        descending: Whether the order is reversed.
    """

    texts: Mapping[str, str] = field(factory=dict)
    series_uids: Collection[SeriesUID] | None = None
    sort: str = "SeriesNumber"
    descending: bool = False


@frozen
class FoundSeries:
    """A series in the result of a search.

    Attributes:
        series_uid: SeriesInstanceUID, (0020,000E).
        attributes: The attributes of Kheops API 12.2, in order of tags.
    """

    series_uid: SeriesUID
    attributes: dict[str, Any]


ALL_SERIES = SeriesQuery()
"""A search without filters."""


def search_studies(
    database: Database, visible: Mapping[StudyUID, Collection[SeriesUID]], query: StudyQuery
) -> tuple[list[FoundStudy], int]:
    """Search for studies (Kheops API 12.1). A study is found only if one of its visible series is populated.

    Args:
        database: The database of the catalogue.
        visible: The visible series by study; a series that belongs to another study is ignored.
        query: The search.

    Returns:
        The studies of the page, and the number of studies on all pages.
    """
    found, series = matching_studies(database, visible, query)
    end = None if query.limit is None else query.offset + query.limit
    shown = _STUDY_ALWAYS | (_STUDY_DESCRIPTION if query.with_description else {})
    page = found[query.offset : end]
    return [
        FoundStudy(
            row["uid"],
            frozenset(one["uid"] for one in series[row["uid"]]),
            study_attributes(row, series[row["uid"]], shown),
        )
        for row in page
    ], len(found)


def matching_studies(
    database: Database, visible: Mapping[StudyUID, Collection[SeriesUID]], query: StudyQuery
) -> tuple[list[Row], dict[StudyUID, list[Row]]]:
    """Return the rows of the studies that a search finds, in its order, and of their visible series by study.

    Limit and offset of the search are not applied. See `search_studies`.
    """
    if query.study_uids is not None:
        visible = {uid: visible[uid] for uid in query.study_uids if uid in visible}
    with database.transaction(commit=False) as cursor:
        series = visible_series(cursor, visible)
        rows = studies(cursor, [uid for uid in series if _has(series[uid], query.modality)])
    filters = (
        *text_filters(query.texts, STUDY_TEXTS, fuzzy=query.fuzzy),
        *within(study_date, query.dates),
        *within(study_time, query.times),
    )
    found = filtered(rows, filters)
    return sorted_rows(found, STUDY_SORTS[query.sort], descending=query.descending), series


def _has(series: Iterable[Row], modality: str | None) -> bool:
    if not modality:
        return True
    return any((row["modality"] or "").casefold() == modality.casefold() for row in series)


def study_attributes(
    row: Row, series: Collection[Row], always: Mapping[str, str] = _STUDY_ALWAYS
) -> dict[str, Any]:
    """Return the attributes of a study that a search shows (Kheops API 12.1), in order of tags.

    Args:
        row: The study.
        series: Its visible series, which modalities and numbers are of.
        always: The attributes that are shown also when empty: VR by tag.
    """
    counted = {
        "00080061": element("CS", *sorted({one["modality"] for one in series} - {None})),
        "0020000D": element("UI", row["uid"]),
        "00201206": element("IS", len(series)),
        "00201208": element("IS", sum(one["instances"] for one in series)),
    }
    return shown_attributes(attributes_of(row), always, _STUDY_IF_KNOWN, counted)


def series_of_study(
    database: Database,
    study_uid: StudyUID,
    visible: Collection[SeriesUID],
    query: SeriesQuery = ALL_SERIES,
) -> list[FoundSeries]:
    """Search for series of a study (Kheops API 12.2).

    Args:
        database: The database of the catalogue.
        study_uid: StudyInstanceUID, (0020,000D).
        visible: The visible series; a series that belongs to another study is ignored.
        query: The search.
    """
    with database.transaction(commit=False) as cursor:
        rows = visible_series(cursor, {study_uid: visible}).get(study_uid, [])
    return [FoundSeries(row["uid"], series_attributes(row)) for row in matching_series(rows, query)]


def matching_series(rows: Iterable[Row], query: SeriesQuery) -> list[Row]:
    """Return those rows of series that a search finds, in its order."""
    wanted = query.series_uids
    named = [row for row in rows if wanted is None or row["uid"] in wanted]
    found = filtered(named, text_filters(query.texts, SERIES_TEXTS))
    return sorted_rows(found, SERIES_SORTS[query.sort], descending=query.descending)


def series_attributes(row: Row) -> dict[str, Any]:
    """Return the attributes of a series that a search shows (Kheops API 12.2), in order of tags."""
    named = {
        "0020000D": element("UI", row["study_uid"]),
        "0020000E": element("UI", row["uid"]),
        "00201209": element("IS", row["instances"]),
    }
    return shown_attributes(attributes_of(row), _SERIES_ALWAYS, _SERIES_IF_KNOWN, named)


def series_in_order(
    database: Database, study_uid: StudyUID, visible: Collection[SeriesUID]
) -> list[SeriesUID]:
    """Return the visible series of a study that are populated, by SeriesNumber, then by UID.

    Args:
        database: The database of the catalogue.
        study_uid: StudyInstanceUID, (0020,000D).
        visible: The visible series; a series that belongs to another study is ignored.
    """
    with database.transaction(commit=False) as cursor:
        series = visible_series(cursor, {study_uid: visible}).get(study_uid, [])
    return [SeriesUID(row["uid"]) for row in sorted_rows(series, by_number)]


def known_attributes(
    database: Database, study_uid: StudyUID
) -> tuple[Attributes, Mapping[SeriesUID, Attributes]]:
    """Return all attributes of a study and of each of its series that the catalogue has, with their UIDs."""
    with database.transaction(commit=False) as cursor:
        of_study = studies(cursor, [study_uid])
        cursor.execute(
            "SELECT series_uid AS uid, attributes FROM directory_series WHERE study_uid = ?",
            [study_uid],
        )
        of_series = cursor.fetchall()
    known = {tag: value for row in of_study for tag, value in attributes_of(row).items()}
    return (
        {**known, "0020000D": element("UI", study_uid)},
        {
            row["uid"]: {**attributes_of(row), "0020000E": element("UI", row["uid"])}
            for row in of_series
        },
    )


def metadata_of(
    database: Database, study_uid: StudyUID, visible: Collection[SeriesUID]
) -> list[dict[str, Any]]:
    """Return the metadata of the instances of a study, including the attributes of study and series (Kheops API 12.3).

    The catalogue stores neither pixels nor other bulk data. Instances are ordered by series number, then instance
    number, then UID; those without a number are last.

    Args:
        database: The database of the catalogue.
        study_uid: StudyInstanceUID, (0020,000D).
        visible: The visible series; a series that belongs to another study is ignored.
    """
    with database.transaction(commit=False) as cursor:
        study = studies(cursor, [study_uid])
        series = visible_series(cursor, {study_uid: visible}).get(study_uid, [])
        held = instances(cursor, [row["uid"] for row in series])
    found: list[dict[str, Any]] = []
    for above in study:
        for one in sorted_rows(series, by_number):
            known = {**attributes_of(above), **attributes_of(one)}
            uids = {"0020000D": element("UI", above["uid"]), "0020000E": element("UI", one["uid"])}
            for row in sorted_rows(held[one["uid"]], by_number):
                sop_uid = {"00080018": element("UI", row["uid"])}
                found.append(sorted_by_tag({**known, **attributes_of(row), **uids, **sop_uid}))
    return found


def shown_attributes(
    known: Attributes, always: Mapping[str, str], if_known: Iterable[str], more: Attributes
) -> dict[str, Any]:
    """Return the attributes that a search shows of what is known, in order of tags.

    Args:
        known: All attributes that are known.
        always: The attributes that are shown also when empty: VR by tag.
        if_known: The tags of those that are shown when there is a value.
        more: Attributes that are shown as given.
    """
    empty = {tag: element(vr) for tag, vr in always.items()}
    found = {tag: known[tag] for tag in (*always, *if_known) if tag in known}
    return sorted_by_tag({**empty, **found, **_ONLINE, **more})
