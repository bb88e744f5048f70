"""Whether anybody has committed anything: two numbers in a small file that all processes of a database share."""

from __future__ import annotations

import mmap
import os

_BYTES = 16


class Commits:
    """The number of the last commit that was begun, and that of the last one that has ended.

    As long as both are what they were, and equal, nobody has committed anything: to see that takes no system call,
    where to ask SQLite takes several. Of a commit that failed, or whose process ended in the middle of it,
    the first number tells: nothing is known then until somebody commits again.

    Args:
        file: Where they are; made if it is not there, for its owner alone. What it holds is worth nothing once nobody
            has it open.

    Raises:
        OSError: it cannot be opened, or not for writing.
    """

    def __init__(self, file: str) -> None:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            # Written, not made longer by truncation: where the disk is full, to touch what has no place on it would
            # end the process. Appended, so that what another process has begun to use stays as it is.
            while os.fstat(descriptor).st_size < _BYTES:
                os.write(descriptor, bytes(_BYTES))
            self._numbers = memoryview(mmap.mmap(descriptor, _BYTES)).cast("Q")
        finally:
            os.close(descriptor)

    def begin(self) -> int:
        """Say that a commit begins, and return its number. Only who holds the write lock of the database may."""
        number = (self._numbers[0] + 1) % 2**64
        self._numbers[0] = number
        return number

    def end(self, number: int) -> None:
        """Say that the commit of that number has ended."""
        # The write lock is gone by now: if another one has begun since, its end will tell of both.
        if self._numbers[0] == number:
            self._numbers[1] = number

    def last(self) -> int | None:
        """The number of the last commit; None if one has begun of which nobody knows whether it has ended."""
        begun, ended = self._numbers
        return begun if begun == ended else None
