"""Who may call the TSCharts API, and what is told to those who may not."""

from __future__ import annotations

import json

import pytest
from falcon import testing

from support.tscharts import PASSWORD, ROOT, Api

NONE_GIVEN = "Authentication credentials were not provided."
NO_TOKEN = "Invalid token header. No credentials provided."
SPACES = "Invalid token header. Token string should not contain spaces."
CHARACTERS = "Invalid token header. Token string should not contain invalid characters."
UNKNOWN = "Invalid token."

PATHS = [
    *("clinic/", "clinic/1/", "station/", "station/1/", "patient/", "patient/1/"),
    *("image/", "image", "image/1/", "image/abc/", "image//", "image/1/2/", "xray/", ""),
]
METHODS = ["GET", "POST", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS", "TRACE"]


@pytest.mark.parametrize(
    "header",
    [
        "Token {token}",
        "token {token}",
        "TOKEN {token}",
        "Token   {token}",
        "  Token\t{token}  ",
    ],
)
def test_token_in_every_form(api: Api, header: str) -> None:
    """The scheme's case and extra spaces do not matter."""
    headers = {"Authorization": header.format(token=api.token)}
    assert api.request("GET", f"{ROOT}/patient/", headers=headers).json == [1, 2]


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        (None, NONE_GIVEN),
        ("", NONE_GIVEN),
        ("   ", NONE_GIVEN),
        ("Basic {token}", NONE_GIVEN),
        ("Bearer {token}", NONE_GIVEN),
        ("Tokens {token}", NONE_GIVEN),
        ("Token{token}", NONE_GIVEN),
        ("{token}", NONE_GIVEN),
        ("Basic a b c", NONE_GIVEN),
        ("Token", NO_TOKEN),
        ("token ", NO_TOKEN),
        ("Token a b", SPACES),
        ("Token {token} {token}", SPACES),
        ("Token {token}, Token {token}", SPACES),
        ("Token \xe9 \xe9", SPACES),
        ("Token \xe9", CHARACTERS),
        ("Token {token}\xa0", CHARACTERS),
        ("Token " + "0" * 40, UNKNOWN),
        ("Token {TOKEN}", UNKNOWN),
        ("Token {token}0", UNKNOWN),
        ("Token " + "a" * 5000, UNKNOWN),
        ("Token '{token}'", UNKNOWN),
    ],
)
def test_header_that_is_refused(api: Api, header: str | None, detail: str) -> None:
    """Each failure is 401, says what is wanted, and why it is one."""
    given = {}
    if header is not None:
        # Not as a header of the test client, which would strip it.
        given["HTTP_AUTHORIZATION"] = header.format(token=api.token, TOKEN=api.token.upper())
    answer = api.request("GET", f"{ROOT}/image/?patient=1", headers={}, extras=given)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Token"
    assert answer.text == json.dumps({"detail": detail}, separators=(",", ":"))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", PATHS)
def test_stranger_learns_nothing(shared_api: Api, method: str, path: str) -> None:
    """Nobody is told of a method, a path, an id or a body before he is known."""
    before = shared_api.position()
    answer = shared_api.request(method, f"{ROOT}/{path}", b"{not JSON", headers={})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Token"
    assert shared_api.position() == before


@pytest.mark.parametrize("method", ["PROPFIND", "LOCK", "CONNECT"])
def test_stranger_with_a_method_of_another_protocol(api: Api, method: str) -> None:
    """The methods that only other protocols know are no exception."""
    # The test client would warn of them, so the application is called without it.
    environ = testing.create_environ(f"{ROOT}/image/", method=method)
    started = testing.StartResponseMock()
    list(api.client.app(environ, started))
    assert started.status == "401 Unauthorized"
    environ = testing.create_environ(
        f"{ROOT}/image/", method=method, headers={"Authorization": f"Token {api.token}"}
    )
    list(api.client.app(environ, started))
    assert started.status == "405 Method Not Allowed"


def test_disabled_account(api: Api) -> None:
    """A disabled account is told so, and acts no more."""
    api.service.accounts.disable("nurse")
    answer = api.upload()
    assert (answer.status_code, answer.json) == (401, {"detail": "User inactive or deleted."})
    assert api.recorded() == []


def test_login_of_a_disabled_account(api: Api) -> None:
    """Login does not tell a disabled account from a wrong password."""
    api.service.accounts.disable("nurse")
    answer = _log_in(api)
    assert (answer.status_code, answer.text) == (403, "")


def test_login_gives_the_same_token_every_time(api: Api) -> None:
    """A login gives the account's token and its id, as a text, whatever token came with it; a logout ends nothing."""
    expected = f'{{"token":"{api.token}","id":"1"}}'
    assert _log_in(api).text == expected
    assert api.request("POST", f"{ROOT}/logout/").status_code == 200
    assert _log_in(api, {"Authorization": "Token wrong"}).text == expected
    assert api.request("GET", f"{ROOT}/patient/").status_code == 200


@pytest.mark.parametrize("header", [None, "Token", "Token wrong", "Token {token}"])
@pytest.mark.parametrize("active", [True, False])
def test_logout_needs_no_token(api: Api, header: str | None, active: bool) -> None:
    """Clients log out without a token; with one, whatever it is worth, it is the same."""
    if not active:
        api.service.accounts.disable("nurse")
    headers = {} if header is None else {"Authorization": header.format(token=api.token)}
    answer = api.request("POST", f"{ROOT}/logout/", {}, headers=headers)
    assert (answer.status_code, answer.text) == (200, "")


def test_account_is_the_source_of_what_it_does(api: Api) -> None:
    """Events say which account acted."""
    doctor = api.service.accounts.add("doctor", "another password")
    headers = {"Authorization": f"Token {api.service.accounts.token(doctor)}"}
    api.upload()
    api.request("DELETE", f"{ROOT}/image/1/", headers=headers)
    api.request("DELETE", f"{ROOT}/patient/1/", headers=headers)
    assert [one["by"] for one in api.recorded()] == ["tscharts-1", "tscharts-2", "tscharts-2"]


def _log_in(api: Api, headers: dict[str, str] | None = None) -> testing.Result:
    body = {"username": "nurse", "password": PASSWORD}
    return api.request("POST", f"{ROOT}/login/", body, headers=headers or {})
