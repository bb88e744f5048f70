"""Byte sources: bytes of a known length, of which any range can be read."""

from __future__ import annotations

import io
import os
from typing import Any, Protocol

from attrs import field, frozen


class ByteSource(Protocol):
    """Bytes of a known length, such as a stored file, of which any range can be read."""

    @property
    def length(self) -> int:
        """Their number."""
        ...

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from ``start`` to before ``stop``, counted from 0.

        Raises:
            ValueError: there is no such range.
        """
        ...


@frozen
class BytesSource:
    """Bytes in memory as a byte source."""

    content: bytes | bytearray = field(default=b"", repr=False)

    @property
    def length(self) -> int:
        """Their number."""
        return len(self.content)

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from ``start`` to before ``stop``."""
        return bytes(self.content[start:stop])


class SourceFile(io.RawIOBase):
    """A byte source as a file that is read and sought in, but not written.

    Every read reads the source: wrap it in an `io.BufferedReader` for many small ones.
    """

    def __init__(self, source: ByteSource) -> None:
        super().__init__()
        self._source = source
        self._place = 0

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def seekable(self) -> bool:
        """Return that it can be sought in."""
        return True

    def tell(self) -> int:
        """Return the number of the next byte."""
        return self._place

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move to a byte, by its distance from the begin, the present place or the end, and return its number.

        Raises:
            ValueError: it is before the begin.
        """
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._source.length}
        place = origin[whence] + offset
        if place < 0:
            raise ValueError(f"byte {place} is before the begin")
        self._place = place
        return place

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next bytes: so many, or all, and fewer at the end."""
        length = self._source.length
        start = min(self._place, length)
        stop = length if size is None or size < 0 else min(start + size, length)
        content = self._source.read(start, stop)
        self._place += len(content)
        return content

    def readall(self) -> bytes:
        """Return all bytes to the end."""
        return self.read()

    def readinto(self, target: Any, /) -> int:
        """Read the next bytes into memory, and return their number."""
        content = self.read(len(target))
        target[: len(content)] = content
        return len(content)
