"""An examination: all checks, in order."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from albumcore.times import Clock
from albumcore_adapters.base.data_directory import SECRET_FILE
from albumcore_adapters.base.secret import SecretError, load_secret, secret_fingerprint
from albumcore_adapters.base.setting_declarations import SettingsError
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.directory.operator_notes import last_backup, noted_secret
from albumcore_adapters.doctor import clocks, database, files
from albumcore_adapters.doctor.database import Workers
from albumcore_adapters.doctor.findings import Check, Finding, age_text
from albumcore_adapters.identity.jwks import KeysUnavailable, published_keys
from albumcore_adapters.sql.database import Database
from albumcore_adapters.sql.migrations import MIGRATIONS, schema_version
from albumcore_adapters.store import StoreError
from albumcore_adapters.store.configured import NoStore
from albumcore_adapters.transfer.errors import BackupDamaged, TransferRefused
from albumcore_adapters.transfer.manifest import Manifest

OLDEST_BACKUP = timedelta(hours=26)
"""How old the newest backup may be: a day, and two hours in which the next one is made."""


def examine(
    settings: Settings,
    workers: Workers,
    *,
    clock: Clock,
    backups: Path | None = None,
    without: Collection[Check] = (),
) -> list[Finding]:
    """Examine what is around the service of the settings. Nothing is changed.

    Args:
        settings: The settings.
        workers: What the service needs of the database.
        clock: The clock of this machine (UTC).
        backups: A directory of backups; those that are noted in the store count as well.
        without: Checks to leave out.
    """
    found = [*files.files(settings), *files.disk(settings)]
    try:
        with database.opened(settings) as opened:
            found += _of_database(settings, opened, workers, clock, backups)
    except (NoStore, SettingsError, StoreError, OSError) as error:
        found.append(database.unreachable(settings, error))
    if settings.jwks_url is not None:
        found += _of_provider(settings, settings.jwks_url, clock)
    return [finding for finding in found if finding.check not in without]


def _of_database(
    settings: Settings,
    opened: Database,
    workers: Workers,
    clock: Clock,
    backups: Path | None,
) -> Iterator[Finding]:
    yield from database.form(opened)
    if schema_version(opened) == len(MIGRATIONS):
        yield from clocks.beside_database(opened, clock())
        yield _keys(settings, opened)
        yield _backups(last_backup(opened), clock(), backups)
    yield database.connections(opened, workers)


def _keys(settings: Settings, opened: Database) -> Finding:
    noted, secret_file = noted_secret(opened), settings.secret_file or settings.data / SECRET_FILE
    try:
        own = secret_fingerprint(load_secret(settings.data, secret_file))
    except (SecretError, OSError):
        sentence = "The secret of this machine cannot be compared, because it cannot be read."
        return Finding("keys", "left out", sentence)
    if noted is None:
        sentence = "The store knows no secret to compare with yet: start the service once."
        return Finding("keys", "left out", sentence)
    if noted != own:
        sentence = (
            f"The secret of this machine ({secret_file}) is not the one that the store is served with, and each "
            "refuses the tokens of the other: copy it from another machine, or, if it was replaced on purpose, run "
            "`albumcore doctor --accept-secret`."
        )
        return Finding("keys", "problem", sentence)
    return Finding("keys", "fine", "The secret of this machine is that of the others.")


def _backups(noted: datetime | None, now: datetime, directory: Path | None) -> Finding:
    try:
        times = [*_made_at(directory), *([] if noted is None else [noted])]
    except OSError as error:
        sentence = (
            f"The backups in {directory} cannot be read ({error.strerror}): see that --backups names their directory, "
            "and that this user may read it."
        )
        return Finding("backups", "problem", sentence)
    todo = (
        "run `albumcore backup` every day, or name a directory with others in --backups, or, if backups are made by "
        "other means, leave this out with --without backups"
    )
    if not times:
        return Finding("backups", "problem", f"There is no backup: {todo}.")
    age = now - max(times)
    if age > OLDEST_BACKUP:
        return Finding("backups", "problem", f"The newest backup is {age_text(age)} old: {todo}.")
    return Finding("backups", "fine", f"The newest backup is {age_text(age)} old.")


def _made_at(directory: Path | None) -> Iterator[datetime]:
    """Yield when each backup in a directory was begun; the directory may be one itself."""
    if directory is None:
        return
    for backup in (directory, *(one for one in directory.iterdir() if one.is_dir())):
        try:
            yield Manifest.read(backup).made_at
        except (TransferRefused, BackupDamaged):
            continue


def _of_provider(settings: Settings, url: str, clock: Clock) -> Iterator[Finding]:
    try:
        answer = published_keys(url)
    except KeysUnavailable as error:
        sentence = (
            f"The identity provider gives no keys ({error}), and after a day no token is accepted: see that "
            "ALBUMCORE_JWKS_URL can be reached from here, and answers with RSA or P-256 keys."
        )
        yield Finding("jwks", "problem", sentence)
        return
    yield Finding("jwks", "fine", f"The identity provider gives {answer.number} usable keys.")
    yield clocks.beside_provider(answer.date, clock(), timedelta(seconds=settings.jwt_leeway))
