"""Failed logins: after a few, each further one makes the next one wait longer, by account and by address.

They are counted in memory, by each process for itself, and forgotten when it ends.
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
"""Failures of an account that delay nothing."""

FREE_OF_ADDRESS = 20
"""Failures from an address that delay nothing: a whole clinic may stand behind it."""

LONGEST = timedelta(seconds=60)
"""The longest delay. The first one is of a second, and each further failure doubles it."""

FORGOTTEN_AFTER = timedelta(minutes=15)
"""How long after the last failure all before it are forgotten."""

MOST_KEPT = 10_000
"""How many accounts, and how many addresses, are remembered: those that were met last."""

_Key: TypeAlias = tuple[bytes, ...]
_SECOND = timedelta(seconds=1)
_ENOUGH = 6  # doublings of a second, which are longer than the longest delay
_SHARED_BYTES = 8  # of an IPv6 address: one customer has all addresses that begin with them


@frozen
class _Failures:
    """How many there were, and when the last one was."""

    number: int
    at: datetime


class _Counter:
    """Failures by what they are counted by; what was met longest ago is forgotten first."""

    def __init__(self, free: int) -> None:
        self._free = free
        self._found: OrderedDict[_Key, _Failures] = OrderedDict()

    def __contains__(self, key: _Key) -> bool:
        return key in self._found

    def wait(self, key: _Key, now: datetime) -> timedelta:
        """How long the next try has to wait; zero for not at all."""
        failures = self._young(key, now)
        if failures.number <= self._free:
            return timedelta()
        doubled: timedelta = _SECOND * 2 ** min(failures.number - self._free - 1, _ENOUGH)
        return max(min(doubled, LONGEST) - (now - failures.at), timedelta())

    def add(self, key: _Key, now: datetime) -> None:
        """Count one more."""
        self.put(key, _Failures(self._young(key, now).number + 1, now))

    def put(self, key: _Key, failures: _Failures) -> None:
        """Have met it now, and so many failures of it."""
        self._found[key] = failures
        self._found.move_to_end(key)
        if len(self._found) > MOST_KEPT:
            self._found.popitem(last=False)

    def drop(self, key: _Key) -> None:
        """Forget it."""
        self._found.pop(key, None)

    def _young(self, key: _Key, now: datetime) -> _Failures:
        failures = self._found.get(key)
        # A clock that was set back must not make a delay longer.
        if failures is None or not timedelta() <= now - failures.at < FORGOTTEN_AFTER:
            return _Failures(0, now)
        return failures


class FailedLogins:
    """Counts failed logins, and tells how long the next one has to wait. Threads may share it.

    Failures of an account count together wherever they come from. But at an address where the account has logged in,
    only those from there count: guesses that are made elsewhere do not lock its user out.

    Args:
        clock: Tells the present moment, aware and in UTC.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lock = Lock()
        self._by_account = _Counter(FREE_OF_ACCOUNT)
        self._by_address = _Counter(FREE_OF_ADDRESS)

    def wait(self, account: str, address: str) -> timedelta:
        """How long a login has to wait, whether or not there is such an account; zero for not at all."""
        now = self._clock()
        with self._lock:
            return max(
                self._by_account.wait(self._key(account, address), now),
                self._by_address.wait((_network(address),), now),
            )

    def failed(self, account: str, address: str) -> None:
        """Count a login that failed."""
        now = self._clock()
        with self._lock:
            self._by_account.add(self._key(account, address), now)
            self._by_address.add((_network(address),), now)

    def passed(self, account: str, address: str) -> None:
        """Forget the failures of an account that logged in.

        Those of the address stay: a guesser may have an account of his own.
        """
        now = self._clock()
        with self._lock:
            self._by_account.drop((_digest(account),))
            self._by_account.put((_digest(account), _network(address)), _Failures(0, now))

    def _key(self, account: str, address: str) -> _Key:
        here = _digest(account), _network(address)
        return here if here in self._by_account else here[:1]


def _digest(account: str) -> bytes:
    # Of any length, and of any characters, lone surrogates too.
    return sha256(account.encode("utf-8", "surrogatepass")).digest()


def _network(address: str) -> bytes:
    """What the failures from an address count by."""
    try:
        found = ip_address(address)
    except ValueError:  # a socket of this machine has none
        return address.encode()
    return found.packed[:_SHARED_BYTES] if isinstance(found, IPv6Address) else found.packed
