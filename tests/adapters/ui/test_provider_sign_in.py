"""Signing in with an identity provider, against one that runs: what succeeds, and every attack that does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import falcon
import httpx
import pytest

from albumcore_adapters.base.secret import SecretError
from albumcore_adapters.base.setting_declarations import SettingsError
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.http.ui.provider_sign_in import ANSWER, COOKIE
from albumcore_adapters.identity import provider_request
from albumcore_adapters.identity.oidc import ATTEMPT_SECONDS
from albumcore_adapters.identity.openid_provider import DISCOVERY_LIFE
from albumcore_adapters.outbound.client import default_tls
from support.browser import Browser
from support.kheops import START, World, open_world, settle
from support.openid_provider import (
    CLIENT,
    OTHER_KEY,
    SECRET,
    Provider,
    provider,
    signed,
    unsigned,
)

ROOT = "http://albums.example"
ENTRY = "/ui/sign-in/provider"
REFUSED = "You are not signed in"


class _Time:
    """The present of the world, which is opened after the provider."""

    world: World | None = None

    def __call__(self) -> Any:
        return START if self.world is None else self.world.clock.now


@pytest.fixture
def idp(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """The provider. It may be slow on a busy machine."""
    monkeypatch.setattr(provider_request, "_TIMEOUT", 60.0)
    with provider(_Time(), ROOT + ANSWER) as made:
        yield made


def _opened(idp: Provider, data: Path, **settings: Any) -> World:
    file = data / "client-secret"
    file.touch(mode=0o600)
    file.write_text(SECRET + "\n")
    given = {
        "public_url": ROOT,
        "jwt_issuer": idp.address,
        "jwt_audience": "the API",
        "jwks_url": f"{idp.address}/jwks",
        "oidc_client_id": CLIENT,
        "oidc_client_secret_file": file,
        **settings,
    }
    world = open_world(data, start=settle, **given)
    assert isinstance(idp.clock, _Time)
    idp.clock.world = world
    return world


@pytest.fixture
def world(idp: Provider, tmp_path: Path) -> Iterator[World]:
    """A world whose users sign in with the provider."""
    made = _opened(idp, tmp_path)
    yield made
    made.service.close()


def begin(browser: Browser, entry: str = ENTRY) -> str:
    """Go to the provider, which sends the browser back; the path and query that it is sent back to."""
    answer = browser.ask("GET", entry)
    assert answer.status_code == 303, answer.text
    sent = httpx.get(answer.headers["location"], verify=default_tls(), timeout=60)
    assert sent.status_code == 302
    location = urlsplit(sent.headers["location"])
    return f"{location.path}?{location.query}"


def is_refused(browser: Browser, path: str, status: int, *words: str) -> falcon.testing.Result:
    """Check that a way back from the provider signs nobody in, and says why."""
    answer = browser.get(path)
    assert answer.status_code == status
    assert REFUSED in browser.words
    for one in words:
        assert one in browser.words
    assert browser.cookies.keys().isdisjoint({"albumcore_session", COOKIE})
    return answer


def test_a_user_signs_in_with_the_provider(world: World, idp: Provider) -> None:
    """And comes to the page that they asked for; the client has authenticated itself."""
    browser = Browser(world.client)
    browser.get("/ui/albums?show=new")
    assert 'href="/ui/sign-in/provider?back=%2Fui%2Falbums%3Fshow%3Dnew"' in browser.page
    browser.get(begin(browser, "/ui/sign-in/provider?back=%2Fui%2Falbums%3Fshow%3Dnew"))
    assert "My albums" in browser.words
    assert 'value="new" aria-pressed="true"' in browser.page
    assert browser.cookies.keys() == {"albumcore_session"}
    assert idp.authorized[0] is not None


@pytest.mark.parametrize("back", ["//evil.example/ui", "https://evil.example/ui", "/albums"])
def test_signing_in_leads_to_no_other_service(world: World, back: str) -> None:
    """An address of elsewhere is left out."""
    browser = Browser(world.client)
    way_back = begin(browser, f"{ENTRY}?back={quote(back)}")
    assert browser.ask("GET", way_back).headers["location"] == "/ui"


def test_a_user_who_is_new_is_registered(world: World, idp: Provider) -> None:
    """By the name and the address in the token, as by any other token; one without both is refused."""
    idp.claims = {"sub": "sub-erin", "name": "Erin", "email": "erin@example.org"}
    browser = Browser(world.client)
    browser.get(begin(browser))
    assert "Erin" in browser.words
    idp.claims = {"sub": "sub-frank", "name": None}
    other = Browser(world.client)
    is_refused(other, begin(other), 401, "you are not registered here")


def test_what_the_id_token_lacks_is_asked_for(world: World, idp: Provider) -> None:
    """A provider may have the name and the address at its UserInfo endpoint alone; an unverified one is left out."""
    idp.claims = {"sub": "sub-grace", "name": None}
    idp.userinfo = {"name": "Grace", "email": "grace@example.org"}
    browser = Browser(world.client)
    browser.get(begin(browser))
    assert "Grace" in browser.words
    grace = world.service.people.with_sub("sub-grace")
    assert grace is not None
    assert grace.person.email == "grace@example.org"
    idp.claims = {"sub": "sub-heidi", "name": "Heidi"}
    idp.userinfo = {"name": "H.", "email": "heidi@example.org", "email_verified": False}
    other = Browser(world.client)
    other.get(begin(other))
    heidi = world.service.people.with_sub("sub-heidi")
    assert heidi is not None
    assert (heidi.person.name, heidi.person.email) == ("Heidi", None)


def test_user_information_of_another_user_is_refused(world: World, idp: Provider) -> None:
    """Nothing of it is taken."""
    idp.claims = {"sub": "sub-grace", "name": None}
    idp.userinfo = {"sub": "sub-alice", "name": "Alice"}
    browser = Browser(world.client)
    is_refused(browser, begin(browser), 401, "user information is of another user")
    assert world.service.people.with_sub("sub-grace") is None
    idp.userinfo = {"name": ["Grace"]}
    is_refused(browser, begin(browser), 401)


def test_a_provider_need_not_have_user_information(world: World, idp: Provider) -> None:
    """Then the ID token is all there is; nor is it asked for what the token has."""
    idp.discovery = {"userinfo_endpoint": None}
    browser = Browser(world.client)
    browser.get(begin(browser))
    assert "Alice" in browser.words
    idp.discovery, idp.claims = {}, {"email": "alice@example.org"}
    world.clock.tick(int(DISCOVERY_LIFE.total_seconds()))
    browser.get(begin(browser))
    assert "/userinfo" not in idp.asked


def test_the_cookie_of_an_attempt_is_out_of_reach_and_short_lived(world: World) -> None:
    """It has the code verifier, which no address has."""
    browser = Browser(world.client)
    answer = browser.ask("GET", ENTRY)
    cookie = answer.headers["set-cookie"]
    assert cookie.endswith(f"; Path=/ui/sign-in; Max-Age={ATTEMPT_SECONDS}; HttpOnly; SameSite=Lax")
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    assert asked.keys() == {
        *("response_type", "client_id", "redirect_uri", "scope", "state", "nonce"),
        *("code_challenge", "code_challenge_method"),
    }


def test_an_answer_belongs_to_the_browser_that_began(world: World) -> None:
    """Another one has no cookie, or that of its own attempt; nobody can make one."""
    attacker, victim = Browser(world.client), Browser(world.client)
    is_refused(victim, begin(attacker), 400, "has not begun to sign in")
    begin(victim)
    is_refused(victim, begin(attacker), 400, "belongs to another attempt")
    way_back = begin(attacker)
    for forged in ("x", ".", "x.y", attacker.cookies[COOKIE] + "0", "é.é"):
        victim.cookies[COOKIE] = forged
        is_refused(victim, way_back, 400)


def test_an_answer_is_good_once_and_for_some_minutes(world: World) -> None:
    """Also in the browser that began."""
    browser = Browser(world.client)
    way_back, cookie = begin(browser), browser.cookies[COOKIE]
    browser.get(way_back)
    assert "My albums" in browser.words
    browser.cookies = {COOKIE: cookie}
    is_refused(browser, way_back, 400, "used before")
    way_back = begin(browser)
    world.clock.tick(ATTEMPT_SECONDS)
    is_refused(browser, way_back, 400, "begun too long ago")


def test_a_code_is_not_accepted_for_another_attempt(world: World) -> None:
    """The provider refuses a code that is sent with another verifier, and one that is used again."""
    browser, other = Browser(world.client), Browser(world.client)
    stolen = parse_qs(urlsplit(begin(other)).query)["code"][0]
    own = parse_qs(urlsplit(begin(browser)).query)["state"][0]
    is_refused(browser, f"{ANSWER}?code={stolen}&state={own}", 401, "refused the code")
    own = parse_qs(urlsplit(begin(browser)).query)["state"][0]
    is_refused(browser, f"{ANSWER}?state={own}", 400, "has no code")


def test_an_answer_of_another_provider_is_refused(world: World) -> None:
    """Its issuer is named by the answer (RFC 9207)."""
    browser = Browser(world.client)
    way_back = begin(browser).partition("&iss=")[0]
    is_refused(browser, f"{way_back}&iss=https%3A%2F%2Fevil.example", 400, "another provider")


@pytest.mark.parametrize(
    ("claims", "sign", "words"),
    [
        ({"nonce": "another"}, signed, "another attempt"),
        ({"nonce": None}, signed, "another attempt"),
        ({"aud": "the API"}, signed, "for another audience"),
        ({"aud": [CLIENT, "another"]}, signed, "issued to another client"),
        ({"azp": "another"}, signed, "issued to another client"),
        ({"iss": "https://evil.example"}, signed, "from another issuer"),
        ({"exp": 1}, signed, "has expired"),
        ({"exp": None}, signed, "exp is not a number"),
        ({"sub": None}, signed, "sub"),
        ({}, unsigned, "is not a JWT"),
        ({}, lambda claims: unsigned(claims) + "x", "algorithm is not accepted"),
        ({}, lambda claims: signed(claims, OTHER_KEY), "signature is not valid"),
        ({}, lambda claims: "x", "is not a JWT"),
    ],
)
def test_an_id_token_that_is_not_for_this_attempt_is_refused(
    world: World,
    idp: Provider,
    claims: dict[str, Any],
    sign: Callable[[dict[str, Any]], str],
    words: str,
) -> None:
    """Whatever is wrong with it."""
    idp.claims, idp.sign = claims, sign
    browser = Browser(world.client)
    is_refused(browser, begin(browser), 401, words)


def test_a_token_for_several_audiences_names_this_client(world: World, idp: Provider) -> None:
    """As the authorized party."""
    idp.claims = {"aud": ["another", CLIENT], "azp": CLIENT}
    browser = Browser(world.client)
    browser.get(begin(browser))
    assert "My albums" in browser.words


def test_an_error_of_the_provider_is_said(world: World, idp: Provider) -> None:
    """As text, whatever it contains."""
    browser = Browser(world.client)
    for error in ("access_denied", "<script>alert(1)</script>"):
        idp.error = error
        is_refused(browser, begin(browser), 403, error)
        assert "<script>alert" not in browser.page


def test_a_provider_that_fails_is_said_to(world: World, idp: Provider) -> None:
    """At the discovery, until that succeeded once, and at the exchange of the code."""
    browser = Browser(world.client)
    for wrong in (
        {"issuer": "https://evil.example"},
        {"token_endpoint": None},
        {"userinfo_endpoint": "file:///etc/passwd"},
        {"authorization_endpoint": "ftp://elsewhere"},
        {"authorization_endpoint": "x" * 300_000},
    ):
        idp.discovery = wrong
        is_refused(browser, ENTRY, 502)
    idp.discovery = {}
    for answer in (
        (500, b""),
        (200, b"x"),
        (200, b"[]"),
        (200, b"{}"),
        (200, b'{"id_token": 1}'),
        (302, b"{}"),
    ):
        idp.token_answer = answer
        is_refused(browser, begin(browser), 502)
    idp.token_answer = None
    for answer in ((500, b""), (200, b"[]"), (401, b"{}")):
        idp.userinfo_answer = answer
        is_refused(browser, begin(browser), 502)
    idp.userinfo_answer = None
    idp.discovery = {"issuer": "https://evil.example"}
    world.clock.tick(int(DISCOVERY_LIFE.total_seconds()))
    browser.get(begin(browser))
    assert "My albums" in browser.words
    assert idp.asked.count("/.well-known/openid-configuration") == 7


def test_the_client_authenticates_as_the_provider_wants(idp: Provider, tmp_path: Path) -> None:
    """In the form, or not at all: a public client has no secret."""
    for settings, methods in (
        ({}, ["client_secret_post"]),
        ({"oidc_client_secret_file": None}, None),
    ):
        idp.discovery = (
            {} if methods is None else {"token_endpoint_auth_methods_supported": methods}
        )
        data = tmp_path / f"data-{methods is None}"
        data.mkdir()
        world = _opened(idp, data, **settings)
        browser = Browser(world.client)
        browser.get(begin(browser))
        assert "My albums" in browser.words
        world.service.close()
    assert idp.authorized == [None, None]


def test_an_address_with_a_query_is_continued(world: World, idp: Provider) -> None:
    """As some providers have one."""
    idp.discovery = {"authorization_endpoint": f"{idp.address}/authorize?tenant=1"}
    browser = Browser(world.client)
    browser.get(begin(browser))
    assert "My albums" in browser.words


def test_without_a_client_id_there_is_no_provider(tmp_path: Path) -> None:
    """The page does not offer one, and its addresses lead nowhere."""
    world = open_world(tmp_path, start=settle)
    browser = Browser(world.client)
    browser.get("/ui/sign-in")
    assert "identity provider" not in browser.words.replace("of your identity provider", "")
    for path in (ENTRY, ANSWER):
        assert browser.get(path).status_code == 404
    world.service.close()


def test_a_client_needs_a_provider(tmp_path: Path) -> None:
    """The keys that verify its tokens, and its address; and a secret that others cannot read."""
    known: dict[str, Any] = {"jwks_url": "https://id.example/keys", "jwt_audience": "albums"}
    for settings in ({}, {**known, "jwt_issuer": "id"}):
        with pytest.raises(SettingsError, match="ALBUMCORE_OIDC_CLIENT_ID"):
            Settings(oidc_client_id=CLIENT, **settings)
    Settings(oidc_client_id=CLIENT, **known, jwt_issuer="https://id.example")
    file = tmp_path / "secret"
    for content, mode in (("two\nlines\n", 0o600), ("", 0o600), ("secret", 0o640)):
        file.write_text(content)
        file.chmod(mode)
        with pytest.raises(SecretError):
            open_world(tmp_path / "data", oidc_client_secret_file=file)
