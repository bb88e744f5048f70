"""The cookies of sessions, and the caller that a session stands for.

A browser has at most one session of each kind: of a user of albums, and of an account of the TSCharts API.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import falcon
from attrs import frozen

from albumcore import Source
from albumcore.ids import UserId
from albumcore.times import Clock
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.directory.accounts import Accounts
from albumcore_adapters.directory.sessions import Session, SessionKind, Sessions
from albumcore_adapters.identity.authentication import Authentication
from albumcore_adapters.identity.callers import Caller

COOKIES: Mapping[SessionKind, str] = {
    "kheops": "albumcore_session",
    "tscharts": "albumcore_account",
}
"""The name of the cookie of each kind of session."""


@frozen
class SignedIn:
    """A session of a browser.

    Attributes:
        id: The id in the cookie.
        session: The session.
        name: What the user is called on the pages.
        email: Their e-mail address, if it is known.
    """

    id: str
    session: Session
    name: str
    email: str | None = None

    @property
    def caller(self) -> Caller:
        """Who makes the requests of the session: a user in person, or an account."""
        is_user = self.session.kind == "kheops"
        return Caller(Source(self.session.user), in_person=True, inbox=is_user, albums=is_user)


@frozen
class SessionCookies:
    """Reads the sessions of requests, and makes the cookies of new ones."""

    settings: Settings
    sessions: Sessions
    auth: Authentication
    accounts: Accounts
    clock: Clock

    def find(self, req: falcon.Request, kind: SessionKind) -> SignedIn | None:
        """The session of a kind that a request belongs to; None if there is none, or it has ended.

        A session of a user ends when all their tokens are revoked, that of an account when the account is disabled.
        """
        session_id = req.cookies.get(COOKIES[kind])
        if not session_id:
            return None
        session = self.sessions.find(session_id, self.clock())
        if session is None or session.kind != kind:
            return None
        if kind == "tscharts":
            account = self.accounts.with_user(session.user)
            if account is None or not account.active:
                return None
            return SignedIn(session_id, session, account.name)
        person = self.auth.people.person(session.user)
        is_over = self.auth.jwt_revocations.is_revoked(
            session.user, session.signed_in_at.timestamp()
        )
        if person is None or is_over:
            return None
        name = person.name or person.email or person.sub
        return SignedIn(session_id, session, name, person.email)

    def begin(self, kind: SessionKind, user: UserId, expires_at: datetime, prefix: str) -> str:
        """Begin a session; return its cookie."""
        session_id = self.sessions.begin(kind, user, expires_at, self.clock())
        return self._cookie(COOKIES[kind], session_id, prefix)

    def end(self, signed_in: SignedIn, prefix: str) -> str:
        """End a session; return the cookie that takes the place of its own."""
        self.sessions.end(signed_in.id)
        name = COOKIES[signed_in.session.kind]
        return f"{self._cookie(name, '', prefix)}; Max-Age=0"

    def _cookie(self, name: str, value: str, prefix: str) -> str:
        secure = "; Secure" if self.settings.root.startswith("https:") else ""
        return f"{name}={value}; Path={prefix or '/'}; HttpOnly; SameSite=Lax{secure}"
