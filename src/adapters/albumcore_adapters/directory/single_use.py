"""Single-use tokens: replay protection for the authorization codes and client assertions of report providers."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from attrs import frozen

from albumcore.times import in_utc
from albumcore_adapters.sql.database import Database, has_changed


@frozen
class SingleUseTokens:
    """The single-use tokens that were used and have not expired, shared by all workers and durable."""

    database: Database

    def consume(self, *names: str, ends_at: datetime, at: datetime) -> bool:
        """Use a token up; return whether this was its first use. Atomic.

        Expired tokens are removed from the table.

        Args:
            names: What identifies the token, such as its kind, its issuer and its id.
            ends_at: When the token expires (UTC); an expired token is refused anyway.
            at: The present (UTC).
        """
        # Hashed, because names have any length; with their lengths, so that ("a", "bc") and ("ab", "c") differ.
        identity = "".join(f"{len(name)}:{name}" for name in names)
        digest = sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()
        with self.database.transaction(commit=True) as cursor:
            cursor.execute("DELETE FROM directory_spent WHERE ends_at <= ?", (_text(at),))
            cursor.execute(
                "INSERT INTO directory_spent (digest, ends_at) VALUES (?, ?) ON CONFLICT DO NOTHING",
                (digest, _text(ends_at)),
            )
            return has_changed(cursor)


def _text(at: datetime) -> str:
    # Of fixed width, so that texts sort as times do.
    return in_utc(at).isoformat(timespec="microseconds")
