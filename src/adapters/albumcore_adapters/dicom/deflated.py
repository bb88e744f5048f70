"""Files with a deflated data set (DICOM PS3.5 section A.5), protected against decompression bombs."""

from __future__ import annotations

import os
import zlib
from io import DEFAULT_BUFFER_SIZE, BufferedReader, BytesIO, RawIOBase

MAX_INFLATED = 64 * 1024 * 1024
"""The default of how much longer than its file a deflated data set may be, in bytes."""

_INFLATED_AT_ONCE = 64 * 1024


class InflatedTooLong(Exception):
    """A deflated data set is longer than permitted; the message names the limit."""


class BoundedReader(BufferedReader):
    """A file that refuses to return a deflated data set that is too long when inflated.

    pydicom reads to the end of a file only to inflate the whole rest at once, so such a read is checked.

    Args:
        file: The file.
        max_inflated: How much longer than the file the data set may be, in bytes.
        buffer_size: How much is read at once of what is read in pieces, in bytes.
    """

    def __init__(
        self, file: RawIOBase, max_inflated: int, buffer_size: int = DEFAULT_BUFFER_SIZE
    ) -> None:
        super().__init__(file, buffer_size)
        self._max_inflated = max_inflated
        self._rest = b""

    @property
    def name(self) -> str:
        """No name: a source of bytes has none, and pydicom asks for it."""
        return ""

    def read(self, size: int | None = -1, /) -> bytes:
        """Read ``size`` bytes; or the whole rest of the file, a deflated data set.

        Raises:
            InflatedTooLong: the rest is too long when inflated.
            zlib.error: the rest is not deflated.
        """
        if size is not None and size >= 0:
            return BufferedReader.read(
                self, size
            )  # some 500 times for a header, so without super()
        content = BufferedReader.read(self)
        most = self.seek(0, os.SEEK_END) + self._max_inflated
        if _inflates_beyond(most, content):
            more = f"inflated, it is more than {self._max_inflated} bytes longer than the file"
            raise InflatedTooLong(more)
        self._rest = content
        return content

    def inflated(self) -> BytesIO:
        """Return the data set that was read last, inflated, as a file.

        Raises:
            zlib.error: it is truncated.
        """
        return BytesIO(zlib.decompress(self._rest, -zlib.MAX_WBITS))


def _inflates_beyond(most: int, content: bytes) -> bool:
    """Whether a raw deflate stream (RFC 1951) is longer than ``most`` bytes when inflated; uses constant memory."""
    inflater, length = zlib.decompressobj(-zlib.MAX_WBITS), 0
    for start in range(0, len(content), _INFLATED_AT_ONCE):
        piece = content[start : start + _INFLATED_AT_ONCE]
        # After the end of the stream, the rest is never consumed.
        while piece and length <= most and not inflater.eof:
            length += len(inflater.decompress(piece, _INFLATED_AT_ONCE))
            piece = inflater.unconsumed_tail
    return length > most
