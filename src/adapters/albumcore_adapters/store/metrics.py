"""What there is in a store, in numbers: counted where it lies, so that nothing is loaded (Kheops API 13.2)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from albumcore.times import in_utc
from albumcore_adapters.sql.database import Database

Pairs = list[tuple[int, int]]

_COUNTS: Mapping[str, str] = {
    "albums": "SELECT count(*) AS number FROM album_row",
    "users": "SELECT count(*) AS number FROM directory_person",
    "report_providers": "SELECT count(*) AS number FROM provider_row",
    "active_user_capability_tokens": (
        "SELECT count(*) AS number FROM capability_token_row"
        " WHERE stream >= 'user-' AND stream < 'user.' AND is_revoked = 0 AND expires_at > :at"
    ),
    "user_capability_tokens": (
        "SELECT count(*) AS number FROM capability_token_row WHERE stream >= 'user-' AND stream < 'user.'"
    ),
    "active_album_capability_tokens": (
        "SELECT count(*) AS number FROM capability_token_row"
        " WHERE stream >= 'album-' AND stream < 'album.' AND is_revoked = 0 AND expires_at > :at"
    ),
    "album_capability_tokens": (
        "SELECT count(*) AS number FROM capability_token_row WHERE stream >= 'album-' AND stream < 'album.'"
    ),
    "orphan_series": (
        "SELECT count(*) AS number FROM directory_series AS series"
        " WHERE NOT EXISTS (SELECT 1 FROM series_row WHERE series_uid = series.series_uid)"
        " AND NOT EXISTS (SELECT 1 FROM directory_inbox WHERE series_uid = series.series_uid)"
    ),
    "fav_albums": "SELECT count(*) AS number FROM member_row WHERE is_favorite = 1",
    "fav_series": (
        "SELECT (SELECT count(*) FROM series_row WHERE is_favorite = 1)"
        " + (SELECT count(*) FROM directory_inbox WHERE favorite = 1) AS number"
    ),
    "public_study_comments": (
        "SELECT count(*) AS number FROM feed_lane_row WHERE stream >= 'study-' AND stream < 'study.'"
        " AND lane = 'comments'"
    ),
    # Comments are all that happens to a study.
    "study_comments": (
        "SELECT count(*) AS number FROM stored_events"
        " WHERE originator_id >= 'study-' AND originator_id < 'study.'"
    ),
}
"""Each number, and how it is counted. The names of a kind of streams lie between its name with a hyphen, and with the
character that comes after the hyphen."""

_REST: Mapping[str, tuple[str, str]] = {
    "inactive_user_capability_tokens": ("user_capability_tokens", "active_user_capability_tokens"),
    "inactive_album_capability_tokens": (
        "album_capability_tokens",
        "active_album_capability_tokens",
    ),
    "private_study_comments": ("study_comments", "public_study_comments"),
}
"""Numbers that are what one number leaves of another."""


def count_all(database: Database, at: datetime) -> dict[str, int]:
    """Count what there is, beside what the catalogue counts itself.

    Capability tokens are active until they are revoked or have expired at that moment (UTC). Report providers count
    also when they were removed.
    """
    moment = in_utc("at", at).isoformat(timespec="microseconds")
    found: dict[str, int] = {}
    with database.transaction(commit=False) as cursor:
        for name, select in _COUNTS.items():
            cursor.execute(select.replace(":at", "?"), (moment,) if ":at" in select else ())
            [row] = cursor.fetchall()
            found[name] = row["number"]
    found |= {name: found[all_] - found[some] for name, (all_, some) in _REST.items()}
    scopes = "user_capability_tokens", "album_capability_tokens"
    return found | {"capability_tokens": sum(found[name] for name in scopes)}


def users_in_albums(database: Database) -> Pairs:
    """Tell how many albums have how many members: pairs of both numbers, by the number of members."""
    return _histogram(database, "member_row")


def series_in_albums(database: Database) -> Pairs:
    """Tell how many albums have how many series, none included: pairs of both numbers, by the number of series."""
    return _histogram(database, "series_row")


def _histogram(database: Database, table: str) -> Pairs:
    with database.transaction(commit=False) as cursor:
        cursor.execute(
            "SELECT number, count(*) AS albums FROM"  # noqa: S608
            f" (SELECT (SELECT count(*) FROM {table} AS held WHERE held.album_id = album.album_id)"
            " AS number FROM album_row AS album) AS found GROUP BY number ORDER BY number"
        )
        return [(row["number"], row["albums"]) for row in cursor.fetchall()]
