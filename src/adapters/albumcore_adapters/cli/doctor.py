"""`albumcore doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from attrs import asdict
from cyclopts import Parameter

from albumcore import utc_now
from albumcore_adapters.cli.base import DataOption, Failed, JsonOption, app, print_json
from albumcore_adapters.cli.opening import existing, settings_of
from albumcore_adapters.directory.operator_notes import note_secret
from albumcore_adapters.doctor.database import Workers
from albumcore_adapters.doctor.examination import examine
from albumcore_adapters.doctor.findings import Check
from albumcore_adapters.server.serve import THREADS
from albumcore_adapters.service import STORING_THREADS
from albumcore_adapters.sql.database import MOST_CONNECTIONS

_MARKS = {"fine": "ok", "problem": "PROBLEM", "left out": "left out"}


@app.command
def doctor(
    *,
    backups: Annotated[
        Path | None,
        Parameter(help="A directory of backups, besides those that `albumcore backup` notes."),
    ] = None,
    without: Annotated[
        tuple[Check, ...], Parameter(negative=(), help="A check to leave out; it may be repeated.")
    ] = (),
    accept_secret: Annotated[
        bool,
        Parameter(
            negative=(),
            help="Have the other machines compared with the secret of this one, which was replaced on purpose.",
        ),
    ] = False,
    json: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Examine the disk, permissions, the database, clocks, keys, connections, the identity provider and backups.

    Each finding is a sentence, and that of a problem says what to do. The status is 1 if a problem is found. Nothing
    is changed, and the service may run meanwhile.

    For example:

        albumcore doctor --data /srv/albumcore --backups /backup
    """
    settings = settings_of(data)
    if accept_secret:
        with existing(data) as service:
            note_secret(service.database, service.secret)
    workers = Workers(settings.workers, THREADS + STORING_THREADS, MOST_CONNECTIONS)
    found = examine(settings, workers, clock=utc_now, backups=backups, without=without)
    problems = sum(finding.verdict == "problem" for finding in found)
    if json:
        print_json({"problems": problems, "findings": [asdict(finding) for finding in found]})
    else:
        for finding in found:
            print(f"{_MARKS[finding.verdict]}: {finding.check}: {finding.sentence}")
    if problems:
        raise Failed(f"{problems} problem{'s' * (problems > 1)} found", 1)
