"""The secret of a data directory: 32 random bytes, from which signing keys are derived."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from albumcore_adapters.base.data_directory import SECRET_FILE
from albumcore_adapters.blobs import sync_directory

SECRET_BYTES = 32
_LEAST_DISTINCT = 8
"""Random bytes practically never have fewer distinct values; a damaged file often does."""


class SecretError(Exception):
    """The secret file cannot be trusted: it is damaged, no file, or open to other users."""


def load_secret(data_dir: Path, file: Path | None = None) -> bytes:
    """Return the secret kept in ``data_dir``, or in a file that is named.

    What is missing is made: the directory with mode 0700, the file in it with mode 0600.
    Processes that start at the same time agree on one secret. A file that is named must be there: machines that
    each made their own would not know each other's tokens.

    Raises:
        SecretError: the file is damaged, or its group or others may read or change it.
        OSError: the directory or the file cannot be made or read.
    """
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if file is not None:
        return _read(file)
    path = data_dir / SECRET_FILE
    if not path.exists():
        _create(path)
    return _read(path)


def copy_secret(source: Path | None, target: Path | None) -> bool:
    """Have one data directory keep the secret of another, in the place of its own; whether there was one to copy.

    Raises:
        SecretError: it is damaged, or its group or others may read or change it.
        OSError: a file cannot be read or made.
    """
    if source is None or target is None or not (source / SECRET_FILE).exists():
        return False
    draft = _draft(target / SECRET_FILE, _read(source / SECRET_FILE))
    os.replace(draft, target / SECRET_FILE)
    sync_directory(target)
    return True


def _create(path: Path) -> None:
    """Put a new secret at ``path``, unless another process is there first: then theirs stays."""
    draft = _draft(path, secrets.token_bytes(SECRET_BYTES))
    try:
        # A rename would replace the secret of a process that was faster; a link never does.
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()
    sync_directory(path.parent)


def _draft(path: Path, content: bytes) -> Path:
    """A new file beside ``path`` with this content, on the disk."""
    draft = path.with_name(f".secret-{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return draft


def _read(path: Path) -> bytes:
    # Non-blocking, so that a pipe in the place of the file is refused and not waited for.
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise SecretError(f"{path} is not a file")
        if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise SecretError(f"{path} is open to other users of this machine: chmod 600 {path}")
        content = file.read(SECRET_BYTES + 1)
    if len(content) != SECRET_BYTES or len(set(content)) < _LEAST_DISTINCT:
        raise SecretError(
            f"{path} is damaged: it must hold {SECRET_BYTES} random bytes. Restore a backup of it, "
            "or remove it to have a new one made; tokens issued so far then stop working"
        )
    return content
