"""Capability tokens as JSON objects (Kheops API 10)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from attrs import fields_dict, frozen

from albumcore import Album, Albumcore, CapabilityToken, Grants
from albumcore.feed import Person
from albumcore.ids import CapabilityTokenId, UserId
from albumcore.index import CapabilityTokenRow
from albumcore.json_object import Json, present
from albumcore.kernel import shown_text
from albumcore.streams import key_of, named_stream
from albumcore.times import local_time
from albumcore_adapters.directory.people import People
from albumcore_adapters.directory.token_last_use import TokenLastUses
from albumcore_adapters.webhooks.json_values import person_json


@frozen
class _Issued:
    """A token with the album it is for; None for a token that acts as its creator."""

    token_id: CapabilityTokenId
    token: CapabilityToken
    album_id: str
    album: Album | None


def tokens_json(
    rows: Iterable[CapabilityTokenRow],
    viewer: UserId,
    albums: Albumcore,
    people: People,
    token_last_uses: TokenLastUses,
) -> list[Json]:
    """The tokens of some rows, in their order; those whose album has been deleted since are missing."""
    issued = list(_issued(rows, albums))
    tokens = [one.token for one in issued]
    users = {user for one in tokens for user in (one.creator, one.revoked_by) if user is not None}
    known = people.people(users)
    used = token_last_uses.last_used(one.token_id for one in issued)
    return [_token_json(one, viewer, known, used.get(one.token_id)) for one in issued]


def _issued(rows: Iterable[CapabilityTokenRow], albums: Albumcore) -> Iterator[_Issued]:
    states: dict[str, Any] = {}
    for row in rows:
        token_id, album_id = CapabilityTokenId(row.token_id), key_of(row.stream)
        if row.stream not in states:
            states[row.stream] = albums.load(named_stream(row.stream))
        state = states[row.stream]
        if not isinstance(state, Album):
            yield _Issued(token_id, state.tokens[token_id], "", None)
        elif token_id in state.capability_tokens:
            yield _Issued(token_id, state.capability_tokens[token_id], album_id, state)


def _token_json(
    issued: _Issued, viewer: UserId, known: Mapping[UserId, Person], last_used: datetime | None
) -> Json:
    token, album = issued.token, issued.album
    shown = present(
        id=issued.token_id,
        title=shown_text(token.title),
        token_type="Bearer",  # noqa: S106
        issued_at_time=_utc(token.issued_at),
        not_before_time=_utc(token.not_before),
        expiration_time=_utc(token.expires_at),
        last_used=_utc(last_used),
        revoked=token.revoked_at is not None,
        revoke_time=_utc(token.revoked_at),
        scope_type="user" if album is None else "album",
    )
    if album is None:
        return shown
    grants = {f"{name}_permission": getattr(token.grants, name) for name in fields_dict(Grants)}
    creator, revoker = token.creator, token.revoked_by
    # Users who left the album still list their tokens, and do not see the name of the album.
    name = shown_text(album.name) if viewer in album.members else None
    return (
        shown
        | grants
        | present(
            album=present(album_id=issued.album_id, name=name),
            created_by=person_json(known.get(creator, Person(creator))),
            revoked_by=None
            if revoker is None
            else person_json(known.get(revoker, Person(revoker))),
        )
    )


def _utc(at: datetime | None) -> str | None:
    """A time in UTC, with a ``Z``."""
    return None if at is None else f"{local_time(at)}Z"
