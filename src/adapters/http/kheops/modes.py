"""What differs between the two ways of answering, ``documented`` and ``upstream``: one row each, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from adapters.http.auth import Unauthorized
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
        unknown_subject: How a sound JWT of somebody nobody knows is refused.
    """

    series_in_study: bool
    report: str
    provider_id: str
    admin_behind_provider: bool
    unknown_subject: type[UserNotFound | Unauthorized]

    def shown_as(self, mutation: str) -> str:
        """The name on the wire of a mutation."""
        return self.report if mutation == "NEW_REPORT" else mutation


MODES: Mapping[Compat, Mode] = {
    "documented": Mode(
        series_in_study=False,
        report="NEW_REPORT",
        provider_id="id",
        admin_behind_provider=False,
        unknown_subject=UserNotFound,
    ),
    "upstream": Mode(
        series_in_study=True,
        report="IMPORT_SERIES",
        provider_id="client_id",
        admin_behind_provider=True,
        unknown_subject=Unauthorized,
    ),
}
"""By the value of the ``compat`` setting."""
