"""Whether rows of the directory exist, by their ids."""

from __future__ import annotations

from collections.abc import Mapping

from albumcore_adapters.sql.database import MAX_INTEGER, Database


def ids_exist(database: Database, ids: Mapping[str, int]) -> bool:
    """Whether a row exists for each id, in one query.

    Args:
        database: Where the tables are.
        ids: The ids by the table's name without its prefix, such as ``patient``.
    """
    if not all(0 < row_id <= MAX_INTEGER for row_id in ids.values()):
        return False
    exists = [f"EXISTS (SELECT 1 FROM directory_{name} WHERE id = ?)" for name in ids]  # noqa: S608
    with database.single_read() as cursor:
        cursor.execute(f"SELECT 1 AS one WHERE {' AND '.join(['1 = 1', *exists])}", [*ids.values()])
        return cursor.fetchone() is not None
