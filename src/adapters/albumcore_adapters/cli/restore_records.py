"""`albumcore restore-image` and `albumcore restore-patient`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from albumcore import Source
from albumcore.ids import ImageId, PatientId
from albumcore_adapters.access.restoring import bring_image_back, bring_patient_back
from albumcore_adapters.cli.base import DataOption, app
from albumcore_adapters.cli.opening import existing, user_with_sub

_ByOption = Annotated[
    str, Parameter(name="--by", help="The user, or `tscharts-` and the number of the account.")
]


@app.command(name="restore-image")
def restore_removed_image(
    image: Annotated[int, Parameter(help="The image id.")],
    /,
    *,
    by: _ByOption,
    data: DataOption = None,
) -> None:
    """Restore a removed image, within ALBUMCORE_RESTORE_WITHIN days of its removal.

    For example:

        albumcore restore-image 63 --by tscharts-1
    """
    with existing(data) as service:
        since = service.settings.restorable_since(service.clock())
        source = Source(user_with_sub(service.people, by))
        bring_image_back(service.albums, service.image_bytes, source, ImageId(image), since)


@app.command(name="restore-patient")
def restore_deleted_patient(
    patient: Annotated[int, Parameter(help="The patient id.")],
    /,
    *,
    by: _ByOption,
    data: DataOption = None,
) -> None:
    """Restore a deleted patient with their images, within ALBUMCORE_RESTORE_WITHIN days of the deletion.

    For example:

        albumcore restore-patient 7 --by tscharts-1
    """
    with existing(data) as service:
        since = service.settings.restorable_since(service.clock())
        source = Source(user_with_sub(service.people, by))
        bring_patient_back(service.albums, service.patients, source, PatientId(patient), since)
