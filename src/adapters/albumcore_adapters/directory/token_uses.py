"""When capability tokens were last used: too often, and too little, to be an event."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from attrs import frozen

from albumcore.times import in_utc
from albumcore_adapters.sql.database import Database, select_in

PRECISION = timedelta(seconds=60)
"""A use this soon after the one that was noted is not noted again: most requests write nothing."""


@frozen
class TokenUses:
    """When each capability token was last used, by its public id; to the minute."""

    database: Database

    def note(self, token_id: str, at: datetime) -> None:
        """Note that a token is used at a moment (UTC)."""
        at = in_utc("at", at)
        noted = self.last_used([token_id]).get(token_id)
        if noted is not None and noted <= at < noted + PRECISION:
            return
        with self.database.transaction(commit=True) as cursor:
            cursor.execute(
                "INSERT INTO directory_token_use (token_id, last_used) VALUES (?, ?)"
                " ON CONFLICT (token_id) DO UPDATE SET last_used = excluded.last_used",
                (token_id, at.isoformat()),
            )

    def last_used(self, token_ids: Iterable[str]) -> dict[str, datetime]:
        """When each of some tokens was last used (UTC); those never used are left out."""
        with self.database.transaction(commit=False) as cursor:
            rows = select_in(
                cursor,
                "SELECT token_id, last_used FROM directory_token_use WHERE token_id IN (:values)",
                token_ids,
            )
            return {row["token_id"]: datetime.fromisoformat(row["last_used"]) for row in rows}
