"""Revocation of all JWTs of a user: those issued before a time are not valid any more."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from albumcore.ids import UserId
from albumcore.times import in_utc
from albumcore_adapters.sql.database import Database, rows_of


@frozen
class JwtRevocations:
    """For each user whose JWTs were revoked, the first second (since 1970, UTC) whose tokens are valid.

    It is the second after the revocation, because ``iat`` usually has whole seconds (RFC 7519 section 4.1.6): a token
    that was issued in the second of the revocation is revoked too.
    """

    database: Database

    def revoke_all(self, user: UserId, at: datetime) -> int:
        """Revoke every token of a user that was issued until ``at`` (UTC).

        Returns:
            The first second whose tokens are valid. A repeated revocation moves it forward even within one second,
            since a token for that second may have been issued in between.
        """
        with self.database.transaction(commit=True) as cursor:
            cursor.execute(
                "INSERT INTO directory_token_floor (sub, seconds) VALUES (?, ?)"
                " ON CONFLICT (sub) DO UPDATE SET seconds = CASE"
                " WHEN excluded.seconds > directory_token_floor.seconds THEN excluded.seconds"
                " ELSE directory_token_floor.seconds + 1 END",
                (user, int(in_utc(at).timestamp()) + 1),
            )
        return self.valid_from(user)

    def valid_from(self, user: UserId) -> int:
        """Return the first second (since 1970, UTC) whose tokens are valid; 0 if none were revoked."""
        select = "SELECT seconds FROM directory_token_floor WHERE sub = ?"
        rows = rows_of(self.database, select, user)
        return rows[0]["seconds"] if rows else 0

    def is_revoked(self, user: UserId, issued_at: float | None) -> bool:
        """Whether a token is revoked.

        Args:
            user: The user of the token.
            issued_at: Its ``iat``, in seconds since 1970 (UTC); a token without one counts as older than any.
        """
        valid_from = self.valid_from(user)
        return bool(valid_from) and (issued_at is None or issued_at < valid_from)
