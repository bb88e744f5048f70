"""Signing in at patients by the name and the password of an account of the TSCharts API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from albumcore_adapters.identity.failed_logins import FREE_OF_ACCOUNT
from support.browser import Browser, signed_in_account
from support.tscharts import PASSWORD, ROOT, Api, opened


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """The API with its account."""
    with opened(tmp_path, {"patients": [1]}) as api:
        yield api


def _sign_in(browser: Browser, password: str, **fields: str) -> int:
    browser.get("/ui/sign-in")
    form = {"username": "nurse", "password": password, **fields}
    return browser.post("/ui/sign-in/account", **form).status_code


def test_an_account_signs_in_by_its_password(api: Api) -> None:
    """It comes to the patients, or to the page that it asked for, and to no album."""
    browser = Browser(api.client)
    assert _sign_in(browser, PASSWORD) == 200
    assert browser.cookies.keys() == {"albumcore_account"}
    assert "nurse" in browser.words
    browser.get("/ui")
    assert "<h1>Patients</h1>" in browser.page
    browser.get("/ui/albums")
    assert "Access token" in browser.words
    browser = Browser(api.client)
    _sign_in(browser, PASSWORD, back="/ui/patients?name=lopez")
    assert 'value="lopez"' in browser.page


def test_a_wrong_password_is_refused_and_counts_as_a_failed_login(api: Api) -> None:
    """Of the same count as that of the JSON route; further ones are not checked for a time."""
    browser = Browser(api.client)
    wrong = {"username": "nurse", "password": "wrong"}
    for _ in range(FREE_OF_ACCOUNT):
        assert _sign_in(browser, "wrong") == 401
        assert "There is no active account with this name and password" in browser.words
        assert 'value="nurse"' in browser.page
        assert "wrong" not in browser.page
    assert api.request("POST", f"{ROOT}/login", wrong, headers={}).status_code == 403
    browser.get("/ui/sign-in")
    answer = browser.post("/ui/sign-in/account", **wrong)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    assert "Try again in" in browser.words
    assert not browser.cookies


def test_the_session_of_an_account_ends_with_its_password(api: Api) -> None:
    """And where the account is disabled."""
    browser = signed_in_account(api)
    browser.get("/ui/patients")
    assert "<h1>Patients</h1>" in browser.page
    api.service.accounts.add("nurse", "another password")
    browser.get("/ui/patients")
    assert "Access token" in browser.words
    browser = signed_in_account(api)
    api.service.accounts.disable("nurse")
    browser.get("/ui/patients")
    assert "Access token" in browser.words
