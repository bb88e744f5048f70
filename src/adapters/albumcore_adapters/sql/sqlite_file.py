"""The file of an SQLite database: whether its path still leads to it, and why it cannot be used any more."""

from __future__ import annotations

import contextlib
import logging
import os

from eventsourcing.persistence import OperationalError, PersistenceError

from albumcore_adapters.sql.faults import REPLACED, StoreReplaced
from albumcore_adapters.sql.open_lock import path_in

_log = logging.getLogger(__name__)


class DatabaseFile:
    """A database file and its write-ahead log, compared by device and inode with what was opened.

    A database in memory has no file; then every check passes.

    Args:
        db_name: The URI or path that SQLite is given.

    Attributes:
        path: The path as it was given: a symbolic link on the way may lead elsewhere later.
        trouble: Why this process cannot use the database until it is restarted; None as far as is known.
    """

    def __init__(self, db_name: str) -> None:
        self.path = path_in(db_name)
        self.trouble: str | None = None
        self._opened: os.stat_result | None = None
        self._log_path = ""
        self._log_opened: os.stat_result | None = None
        self._is_replaced = False

    def note_opened(self, path: str, *, is_wal: bool) -> None:
        """Remember the file of the first connection, by the path that SQLite gives, and its write-ahead log."""
        if self._opened is None:
            self._opened = os.stat(path)
            self._log_path = f"{path}-wal" if is_wal else ""

    def forget_log(self) -> None:
        """Expect another write-ahead log: SQLite removes it with the last connection, and makes one for the next."""
        self._log_opened = None

    def check(self, *, is_writing: bool = False) -> None:
        """Check that the path leads to the file that was opened, and did so at every check before.

        The same holds for the write-ahead log, from the first transaction on that writes: while it is open, SQLite
        leaves it in place, and without it, what is committed would be lost with this process.

        Raises:
            StoreReplaced: the path leads to another file, or to none.
            OperationalError: the file system gives no answer.
        """
        if self._opened is not None and not self._is_replaced:
            try:
                self._is_replaced = not os.path.samestat(os.stat(self.path), self._opened)
                if self._log_path and (is_writing or self._log_opened is not None):
                    log = os.stat(self._log_path)
                    self._is_replaced |= not os.path.samestat(log, self._log_opened or log)
                    self._log_opened = log
            except (FileNotFoundError, NotADirectoryError):
                self._is_replaced = True
            except OSError as error:
                raise OperationalError(error) from error
            if self._is_replaced:
                self.report(REPLACED)
        self.require_not_replaced()

    def require_not_replaced(self) -> None:
        """Pass if no check has found another file so far; no system call.

        Raises:
            StoreReplaced: one has.
        """
        if self._is_replaced:
            raise StoreReplaced(REPLACED)

    def checked_trouble(self) -> str | None:
        """Check the file, and return `trouble`."""
        with contextlib.suppress(PersistenceError):
            self.check()
        return self.trouble

    def report(self, trouble: str) -> None:
        """Set `trouble`, and log it once."""
        if self.trouble != trouble:
            self.trouble = trouble
            _log.error(trouble)
