"""Login throttling: after some failed logins, each further one delays the next, by account and by address.

Failures are counted in memory, in each process separately.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import IPv6Address, ip_address
from threading import Lock
from typing import TypeAlias

from attrs import frozen

FREE_OF_ACCOUNT = 3
"""Failures of an account without a delay."""

FREE_OF_ADDRESS = 20
"""Failures from an address without a delay: many users may share it."""

LONGEST = timedelta(seconds=60)
"""The longest delay. The first is one second, and each further failure doubles it."""

FORGOTTEN_AFTER = timedelta(minutes=15)
"""Time after the last failure until the count is reset."""

MOST_KEPT = 10_000
"""Most accounts, and most addresses, that are counted: the most recently used ones."""

_Key: TypeAlias = tuple[bytes, ...]
_SECOND = timedelta(seconds=1)
_ENOUGH = 6  # doublings of a second exceed the longest delay
_SHARED_BYTES = 8  # of an IPv6 address: one customer has the whole /64 network


@frozen
class _Failures:
    """The number of failures, and the time of the last one (UTC)."""

    number: int
    at: datetime


class _Counter:
    """Failures by key, in a least-recently-used cache."""

    def __init__(self, free: int) -> None:
        self._free = free
        self._found: OrderedDict[_Key, _Failures] = OrderedDict()

    def __contains__(self, key: _Key) -> bool:
        return key in self._found

    def wait(self, key: _Key, now: datetime) -> timedelta:
        """The delay of the next attempt, or zero."""
        failures = self._young(key, now)
        if failures.number <= self._free:
            return timedelta()
        doubled: timedelta = _SECOND * 2 ** min(failures.number - self._free - 1, _ENOUGH)
        return max(min(doubled, LONGEST) - (now - failures.at), timedelta())

    def add(self, key: _Key, now: datetime) -> None:
        """Count one more failure."""
        self.put(key, _Failures(self._young(key, now).number + 1, now))

    def put(self, key: _Key, failures: _Failures) -> None:
        """Set the failures of a key, and make it the most recently used."""
        self._found[key] = failures
        self._found.move_to_end(key)
        if len(self._found) > MOST_KEPT:
            self._found.popitem(last=False)

    def drop(self, key: _Key) -> None:
        """Remove a key."""
        self._found.pop(key, None)

    def _young(self, key: _Key, now: datetime) -> _Failures:
        failures = self._found.get(key)
        # A clock that was set back must not make a delay longer.
        if failures is None or not timedelta() <= now - failures.at < FORGOTTEN_AFTER:
            return _Failures(0, now)
        return failures


class FailedLogins:
    """Counts failed logins, and computes the delay of the next one. Thread-safe.

    Failures of an account count together, whatever address they come from. At an address where the account has logged
    in before, only the failures from there count: guesses from elsewhere do not lock its user out.

    Args:
        clock: Returns the present time (UTC).
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lock = Lock()
        self._by_account = _Counter(FREE_OF_ACCOUNT)
        self._by_address = _Counter(FREE_OF_ADDRESS)

    def wait(self, account: str, address: str) -> timedelta:
        """The delay of a login, or zero; the same whether or not the account exists."""
        now = self._clock()
        with self._lock:
            return max(
                self._by_account.wait(self._key(account, address), now),
                self._by_address.wait((_network(address),), now),
            )

    def failed(self, account: str, address: str) -> None:
        """Count a failed login."""
        now = self._clock()
        with self._lock:
            self._by_account.add(self._key(account, address), now)
            self._by_address.add((_network(address),), now)

    def passed(self, account: str, address: str) -> None:
        """Reset the failures of an account that logged in.

        Those of the address stay: an attacker may have an account of their own.
        """
        now = self._clock()
        with self._lock:
            self._by_account.drop((_digest(account),))
            self._by_account.put((_digest(account), _network(address)), _Failures(0, now))

    def _key(self, account: str, address: str) -> _Key:
        here = _digest(account), _network(address)
        return here if here in self._by_account else here[:1]


def _digest(account: str) -> bytes:
    # The name of an account may be any text, lone surrogates included.
    return sha256(account.encode("utf-8", "surrogatepass")).digest()


def _network(address: str) -> bytes:
    """The key of an address: an IPv4 address, or the /64 network of an IPv6 address."""
    try:
        found = ip_address(address)
    except ValueError:  # a Unix socket has no address
        return address.encode()
    return found.packed[:_SHARED_BYTES] if isinstance(found, IPv6Address) else found.packed
