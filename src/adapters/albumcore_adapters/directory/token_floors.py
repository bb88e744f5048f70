"""Since when the tokens of a user are good: those issued before were ended, all at once."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from albumcore.times import in_utc
from albumcore_adapters.sql.database import Database, rows_of


@frozen
class TokenFloors:
    """For each user whose tokens were ended, the first second (since 1970, UTC) of which a token is good again.

    It is the second after that of the command, because ``iat`` has whole seconds (RFC 7519 section 4.1.6): a token
    issued in the same second, before the command, is not to outlive it.
    """

    database: Database

    def end_all(self, sub: str, at: datetime) -> int:
        """End every token of a user that was issued until ``at`` (UTC).

        Returns:
            The first second of which a token is good: later than it was before, since a token may have been issued of
            that second meanwhile.
        """
        with self.database.transaction(commit=True) as cursor:
            cursor.execute(
                "INSERT INTO directory_token_floor (sub, seconds) VALUES (?, ?)"
                " ON CONFLICT (sub) DO UPDATE SET seconds = CASE"
                " WHEN excluded.seconds > directory_token_floor.seconds THEN excluded.seconds"
                " ELSE directory_token_floor.seconds + 1 END",
                (sub, int(in_utc("at", at).timestamp()) + 1),
            )
        return self.of(sub)

    def of(self, sub: str) -> int:
        """The first second of which a token of a user is good; 0 where none were ended."""
        rows = rows_of(
            self.database, "SELECT seconds FROM directory_token_floor WHERE sub = ?", sub
        )
        return rows[0]["seconds"] if rows else 0

    def has_ended(self, sub: str, issued_at: float | None) -> bool:
        """Whether a token was ended; one that does not say when it was issued counts as older than any floor.

        Args:
            sub: Whose token it is.
            issued_at: Its ``iat``, in seconds since 1970; None where it has none.
        """
        floor = self.of(sub)
        return bool(floor) and (issued_at is None or issued_at < floor)
