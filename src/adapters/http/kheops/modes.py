"""What differs between the two ways of answering, ``documented`` and ``upstream``: one row each, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from attrs import frozen

from adapters.http.auth import Unauthorized
from adapters.http.kheops.answers import local_time
from adapters.settings import Compat
from albumcore.errors import UserNotFound


@frozen
class Mode:
    """One way of answering.

    Attributes:
        series_in_study: Whether the series of a mutation stand inside its ``study``, each with whether it is in
            the album now, and on study mutations too; otherwise a series mutation has one ``series`` beside it.
        report: The name of the mutation that a report provider's upload shows as.
        provider_id: The key that holds the id of a report provider.
        admin_behind_provider: Whether ``is_admin`` is told of a source who acted through a report provider.
        in_whole_seconds: Whether ``post_date`` leaves the fraction of a second out, as every example of the
            documentation does.
        unknown_subject: How a sound JWT of somebody nobody knows is refused.
    """

    series_in_study: bool
    report: str
    provider_id: str
    admin_behind_provider: bool
    in_whole_seconds: bool
    unknown_subject: type[UserNotFound | Unauthorized]

    def shown_as(self, mutation: str) -> str:
        """The name on the wire of a mutation."""
        return self.report if mutation == "NEW_REPORT" else mutation

    def post_date(self, at: datetime) -> str:
        """When an event happened, as it is shown."""
        return local_time(at, in_whole_seconds=self.in_whole_seconds)


MODES: Mapping[Compat, Mode] = {
    "documented": Mode(
        series_in_study=False,
        report="NEW_REPORT",
        provider_id="id",
        admin_behind_provider=False,
        in_whole_seconds=True,
        unknown_subject=UserNotFound,
    ),
    "upstream": Mode(
        series_in_study=True,
        report="IMPORT_SERIES",
        provider_id="client_id",
        admin_behind_provider=True,
        in_whole_seconds=False,
        unknown_subject=Unauthorized,
    ),
}
"""By the value of the ``compat`` setting."""
