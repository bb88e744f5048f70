"""Signing in with Keycloak, and asking the HTTP interface with its tokens, by answers that have all its members."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import falcon
import httpx
import pytest

from albumcore_adapters.http.ui.provider_sign_in import ANSWER
from albumcore_adapters.identity import provider_request
from albumcore_adapters.outbound.client import default_tls
from support import keycloak
from support.browser import Browser
from support.kheops import START, World, open_world, settle
from support.openid_provider import SECRET, Provider, provider

ROOT = "https://albums.example.org"
ENTRY = "/ui/sign-in/provider"
AUDIENCE = "albumcore-api"


@pytest.fixture
def idp(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """A realm of Keycloak. It may be slow on a busy machine."""
    monkeypatch.setattr(provider_request, "_TIMEOUT", 60.0)
    with provider(lambda: START, ROOT + ANSWER, keycloak.REALM) as made:
        keycloak.play(made)
        yield made


@pytest.fixture
def world(idp: Provider, tmp_path: Path) -> Iterator[World]:
    """A service with the settings of the guide."""
    file = tmp_path / "client-secret"
    file.touch(mode=0o600)
    file.write_text(SECRET + "\n")
    settings: dict[str, Any] = {
        "public_url": ROOT,
        "jwt_issuer": idp.address,
        "jwks_url": f"{idp.address}/protocol/openid-connect/certs",
        "jwt_audience": AUDIENCE,
        "oidc_client_id": keycloak.CLIENT,
        "oidc_client_secret_file": file,
    }
    made = open_world(tmp_path, start=settle, **settings)
    made.clock.now = START
    yield made
    made.service.close()


def signed_in(world: World) -> Browser:
    """A browser that went to Keycloak, and was sent back."""
    browser = Browser(world.client)
    there = browser.ask("GET", ENTRY).headers["location"]
    sent = httpx.get(there, verify=default_tls(), timeout=60)
    browser.get(sent.headers["location"].removeprefix(ROOT))
    return browser


def bearing(world: World, token: str) -> falcon.testing.Result:
    """What the HTTP interface answers to a token."""
    return world.client.simulate_get("/albums", headers={"Authorization": f"Bearer {token}"})


def test_a_user_of_keycloak_signs_in(world: World, idp: Provider) -> None:
    """With what the ID token says of them: the UserInfo endpoint is not asked."""
    browser = signed_in(world)
    assert "My albums" in browser.words
    user = world.service.people.with_sub(keycloak.USER)
    assert user is not None
    assert (user.person.name, user.person.email) == ("Ada Okafor", "ada@clinic.example")
    assert f"{keycloak.REALM}/protocol/openid-connect/userinfo" not in idp.asked


def test_an_address_that_keycloak_has_not_verified_is_left_out(world: World, idp: Provider) -> None:
    """As that of a user whom an administrator has made; the user signs in all the same."""
    idp.claims["email_verified"] = False
    idp.userinfo = keycloak.PERSON | {"email_verified": False}
    access = str(idp.tokens["access_token"])
    idp.access_tokens[access] = keycloak.USER
    browser = signed_in(world)
    assert "My albums" in browser.words
    user = world.service.people.with_sub(keycloak.USER)
    assert user is not None
    assert (user.person.name, user.person.email) == ("Ada Okafor", None)


def test_a_sign_in_that_keycloak_has_forgotten_begins_again(world: World, idp: Provider) -> None:
    """It says so by an error with a description and its issuer, as for a user who was signed in meanwhile."""
    browser = Browser(world.client)
    there = browser.ask("GET", ENTRY).headers["location"]
    answer = {
        "error": "temporarily_unavailable",
        "error_description": "authentication_expired",
        "state": httpx.URL(there).params["state"],
        "iss": idp.address,
    }
    assert browser.get(f"{ANSWER}?{urlencode(answer)}").status_code == 403
    assert "temporarily_unavailable" in browser.words
    assert 'href="/ui/sign-in"' in browser.page


def test_an_access_token_of_keycloak_needs_the_audience(world: World, idp: Provider) -> None:
    """Which a mapper gives it; what else is signed by the realm is none."""
    for refused in (
        keycloak.access_token(idp.address, START),
        keycloak.access_token(idp.address, START, aud=[keycloak.CLIENT, "account"]),
        keycloak.id_token(idp.address, START),
        keycloak.refresh_token(idp.address, START),
    ):
        assert bearing(world, refused).status_code == 401
    good = keycloak.access_token(idp.address, START, aud=[AUDIENCE, "account"])
    assert bearing(world, good).status_code == 200
