"""The search for studies against a naive model."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from albumcore.ids import SeriesUID, StudyUID
from albumcore_adapters.base.dicom_matching import date_range, soundex, time_range
from albumcore_adapters.directory.catalogue import Catalogue
from albumcore_adapters.directory.instances import InstanceRecord
from albumcore_adapters.directory.study_filters import STUDY_SORTS
from albumcore_adapters.directory.study_search import StudyQuery, search_studies
from albumcore_adapters.sql.database import Database
from support.databases import NewDatabase
from support.searching import attribute, like, loaded, record

TEXTS: Mapping[str, tuple[str, str, list[Any]]] = {
    # keyword: tag, VR, what it may be
    "AccessionNumber": ("00080050", "SH", ["A1", "a1", "B"]),
    "ReferringPhysicianName": ("00080090", "PN", [{"Alphabetic": "Ann"}, {"Ideographic": "B"}]),
    "StudyDescription": ("00081030", "LO", ["Ann", "B"]),
    "PatientName": (
        "00100010",
        "PN",
        [
            {"Alphabetic": "A", "Phonetic": "Bab"},
            {"Alphabetic": "b"},
            {"Phonetic": "Ann"},
            {"Alphabetic": "Bob^Anna"},
        ],
    ),
    "PatientID": ("00100020", "LO", ["1", "2", "10"]),
    "StudyID": ("00200010", "SH", ["1", "2"]),
}
DATES = {"20200101": "20200101", "20200102": "20200102", "2020.01.02": "20200102", "2020": None}
TIMES = {
    "10": "100000000000",
    "1030": "103000000000",
    "103000.5": "103000500000",
    "103001": "103001000000",
    "x": None,
}
DATE_RANGES = {
    "20200101": ("20200101", "20200101"),
    "-20200101": ("00000000", "20200101"),
    "20200102-": ("20200102", "99999999"),
    "20200101-20200102": ("20200101", "20200102"),
}
TIME_RANGES = {
    "1030": ("103000000000", "103059999999"),
    "103000": ("103000000000", "103000999999"),
    "103000.5-": ("103000500000", "999999999999"),
    "-1029": ("000000000000", "102959999999"),
}
PATTERNS = [
    "",
    "*",
    "a*",
    "*B",
    "*a*b*",
    "1",
    "*1*",
    "ann",
    "Anne",
    "bbb",
    "?",
    "Ana^Bub",
    "Bub",
    "2",
]


@frozen
class Known:
    """A study of the model: its attributes and its series."""

    uid: StudyUID
    texts: Mapping[str, Any]
    date: str | None
    time: str | None
    series: Mapping[SeriesUID, tuple[str | None, int]]  # modality, instances: none of a placeholder

    def records(self) -> Iterator[InstanceRecord]:
        """Its instances."""
        says = {TEXTS[key][0]: attribute(TEXTS[key][1], value) for key, value in self.texts.items()}
        says |= {"00080020": attribute("DA", self.date)} if self.date else {}
        says |= {"00080030": attribute("TM", self.time)} if self.time else {}
        for uid, (modality, instances) in self.series.items():
            of_series = {"00080060": attribute("CS", modality)} if modality else {}
            for number in range(instances):
                yield record(self.uid, uid, f"{uid}.{number}", says, of_series)


def some_studies() -> list[Known]:
    """Studies with common and missing values."""
    chance, studies = random.Random(12), []
    for number in range(40):
        uid = f"1.{number}"
        studies.append(
            Known(
                StudyUID(uid),
                {
                    keyword: chance.choice(values)
                    for keyword, (_, _, values) in TEXTS.items()
                    if chance.random() < 0.7
                },
                chance.choice([None, *DATES]),
                chance.choice([None, *TIMES]),
                {
                    SeriesUID(f"{uid}.{one}"): (
                        chance.choice([None, "CT", "MR"]),
                        chance.choice([0, 1, 2]),
                    )
                    for one in range(chance.choice([1, 2, 3]))
                },
            )
        )
    return studies


STUDIES = some_studies()


def found_by(study: Known, keyword: str, wanted: str, fuzzy: bool) -> bool:
    """Whether the model finds the study by a text."""
    value = study.texts.get(keyword, "")
    values = list(value.values()) if isinstance(value, dict) else [value]
    if not wanted or any(like(wanted.lower(), one.lower()) for one in values):
        return True
    parts = [part.lower() for one in values for part in one.split("^")]
    return (
        fuzzy
        and keyword in ("PatientName", "ReferringPhysicianName")
        and all(
            any(like(word, part) or soundex(word) == soundex(part) != "" for part in parts)
            for word in wanted.lower().split("^")
        )
    )


def sorted_by(study: Known, keyword: str) -> Any:
    """The sort key of a study; None without a value."""
    if keyword == "StudyInstanceUID":
        return study.uid
    if keyword == "StudyDate":
        return DATES.get(study.date or "")
    if keyword == "StudyTime":
        return TIMES.get(study.time or "")
    value = study.texts.get(keyword)
    if isinstance(value, dict):
        value = next(
            value[group] for group in ("Alphabetic", "Ideographic", "Phonetic") if group in value
        )
    return value and (value.lower(), value)


def model(
    visible: Collection[SeriesUID], query: StudyQuery, dates: str | None, times: str | None
) -> tuple[list[tuple[StudyUID, set[SeriesUID]]], int]:
    """The expected result."""
    found = []
    for study in STUDIES:
        series = {
            uid for uid, (_, instances) in study.series.items() if instances and uid in visible
        }
        modalities = {(study.series[uid][0] or "").lower() for uid in series}
        day, moment = DATES.get(study.date or ""), TIMES.get(study.time or "")
        if (
            series
            and (not query.modality or query.modality.lower() in modalities)
            and (query.study_uids is None or study.uid in query.study_uids)
            and (dates is None or (day and DATE_RANGES[dates][0] <= day <= DATE_RANGES[dates][1]))
            and (
                times is None
                or (moment and TIME_RANGES[times][0] <= moment <= TIME_RANGES[times][1])
            )
            and all(found_by(study, *text, query.fuzzy) for text in query.texts.items())
        ):
            found.append((study, series))
    found.sort(key=lambda one: one[0].uid, reverse=query.descending)
    present = [one for one in found if sorted_by(one[0], query.sort) is not None]
    present.sort(key=lambda one: sorted_by(one[0], query.sort), reverse=query.descending)
    found = present + [one for one in found if sorted_by(one[0], query.sort) is None]
    page = found[query.offset :][: query.limit]
    return [(study.uid, series) for study, series in page], len(found)


@pytest.fixture(scope="module")
def studies(new_database: NewDatabase) -> Iterator[Database]:
    """A catalogue with the studies of the model."""
    with new_database() as database:
        catalogue = Catalogue(database)
        for study in STUDIES:
            for uid in study.series:
                catalogue.add_placeholder(study.uid, uid)
        catalogue.store(one for study in STUDIES for one in study.records())
        yield database


@given(
    hidden=st.sets(st.sampled_from([uid for study in STUDIES for uid in study.series])),
    texts=st.dictionaries(st.sampled_from(list(TEXTS)), st.sampled_from(PATTERNS), max_size=2),
    modality=st.sampled_from([None, None, "", "ct", "MR", "M*"]),
    study_uids=st.none() | st.sets(st.sampled_from([study.uid for study in STUDIES]), min_size=5),
    dates=st.none() | st.sampled_from(list(DATE_RANGES)),
    times_=st.none() | st.sampled_from(list(TIME_RANGES)),
    fuzzy=st.booleans(),
    sort=st.sampled_from(list(STUDY_SORTS)),
    descending=st.booleans(),
    limit=st.none() | st.integers(0, 5),
    offset=st.integers(0, 5),
)
def test_search_finds_what_the_model_finds(
    studies: Database,
    hidden: set[SeriesUID],
    dates: str | None,
    times_: str | None,
    **rest: Any,
) -> None:
    """Filters, order, page and total agree with the model."""
    query = StudyQuery(
        dates=date_range(dates) if dates else None,
        times=time_range(times_) if times_ else None,
        **rest,
    )
    visible = {study.uid: study.series.keys() - hidden for study in STUDIES}
    found, total = search_studies(studies, visible, query)
    seen = {uid for uids in visible.values() for uid in uids}
    assert ([(one.study_uid, set(one.series_uids)) for one in found], total) == model(
        seen, query, dates, times_
    )
    known = {study.uid: study for study in STUDIES}
    for one in found:
        series = [known[one.study_uid].series[uid] for uid in one.series_uids]
        dataset = loaded(one.attributes)
        assert dataset.NumberOfStudyRelatedSeries == len(series)
        assert dataset.NumberOfStudyRelatedInstances == sum(number for _, number in series)
        assert one.attributes["00080061"].get("Value", []) == sorted(
            {modality for modality, _ in series if modality}
        )
