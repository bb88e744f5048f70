"""Parquet. It needs the extra ``export``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, BinaryIO

import pyarrow
from pyarrow import parquet

from albumcore_adapters.export.tables import ExportColumn

_GROUP = 10_000
"""Rows of a row group: they are in memory together."""

_TYPES: Mapping[str, Any] = {
    "str": pyarrow.string(),
    "int": pyarrow.int64(),
    "bool": pyarrow.bool_(),
    "datetime": pyarrow.timestamp("us", tz="UTC"),
    "tuple[str, ...]": pyarrow.list_(pyarrow.string()),
}


def write_parquet(
    file: BinaryIO, columns: Sequence[ExportColumn], rows: Iterable[Mapping[str, Any]]
) -> None:
    """Write Parquet, in row groups of at most 10,000 rows."""
    schema = pyarrow.schema(
        [pyarrow.field(one.name, _TYPES[one.type], one.is_optional) for one in columns]
    )
    rest = iter(rows)
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        while group := list(islice(rest, _GROUP)):
            writer.write_table(pyarrow.Table.from_pylist(group, schema))
