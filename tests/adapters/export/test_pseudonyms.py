"""Pseudonyms of exports: what they depend on."""

from __future__ import annotations

import hashlib
import hmac
from itertools import product

from albumcore_adapters.export.tables import pseudonym_of

KEYS = (b"k" * 32, b"l" * 32)
THINGS = ("user", "album", "study")
IDENTIFIERS = ("1", "2", "user:1")


def test_a_pseudonym_depends_on_the_key() -> None:
    """Without it nobody can make one of an identifier that they guess; nor is that of one thing that of another."""
    cases = [*product(KEYS, THINGS, IDENTIFIERS)]
    assert len({pseudonym_of(*case) for case in cases}) == len(cases)
    for key, thing, identifier in cases:
        made = hmac.new(key, f"{thing}:{identifier}".encode(), hashlib.sha256).hexdigest()
        assert pseudonym_of(key, thing, identifier) == made[:32]
