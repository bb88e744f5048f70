"""Capability tokens made and shown over HTTP."""

from __future__ import annotations

from typing import Any

from support.kheops import ALBUM, ALICE, Answer, World

HERE = "/capabilities"
OF_ALBUM = {"title": "T", "scope_type": "album", "album": ALBUM}
OF_USER = {"title": "T", "scope_type": "user"}


def make(world: World, by: str = ALICE, **form: str) -> Any:
    """Make a token, of the album unless told otherwise; the answer, with its secret."""
    answer = world.request(by, "POST", HERE, form=OF_ALBUM | form)
    assert answer.status_code == 201, answer.text
    return answer.json


def make_own(world: World, by: str = ALICE, **form: str) -> Any:
    """Make a token that acts as its user; the answer, with its secret."""
    return make(world, by, **{"scope_type": "user"} | form)


def show(world: World, token: Any, method: str, path: str, **others: Any) -> Answer:
    """Send a request with a token that was made."""
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    return world.request(None, method, path, headers=headers, **others)


def opens(world: World, token: Any) -> bool:
    """Whether a token opens anything now; without letting any time pass."""
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    status = world.client.simulate_get(f"/albums/{ALBUM}", headers=headers).status_code
    assert status in (200, 401)
    return status == 200


def listed(world: World, by: str, **query: str) -> list[str]:
    """The titles in a list of tokens."""
    return [token["title"] for token in world.get(by, HERE, **query)]
