"""The cookies of sessions, and the caller that a session stands for.

A browser has at most one session of each kind: of a user of albums, and of an account of the TSCharts API. At the
origin of the viewer OHIF, where it has one, a cookie stands for the session of the user. Neither cookie is accepted in
the place of the other: one is the id of a session, the other has its digest, signed for that use alone.
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
from albumcore_adapters.http.ohif_host import is_ohif_host
from albumcore_adapters.identity.authentication import Authentication
from albumcore_adapters.identity.callers import Caller
from albumcore_adapters.identity.errors import Unauthorized
from albumcore_adapters.identity.service_tokens import (
    OHIF_SESSION,
    OhifToken,
    ohif_token,
    read_ohif_token,
)

COOKIES: Mapping[SessionKind, str] = {
    "kheops": "albumcore_session",
    "tscharts": "albumcore_account",
}
"""The name of the cookie of each kind of session."""

OHIF_COOKIE = "albumcore_ohif"
"""The name of the cookie at the origin of OHIF."""


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
        At the origin of OHIF, it is the session that the cookie there stands for.
        """
        at_ohif = is_ohif_host(req)
        value = req.cookies.get(OHIF_COOKIE if at_ohif else COOKIES[kind])
        if not value:
            return None
        session = self._of_ohif(value) if at_ohif else self.sessions.find(value, self.clock())
        if session is None or session.kind != kind:
            return None
        if kind == "tscharts":
            account = self.accounts.with_user(session.user)
            if account is None or not account.active:
                return None
            return SignedIn(value, session, account.name)
        person = self.auth.people.person(session.user)
        is_over = self.auth.jwt_revocations.is_revoked(
            session.user, session.signed_in_at.timestamp()
        )
        if person is None or is_over:
            return None
        name = person.name or person.email or person.sub
        return SignedIn(value, session, name, person.email)

    def _of_ohif(self, token: str) -> Session | None:
        """The session that the cookie at the origin of OHIF stands for, if it has not ended."""
        try:
            found = read_ohif_token(self.auth.issuer, OHIF_SESSION, token, self.clock())
        except Unauthorized:
            return None
        return self.sessions.with_digest(found.session, self.clock())

    def begin(self, kind: SessionKind, user: UserId, expires_at: datetime, prefix: str) -> str:
        """Begin a session; return its cookie."""
        session_id = self.sessions.begin(kind, user, expires_at, self.clock())
        return self._cookie(COOKIES[kind], session_id, prefix)

    def begin_at_ohif(self, code: OhifToken, prefix: str) -> str:
        """The cookie at the origin of OHIF, for the session that a code stands for."""
        issuer, at = self.auth.issuer, self.clock()
        token = ohif_token(issuer, OHIF_SESSION, code.session, code.number, at)
        return self._cookie(OHIF_COOKIE, token, prefix)

    def end(self, signed_in: SignedIn, prefix: str) -> str:
        """End a session; return the cookie that takes the place of its own."""
        self.sessions.end(signed_in.id)
        name = COOKIES[signed_in.session.kind]
        return f"{self._cookie(name, '', prefix)}; Max-Age=0"

    def _cookie(self, name: str, value: str, prefix: str) -> str:
        secure = "; Secure" if self.settings.root.startswith("https:") else ""
        return f"{name}={value}; Path={prefix or '/'}; HttpOnly; SameSite=Lax{secure}"
