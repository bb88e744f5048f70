"""Sessions of browsers: who is signed in at the pages, and until when.

The id of a session is in a cookie; the database has its SHA-256 only. No token is stored.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Literal, TypeAlias

from attrs import frozen

from albumcore.ids import UserId
from albumcore.times import in_utc
from albumcore_adapters.sql.database import Database, rows_of

SessionKind: TypeAlias = Literal["kheops", "tscharts"]
"""By which accounts its user is known: those of the identity provider, or those of the TSCharts API."""

_ID_BYTES = 32


@frozen
class Session:
    """A session that has not expired.

    Attributes:
        kind: By which accounts its user is known.
        user: The user id of who is signed in.
        signed_in_at: When it began (UTC).
        expires_at: When it ends at the latest (UTC).
    """

    kind: SessionKind
    user: UserId
    signed_in_at: datetime
    expires_at: datetime


@frozen
class Sessions:
    """The sessions of all browsers, shared by all workers and durable."""

    database: Database

    def begin(self, kind: SessionKind, user: UserId, expires_at: datetime, at: datetime) -> str:
        """Begin a session, and return its id: 256 random bits, as text for a cookie.

        Expired sessions are removed from the table.

        Args:
            kind: By which accounts the user is known.
            user: The user id of who signs in.
            expires_at: When it ends at the latest (UTC).
            at: The present (UTC).
        """
        session_id = secrets.token_urlsafe(_ID_BYTES)
        with self.database.transaction(commit=True) as cursor:
            cursor.execute("DELETE FROM directory_session WHERE expires_at <= ?", (_text(at),))
            cursor.execute(
                "INSERT INTO directory_session"
                " (session_digest, kind, subject, expires_at, signed_in_at) VALUES (?, ?, ?, ?, ?)",
                (session_digest(session_id), kind, user, _text(expires_at), _text(at)),
            )
        return session_id

    def find(self, session_id: str, at: datetime) -> Session | None:
        """The session with this id; None if there is none, or it has expired."""
        return self.with_digest(session_digest(session_id), at)

    def with_digest(self, digest: str, at: datetime) -> Session | None:
        """The session whose id has this digest; None if there is none, or it has expired."""
        select = "SELECT * FROM directory_session WHERE session_digest = ? AND expires_at > ?"
        for row in rows_of(self.database, select, digest, _text(at)):
            signed_in_at, expires_at = (
                datetime.fromisoformat(row[name]) for name in ("signed_in_at", "expires_at")
            )
            return Session(row["kind"], UserId(row["subject"]), signed_in_at, expires_at)
        return None

    def end(self, session_id: str) -> None:
        """End a session, if there is one with this id."""
        with self.database.transaction(commit=True) as cursor:
            cursor.execute(
                "DELETE FROM directory_session WHERE session_digest = ?",
                (session_digest(session_id),),
            )

    def end_all(self, user: UserId) -> None:
        """End every session of a user."""
        with self.database.transaction(commit=True) as cursor:
            cursor.execute("DELETE FROM directory_session WHERE subject = ?", (user,))


def session_digest(session_id: str) -> str:
    """The digest by which a session is stored."""
    return hashlib.sha256(session_id.encode("utf-8", "surrogatepass")).hexdigest()


def _text(at: datetime) -> str:
    # Of fixed width, so that texts sort as times do.
    return in_utc(at).isoformat(timespec="microseconds")
