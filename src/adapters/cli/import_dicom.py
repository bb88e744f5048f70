"""`albumcore import-dicom`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from adapters.cli.base import Data, Failed, app, opened, settings_of
from adapters.progress import progress_of
from albumcore.ids import user_id


@app.command(name="import-dicom")
def import_dicom(
    *paths: Annotated[Path, Parameter(help="DICOM files, and folders of them.")],
    owner: Annotated[str, Parameter(help="The sub of the person whose inbox receives them.")],
    data: Data = None,
) -> None:
    """Read DICOM files into the catalogue and the owner's inbox. What is not DICOM is named and passed over.

    Example: albumcore import-dicom --owner alice /media/cdrom
    """
    from adapters.dicom import import_files  # a service has no use for it, and it takes memory

    if not paths:
        raise Failed("import-dicom needs at least one file or folder", 2)
    with opened(settings_of(data)) as deployment, progress_of("reading files") as progress:
        person = deployment.people.register(user_id(owner))
        seen = iter(range(1, sys.maxsize))
        report = import_files(
            deployment.catalogue,
            person.sub,
            paths,
            lambda path: progress(next(seen)),
            deployment.settings.max_inflated,
        )
    for refused in report.refused:
        # A name may hold line breaks, control sequences of terminals, and bytes that are not UTF-8.
        print(f"passed over: {str(refused.path)!r}: {refused.reason}")
    print(
        f"{report.instances} instances in {report.series} series of {report.studies} studies; "
        f"{len(report.refused)} passed over"
    )
