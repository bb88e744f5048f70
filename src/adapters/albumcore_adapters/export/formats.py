"""The formats of an export: what writes rows as CSV, as JSON lines, or as Parquet."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from io import TextIOWrapper
from typing import Any, BinaryIO, Literal, TypeAlias

import orjson

from albumcore.opening import MissingExtra
from albumcore_adapters.base.time_texts import exact_text
from albumcore_adapters.export.tables import ExportColumn

ExportFormat: TypeAlias = Literal["csv", "jsonl", "parquet"]
WriteRows: TypeAlias = Callable[
    [BinaryIO, Sequence[ExportColumn], Iterable[Mapping[str, Any]]], None
]
"""Writes rows, which are values by column, into a file that stays open."""

FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
"""A text in CSV that begins with one of these has an apostrophe before it, so that no spreadsheet runs it."""


def export_writer(form: ExportFormat) -> WriteRows:
    """What writes a format.

    Raises:
        MissingExtra: it is Parquet, and the extra ``export`` is not installed.
    """
    if form != "parquet":
        return _WRITERS[form]
    try:
        # Imported here: it takes long, and more memory than all the rest.
        from albumcore_adapters.export.parquet import write_parquet
    except ModuleNotFoundError as error:
        raise MissingExtra("Parquet needs more: pip install 'albumcore[export]'") from error
    return write_parquet


def write_csv(
    file: BinaryIO, columns: Sequence[ExportColumn], rows: Iterable[Mapping[str, Any]]
) -> None:
    """Write CSV (RFC 4180) in UTF-8, with a line of the names of columns; a value that is missing is empty."""
    text = TextIOWrapper(file, "utf-8", newline="")
    try:
        writer = csv.writer(text)
        writer.writerow([column.name for column in columns])
        writer.writerows(map(_cell, row.values()) for row in rows)
    finally:
        text.detach()  # or the file would be closed; it flushes


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime():
            return exact_text(value)
        case tuple():
            return " ".join(value)
        case str():
            return f"'{value}" if value.startswith(FORMULA) else value
        case _:
            return str(value)


def write_jsonl(
    file: BinaryIO, columns: Sequence[ExportColumn], rows: Iterable[Mapping[str, Any]]
) -> None:
    """Write one JSON object a line, with every column; a value that is missing is null."""
    for row in rows:
        file.write(orjson.dumps(row, exact_text, orjson.OPT_PASSTHROUGH_DATETIME))
        file.write(b"\n")


_WRITERS: Mapping[str, WriteRows] = {"csv": write_csv, "jsonl": write_jsonl}
