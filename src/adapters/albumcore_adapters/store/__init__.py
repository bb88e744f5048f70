"""The store of events and index rows, with the event library's recorders: in memory, in SQLite, or in PostgreSQL.

`opening` opens a store, and `configured` the one that the settings name. `sqlite` and `postgres` have the recorders of
each database; `recorder` applies the changes of index rows in the transaction that appends the events, `rows` and
`postings` are the tables of the index. `log_watch` wakes those who wait for new events.
"""

from albumcore.opening import MissingExtra, NoAddress
from albumcore.queries import StoreError, StoreUnavailable
from albumcore_adapters.sql.faults import StoreDamaged, StoreFull, StoreReplaced
from albumcore_adapters.sql.integrity import Unreadable, check_postgres, check_sqlite
from albumcore_adapters.sql.migrations import NewerStore
from albumcore_adapters.store.opening import (
    database_of,
    has_postgres_store,
    is_store_sealed,
    open_memory,
    open_postgres,
    open_sqlite,
    open_sqlite_to_read,
    watch_of,
)

__all__ = [
    "MissingExtra",
    "NewerStore",
    "NoAddress",
    "StoreDamaged",
    "StoreError",
    "StoreFull",
    "StoreReplaced",
    "StoreUnavailable",
    "Unreadable",
    "check_postgres",
    "check_sqlite",
    "database_of",
    "has_postgres_store",
    "is_store_sealed",
    "open_memory",
    "open_postgres",
    "open_sqlite",
    "open_sqlite_to_read",
    "watch_of",
]
