"""Search for series and instances in several studies (DICOM PS3.18 section 10.6).

The caller of these functions decides which series are visible, as for `directory.study_search`. Instances are paged in
the database: memory is that of one page, however many instances a series has.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

from attrs import frozen

from albumcore.ids import SeriesUID, StudyUID
from albumcore_adapters.base.dicom_json import element, sorted_by_tag
from albumcore_adapters.directory.study_filters import (
    attributes_of,
    by_number,
    instances,
    sorted_rows,
)
from albumcore_adapters.directory.study_search import (
    SeriesQuery,
    StudyQuery,
    matching_series,
    matching_studies,
    series_attributes,
    shown_attributes,
    study_attributes,
)
from albumcore_adapters.sql.database import Cursor, Database, Parameter, Row, select_in

MOST_INSTANCES = 10_000
"""The largest number of instances on a page."""

_INSTANCE_ALWAYS = {
    "00080016": "UI",  # SOPClassUID
    "00200013": "IS",  # InstanceNumber
}
_INSTANCE_IF_KNOWN = (
    "00080201",  # TimezoneOffsetFromUTC
    "00280008",  # NumberOfFrames
    "00280010",  # Rows
    "00280011",  # Columns
    "00280100",  # BitsAllocated
)
_PAGE = (
    "SELECT sop_instance_uid AS uid, series_uid, number, attributes FROM directory_instance"
    " WHERE series_uid = ?{} ORDER BY number IS NULL, number, sop_instance_uid LIMIT ? OFFSET ?"
)
_COUNT = (
    "SELECT series_uid, count(*) AS instances FROM directory_instance"
    " WHERE series_uid IN (:values){} GROUP BY series_uid"
)


@frozen
class SeriesOfStudies:
    """Series that a search finds, in its order.

    Attributes:
        rows: The rows of the series, those of one study side by side.
        studies: The row of each study.
        visible: The rows of the visible series of each study, also of those that the search does not find.
    """

    rows: Sequence[Row]
    studies: Mapping[StudyUID, Row]
    visible: Mapping[StudyUID, Sequence[Row]]

    def attributes(self, row: Row) -> dict[str, Any]:
        """Return the attributes of a series and of its study, in order of tags."""
        return sorted_by_tag({**self.study_attributes(row), **series_attributes(row)})

    def study_attributes(self, row: Row) -> dict[str, Any]:
        """Return the attributes of the study of a series, in order of tags."""
        study = row["study_uid"]
        return study_attributes(self.studies[study], self.visible[study])


def search_series(
    database: Database,
    visible: Mapping[StudyUID, Collection[SeriesUID]],
    in_studies: StudyQuery,
    wanted: SeriesQuery,
) -> SeriesOfStudies:
    """Search for series in all visible studies: in the order of the studies, then in that of the series.

    Args:
        database: The database of the catalogue.
        visible: The visible series by study; a series that belongs to another study is ignored.
        in_studies: The search for their studies. Its limit and offset are not applied.
        wanted: The search for series in these.
    """
    found, series = matching_studies(database, visible, in_studies)
    rows = [row for study in found for row in matching_series(series[study["uid"]], wanted)]
    return SeriesOfStudies(rows, {study["uid"]: study for study in found}, series)


@frozen
class InstanceQuery:
    """A search for instances of some series: filters and page.

    Attributes:
        uids: Matches SOPInstanceUID, (0008,0018).
        class_uids: Matches SOPClassUID, (0008,0016); at most 500.
        number: Matches InstanceNumber, (0020,0013).
        limit: The largest number of instances on the page, at most `MOST_INSTANCES`.
        offset: The number of instances to skip.
    """

    uids: Collection[str] | None = None
    class_uids: Collection[str] | None = None
    number: int | None = None
    limit: int = MOST_INSTANCES
    offset: int = 0


@frozen
class FoundInstance:
    """An instance in the result of a search.

    Attributes:
        sop_instance_uid: SOPInstanceUID, (0008,0018).
        series: The row of its series.
        attributes: Its attributes (DICOM PS3.18 section 10.6.3.3), in order of tags, without those of its series.
    """

    sop_instance_uid: str
    series: Row
    attributes: dict[str, Any]


def search_instances(
    database: Database, series: Sequence[Row], query: InstanceQuery
) -> tuple[list[FoundInstance], int]:
    """Search for instances in some series: in the order of the series, then by number and UID.

    Args:
        database: The database of the catalogue.
        series: The rows of the series (`study_filters.visible_series`).
        query: The search.

    Returns:
        The instances of the page, and the number of instances on all pages.
    """
    with database.transaction(commit=False) as cursor:
        counts = _counts(cursor, series, query)
        pieces = [*_pieces(counts, query)]
        rows = _rows_of(cursor, pieces, query)
    by_uid = {row["uid"]: row for row in series}
    page = [_found(row, by_uid[row["series_uid"]]) for row in rows]
    return page, sum(counts.values())


def _counts(cursor: Cursor, series: Sequence[Row], query: InstanceQuery) -> dict[SeriesUID, int]:
    """The number of instances that match, of each series in order."""
    condition, params = _condition(query)
    if not condition:
        return {row["uid"]: row["instances"] for row in series}
    uids = [row["uid"] for row in series]
    found = select_in(cursor, _COUNT.format(condition), uids, params)
    counted = {row["series_uid"]: row["instances"] for row in found}
    return {row["uid"]: counted.get(row["uid"], 0) for row in series}


@frozen
class _Piece:
    """The part of a series that is on the page: all of its instances, or some of those that match."""

    series_uid: SeriesUID
    is_whole: bool
    offset: int
    limit: int


def _pieces(counts: Mapping[SeriesUID, int], query: InstanceQuery) -> Iterator[_Piece]:
    ends = accumulate(counts.values())
    for (uid, count), end in zip(counts.items(), ends, strict=True):
        first = max(query.offset, end - count)
        last = min(query.offset + query.limit, end)
        if first < last:
            yield _Piece(uid, last - first == count, first - (end - count), last - first)


def _rows_of(cursor: Cursor, pieces: Collection[_Piece], query: InstanceQuery) -> Iterable[Row]:
    """The rows of the pieces in order. At most the first and the last piece are not whole series."""
    condition, params = _condition(query)
    together = () if condition else [piece.series_uid for piece in pieces if piece.is_whole]
    whole = instances(cursor, together)
    found: list[Row] = []
    for piece in pieces:
        if piece.series_uid in whole:
            found += sorted_rows(whole[piece.series_uid], by_number)
        else:
            page = [piece.series_uid, *params, piece.limit, piece.offset]
            cursor.execute(_PAGE.format(condition), page)
            found += cursor.fetchall()
    return found


def _condition(query: InstanceQuery) -> tuple[str, list[Parameter]]:
    """The SQL condition of the filters, which follows another one, and its parameters."""
    condition, params = "", list[Parameter]()
    for column, wanted in (
        ("sop_instance_uid", query.uids),
        ("sop_class_uid", query.class_uids),
        ("number", None if query.number is None else [query.number]),
    ):
        if wanted is not None:
            condition += f" AND {column} IN ({','.join('?' * len(wanted))})"
            params += wanted
    return condition, params


def _found(row: Row, series: Row) -> FoundInstance:
    uids = {
        "00080018": element("UI", row["uid"]),
        "0020000D": element("UI", series["study_uid"]),
        "0020000E": element("UI", row["series_uid"]),
    }
    attributes = shown_attributes(attributes_of(row), _INSTANCE_ALWAYS, _INSTANCE_IF_KNOWN, uids)
    return FoundInstance(row["uid"], series, attributes)
