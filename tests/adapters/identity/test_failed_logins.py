"""Failed logins: how long the next one waits, by account and by address."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from albumcore_adapters.identity import failed_logins
from albumcore_adapters.identity.failed_logins import (
    FORGOTTEN_AFTER,
    FREE_OF_ACCOUNT,
    FREE_OF_ADDRESS,
    LONGEST,
    FailedLogins,
)
from support.clock import Clock

HERE, THERE = "192.0.2.1", "198.51.100.7"
SECOND = timedelta(seconds=1)


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still until it is set."""
    return Clock(step=timedelta())


@pytest.fixture
def failed(clock: Clock) -> FailedLogins:
    """A count that begins."""
    return FailedLogins(clock)


def fail(failed: FailedLogins, count: int, account: str = "nurse", address: str = HERE) -> None:
    """Fail some logins, one after the other."""
    for _ in range(count):
        failed.failed(account, address)


def test_delays_of_an_account_double(failed: FailedLogins, clock: Clock) -> None:
    """The first failures are free; then it is a second, two, four and so on, to a minute; each ends in time."""
    fail(failed, FREE_OF_ACCOUNT)
    assert not failed.wait("nurse", HERE)
    for seconds in (1, 2, 4, 8, 16, 32, 60, 60, 60):
        fail(failed, 1)
        assert failed.wait("nurse", HERE) == seconds * SECOND
        clock.now += (seconds - 1) * SECOND
        assert failed.wait("nurse", HERE) == SECOND
        clock.now += SECOND
        assert not failed.wait("nurse", HERE)


def test_failures_of_an_account_count_from_everywhere(failed: FailedLogins) -> None:
    """Whoever guesses from many addresses waits as if from one; other accounts do not wait."""
    for number in range(FREE_OF_ACCOUNT + 1):
        fail(failed, 1, address=f"192.0.2.{number}")
    assert failed.wait("nurse", THERE) == SECOND
    assert not failed.wait("Nurse", THERE)


def test_failures_from_an_address_count_for_every_account(failed: FailedLogins) -> None:
    """More of them are free, and other addresses do not wait."""
    for number in range(FREE_OF_ADDRESS):
        fail(failed, 1, f"account-{number}")
    assert not failed.wait("nurse", HERE)
    fail(failed, 1, "\ud800")
    assert failed.wait("nurse", HERE) == SECOND
    assert not failed.wait("nurse", THERE)


def test_ipv6_counts_by_network(failed: FailedLogins) -> None:
    """A customer has 2**64 addresses, and the first half of them is the same."""
    for number in range(FREE_OF_ADDRESS + 1):
        fail(failed, 1, f"account-{number}", f"2001:db8:0:1:{number}::1")
    assert failed.wait("nurse", "2001:db8:0:1:ffff::") == SECOND
    assert not failed.wait("nurse", "2001:db8:0:2::1")


def test_a_login_clears_the_account_and_not_the_address(failed: FailedLogins) -> None:
    """Otherwise an attacker with an account would reset the count of their address."""
    fail(failed, FREE_OF_ADDRESS + 1)
    failed.passed("nurse", HERE)
    assert failed.wait("nurse", HERE) == SECOND
    assert not failed.wait("nurse", THERE)


def test_guesses_from_elsewhere_do_not_lock_out_at_home(failed: FailedLogins) -> None:
    """Where an account has logged in, only failures from there count, and those count no less."""
    failed.passed("nurse", HERE)
    fail(failed, FREE_OF_ACCOUNT + 5, address=THERE)
    assert not failed.wait("nurse", HERE)
    assert failed.wait("nurse", THERE)
    fail(failed, FREE_OF_ACCOUNT + 1)
    assert failed.wait("nurse", HERE) == SECOND


def test_failures_are_forgotten(failed: FailedLogins, clock: Clock) -> None:
    """A quarter of an hour after the last one, all are free again."""
    fail(failed, FREE_OF_ACCOUNT + 5)
    clock.now += FORGOTTEN_AFTER - SECOND
    fail(failed, 1)
    assert failed.wait("nurse", HERE) > SECOND
    clock.now += FORGOTTEN_AFTER
    fail(failed, FREE_OF_ACCOUNT)
    assert not failed.wait("nurse", HERE)


def test_a_clock_that_is_set_back(failed: FailedLogins, clock: Clock) -> None:
    """It makes no delay longer."""
    fail(failed, FREE_OF_ACCOUNT + 1)
    clock.now -= timedelta(days=1)
    assert not failed.wait("nurse", HERE)


def test_memory_is_bounded(failed: FailedLogins, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that were met longest ago are forgotten; addresses are not pushed out by accounts."""
    monkeypatch.setattr(failed_logins, "MOST_KEPT", 10)
    fail(failed, FREE_OF_ADDRESS + 1, "first")
    fail(failed, FREE_OF_ACCOUNT + 1, "second", THERE)
    for number in range(9):
        failed.failed(f"account-{number}", HERE)
    assert not failed.wait("first", THERE)
    assert failed.wait("second", THERE) == SECOND
    assert failed.wait("first", HERE) == LONGEST


@given(
    tries=st.lists(
        st.tuples(st.sampled_from(["a", "b"]), st.sampled_from([HERE, THERE, ""]), st.booleans()),
        max_size=60,
    )
)
def test_waits_are_never_longer_than_the_longest(tries: list[tuple[str, str, bool]]) -> None:
    """Whatever was tried, and never negative; and who never failed, from where none failed, does not wait."""
    clock = Clock(step=timedelta())
    failed = FailedLogins(clock)
    for account, address, is_right in tries:
        act: Callable[[str, str], None] = failed.passed if is_right else failed.failed
        act(account, address)
        clock.now += timedelta(milliseconds=700)
        assert timedelta() <= failed.wait(account, address) <= LONGEST
        assert not failed.wait("c", "203.0.113.1")
