"""Secrets of capability tokens: their form, their digest, and the look-up of the token (Kheops API 10)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from attrs import frozen

from albumcore import Album, CapabilityToken, UserTokens
from albumcore.feed import Person
from albumcore.ids import AlbumId, CapabilityTokenId
from albumcore.index import CapabilityTokenRow
from albumcore.streams import key_of, named_stream
from albumcore_adapters.identity.authentication import Authentication

_SECRET = re.compile("[A-Za-z0-9]{22}")


def is_secret(token: str) -> bool:
    """Whether a token has the form of a capability token's secret."""
    return _SECRET.fullmatch(token) is not None


def digest_of(secret: str) -> str:
    """The SHA-256 of a secret, in hexadecimal: the only form in which it is stored."""
    return hashlib.sha256(secret.encode()).hexdigest()


@frozen
class Capability:
    """A capability token that is usable now.

    Attributes:
        token_id: Its public id.
        token: Its state.
        album: The album it is for; None if it acts as its user.
        creator: Its creator, as others see them.
    """

    token_id: CapabilityTokenId
    token: CapabilityToken
    album: AlbumId | None
    creator: Person


def capability_with(auth: Authentication, where: Mapping[str, str]) -> Capability | None:
    """The capability token with these values in its index row, if it is usable and its creator is known.

    A secret is looked up by its digest, as the key of a row. The look-up takes as long for a wrong secret as for a
    right one, so its duration reveals nothing about the digests that exist.

    Args:
        auth: The components of authentication.
        where: Columns of a `CapabilityTokenRow`: ``digest`` or ``token_id``.
    """
    for row in auth.albums.index.rows(CapabilityTokenRow, where):
        state: Album | UserTokens = auth.albums.load(named_stream(row.stream))
        tokens = state.capability_tokens if isinstance(state, Album) else state.tokens
        token_id = CapabilityTokenId(row.token_id)
        found = tokens.get(token_id)
        if found is None or not found.usable_at(auth.clock()):
            continue
        creator = auth.people.person(found.creator)
        if creator is not None:
            album = AlbumId(key_of(row.stream)) if isinstance(state, Album) else None
            return Capability(token_id, found, album, creator)
    return None
