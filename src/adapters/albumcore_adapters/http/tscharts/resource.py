"""What all paths of the API have in common: authentication first, then the method, then the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import falcon
import orjson

from albumcore.ids import UserId
from albumcore.kernel import Source
from albumcore_adapters.http.response_cache import in_its_own_block
from albumcore_adapters.http.tscharts.authentication import authenticated
from albumcore_adapters.http.tscharts.body import json_object
from albumcore_adapters.service import Service

NOT_FOUND = "Not found."
MAX_JSON = 64 * 1024
"""Largest body of a request that carries no image, in bytes: some times the longest patient."""

_TO_BE_CALLED = 400
"""What it takes to keep something that is to be called, in bytes."""

Verb: TypeAlias = Callable[..., Any]
"""Answers one method: takes the request and the parts of its path, returns JSON, or bytes that are the body.

Of GET, it may also return what is to be called for the bytes, once nothing is read from the database any more.
"""


class Resource:
    """One path. A subclass puts what it can do in ``verbs``, by method.

    HEAD is answered as GET, without the body. Every answer of a path that is one carries ``Allow``.
    """

    allow: tuple[str, ...] = ("GET", "POST", "DELETE", "HEAD", "OPTIONS")
    """The methods that ``Allow`` names: for a collection and its members the same."""

    max_body: int = MAX_JSON
    """Largest body, in bytes."""

    def __init__(self, service: Service, verbs: Mapping[str, Verb]) -> None:
        self.service = service
        self._allowed = ", ".join(self.allow)
        self._verbs = {"OPTIONS": _nothing, **verbs}
        if "GET" in verbs:
            self._verbs["HEAD"] = verbs["GET"]

    @property
    def methods(self) -> frozenset[str]:
        """The methods that the path takes, if only to refuse them."""
        return frozenset(self._verbs)

    def respond(self, req: falcon.Request, resp: falcon.Response, **path: str) -> None:
        """Answer any method.

        Raises:
            falcon.HTTPError: the request is refused.

        """
        if self.allow:
            resp.set_header("Allow", self._allowed)
        resp.data = self._shown(req, path) if _shows(req) else self._done(req, path)

    def _done(self, req: falcon.Request, path: Mapping[str, str]) -> bytes:
        self.admit(req)
        return _body(self._verb(req.method)(req, **path))

    def _shown(self, req: falcon.Request, path: Mapping[str, str]) -> bytes:
        """What was found before, if nothing was written since; or what is there now, all of it at one moment."""
        database, kept = self.service.database, self.service.response_cache
        question = (req.method, req.path, req.query_string, req.auth)
        mark = database.data_version()
        found: bytes | Callable[[], bytes] | None = kept.get(question, mark)
        if found is None:
            with database.read_snapshot():
                self.admit(req)
                answer = self._verb(req.method)(req, **path)
            found = answer if callable(answer) else in_its_own_block(_body(answer))
            kept.put(question, mark, found, _TO_BE_CALLED if callable(found) else len(found))
        return found() if callable(found) else found

    def admit(self, req: falcon.Request) -> None:
        """Let in who is authenticated; as ``req.context.source`` he is known from here on.

        Raises:
            falcon.HTTPUnauthorized: nobody is.

        """
        account = authenticated(self.service.accounts, req.auth)
        req.context.source = Source(UserId(f"tscharts-{account.id}"))

    def body(self, req: falcon.Request) -> dict[str, Any]:
        """Return the JSON object in the body, of at most `max_body` bytes; see `json_object`."""
        return json_object(req, self.max_body)

    def _verb(self, method: str) -> Verb:
        if (verb := self._verbs.get(method)) is not None:
            return verb
        raise falcon.HTTPMethodNotAllowed(
            [allowed for allowed in self.allow if allowed != method],
            description=f'Method "{method}" not allowed.',
        )


# Falcon answers a method that a resource lacks before the resource is asked, which would tell
# methods to strangers. So every resource has every method, and the table of verbs decides.
for _method in falcon.COMBINED_METHODS:
    setattr(Resource, f"on_{_method.lower()}", Resource.respond)


class Nowhere(Resource):
    """All paths that are none."""

    allow = ()

    def __init__(self, service: Service) -> None:
        super().__init__(service, {})

    def _verb(self, method: str) -> Verb:
        raise not_found()


def not_found() -> falcon.HTTPNotFound:
    """The refusal of what is not there, with its usual body."""
    return falcon.HTTPNotFound(description=NOT_FOUND)


def _shows(req: falcon.Request) -> bool:
    return req.method in ("GET", "HEAD")


def _body(answer: Any) -> bytes:
    return answer if isinstance(answer, bytes) else orjson.dumps(answer)


def _nothing(req: falcon.Request, **path: str) -> bytes:
    return b""
