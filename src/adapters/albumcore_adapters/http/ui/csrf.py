"""Protection against forged requests: a form comes from a page of this service, and has the token of its session."""

from __future__ import annotations

import hmac
from collections.abc import Iterable

import falcon
from attrs import field, frozen

from albumcore.errors import Forbidden

FIELD = "_csrf"
"""The form field with the token."""

_LABEL = b"albumcore-csrf:"
_OWN_SITES = frozenset({"same-origin", "none"})


class ForgedRequest(Forbidden):
    """A form does not come from a page of this service, or from one of another session."""

    code = "forged_request"


@frozen
class CsrfTokens:
    """The tokens of sessions: an HMAC of the session's id, so that nothing is stored."""

    secret: bytes = field(repr=False)

    def of(self, session_id: str) -> str:
        """The token of a session."""
        message = _LABEL + session_id.encode("utf-8", "surrogatepass")
        return hmac.new(self.secret, message, "sha256").hexdigest()

    def check(self, session_ids: Iterable[str], token: str | None) -> None:
        """Check the token of a form, for a browser with some sessions; without any, there is none.

        Raises:
            ForgedRequest: the token is that of none of them.
        """
        tokens = [self.of(one) for one in session_ids]
        given = (token or "").encode("utf-8", "surrogatepass")
        if tokens and not any(hmac.compare_digest(one.encode(), given) for one in tokens):
            raise ForgedRequest(
                "the form is of another session; open the page again", rule="other_session"
            )


def check_origin(req: falcon.Request) -> None:
    """Check that a form comes from a page of this service: by ``Sec-Fetch-Site``, else ``Origin``.

    Browsers that have neither header exist no more; a client without them is no browser, and has no cookie that it
    does not mean to send.

    Raises:
        ForgedRequest: it comes from another site.
    """
    site = req.get_header("Sec-Fetch-Site")
    if site is not None:
        is_own = site in _OWN_SITES
    else:
        origin = req.get_header("Origin")
        is_own = origin is None or origin.partition("://")[2].lower() == req.netloc.lower()
    if not is_own:
        raise ForgedRequest("the form comes from another site", rule="other_site")
