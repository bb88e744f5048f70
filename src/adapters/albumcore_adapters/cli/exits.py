"""How a command that raised an error ends. Imported where one did: a command that succeeds needs few of the classes."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from albumcore.errors import AlbumcoreError
from albumcore_adapters.base.secret import SecretError
from albumcore_adapters.base.setting_declarations import SettingsError
from albumcore_adapters.blobs import BlobsUnavailable
from albumcore_adapters.decoding import DecoderUnavailable
from albumcore_adapters.outbound import PacsFailed
from albumcore_adapters.server.address import CannotListen
from albumcore_adapters.store import MissingExtra, NewerStore, StoreError, Unreadable
from albumcore_adapters.store.configured import NoStore
from albumcore_adapters.transfer.errors import BackupDamaged, TransferRefused

_USAGE_ERRORS = (
    *(SettingsError, SecretError, NoStore, NewerStore, Unreadable, CannotListen),
    *(TransferRefused, AlbumcoreError, MissingExtra),
)
EXITS: Sequence[tuple[tuple[type[Exception], ...], str, int]] = (
    ((*_USAGE_ERRORS, OSError), "", 2),
    ((BackupDamaged,), "", 1),
    ((BlobsUnavailable,), "image bytes cannot be reached: ", 1),
    ((DecoderUnavailable, PacsFailed), "", 1),
    ((StoreError, sqlite3.Error), "the database cannot be used: ", 1),
)
"""How a failing command exits: classes of errors, the text before the message, and the status."""
