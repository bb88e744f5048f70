"""`albumcore fetch`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from albumcore.ids import series_uid, study_uid
from albumcore.kernel import Source
from albumcore_adapters.base.progress import progress_of
from albumcore_adapters.cli.base import DataOption, Failed, JsonOption, app, print_json
from albumcore_adapters.cli.opening import existing


@app.command
def fetch(
    study: Annotated[str, Parameter(help="The StudyInstanceUID of a study in the archive.")],
    /,
    *series: Annotated[
        str, Parameter(help="SeriesInstanceUIDs of it; all that the archive has, without any.")
    ],
    owner: Annotated[str, Parameter(help="The sub of the person whose inbox receives them.")],
    json: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Add a study of the existing archive (ALBUMCORE_PACS_URL) to the catalogue, and to a person's inbox.

    Its images stay in the archive; each is read once, to know its attributes. What is known already is read again, and
    renewed if it changed. The service may run meanwhile.

    For example:

        albumcore fetch --owner alice 1.2.840.113619.2.1
    """
    uids = [series_uid(uid) for uid in series]
    uid = study_uid(study)
    with existing(data) as service, progress_of("reading instances") as progress:
        archive = service.series_fetcher.archive
        if archive is None:
            raise Failed("ALBUMCORE_PACS_URL names no archive", 2)
        wanted = uids or archive.series_of(uid)
        user = service.people.register(owner)
        found = service.series_fetcher.fetch(uid, wanted, Source(user.id), user.id, progress)
    if json:
        print_json(
            {
                "series": len(wanted),
                "instances": found.instances,
                "known": found.known,
                "passed_over": found.passed_over,
            }
        )
        return
    for line in found.passed_over:
        print(f"passed over: {line}")
    print(
        f"{found.instances} instances in {len(wanted)} series were added or renewed; "
        f"{found.known} were known; {len(found.passed_over)} passed over"
    )
