"""`albumcore undo`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from albumcore import Source
from albumcore.errors import ChangedSince
from albumcore.ids import ReportProviderId, album_id
from albumcore_adapters.access.taking_back import take_back
from albumcore_adapters.cli.base import DataOption, Failed, app
from albumcore_adapters.cli.opening import existing, user_with_sub
from albumcore_adapters.identity.callers import Caller

_PROVIDER_ID_LENGTH = 22


@app.command(name="undo")
def undo_event(
    album: Annotated[str, Parameter(help="The album id.")],
    version: Annotated[int, Parameter(help="The version of the event; `albumcore events` has it.")],
    /,
    *,
    by: Annotated[str, Parameter(help="The sub of the user who takes it back.")],
    data: DataOption = None,
) -> None:
    """Take back an event of an album, in the name of a user who has the permission for it.

    Print the versions of the events that this records; none if the event was taken back before. The service may run
    meanwhile.

    For example:

        albumcore undo Q7bZ2mP0xT 12 --by alice
    """
    with existing(data) as service:
        caller = Caller(Source(user_with_sub(service.people, by)), in_person=True)
        provider = ReportProviderId(service.make_id(_PROVIDER_ID_LENGTH))
        try:
            recorded = take_back(
                service.holdings, service.people, caller, album_id(album), version, provider
            )
        except ChangedSince as error:
            is_known = error.version is not None
            since = f": version {error.version}, {error.mutation_type}" if is_known else ""
            raise Failed(f"{error.detail}{since}", 2) from error
    for one in recorded:
        print(one.version)
