"""Search for series in several studies, and for instances: pages, filters and order, compared with a plain model."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest.mock import Mock

import pytest
from attrs import define
from hypothesis import given
from hypothesis import strategies as st

from albumcore.ids import SeriesUID, StudyUID
from albumcore_adapters.directory.catalogue import Catalogue
from albumcore_adapters.directory.instance_search import (
    InstanceQuery,
    search_instances,
    search_series,
)
from albumcore_adapters.directory.instances import InstanceRecord
from albumcore_adapters.directory.study_search import SeriesQuery, StudyQuery
from albumcore_adapters.sql.database import Database
from support.databases import NewDatabase, Seam
from support.searching import attribute, loaded, record

CLASSES = ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4")


def some_instances() -> list[InstanceRecord]:
    """Instances of eight series in three studies, with numbers that come twice and such that are missing."""
    chance, found = random.Random(7), []
    for series in range(8):
        study = f"1.{series % 3}"
        for instance in range(chance.choice([1, 3, 6])):
            number = chance.choice([None, -1, 1, 2, 3])
            has = {"00080016": attribute("UI", chance.choice(CLASSES))}
            has |= {} if number is None else {"00200013": attribute("IS", number)}
            found.append(
                record(
                    study,
                    f"{study}.{series}",
                    f"{study}.{series}.{instance}",
                    {"00080020": attribute("DA", f"2020010{series % 3}")},
                    {"00200011": attribute("IS", -series), "00080060": attribute("CS", "CT")},
                    has,
                )
            )
    return found


INSTANCES = some_instances()
SERIES = {one.series_uid: one.study_uid for one in INSTANCES}
UIDS = [one.sop_instance_uid for one in INSTANCES]


def number_of(one: InstanceRecord) -> int | None:
    """The InstanceNumber, or None."""
    value: int | None = one.instance.get("00200013", {}).get("Value", [None])[0]
    return value


def key(one: InstanceRecord) -> Any:
    """The place of an instance: studies newest first, then by the numbers of series and instance, then by UID."""
    number = number_of(one)
    series = one.series["00200011"]["Value"][0]
    newest = -int(one.study["00080020"]["Value"][0])
    return newest, series, number is None, number, one.sop_instance_uid


@pytest.fixture(scope="module")
def instances(new_database: NewDatabase) -> Iterator[Database]:
    """A catalogue with the instances of the model."""
    with new_database() as database:
        Catalogue(database).store(INSTANCES)
        yield database


@given(
    hidden=st.sets(st.sampled_from(sorted(SERIES))),
    uids=st.none() | st.lists(st.sampled_from([*UIDS, "9"]), min_size=1, max_size=9),
    class_uids=st.none() | st.lists(st.sampled_from([*CLASSES, "9"]), min_size=1),
    number=st.sampled_from([None, None, -1, 1, 9]),
    limit=st.integers(0, 8) | st.just(10_000),
    offset=st.integers(0, len(INSTANCES)),
)
def test_search_of_instances(
    instances: Database, hidden: set[SeriesUID], limit: int, offset: int, **wanted: Any
) -> None:
    """A page of those in visible series that every filter lets pass, in order, and how many there are."""
    visible: dict[StudyUID, set[SeriesUID]] = {}
    for uid, study in SERIES.items():
        visible.setdefault(study, set()).update({uid} - hidden)
    series = search_series(instances, visible, StudyQuery(), SeriesQuery()).rows
    query = InstanceQuery(**wanted, limit=limit, offset=offset)
    found, total = search_instances(instances, series, query)
    expected = [
        one
        for one in sorted(INSTANCES, key=key)
        if one.series_uid not in hidden
        and (query.uids is None or one.sop_instance_uid in query.uids)
        and (query.class_uids is None or one.instance["00080016"]["Value"][0] in query.class_uids)
        and query.number in (None, number_of(one))
    ]
    page = expected[offset : offset + limit]
    assert total == len(expected)
    assert [one.sop_instance_uid for one in found] == [one.sop_instance_uid for one in page]
    for one, model in zip(found, page, strict=True):
        dataset = loaded(one.attributes)
        assert dataset.SeriesInstanceUID == one.series["uid"] == model.series_uid
        assert dataset.StudyInstanceUID == model.study_uid
        assert dataset.SOPClassUID == model.instance["00080016"]["Value"][0]
        assert dataset.InstanceNumber == number_of(model)


@pytest.mark.parametrize(
    ("in_studies", "wanted", "expected"),
    [
        ({}, {}, ["1.2.5", "1.2.2", "1.1.7", "1.1.4", "1.1.1", "1.0.6", "1.0.3", "1.0.0"]),
        ({"study_uids": ["1.1"]}, {}, ["1.1.7", "1.1.4", "1.1.1"]),
        (
            {"study_uids": ["1.1"], "limit": 0, "offset": 9},
            {"texts": {"SeriesNumber": "-4"}},
            ["1.1.4"],
        ),
        ({"modality": "CT"}, {"series_uids": ["1.0.3", "1.2.5"]}, ["1.2.5", "1.0.3"]),
        ({"modality": "MR"}, {}, []),
    ],
)
def test_search_of_series(
    instances: Database, in_studies: Any, wanted: Any, expected: list[str]
) -> None:
    """In the order of their studies, then by number; with the attributes of both levels."""
    visible: Mapping[StudyUID, list[SeriesUID]] = {
        study: [uid for uid in SERIES if SERIES[uid] == study] for study in SERIES.values()
    }
    found = search_series(instances, visible, StudyQuery(**in_studies), SeriesQuery(**wanted))
    assert [row["uid"] for row in found.rows] == expected
    for row in found.rows:
        dataset = loaded(found.attributes(row))
        assert dataset.SeriesInstanceUID == row["uid"]
        assert dataset.StudyDate == f"2020010{row['study_uid'][-1]}"
        assert dataset.NumberOfStudyRelatedSeries == len(visible[row["study_uid"]])


@define
class Counting(Seam):
    """A database that counts the rows that are fetched."""

    fetched: int = 0

    @contextmanager
    def transaction(self, *, commit: bool) -> Iterator[Any]:
        """A transaction with a cursor that counts."""
        with self.database.transaction(commit=commit) as cursor:
            yield Mock(wraps=cursor, fetchall=partial(self._fetch, cursor))

    def _fetch(self, cursor: Any) -> list[Any]:
        rows: list[Any] = cursor.fetchall()
        self.fetched += len(rows)
        return rows


def test_a_page_is_read_alone(instances: Database) -> None:
    """Of a long series, no instance outside of the page is read."""
    Catalogue(instances).store(
        record(
            "2.1", "2.1.1", f"2.1.1.{number}", instance_has={"00200013": attribute("IS", number)}
        )
        for number in range(1, 2_001)
    )
    visible = {StudyUID("2.1"): [SeriesUID("2.1.1")]}
    [row] = search_series(instances, visible, StudyQuery(), SeriesQuery()).rows
    database = Counting(instances)
    query = InstanceQuery(limit=100, offset=1_500)
    found, total = search_instances(database, [row], query)
    assert (len(found), total) == (100, 2_000)
    assert [one.sop_instance_uid for one in found[:2]] == ["2.1.1.1501", "2.1.1.1502"]
    assert database.fetched == 100
