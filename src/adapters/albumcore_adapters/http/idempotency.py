"""Requests that come again, because their answer was lost: the header ``Idempotency-Key``.

Whoever sends the same key with the same request gets the answer of the first, and nothing more is recorded. Keys
are the callers' own: two of them may use the same one, and none is kept as it was sent.
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

# A comma would be two headers that were made one, of which nobody knows which is meant.
_BARE = re.compile(r"[!#-+\--~]{1,255}")
_QUOTED = re.compile(r'"((?:[!#-\[\]-~]|\\["\\]){1,255})"')
_ESCAPED = re.compile(r'\\(["\\])')


@frozen
class IdempotencyKey:
    """A request that may come again.

    Attributes:
        id: The id of the command it is: made of the key and of whose it is, and tells neither.
    """

    id: str
    _key: str = field(repr=False)

    @classmethod
    def of(cls, req: falcon.Request, *whose: str | None) -> IdempotencyKey | None:
        """The request, if it has a key; None where it has none.

        Args:
            req: The request.
            whose: What keys must be unique among: the API, the route, the caller.

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
        # With the key in it, a digest that is stored confirms to nobody what was asked.
        try:
            return CommandKey(self.id, _digest(self._key, content))
        except TypeError:  # what is read may nest deeper than what is written
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
