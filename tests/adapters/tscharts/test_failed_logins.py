"""Logins that fail: how many passwords are checked at a time, how long one waits, and what is logged."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from argon2.exceptions import VerifyMismatchError
from attrs import define, field
from falcon import testing

from albumcore_adapters.directory import accounts
from albumcore_adapters.http.request_log import log_failed_login
from albumcore_adapters.identity.failed_logins import FREE_OF_ACCOUNT
from support.logs import written
from support.tscharts import PASSWORD, ROOT, Api, opened

WRONG = "no such password"
HERE = "192.0.2.1"


@define
class Slow:
    """Checks no password until it is let to, and says how many it is at."""

    are_there: threading.Semaphore = field(factory=lambda: threading.Semaphore(0))
    let_go: threading.Event = field(factory=threading.Event)

    def verify(self, password_hash: str, password: bytes) -> bool:
        """Be slow, and then find it right or wrong."""
        self.are_there.release()
        assert self.let_go.wait(30)
        if password != PASSWORD.encode():
            raise VerifyMismatchError
        return True


def log_in(
    api: Api,
    name: str = "nurse",
    password: str = PASSWORD,
    address: str = HERE,
    forwarded: str | None = None,
) -> testing.Result:
    """Log in from somewhere."""
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    body = {"username": name, "password": password}
    extras = {"REMOTE_ADDR": address}
    return api.request("POST", f"{ROOT}/login/", body, headers=headers, extras=extras)


def logged(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """What was logged of failed logins."""
    lines = map(json.loads, written(caplog).splitlines())
    return [line for line in lines if line["event"] == "login_failed"]


def test_two_passwords_are_checked_at_a_time(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A third is refused at once, even a right one; and all is well once one of the two has ended."""
    slow = Slow()
    monkeypatch.setattr(accounts, "_HASHER", slow)
    with ThreadPoolExecutor(2) as threads:
        try:
            two = [threads.submit(log_in, api, "nurse", word) for word in (PASSWORD, WRONG)]
            for _ in two:
                assert slow.are_there.acquire(timeout=30)
            refused = log_in(api)
            assert not any(one.done() for one in two)
        finally:
            slow.let_go.set()
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert sorted(one.result().status_code for one in two) == [200, 403]
    assert log_in(api).status_code == 200


def test_a_failed_login_delays_the_next(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the free ones, for as many seconds as Retry-After says; no password is looked at meanwhile."""
    for _ in range(FREE_OF_ACCOUNT + 2):
        assert log_in(api, password=WRONG).status_code == 403
        api.clock.now += timedelta(seconds=1)
    with monkeypatch.context() as patched:
        patched.setattr(accounts, "_HASHER", None)
        refused = log_in(api)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert "1 seconds" in refused.json["detail"]
    api.clock.now += timedelta(seconds=1)
    assert log_in(api).status_code == 200
    assert log_in(api, password=WRONG).status_code == 403
    assert log_in(api).status_code == 200


def test_the_log_has_account_and_address_of_a_failed_login(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    """And why; never what was typed as the password. One that was refused is logged too, one that passed is not."""
    log_in(api)
    for _ in range(FREE_OF_ACCOUNT + 2):
        log_in(api, password=WRONG)
    printed = written(caplog)
    assert WRONG not in printed
    lines = [line for line in map(json.loads, printed.splitlines()) if "account" in line]
    assert {(line["event"], line["account"], line["address"]) for line in lines} == {
        ("login_failed", "nurse", HERE)
    }
    reasons = [line["reason"] for line in lines]
    assert reasons == ["wrong name or password"] * (FREE_OF_ACCOUNT + 1) + ["delayed"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("nobody\nforged", "nobody\nforged"),
        ("\x1b[31m\x9b2J\u202e", "\x1b[31m\x9b2J\u202e"),
        ("José", "José"),
        ("\ud800", "\\ud800"),
        ("x" * 10_000, "x" * 255),
        ("", ""),
    ],
)
def test_any_name_is_one_line_of_ascii(
    caplog: pytest.LogCaptureFixture, name: str, shown: str
) -> None:
    """It neither forges a line nor reaches a terminal, and what reads the line gets it back."""
    log_failed_login(name, HERE, "delayed")
    [line] = written(caplog).splitlines()
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["account"] == shown


def test_the_address_behind_a_trusted_proxy(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is counted and logged by what the proxy says."""
    with opened(tmp_path, trusted_proxies="10.0.0.1") as api:
        log_in(api, password=WRONG, address="10.0.0.1", forwarded="203.0.113.9, 198.51.100.7")
        log_in(api, password=WRONG, address=HERE, forwarded="198.51.100.7")
    assert [line["address"] for line in logged(caplog)] == ["198.51.100.7", HERE]


def test_failed_logins_are_warnings(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    """Where only errors are wanted, they are not logged."""
    caplog.set_level("ERROR", "albumcore")
    log_in(api, password=WRONG)
    assert written(caplog) == ""
