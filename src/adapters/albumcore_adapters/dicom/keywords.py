"""Names of attributes: their keywords and tags (DICOM PS3.6)."""

from __future__ import annotations

import re

_TAG = re.compile("[0-9A-Fa-f]{8}")


def tag_named(word: str) -> str | None:
    """Return the tag of an attribute in eight hexadecimal digits, by its keyword or its tag; None if it has no such."""
    if _TAG.fullmatch(word):
        return word.upper()
    # Imported when it is needed: pydicom, with numpy, takes more memory than all else in a worker.
    from pydicom.datadict import tag_for_keyword

    tag = tag_for_keyword(word)
    return None if tag is None else f"{tag:08X}"
