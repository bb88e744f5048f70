"""Files with a deflated data set (DICOM PS3.5 section A.5), which a few bytes can make very long."""

from __future__ import annotations

import os
import zlib
from io import BufferedReader, FileIO
from pathlib import Path

MAX_INFLATED = 64 * 1024 * 1024
"""How much longer than its file a deflated data set may be, in bytes, where nothing else is said."""

_INFLATED_AT_ONCE = 64 * 1024


class InflatesTooFar(Exception):
    """A deflated data set is too long; the text says how long it may be."""


class BoundedReader(BufferedReader):
    """A file, from which a deflated data set is read only if it is not too long when it is inflated.

    pydicom reads to the end of a file for one purpose alone: to inflate all of that at once.

    Args:
        path: The file.
        max_inflated: How much longer than the file the data set may be, in bytes.
    """

    def __init__(self, path: Path, max_inflated: int) -> None:
        super().__init__(FileIO(path))
        self._max_inflated = max_inflated

    def read(self, size: int | None = -1, /) -> bytes:
        """Read so many bytes; or all the rest, which is then deflated.

        Raises:
            InflatesTooFar: inflated, the rest is too long.
            zlib.error: it is not deflated.
        """
        content = super().read(size)
        if size is None or size < 0:
            most = os.fstat(self.fileno()).st_size + self._max_inflated
            if _inflates_beyond(most, content):
                more = f"inflated, it is more than {self._max_inflated} bytes longer than the file"
                raise InflatesTooFar(more)
        return content


def _inflates_beyond(most: int, content: bytes) -> bool:
    """Whether a raw deflate stream (RFC 1951) is longer than so many bytes, found without keeping any of it."""
    inflater, length = zlib.decompressobj(-zlib.MAX_WBITS), 0
    for start in range(0, len(content), _INFLATED_AT_ONCE):
        piece = content[start : start + _INFLATED_AT_ONCE]
        # At the end of the stream, what follows it stays unconsumed for good.
        while piece and length <= most and not inflater.eof:
            length += len(inflater.decompress(piece, _INFLATED_AT_ONCE))
            piece = inflater.unconsumed_tail
    return length > most
