"""Metrics of a store (Kheops API 13.2), counted by the database: no state is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TypeAlias

from albumcore.times import in_utc
from albumcore_adapters.sql.database import Database

Histogram: TypeAlias = list[tuple[int, int]]
"""Pairs of a size and the number of things of that size, in ascending order of sizes."""

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
    # The stream of a study has events of comments only.
    "study_comments": (
        "SELECT count(*) AS number FROM stored_events"
        " WHERE originator_id >= 'study-' AND originator_id < 'study.'"
    ),
}
"""The query of each metric. The streams of one kind have names from ``kind-`` up to ``kind.``, in which a full stop is
the character after the hyphen."""

_DIFFERENCES: Mapping[str, tuple[str, str]] = {
    "inactive_user_capability_tokens": ("user_capability_tokens", "active_user_capability_tokens"),
    "inactive_album_capability_tokens": (
        "album_capability_tokens",
        "active_album_capability_tokens",
    ),
    "private_study_comments": ("study_comments", "public_study_comments"),
}
"""Metrics that are the difference of two others."""


def store_counts(database: Database, at: datetime) -> dict[str, int]:
    """Return the metrics by name, without those of the catalogue (`Catalogue.counts`).

    Removed report providers count too.

    Args:
        database: The database of the store.
        at: The present (UTC): a capability token is active if it is neither revoked nor expired.
    """
    now = in_utc(at).isoformat(timespec="microseconds")
    found: dict[str, int] = {}
    with database.transaction(commit=False) as cursor:
        for name, select in _COUNTS.items():
            cursor.execute(select.replace(":at", "?"), (now,) if ":at" in select else ())
            [row] = cursor.fetchall()
            found[name] = row["number"]
    found |= {name: found[all_] - found[some] for name, (all_, some) in _DIFFERENCES.items()}
    scopes = "user_capability_tokens", "album_capability_tokens"
    return found | {"capability_tokens": sum(found[name] for name in scopes)}


def members_histogram(database: Database) -> Histogram:
    """Return the histogram of albums by their number of members."""
    return _histogram(database, "member_row")


def series_histogram(database: Database) -> Histogram:
    """Return the histogram of albums by their number of series, 0 included."""
    return _histogram(database, "series_row")


def _histogram(database: Database, table: str) -> Histogram:
    with database.transaction(commit=False) as cursor:
        cursor.execute(
            "SELECT number, count(*) AS albums FROM"  # noqa: S608
            f" (SELECT (SELECT count(*) FROM {table} AS held WHERE held.album_id = album.album_id)"
            " AS number FROM album_row AS album) AS found GROUP BY number ORDER BY number"
        )
        return [(row["number"], row["albums"]) for row in cursor.fetchall()]
