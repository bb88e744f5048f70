"""Idempotency keys: a request that is sent again, because its response was lost (header ``Idempotency-Key``).

The same key with the same request gets the response of the first, and nothing more is recorded. Keys are scoped by
caller: two callers may use the same one. They are stored as digests.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

import falcon
import orjson
from attrs import field, frozen

from albumcore import CommandKey

IDEMPOTENCY_HEADER = "Idempotency-Key"

_BARE = re.compile(r"[!#-+\--~]{1,255}")
_QUOTED = re.compile(r'"((?:[!#-\[\]-~]|\\["\\]){1,255})"')
_ESCAPED = re.compile(r'\\(["\\])')


@frozen
class IdempotencyKey:
    """The idempotency key of a request.

    Attributes:
        id: The id of the command: a digest of the key and of its scope.
    """

    id: str
    _key: str = field(repr=False)

    @classmethod
    def of(cls, req: falcon.Request, *whose: str | None) -> IdempotencyKey | None:
        """The key of a request; None if it has none.

        Args:
            req: The request.
            whose: The scope of the key: the API, the route, the caller.

        Raises:
            falcon.HTTPBadRequest: the key is not 1 to 255 visible ASCII characters, in quotes or bare.
        """
        given = req.get_header(IDEMPOTENCY_HEADER)
        if given is None:
            return None
        key = _read(given)
        return cls(_digest(whose, key), key)

    def command(self, *content: Any) -> CommandKey:
        """The key of the command, by its content in JSON values."""
        # The key is part of the digest: without it, a guess of the content cannot be confirmed.
        try:
            return CommandKey(self.id, _digest(self._key, content))
        except TypeError:  # orjson reads deeper nesting than it writes
            raise falcon.HTTPBadRequest(description="the body nests too deep") from None


def _read(given: str) -> str:
    if _BARE.fullmatch(given):
        return given
    if quoted := _QUOTED.fullmatch(given):
        return _ESCAPED.sub(r"\1", quoted[1])
    raise falcon.HTTPBadRequest(
        description=f"{IDEMPOTENCY_HEADER}: 1 to 255 visible ASCII characters are expected, "
        "in quotes if a comma is among them"
    )


def _digest(*values: Any) -> str:
    return hashlib.sha256(orjson.dumps(values, option=orjson.OPT_SORT_KEYS)).hexdigest()
