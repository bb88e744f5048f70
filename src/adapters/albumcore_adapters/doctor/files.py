"""The data directory and the files beside it: whether they are there, who may read them, and how much room there is."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from albumcore_adapters.base.data_directory import BLOBS_DIRECTORY, SECRET_FILE
from albumcore_adapters.base.secret import (
    SecretError,
    load_authorization,
    load_client_secret,
    load_secret,
)
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.doctor.findings import Finding, size_text

LEAST_FREE = 1024**3
"""Bytes that must be free on a disk, or as many as `ALBUMCORE_MAX_INSTANCE` if that is more."""

LEAST_INODES = 10_000
"""Files that must still fit on a disk that counts them."""


def files(settings: Settings) -> Iterator[Finding]:
    """Examine the data directory, the directory of the image bytes, the secret, and the credentials of an archive."""
    problems = 0
    for sentence in _problems(settings):
        problems += 1
        yield Finding("files", "problem", sentence)
    if not problems:
        yield Finding("files", "fine", f"{settings.data} and its secret are the owner's alone.")


def disk(settings: Settings) -> Iterator[Finding]:
    """Examine the free space of the disks that the service writes to."""
    examined = set[int]()
    for directory in filter(os.path.isdir, places(settings)):
        if (device := directory.stat().st_dev) not in examined:
            examined.add(device)
            yield _room(directory, max(LEAST_FREE, settings.max_instance))


def places(settings: Settings) -> list[Path]:
    """Return the directories that the service writes to."""
    if settings.blobs is None:
        return [settings.data, settings.data / BLOBS_DIRECTORY]
    address = urlsplit(settings.blobs)
    return [settings.data, *([Path(unquote(address.path))] if address.scheme == "file" else [])]


def _problems(settings: Settings) -> Iterator[str]:
    data = settings.data
    if not os.path.isdir(data):
        yield (
            f"{data} is no directory that this user can see: name the data directory with --data or ALBUMCORE_DATA, "
            "run this as the user of the service, or start `albumcore serve`, which makes it."
        )
        return
    if data.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield f"Other users of this machine can look into {data}: chmod 700 {data}"
    for directory in filter(os.path.exists, places(settings)):
        if why := _cannot_write(directory):
            yield (
                f"Nothing can be written to {directory} ({why}): run this as the user of the service, and give them "
                "the directory on a disk that is writable and not full."
            )
    yield from _bad_secrets(settings)


def _cannot_write(directory: Path) -> str | None:
    """Return why a small file cannot be written to a directory; None if it can."""
    try:
        with tempfile.TemporaryFile(dir=directory) as file:
            file.write(b"\0" * 4096)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error.strerror or type(error).__name__
    return None


def _bad_secrets(settings: Settings) -> Iterator[str]:
    secret = settings.secret_file or settings.data / SECRET_FILE
    try:
        load_secret(settings.data, secret)
    except FileNotFoundError:
        yield (
            f"There is no secret at {secret}: restore it from a backup, or start `albumcore serve`, which makes a new "
            "one in the data directory, with which every token of before ends."
        )
    except (SecretError, OSError) as error:
        yield f"The secret cannot be used: {error}"
    try:
        load_authorization(settings.pacs_auth_file)
    except (SecretError, OSError) as error:
        yield f"The credentials of ALBUMCORE_PACS_AUTH_FILE cannot be used: {error}"
    try:
        load_client_secret(settings.oidc_client_secret_file)
    except (SecretError, OSError) as error:
        yield f"The secret of ALBUMCORE_OIDC_CLIENT_SECRET_FILE cannot be used: {error}"


def _room(directory: Path, least: int) -> Finding:
    found = os.statvfs(directory)
    free = found.f_bavail * found.f_frsize
    if free < least:
        sentence = (
            f"The disk of {directory} has {size_text(free)} left, and {size_text(least)} are needed at least: remove "
            "something, or enlarge it."
        )
        return Finding("disk", "problem", sentence)
    if found.f_files and found.f_favail < LEAST_INODES:
        sentence = (
            f"The disk of {directory} takes {found.f_favail} more files: remove some, or make a file system with more "
            "inodes."
        )
        return Finding("disk", "problem", sentence)
    return Finding("disk", "fine", f"The disk of {directory} has {size_text(free)} left.")
