"""The formats of exports, and what pandas, polars and DuckDB read in them."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas
import polars
import pytest
from attrs import asdict
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from albumcore.testing import comments, series_uids, times
from albumcore_adapters.base.whole_file import whole_file
from albumcore_adapters.export.formats import FORMULA, ExportFormat, export_writer
from albumcore_adapters.export.tables import (
    ExportColumn,
    ExportedEntry,
    ExportedImage,
    ExportedRow,
    export_columns,
    export_values,
)
from blocks import ROOT

BY_TYPE: Mapping[str, st.SearchStrategy[Any]] = {
    "str": comments() | st.tuples(st.sampled_from(FORMULA), comments()).map("".join),
    "int": st.integers(-(2**63), 2**63 - 1),
    "bool": st.booleans(),
    "datetime": times(),
    "tuple[str, ...]": st.lists(series_uids(), max_size=3).map(tuple),
}
Table = type[ExportedEntry] | type[ExportedImage]


def rows_of(table: Table) -> st.SearchStrategy[list[ExportedRow]]:
    """Any rows of a table."""
    values = {
        one.name: st.none() | BY_TYPE[one.type] if one.is_optional else BY_TYPE[one.type]
        for one in export_columns(table)
    }
    return st.lists(st.builds(table, **values), max_size=5)


tables = pytest.mark.parametrize("table", [ExportedEntry, ExportedImage])


def written(form: ExportFormat, table: Table, rows: Sequence[ExportedRow]) -> bytes:
    """The rows in a format."""
    file, columns = io.BytesIO(), export_columns(table)
    export_writer(form)(file, columns, (export_values(row, columns, None) for row in rows))
    return file.getvalue()


def value_of(column: ExportColumn, cell: str) -> Any:
    """The value of a cell of CSV."""
    read: Mapping[str, Callable[[str], Any]] = {
        "str": lambda text: text.removeprefix("'"),
        "int": int,
        "bool": {"true": True, "false": False}.__getitem__,
        "datetime": datetime.fromisoformat,
        "tuple[str, ...]": lambda text: tuple(text.split()),
    }
    return None if column.is_optional and not cell else read[column.type](cell)


@tables
@given(data=st.data())
def test_csv_says_what_the_rows_say(table: Table, data: st.DataObject) -> None:
    """An apostrophe at the beginning of a text is to be left out; no text begins as a formula does."""
    rows, columns = data.draw(rows_of(table)), export_columns(table)
    text = io.StringIO(written("csv", table, rows).decode(), newline="")
    header, *lines = csv.reader(text, strict=True)
    assert header == [one.name for one in columns]
    for row, line in zip(rows, lines, strict=True):
        pairs = [*zip(columns, line, strict=True)]
        assert {one.name: value_of(one, cell) for one, cell in pairs} == asdict(row)
        texts = [cell for one, cell in pairs if one.type == "str"]
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in texts)


@tables
@given(data=st.data())
def test_json_lines_say_what_the_rows_say(table: Table, data: st.DataObject) -> None:
    """Each line is one object, with its keys in the order of the columns."""
    rows, columns = data.draw(rows_of(table)), export_columns(table)
    lines = written("jsonl", table, rows).splitlines()
    for row, line in zip(rows, lines, strict=True):
        found = json.loads(line)
        assert [*found] == [one.name for one in columns]
        for one in columns:
            if one.type == "datetime":
                found[one.name] = datetime.fromisoformat(found[one.name])
            elif one.type == "tuple[str, ...]":
                found[one.name] = tuple(found[one.name])
        assert found == asdict(row)


@tables
@given(data=st.data())
def test_parquet_says_what_the_rows_say(table: Table, data: st.DataObject) -> None:
    """In the types of the columns, and with nulls where values may be missing alone."""
    rows = data.draw(rows_of(table))
    found = parquet.read_table(io.BytesIO(written("parquet", table, rows)))
    assert found.to_pylist() == [asdict(row, value_serializer=_as_list) for row in rows]
    assert [(one.name, one.nullable) for one in found.schema] == [
        (one.name, one.is_optional) for one in export_columns(table)
    ]


def _as_list(_: object, __: object, value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def test_parquet_is_written_in_groups() -> None:
    """Of 10,000 rows: they are not in memory together."""
    row = ExportedImage(
        patient_id="7",
        image_id="63",
        recorded_at=datetime(2026, 3, 14, tzinfo=UTC),
        source="tscharts-1",
        clinic=None,
        station=3,
        type="Xray",
        media_type="image/png",
        size=5,
        digest="ab" * 32,
        is_removed=False,
    )
    found = parquet.ParquetFile(io.BytesIO(written("parquet", ExportedImage, [row] * 20_001)))
    groups = [found.metadata.row_group(number).num_rows for number in range(3)]
    assert groups == [10_000, 10_000, 1]


# Readers

AT = datetime(2026, 3, 14, 12, 0, 0, 250_000, UTC)
ROWS = (
    ExportedEntry(
        *("A1", 3, AT, "Comment", None, "alice", None, None, "bob", True),
        *(None, (), None, None, False, False, "Look — at “this”, and\nthat"),
    ),
    ExportedEntry(
        *("A1", 4, AT.replace(microsecond=0), "Mutation", "REMOVE_STUDY", "bob", "t", "p", None),
        *(False, "1.2.3", ("1.2.3.1", "1.2.3.2"), None, 2, False, False, None),
    ),
)
Read = Callable[[Path], tuple[Mapping[str, str], list[dict[str, Any]]]]


def _by_pandas(path: Path) -> tuple[Mapping[str, str], list[dict[str, Any]]]:
    frame = pandas.read_parquet(path, dtype_backend="pyarrow")
    rows = [
        {name: None if value is pandas.NA else value for name, value in row.items()}
        for row in frame.to_dict("records")
    ]
    return {name: str(one) for name, one in frame.dtypes.items()}, rows


def _by_polars(path: Path) -> tuple[Mapping[str, str], list[dict[str, Any]]]:
    frame = polars.read_parquet(path)
    return {name: str(one) for name, one in frame.schema.items()}, frame.to_dicts()


def _by_duckdb(path: Path) -> tuple[Mapping[str, str], list[dict[str, Any]]]:
    # Without quotes: no column is called as a keyword.
    names = ", ".join(one.name for one in export_columns(ExportedEntry))
    with duckdb.connect() as connection:
        found = connection.sql(f"SELECT {names} FROM '{path}'")
        types = dict(zip(found.columns, map(str, found.types), strict=True))
        return types, [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (
            _by_pandas,
            {
                "str": "string[pyarrow]",
                "int": "int64[pyarrow]",
                "bool": "bool[pyarrow]",
                "datetime": "timestamp[us, tz=UTC][pyarrow]",
                "tuple[str, ...]": "list<element: string>[pyarrow]",
            },
        ),
        (
            _by_polars,
            {
                "str": "String",
                "int": "Int64",
                "bool": "Boolean",
                "datetime": "Datetime(time_unit='us', time_zone='UTC')",
                "tuple[str, ...]": "List(String)",
            },
        ),
        (
            _by_duckdb,
            {
                "str": "VARCHAR",
                "int": "BIGINT",
                "bool": "BOOLEAN",
                "datetime": "TIMESTAMP WITH TIME ZONE",
                "tuple[str, ...]": "VARCHAR[]",
            },
        ),
    ],
)
def test_parquet_is_read_with_its_types(
    read: Read, expected: Mapping[str, str], tmp_path: Path
) -> None:
    """Times in UTC, integers that may be missing, and lists, by pandas, polars and DuckDB."""
    path = tmp_path / "feed.parquet"
    path.write_bytes(written("parquet", ExportedEntry, ROWS))
    types, rows = read(path)
    assert types == {one.name: expected[one.type] for one in export_columns(ExportedEntry)}
    found = [row | {"series_uids": tuple(row["series_uids"])} for row in rows]
    assert found == [asdict(row) for row in ROWS]


# Files


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    """Of its owner alone; after an error, what was there before is there."""
    path = tmp_path / "out"
    with whole_file(path) as file:
        file.write(b"first")
        assert not path.exists()
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"first", 0o600)
    with suppress(ValueError), whole_file(path) as file:
        file.write(b"second")
        raise ValueError("broken")
    assert [one.read_bytes() for one in tmp_path.iterdir()] == [b"first"]


# The page


def test_the_page_has_every_column() -> None:
    """In their order, with their types, and with what has a pseudonym."""
    words = {
        "str": "text",
        "int": "integer",
        "bool": "boolean",
        "datetime": "time",
        "tuple[str, ...]": "list of texts",
    }
    page = (ROOT / "docs" / "how-to" / "export-for-research.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ([\w ]+) \| (?:`([\w ]+)`)? ?\| ", page, re.MULTILINE)
    assert rows == [
        (one.name, words[one.type] + " or null" * one.is_optional, one.identifies or "")
        for table in (ExportedEntry, ExportedImage)
        for one in export_columns(table)
    ]
