"""`albumcore export`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from cyclopts import Parameter

from albumcore.ids import AlbumId, PatientId
from albumcore.past import past_time
from albumcore_adapters.base.progress import ReportProgress, progress_of
from albumcore_adapters.base.secret import load_pseudonym_key
from albumcore_adapters.base.whole_file import whole_file
from albumcore_adapters.cli.base import DataOption, Failed, app
from albumcore_adapters.cli.opening import existing
from albumcore_adapters.export.formats import ExportFormat, export_writer
from albumcore_adapters.export.reading import ExportSource, exported_entries, exported_images
from albumcore_adapters.export.tables import (
    ExportedEntry,
    ExportedImage,
    ExportedRow,
    export_columns,
    export_values,
)

_What: TypeAlias = Annotated[
    Literal["feed", "images"],
    Parameter(help="The entries of the feeds of albums, or the images of patients."),
]
_Format: TypeAlias = Annotated[ExportFormat, Parameter(help="Parquet needs the extra `export`.")]
_Out: TypeAlias = Annotated[
    Path | None, Parameter(help="The file to write, or to replace; standard output by default.")
]
_KeyFile: TypeAlias = Annotated[
    Path | None, Parameter(help="Write pseudonyms, made with the 32 random bytes of this file.")
]
_Identified: TypeAlias = Annotated[
    bool, Parameter(negative=(), help="Write the ids of people, patients and studies as they are.")
]
_Texts: TypeAlias = Annotated[
    bool, Parameter(negative=(), help="Write the texts of comments, which may name people.")
]
_Albums: TypeAlias = Annotated[
    tuple[str, ...], Parameter(negative=(), help="Only this album; it may be repeated.")
]
_Patients: TypeAlias = Annotated[
    tuple[int, ...], Parameter(negative=(), help="Only this patient; it may be repeated.")
]
_At: TypeAlias = Annotated[
    str | None,
    Parameter(
        help="As of this time, in ISO 8601, or the end of this second if it has no fraction; UTC by default."
    ),
]


@app.command
def export(
    *,
    what: _What,
    format: _Format,  # noqa: A002 - the word of the option
    out: _Out = None,
    key_file: _KeyFile = None,
    identified: _Identified = False,
    texts: _Texts = False,
    album: _Albums = (),
    patient: _Patients = (),
    at: _At = None,
    data: DataOption = None,
) -> None:
    """Export a table for research: a row for each entry of the feeds, or for each image of the patients.

    One of --key-file and --identified is needed. The service may run meanwhile: what is exported is of one moment, and
    the same store, options and key give the same bytes. A file appears when it is whole.

    For example:

        albumcore export --what feed --format parquet --key-file /srv/research.key --out feed.parquet
        albumcore export --what images --format csv --identified --patient 7
    """
    is_feed = what == "feed"
    if (key_file is None) is not identified:
        raise Failed("export needs one of --key-file, for pseudonyms, and --identified", 2)
    if patient if is_feed else album or texts:
        raise Failed("--album and --texts are for --what feed, and --patient for --what images", 2)
    if format == "parquet" and out is None:
        raise Failed("Parquet is written to a file: --out names it", 2)
    key = None if key_file is None else load_pseudonym_key(key_file)
    write = export_writer(format)
    with (
        existing(data) as service,
        service.database.read_snapshot(),
        nullcontext(sys.stdout.buffer) if out is None else whole_file(out) as file,
        progress_of("exporting") as progress,
    ):
        moment = None if at is None else past_time(at, service.clock)
        source = ExportSource(service.albums, service.database, service.people, moment, key)
        rows: Iterable[ExportedRow] = (
            exported_entries(source, map(AlbumId, album), texts=texts)
            if is_feed
            else exported_images(source, map(PatientId, patient))
        )
        columns = export_columns(ExportedEntry if is_feed else ExportedImage)
        counted = _counted(rows, progress)
        write(file, columns, (export_values(row, columns, key) for row in counted))


def _counted(rows: Iterable[ExportedRow], progress: ReportProgress) -> Iterator[ExportedRow]:
    for number, row in enumerate(rows, 1):
        progress(number)
        yield row
