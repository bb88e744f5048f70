"""The tables of the directory, all of them."""

from __future__ import annotations

from adapters.directory import accounts, catalogue, clinics, patients, people
from adapters.directory._database import Database


def create_tables(database: Database) -> None:
    """Create the tables that are not there yet; to be called once, before workers start."""
    with database.transaction(commit=True) as cursor:
        for module in (people, catalogue, accounts, clinics, patients):
            for statement in module.TABLES:
                cursor.execute(statement)
