"""The secret of a data directory, 32 random bytes, from which the signing keys are derived; and other credentials."""

from __future__ import annotations

import hmac
import os
import re
import secrets
import stat
from base64 import b64encode
from pathlib import Path

from albumcore_adapters.base.data_directory import SECRET_FILE
from albumcore_adapters.base.posix import sync_directory

SECRET_BYTES = 32
MAX_AUTHORIZATION = 8192
"""The longest file with credentials, in bytes."""

_LEAST_DISTINCT = 8
"""Random bytes practically never have fewer distinct values; a damaged file often does."""


class SecretError(Exception):
    """The secret file is not usable: it is damaged, not a regular file, or accessible to other users."""


def load_secret(data_dir: Path, file: Path | None = None) -> bytes:
    """Return the secret of a data directory, or of the file of the setting.

    A missing directory is created with mode 0700, and a missing secret in it is generated with mode 0600. Processes
    that start at the same time agree on one secret.

    Args:
        data_dir: The data directory; created even if ``file`` is given.
        file: The file to read instead. It is not generated: machines with different secrets would refuse each
            other's tokens.

    Raises:
        SecretError: the file is damaged, or its group or others may read or write it.
        OSError: the directory or the file cannot be created or read.
    """
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if file is not None:
        return _read(file)
    path = data_dir / SECRET_FILE
    if not path.exists():
        _create(path)
    return _read(path)


def secret_fingerprint(secret: bytes) -> str:
    """Return 16 hexadecimal digits by which two secrets are compared; nothing about the secret follows from them."""
    return hmac.digest(secret, b"fingerprint", "sha256").hex()[:16]


def load_authorization(file: Path | None) -> str | None:
    """Return the value of Authorization that a file holds: the user and password of it as such; None without a file.

    Raises:
        SecretError: it has not one line of printable ASCII, or its group or others may read or write it.
        OSError: it cannot be read.
    """
    if file is None:
        return None
    line = _line(file, "user and password with a colon between them, or the value of Authorization")
    if re.match(r"[A-Za-z0-9-]+ ", line):
        return line
    return f"Basic {b64encode(line.encode()).decode()}"


def load_client_secret(file: Path | None) -> str | None:
    """Return the client secret of OpenID Connect that a file holds; None without a file.

    Raises:
        SecretError, OSError: as for `load_authorization`.
    """
    return None if file is None else _line(file, "the secret of the client")


def load_pseudonym_key(file: Path) -> bytes:
    """Return the key that a file holds, with which the pseudonyms of an export are made.

    Raises:
        SecretError: it has not 32 random bytes, or its group or others may read or write it.
        OSError: it cannot be read.
    """
    content = _read_private(file, SECRET_BYTES)
    if not _looks_random(content):
        raise SecretError(
            f"{file} must hold {SECRET_BYTES} random bytes: head -c {SECRET_BYTES} /dev/urandom makes them"
        )
    return content


def copy_secret(source: Path | None, target: Path | None) -> bool:
    """Replace the secret of the data directory ``target`` with that of ``source``.

    Returns:
        Whether there was a secret to copy; False also where one of the directories is None.

    Raises:
        SecretError: the secret of the source is damaged, or its group or others may read or write it.
        OSError: a file cannot be read or written.
    """
    if source is None or target is None or not (source / SECRET_FILE).exists():
        return False
    draft = _draft(target / SECRET_FILE, _read(source / SECRET_FILE))
    os.replace(draft, target / SECRET_FILE)
    sync_directory(target)
    return True


def _create(path: Path) -> None:
    """Generate a secret at ``path``, unless another process does so first: then that one is used."""
    draft = _draft(path, secrets.token_bytes(SECRET_BYTES))
    try:
        # Atomic, and never replaces the secret of another process, as a rename would.
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()
    sync_directory(path.parent)


def _draft(path: Path, content: bytes) -> Path:
    """Write a temporary file beside ``path``, synced to disk, and return its path."""
    draft = path.with_name(f".secret-{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return draft


def _read(path: Path) -> bytes:
    content = _read_private(path, SECRET_BYTES)
    if not _looks_random(content):
        raise SecretError(
            f"{path} is damaged: it must hold {SECRET_BYTES} random bytes. Restore a backup of it, "
            "or remove it to have a new one made; tokens issued so far then stop working"
        )
    return content


def _looks_random(content: bytes) -> bool:
    return len(content) == SECRET_BYTES and len(set(content)) >= _LEAST_DISTINCT


def _line(file: Path, expected: str) -> str:
    """Return the one line of a file of credentials."""
    content = _read_private(file, MAX_AUTHORIZATION)
    line = content.removesuffix(b"\n").removesuffix(b"\r").decode("latin-1")
    if not re.fullmatch(r"[!-~](?:[ -~]*[!-~])?", line) or len(content) > MAX_AUTHORIZATION:
        raise SecretError(f"{file} must hold one line of printable ASCII: {expected}")
    return line


def _read_private(path: Path, limit: int) -> bytes:
    """Read a file that only its owner may read or write: so many bytes, and one more if there are more."""
    # Non-blocking: opening a pipe would wait for its other end.
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise SecretError(f"{path} is not a file")
        if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise SecretError(f"{path} is open to other users of this machine: chmod 600 {path}")
        return file.read(limit + 1)
