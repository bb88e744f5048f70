"""Random ids: unguessable, of letters and digits."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable

MakeId = Callable[[int], str]
"""Makes an unguessable id: so many characters of ``[A-Za-z0-9]``."""

_ALPHANUMERIC = string.ascii_letters + string.digits


def random_id(length: int) -> str:
    """Return random characters of ``[A-Za-z0-9]``, unguessable: about 5.95 bits of entropy in each."""
    return "".join(secrets.choice(_ALPHANUMERIC) for _ in range(length))
