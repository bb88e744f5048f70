"""The links to bulk data in the JSON of a header, which is stored before it is known where clients reach the service."""

from __future__ import annotations

import orjson

LINK_ROOT = "\x01"
"""What begins each link until it is known where clients reach the service: JSON text never contains it."""


def with_root(header: bytes, root: str) -> bytes:
    """Return the JSON of a header, or of several, with the links beginning with ``root``.

    Args:
        header: The JSON, or several joined.
        root: The address that ``/studies/...`` follows.
    """
    return header.replace(LINK_ROOT.encode(), orjson.dumps(root)[1:-1])
