"""What may be used once: codes and assertions of report providers, remembered until they end anyway."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from attrs import frozen

from albumcore.times import in_utc
from albumcore_adapters.sql.database import Database, has_changed


@frozen
class Spent:
    """What was used up. All workers agree, also after a restart."""

    database: Database

    def spend(self, *names: str, ends_at: datetime, at: datetime) -> bool:
        """Use something up, and tell whether that was the first time.

        Args:
            names: What it is called, all of them together.
            ends_at: From then on it is refused anyway, and forgotten here (UTC).
            at: The present (UTC).
        """
        # A digest, because a name can be as long as its maker likes. The lengths keep names apart.
        told = "".join(f"{len(name)}:{name}" for name in names)
        digest = sha256(told.encode("utf-8", "surrogatepass")).hexdigest()
        with self.database.transaction(commit=True) as cursor:
            cursor.execute("DELETE FROM directory_spent WHERE ends_at <= ?", (_written(at),))
            cursor.execute(
                "INSERT INTO directory_spent (digest, ends_at) VALUES (?, ?) ON CONFLICT DO NOTHING",
                (digest, _written(ends_at)),
            )
            return has_changed(cursor)


def _written(at: datetime) -> str:
    # Fixed width, so that the order of the text is the order of the times.
    return in_utc("at", at).isoformat(timespec="microseconds")
