"""Search for series of a study, and the metadata of its instances."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from albumcore.ids import SeriesUID, StudyUID
from albumcore_adapters.directory.catalogue import Catalogue
from albumcore_adapters.directory.study_search import (
    SeriesQuery,
    metadata_of,
    series_of_study,
)
from albumcore_adapters.sql.database import Database
from support.databases import NewDatabase
from support.searching import attribute, record

HEAD, T1, T2 = StudyUID("1.1"), SeriesUID("1.1.1"), SeriesUID("1.1.2")


@pytest.fixture(scope="module")
def numbered(new_database: NewDatabase) -> Iterator[Database]:
    """A study whose series have another order by number, modality and instances than by UID."""
    series = {
        # number of the UID: (SeriesNumber, modality, instances)
        1: (10, "MR", 1),
        2: (9, "ct", 3),
        3: (None, "SR", 1),
        4: (9, None, 2),
        5: (-1, "CT", 11),
        6: (None, "PR", 1),
    }
    with new_database() as database:
        Catalogue(database).store(
            record(
                HEAD,
                f"1.1.{uid}",
                f"1.1.{uid}.{instance}",
                None,
                {"0008103E": attribute("LO", f"No. {uid}"), "00180015": attribute("CS", "HEAD")}
                | ({"00200011": attribute("IS", number)} if number is not None else {})
                | ({"00080060": attribute("CS", modality)} if modality else {}),
                {"00200013": attribute("IS", -instance)} if instance != 2 else {},
            )
            for uid, (number, modality, instances) in series.items()
            for instance in range(1, instances + 1)
        )
        yield database


EVERY_SERIES = [SeriesUID(f"1.1.{number}") for number in range(1, 7)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (SeriesQuery(), "524136"),
        (SeriesQuery(descending=True), "142563"),
        (SeriesQuery(sort="Modality"), "521634"),
        (SeriesQuery(sort="Modality", descending=True), "361254"),
        (SeriesQuery(sort="SeriesInstanceUID"), "123456"),
        (SeriesQuery(sort="SeriesInstanceUID", descending=True), "654321"),
        (SeriesQuery(sort="NumberOfSeriesRelatedInstances"), "136425"),
        (SeriesQuery(sort="NumberOfSeriesRelatedInstances", descending=True), "524631"),
        (SeriesQuery({"Modality": "ct"}), "52"),
        (SeriesQuery({"Modality": "?R"}), ""),
        (SeriesQuery({"Modality": "*"}), "524136"),
        (SeriesQuery({"SeriesNumber": "9"}), "24"),
        (SeriesQuery({"SeriesDescription": "no. 3"}), "3"),
        (SeriesQuery({"SeriesDescription": "na 3"}), ""),
        (SeriesQuery({"BodyPartExamined": "h*", "Modality": "*r"}), "136"),
        (SeriesQuery({"BodyPartExamined": ""}), "524136"),
        (SeriesQuery(series_uids=[SeriesUID("1.1.2"), SeriesUID("9")]), "2"),
        (SeriesQuery(series_uids=[]), ""),
    ],
    ids=str,
)
def test_series(numbered: Database, query: SeriesQuery, expected: str) -> None:
    """Series are filtered and sorted like studies: without a value last, ties by UID."""
    found = series_of_study(numbered, HEAD, EVERY_SERIES, query)
    assert "".join(one.series_uid.removeprefix("1.1.") for one in found) == expected


def test_order_of_metadata(numbered: Database) -> None:
    """Instances are ordered by series number, then instance number; those without one are last."""
    found = metadata_of(numbered, HEAD, EVERY_SERIES)
    uids = [one["00080018"]["Value"][0].removeprefix("1.1.") for one in found]
    fives = [f"5.{number}" for number in (11, 10, 9, 8, 7, 6, 5, 4, 3, 1, 2)]
    assert uids == [*fives, "2.3", "2.1", "2.2", "4.1", "4.2", "1.1", "3.1", "6.1"]


def test_metadata_of_the_nearest_level(database: Database) -> None:
    """An attribute of a lower level takes precedence over that of a higher one."""
    says = [{"00080201": attribute("SH", offset)} for offset in ("+0100", "+0200", "+0300")]
    Catalogue(database).store([record(HEAD, T1, "1", *says), record(HEAD, T2, "2", *says[:2])])
    found = metadata_of(database, HEAD, [T1, T2])
    assert [one["00080201"]["Value"] for one in found] == [["+0300"], ["+0200"]]
