"""When capability tokens were last used. Not an event: uses are frequent, and have no history."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from attrs import frozen

from albumcore.times import in_utc
from albumcore_adapters.sql.database import Database, select_in

PRECISION = timedelta(seconds=60)
"""A use this soon after the recorded one is not recorded, so that most requests write nothing."""


@frozen
class TokenLastUses:
    """When each capability token was last used, by its public id; precise to the minute."""

    database: Database

    def record(self, token_id: str, at: datetime) -> None:
        """Record the use of a token at a time (UTC)."""
        at = in_utc(at)
        recorded = self.last_used([token_id]).get(token_id)
        if recorded is not None and recorded <= at < recorded + PRECISION:
            return
        with self.database.transaction(commit=True) as cursor:
            cursor.execute(
                "INSERT INTO directory_token_use (token_id, last_used) VALUES (?, ?)"
                " ON CONFLICT (token_id) DO UPDATE SET last_used = excluded.last_used",
                (token_id, at.isoformat()),
            )

    def last_used(self, token_ids: Iterable[str]) -> dict[str, datetime]:
        """Return when each token was last used (UTC), without those that never were."""
        with self.database.transaction(commit=False) as cursor:
            rows = select_in(
                cursor,
                "SELECT token_id, last_used FROM directory_token_use WHERE token_id IN (:values)",
                token_ids,
            )
            return {row["token_id"]: datetime.fromisoformat(row["last_used"]) for row in rows}
