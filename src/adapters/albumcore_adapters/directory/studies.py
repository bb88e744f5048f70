"""Search for studies and series, and the headers of a study (Kheops API 12.1 to 12.3; DICOM PS3.18 chapter 10).

Who may see which series is for the caller to say. Series that are not populated are never there. What is found
is told in the DICOM JSON Model (DICOM PS3.18 Annex F).

Text matches as a whole, in any case, with ``*`` for anything; of a person's name one of its component groups,
of several values one of them (DICOM PS3.4 section C.2.2.3). What is missing is like empty text. To search for
empty text is not to filter at all (DICOM PS3.4 section C.2.2.2.3).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any

from attrs import field, frozen

from albumcore.ids import SeriesUID, StudyUID
from albumcore_adapters.base.dicom_json import Attributes, element, sorted_by_tag
from albumcore_adapters.directory._search import (
    SERIES_FILTERS,
    SERIES_SORTS,
    SERIES_TEXTS,
    STUDY_FILTERS,
    STUDY_SORTS,
    STUDY_TEXTS,
    attributes_of,
    by_number,
    chosen,
    in_order,
    instances,
    studies,
    study_day,
    study_moment,
    text_filters,
    visible_series,
    within,
)
from albumcore_adapters.sql.database import Database, Row

__all__ = [
    "SERIES_FILTERS",
    "SERIES_SORTS",
    "SERIES_TEXTS",
    "STUDY_FILTERS",
    "STUDY_SORTS",
    "STUDY_TEXTS",
    "FoundSeries",
    "FoundStudy",
    "SeriesQuery",
    "StudyQuery",
    "metadata_of",
    "search_studies",
    "series_of_study",
]

# What is told of what is found: the first even when empty, the second when known.

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
    """What is searched for among studies, in which order, and the page of it that is wanted.

    Attributes:
        texts: Text filters, by keyword; each is one of `STUDY_TEXTS`.
        modality: One of ModalitiesInStudy, (0008,0061), of the visible series; in any case, no wildcards.
        study_uids: StudyInstanceUID, (0020,000D), is one of these.
        dates: StudyDate, (0008,0020), is one of these two or between them (`dicom_matching.date_range`).
        times: StudyTime, (0008,0030), is one of these two or between them (`dicom_matching.time_range`).
        fuzzy: Filters by names of persons also keep those that sound alike.
        sort: One of `STUDY_SORTS`.
        descending: Whether the order is reversed. What has nothing to go by is last either way; what is equal
            goes by study UID, reversed likewise.
        limit: How many at most; None for all.
        offset: How many are left out before them.
        with_description: Whether StudyDescription, (0008,1030), is told.
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
    """A study that was found.

    Attributes:
        study_uid: StudyInstanceUID, (0020,000D).
        series_uids: The visible series of it that are populated.
        attributes: By tag, in order; those of Kheops API 12.1. The modalities and the numbers of series and
            instances are those of the visible series.
    """

    study_uid: StudyUID
    series_uids: frozenset[SeriesUID]
    attributes: dict[str, Any]


@frozen
class SeriesQuery:
    """What is searched for among the series of a study, and in which order.

    Attributes:
        texts: Text filters, by keyword; each is one of `SERIES_TEXTS`.
        series_uids: SeriesInstanceUID, (0020,000E), is one of these.
        sort: One of `SERIES_SORTS`.
        descending: Whether the order is reversed. What has nothing to go by is last either way; what is equal
            goes by series UID, reversed likewise.
    """

    texts: Mapping[str, str] = field(factory=dict)
    series_uids: Collection[SeriesUID] | None = None
    sort: str = "SeriesNumber"
    descending: bool = False


@frozen
class FoundSeries:
    """A series that was found.

    Attributes:
        series_uid: SeriesInstanceUID, (0020,000E).
        attributes: By tag, in order; those of Kheops API 12.2.
    """

    series_uid: SeriesUID
    attributes: dict[str, Any]


ALL_SERIES = SeriesQuery()


def search_studies(
    database: Database, visible: Mapping[StudyUID, Collection[SeriesUID]], query: StudyQuery
) -> tuple[list[FoundStudy], int]:
    """Find studies among those that are visible (Kheops API 12.1).

    A study is there when one of its visible series is populated.

    Args:
        database: Where the catalogue is.
        visible: The series of each study that may be seen; one that is of another study may not.
        query: What is searched for.

    Returns:
        The page that is wanted, and how many studies are on all pages.
    """
    if query.study_uids is not None:
        visible = {uid: visible[uid] for uid in query.study_uids if uid in visible}
    with database.transaction(commit=False) as cursor:
        series = visible_series(cursor, visible)
        rows = studies(cursor, [uid for uid in series if _has(series[uid], query.modality)])
    filters = (
        *text_filters(query.texts, STUDY_TEXTS, fuzzy=query.fuzzy),
        *within(study_day, query.dates),
        *within(study_moment, query.times),
    )
    found = chosen(rows, filters)
    sorted_ = in_order(found, STUDY_SORTS[query.sort], descending=query.descending)
    end = None if query.limit is None else query.offset + query.limit
    shown = _STUDY_ALWAYS | (_STUDY_DESCRIPTION if query.with_description else {})
    page = sorted_[query.offset : end]
    return [_study(row, series[row["uid"]], shown) for row in page], len(found)


def _has(series: Iterable[Row], modality: str | None) -> bool:
    if not modality:
        return True
    return any((row["modality"] or "").casefold() == modality.casefold() for row in series)


def _study(row: Row, series: Collection[Row], always: Mapping[str, str]) -> FoundStudy:
    counted = {
        "00080061": element("CS", *sorted({one["modality"] for one in series} - {None})),
        "0020000D": element("UI", row["uid"]),
        "00201206": element("IS", len(series)),
        "00201208": element("IS", sum(one["instances"] for one in series)),
    }
    return FoundStudy(
        row["uid"],
        frozenset(one["uid"] for one in series),
        _shown(attributes_of(row), always, _STUDY_IF_KNOWN, counted),
    )


def series_of_study(
    database: Database,
    study_uid: StudyUID,
    visible: Collection[SeriesUID],
    query: SeriesQuery = ALL_SERIES,
) -> list[FoundSeries]:
    """Find series among those of a study that are visible (Kheops API 12.2).

    Args:
        database: Where the catalogue is.
        study_uid: StudyInstanceUID, (0020,000D).
        visible: The series that may be seen; one that is of another study may not.
        query: What is searched for.
    """
    with database.transaction(commit=False) as cursor:
        rows = visible_series(cursor, {study_uid: visible}).get(study_uid, [])
    wanted = query.series_uids
    named = [row for row in rows if wanted is None or row["uid"] in wanted]
    found = chosen(named, text_filters(query.texts, SERIES_TEXTS))
    sorted_ = in_order(found, SERIES_SORTS[query.sort], descending=query.descending)
    return [FoundSeries(row["uid"], _series(row)) for row in sorted_]


def _series(row: Row) -> dict[str, Any]:
    named = {
        "0020000D": element("UI", row["study_uid"]),
        "0020000E": element("UI", row["uid"]),
        "00201209": element("IS", row["instances"]),
    }
    return _shown(attributes_of(row), _SERIES_ALWAYS, _SERIES_IF_KNOWN, named)


def metadata_of(
    database: Database, study_uid: StudyUID, visible: Collection[SeriesUID]
) -> list[dict[str, Any]]:
    """Return what is known of each instance of a study, what is said of its study and series included.

    That is all of Kheops API 12.3 that the catalogue keeps: neither pixels nor other bulk data. Instances come
    by series number, within a series by instance number, and then by UID; what has no number is last.

    Args:
        database: Where the catalogue is.
        study_uid: StudyInstanceUID, (0020,000D).
        visible: The series that may be seen; one that is of another study may not.
    """
    with database.transaction(commit=False) as cursor:
        study = studies(cursor, [study_uid])
        series = visible_series(cursor, {study_uid: visible}).get(study_uid, [])
        held = instances(cursor, [row["uid"] for row in series])
    found: list[dict[str, Any]] = []
    for above in study:
        for one in in_order(series, by_number):
            known = {**attributes_of(above), **attributes_of(one)}
            uids = {"0020000D": element("UI", above["uid"]), "0020000E": element("UI", one["uid"])}
            for row in in_order(held[one["uid"]], by_number):
                sop_uid = {"00080018": element("UI", row["uid"])}
                found.append(sorted_by_tag({**known, **attributes_of(row), **uids, **sop_uid}))
    return found


def _shown(
    known: Attributes, always: Mapping[str, str], if_known: Iterable[str], more: Attributes
) -> dict[str, Any]:
    empty = {tag: element(vr) for tag, vr in always.items()}
    found = {tag: known[tag] for tag in (*always, *if_known) if tag in known}
    return sorted_by_tag({**empty, **found, **_ONLINE, **more})
