"""Byte sources: content of a known length that is read by ranges, and a file over one."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class ByteSource(Protocol):
    """Content that is read by ranges, wherever it is stored."""

    @property
    def length(self) -> int:
        """The length of the content, in bytes."""
        ...

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from ``start`` to before ``stop``, with 0 <= start <= stop <= length."""
        ...


class SourceFile(io.RawIOBase):
    """A seekable file, open for reading, over a byte source. Its position belongs to one thread."""

    def __init__(self, source: ByteSource) -> None:
        super().__init__()
        self._source = source
        self._position = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position, in bytes from the start."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move the position, which may be beyond the end.

        Raises:
            ValueError: the position would be before the start.
        """
        bases = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._source.length}
        position = bases[whence] + offset
        if position < 0:
            raise ValueError("the position is before the start")
        self._position = position
        return position

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read bytes into the buffer; return how many, which is 0 at the end."""
        view = memoryview(buffer).cast("B")
        start = min(self._position, self._source.length)
        content = self._source.read(start, min(start + len(view), self._source.length))
        view[: len(content)] = content
        self._position += len(content)
        return len(content)
