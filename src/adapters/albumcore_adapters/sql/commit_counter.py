"""A commit counter that all processes of a database share: whether anything was committed, without a system call."""

from __future__ import annotations

import mmap
import os

_BYTES = 16


class CommitCounter:
    """Two numbers in a small mapped file: of the last commit that began, and of the last one that ended.

    While both are equal and unchanged, nothing was committed. To ask SQLite for that takes several system calls.
    After a commit that failed, or whose process ended in the middle of it, they differ, and nothing is known until
    the next commit.

    Args:
        file: The path; made if it does not exist, for its owner alone. Its content means nothing once no process has
            it open.

    Raises:
        OSError: it cannot be opened for writing.
    """

    def __init__(self, file: str) -> None:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            # Written, not extended by truncation: on a full disk, touching a page that has no place on it would end
            # the process. Appended, so that what another process has begun to use stays as it is.
            while os.fstat(descriptor).st_size < _BYTES:
                os.write(descriptor, bytes(_BYTES))
            self._numbers = memoryview(mmap.mmap(descriptor, _BYTES)).cast("Q")
        finally:
            os.close(descriptor)

    def begin(self) -> int:
        """Count a commit that begins, and return its number. The caller holds the write lock of the database."""
        number = (self._numbers[0] + 1) % 2**64
        self._numbers[0] = number
        return number

    def end(self, number: int) -> None:
        """Note that the commit of that number has ended."""
        # The write lock is released by now: if another commit has begun since, its end covers both.
        if self._numbers[0] == number:
            self._numbers[1] = number

    def last(self) -> int | None:
        """The number of the last commit; None if one has begun of which it is unknown whether it has ended."""
        begun, ended = self._numbers
        return begun if begun == ended else None
