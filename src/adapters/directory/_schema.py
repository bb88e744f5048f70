"""The tables of the directory, all of them."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.directory import (
    accounts,
    catalogue,
    claims,
    clinics,
    inbox,
    patients,
    people,
    spent,
    token_floors,
    token_uses,
)
from adapters.directory._database import Database, columns_of


def create_tables(database: Database) -> None:
    """Create the tables that are not there yet, and the columns and indexes that tables of an older release lack.

    To be called before workers start; several processes may call it at once.
    """
    for module in (
        *(people, catalogue, claims, inbox, accounts, clinics, patients),
        *(token_uses, token_floors, spent),
    ):
        for statement in module.TABLES:
            # One by one: what is there already is but read, and a write after that could not wait for its turn.
            with database.transaction(commit=True) as cursor:
                cursor.execute(statement)
    for table, columns in (*inbox.LATER_COLUMNS.items(), *patients.LATER_COLUMNS.items()):
        with database.transaction(commit=False) as cursor:
            are_there = columns.keys() <= columns_of(cursor, table)
        if not are_there:
            _add_columns(database, table, columns)
    for statement in patients.LATER_INDEXES:
        with database.transaction(commit=True) as cursor:
            cursor.execute(statement)
    patients.fold_older(database)


def _add_columns(database: Database, table: str, columns: Mapping[str, str]) -> None:
    with database.transaction(commit=True) as cursor:
        # Changes nothing, but makes the transaction begin with a write: it waits for its turn.
        cursor.execute(f"DELETE FROM {table} WHERE 1 = 0")  # noqa: S608
        there = columns_of(cursor, table)
        for column, definition in columns.items():
            if column not in there:
                cursor.execute(f"ALTER TABLE {table} ADD COLUMN {column} {definition}")
