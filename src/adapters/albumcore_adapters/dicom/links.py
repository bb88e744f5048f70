"""The links to bulk data in the JSON of a header, which are stored without the address of the service."""

from __future__ import annotations

import orjson

LINK_ROOT = b"\x01"
"""What each link begins with in a stored header: a byte that JSON text never contains."""


def with_root(header: bytes, root: str) -> bytes:
    """Return the JSON of a header, or of several, with the links beginning with ``root``.

    Args:
        header: The JSON, or several joined.
        root: The address that ``/studies/...`` follows.
    """
    return header.replace(LINK_ROOT, orjson.dumps(root)[1:-1])


def bulk_link(study_uid: str, series_uid: str, sop_instance_uid: str) -> bytes:
    """Return how the links to the bulk data of an instance begin; the path of the bulk data follows.

    Args:
        study_uid: StudyInstanceUID, (0020,000D).
        series_uid: SeriesInstanceUID, (0020,000E).
        sop_instance_uid: SOPInstanceUID, (0008,0018).
    """
    path = f"/studies/{study_uid}/series/{series_uid}/instances/{sop_instance_uid}/bulkdata/"
    return LINK_ROOT + path.encode()
