"""What a path of DICOMweb names: the series that the caller may have of it, and the addresses of instances."""

from __future__ import annotations

from albumcore.ids import SeriesUID
from albumcore_adapters.access.images import ImageAccess, ReadingRule
from albumcore_adapters.directory.stored_instances import StoredInstance
from albumcore_adapters.http.kheops.places import place_of
from albumcore_adapters.http.kheops.request import ApiRequest


def addressed_series(
    request: ApiRequest, access: ImageAccess, rule: ReadingRule
) -> frozenset[SeriesUID]:
    """The series that a path names, or those of the study that it names, as far as a rule admits the caller.

    Args:
        request: The request. Its query may name an album, or the inbox.
        access: What the rule depends on.
        rule: `albumcore_adapters.access.images.viewable` or ``downloadable``, which has the errors.
    """
    series = request.series if "series" in request.path else None
    return rule(access, request.caller, place_of(request, access.holdings), request.study, series)


def instance_url(root: str, instance: StoredInstance) -> str:
    """The address of an instance, below a root."""
    return (
        f"{root}/studies/{instance.study_uid}/series/{instance.series_uid}"
        f"/instances/{instance.sop_instance_uid}"
    )
