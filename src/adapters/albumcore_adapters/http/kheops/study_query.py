"""Query parameters of searches: filters, order and extra attributes (Kheops API 12; DICOM PS3.18 chapter 8)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

from albumcore.ids import SeriesUID
from albumcore_adapters.base.dicom_matching import date_range, time_range
from albumcore_adapters.directory.instance_search import MOST_INSTANCES, InstanceQuery
from albumcore_adapters.directory.study_filters import (
    SERIES_FILTERS,
    SERIES_SORTS,
    SERIES_TEXTS,
    STUDY_FILTERS,
    STUDY_SORTS,
    STUDY_TEXTS,
)
from albumcore_adapters.directory.study_search import SeriesQuery, StudyQuery
from albumcore_adapters.http.kheops.parameters import BadQuery, Fields, Page, study_in
from albumcore_adapters.http.kheops.shared_specs import sort_parameter
from albumcore_adapters.http.openapi.schemas import UID
from albumcore_adapters.http.openapi.specs import TEXT, Parameters, ParameterSpec
from albumcore_adapters.http.openapi.value_schemas import (
    DAYS_OR_NONE,
    INTEGER_OR_NONE,
    TIMES_OR_NONE,
    WORD,
)

FAVORITES = "00012345"
"""A private attribute: the number of favourite series of a study, or whether a series is a favourite."""

COMMENTS = "00012346"
"""A private attribute: the number of comments on a study that the caller may see."""

INCLUDED: Mapping[str, str] = {
    "favorite": FAVORITES,
    "comments": COMMENTS,
    "StudyDescription": "00081030",
}
"""The attributes that are included on request, by the words of ``includefield``, which may name their tags instead."""

INSTANCE_FILTERS: Mapping[str, str] = {
    "SOPClassUID": "00080016",
    "SOPInstanceUID": "00080018",
    "InstanceNumber": "00200013",
}
"""All filters of instances: tag by keyword."""

MOST_UIDS = 200
"""The largest number of UIDs that a filter of instances names."""

T = TypeVar("T")
_INTEGER = re.compile("[+-]?[0-9]{1,12}")  # VR IS


def included_fields(query: Fields) -> set[str]:
    """The tags of the attributes that ``includefield`` names. Unknown ones are ignored."""
    words = {word for text in query.texts("includefield") for word in text.split(",")}
    return {tag for word, tag in INCLUDED.items() if {word, tag} & words}


def study_query(query: Fields, included: Collection[str]) -> StudyQuery:
    """The search for studies that the parameters describe.

    Raises:
        BadQuery: one of them is malformed.
    """
    texts = _texts(query, STUDY_FILTERS)
    page = Page.of(query, least_limit=1)
    sort, descending = query.order(STUDY_SORTS, "-StudyDate")
    uids = _uids(texts, "StudyInstanceUID")
    return StudyQuery(
        {name: values[0] for name, values in texts.items() if name in STUDY_TEXTS},
        _first(texts, "ModalitiesInStudy"),
        None if uids is None else [study_in(uid) for uid in uids],
        _range(texts, "StudyDate", date_range, "YYYYMMDD"),
        _range(texts, "StudyTime", time_range, "hhmmss.ffffff"),
        query.flag("fuzzymatching") is True,
        sort,
        descending,
        page.limit,
        page.offset,
        INCLUDED["StudyDescription"] in included,
    )


def series_query(query: Fields) -> SeriesQuery:
    """The search for series of a study that the parameters describe.

    Raises:
        BadQuery: one of them is malformed.
    """
    texts = _texts(query, SERIES_FILTERS)
    sort, descending = query.order(SERIES_SORTS, "SeriesNumber")
    uids = _uids(texts, "SeriesInstanceUID")
    return SeriesQuery(
        {name: values[0] for name, values in texts.items() if name in SERIES_TEXTS},
        None if uids is None else [SeriesUID(uid) for uid in uids],
        sort,
        descending,
    )


def instance_query(query: Fields) -> InstanceQuery:
    """The search for instances that the parameters describe.

    Raises:
        BadQuery: one of them is malformed.
    """
    texts, page = _texts(query, INSTANCE_FILTERS), Page.of(query)
    number = (_first(texts, "InstanceNumber") or "").strip(" ")
    if number and not _INTEGER.fullmatch(number):
        raise BadQuery("InstanceNumber", "a whole number is expected")
    return InstanceQuery(
        _some_uids(texts, "SOPInstanceUID"),
        _some_uids(texts, "SOPClassUID"),
        int(number) if number else None,
        MOST_INSTANCES if page.limit is None else min(page.limit, MOST_INSTANCES),
        page.offset,
    )


def filters_alone(query: Fields) -> Fields:
    """The parameters of a query without those of order and page."""
    values = {
        name: texts
        for name, texts in query.values.items()
        if name not in ("sort", "limit", "offset")
    }
    return Fields(values, query.refusal)


def _some_uids(texts: dict[str, list[str]], name: str) -> list[str] | None:
    uids = _uids(texts, name)
    if uids is not None and len(uids) > MOST_UIDS:
        raise BadQuery(name, f"at most {MOST_UIDS} UIDs are expected")
    return uids


def _texts(query: Fields, filters: Mapping[str, str]) -> dict[str, list[str]]:
    """The values of each filter by keyword; the query names it by keyword or by tag."""
    keywords = {tag: keyword for keyword, tag in filters.items()}
    found: dict[str, list[str]] = {}
    for name, values in query.values.items():
        keyword = name if name in filters else keywords.get(name.upper())
        if keyword is not None:
            found.setdefault(keyword, []).extend(values)
    return found


def _first(texts: Mapping[str, list[str]], name: str) -> str | None:
    return next(iter(texts.get(name, ())), None)


def _uids(texts: dict[str, list[str]], name: str) -> list[str] | None:
    """The UIDs of a filter, several in one value too (DICOM PS3.18 section 8.3.4.1); None without any text.

    Raises:
        BadQuery: there is text, and no UID in it.
    """
    given = [text for text in texts.pop(name, ()) if text]
    uids = [uid for text in given for uid in text.replace("\\", ",").split(",") if uid]
    if given and not uids:
        raise BadQuery(name, "it names no UID")
    return uids if given else None


def _range(
    texts: Mapping[str, list[str]], name: str, read: Callable[[str], T], expected: str
) -> T | None:
    text = _first(texts, name)
    if not text:
        return None
    try:
        return read(text)
    except ValueError:
        raise BadQuery(name, f"{expected} is expected, or a range of them") from None


STUDY_PARAMETERS: Parameters = {
    "StudyDate": ParameterSpec(DAYS_OR_NONE),
    "StudyTime": ParameterSpec(TIMES_OR_NONE),
    "StudyInstanceUID": ParameterSpec(UID, "One of these.", repeated=True),
    **{
        name: ParameterSpec(TEXT)
        for name in (
            "AccessionNumber",
            "ModalitiesInStudy",
            "ReferringPhysicianName",
            "PatientName",
            "PatientID",
            "StudyID",
            "StudyDescription",
        )
    },
    "sort": sort_parameter(
        *STUDY_SORTS,
        about="With a hyphen before the key: descending. Without it: by StudyDate, descending.",
    ),
    "fuzzymatching": ParameterSpec(WORD, "true: names of persons that sound similar match too."),
    "includefield": ParameterSpec(
        TEXT,
        "favorite (in an album or the inbox), comments, StudyDescription; others are ignored.",
        repeated=True,
    ),
}
SERIES_PARAMETERS: Parameters = {
    **{
        name: ParameterSpec(TEXT)
        for name in (
            "Modality",
            "SeriesDescription",
            "BodyPartExamined",
            "SeriesInstanceUID",
            "SeriesNumber",
        )
    },
    "sort": sort_parameter(*SERIES_SORTS, about="With a hyphen before the key: descending."),
    "fuzzymatching": ParameterSpec(WORD, "Ignored: series have no names of persons."),
    "includefield": ParameterSpec(TEXT, "favorite (in an album or the inbox).", repeated=True),
}
INSTANCE_PARAMETERS: Parameters = {
    "SOPInstanceUID": ParameterSpec(TEXT, "One of these.", repeated=True),
    "SOPClassUID": ParameterSpec(TEXT, "One of these.", repeated=True),
    "InstanceNumber": ParameterSpec(INTEGER_OR_NONE),
    "includefield": ParameterSpec(
        TEXT,
        "Further attributes of the header, by keyword or tag; all: all of them.",
        repeated=True,
    ),
}
