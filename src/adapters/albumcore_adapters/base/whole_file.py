"""Files that appear whole, or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from albumcore_adapters.base.posix import sync_directory


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write, readable by its owner alone, that is there when the block has ended, and durable.

    It replaces one of the same name. After an error, what was there before is still there.

    Raises:
        OSError: it cannot be written.
    """
    draft = path.parent / f".{path.name}-{secrets.token_hex(4)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except BaseException:
        draft.unlink()
        raise
    sync_directory(path.parent)
