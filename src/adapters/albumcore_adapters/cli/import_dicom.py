"""`albumcore import-dicom`."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from albumcore import Source
from albumcore_adapters.access.images import upload_to
from albumcore_adapters.base.progress import progress_of
from albumcore_adapters.cli.base import (
    CreateOption,
    DataOption,
    Failed,
    JsonOption,
    app,
    print_json,
)
from albumcore_adapters.cli.opening import existing_or_created
from albumcore_adapters.identity.callers import Caller

if TYPE_CHECKING:
    from albumcore_adapters.dicom.files import ImportReport


@app.command(name="import-dicom")
def import_dicom(
    *paths: Annotated[Path, Parameter(help="DICOM files and folders.")],
    owner: Annotated[str, Parameter(help="The sub of the person whose inbox receives them.")],
    verbose: Annotated[
        bool,
        Parameter(
            name=("--verbose", "-v"), negative=(), help="List what is skipped, with the reasons."
        ),
    ] = False,
    headers_only: Annotated[
        bool,
        Parameter(
            name="--headers-only",
            negative=(),
            help="Store what the headers say, and not the files.",
        ),
    ] = False,
    json: JsonOption = False,
    create: CreateOption = False,
    data: DataOption = None,
) -> None:
    """Import DICOM files: they are stored, and their series are put into the owner's inbox. Other files are skipped.

    A file is also skipped if another file with its UID is stored, or if its series is held where the owner may not add
    to it. Skipped files are counted by reason. The status is 1 if one of the given paths cannot be read; the others are
    imported.

    For example:

        albumcore import-dicom --owner alice /media/cdrom
    """
    # Imported here: the service does not need it, and it takes memory.
    from albumcore_adapters.dicom.files import import_files
    from albumcore_adapters.instances.importing import import_instances

    if not paths:
        raise Failed("import-dicom needs at least one file or folder", 2)
    place = existing_or_created(data, create=create)
    with place as service, progress_of("reading files") as progress:
        user = service.people.register(owner)
        seen = iter(range(1, sys.maxsize))

        def show(path: Path) -> None:
            progress(next(seen))

        if headers_only:
            inflated = service.settings.max_inflated
            report = import_files(service.catalogue, user.id, paths, show, inflated)
        else:
            upload = upload_to(service.image_access, Caller(Source(user.id), in_person=True))
            report = import_instances(service.instance_store, upload, paths, show)
    if json:
        print_json(_as_json(report))
    else:
        _print(report, verbose=verbose)
    unread = [one for one in report.refused if one.unread and one.path in set(paths)]
    if unread:
        raise Failed("\n".join(f"{str(one.path)!r}: {one.reason}" for one in unread), 1)


def _as_json(report: ImportReport) -> dict[str, object]:
    counts = {name: getattr(report, name) for name in ("instances", "series", "studies")}
    passed_over = [{"path": str(one.path), "reason": one.reason} for one in report.refused]
    return {**counts, "passed_over": passed_over}


def _print(report: ImportReport, *, verbose: bool) -> None:
    if verbose:
        for refused in report.refused:
            # A name may contain line breaks, terminal control sequences, and bytes that are not UTF-8.
            print(f"passed over: {str(refused.path)!r}: {refused.reason}")
    else:
        for reason, count in Counter(one.reason for one in report.refused).most_common():
            print(f"{count} passed over: {reason}")
    left_out = f"{len(report.refused)} passed over"
    if report.refused and not verbose:
        left_out += "; -v names them"
    print(
        f"{report.instances} instances in {report.series} series of {report.studies} studies; {left_out}"
    )
