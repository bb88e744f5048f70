"""Empty stores of either form: sealed as every new one, or in clear as those of before."""

from __future__ import annotations

from albumcore_adapters.base.data_directory import DATABASE_FILE
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.store import open_postgres, open_sqlite


def make_store(settings: Settings, *, sealed: bool) -> None:
    """Make an empty store where the settings say, if there is none."""
    if settings.database is not None:
        open_postgres(settings.database, sealed=sealed).close()
        return
    settings.data.mkdir(mode=0o700, exist_ok=True)
    open_sqlite(settings.data / DATABASE_FILE, sealed=sealed).close()
