"""The settings of a command, and the service that it opens."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

from albumcore.ids import UserId
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.base.settings_file import settings_from
from albumcore_adapters.directory.people import People
from albumcore_adapters.service import Service, open_service
from albumcore_adapters.store.configured import NoStore
from albumcore_adapters.transfer.marker import UnfinishedCopy


def settings_of(data: Path | None, **options: Any) -> Settings:
    """Return the settings of the environment and the settings file, overridden by options of the command line."""
    return settings_from(os.environ, data=data, **options)


def existing(data: Path | None) -> AbstractContextManager[Service]:
    """Open the service of a data directory whose store exists, until the end of the block; `NoStore` if it does not."""
    return opened(settings_of(data), must_exist=True)


@contextmanager
def existing_or_created(data: Path | None, *, create: bool) -> Iterator[Service]:
    """Open the service of a data directory until the end of the block. Create the store only if ``create`` is true.

    Raises:
        NoStore: it does not exist; the message mentions ``--create``.
    """
    try:
        service = open_service(settings_of(data), must_exist=not create)
    except UnfinishedCopy:
        raise
    except NoStore as error:
        raise NoStore(f"{error}; to make one, add --create") from error
    with closing(service):
        yield service


@contextmanager
def opened(settings: Settings, *, must_exist: bool = False) -> Iterator[Service]:
    """Open the service of the settings until the end of the block."""
    with closing(open_service(settings, must_exist=must_exist)) as service:
        yield service


def user_with_sub(people: People, sub: str) -> UserId:
    """The user with a sub; if it is not registered, one who is in no album of a sealed store."""
    user = people.with_sub(sub)
    return UserId(sub) if user is None else user.id
