"""Sources of the keys that verify JWTs, each with its only accepted algorithms.

There are two: the secret of the data directory (HS256), and the JWKS of an identity provider (RS256, ES256). A token
of one is refused by the other.
"""

from __future__ import annotations

import hmac
import logging
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import Any, Protocol, TypeAlias

import httpx
import orjson
from attrs import frozen
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, RSAKey

from albumcore_adapters.base.logs import log
from albumcore_adapters.identity.provider_request import PROVIDER_FAILURES, ask_provider

Key: TypeAlias = OctKey | RSAKey | ECKey

LIFE = timedelta(seconds=300)
"""Age at which a cached JWKS is fetched again."""

STALE = timedelta(hours=24)
"""Age until which a cached JWKS is used if it cannot be fetched (stale on error)."""

PAUSE = timedelta(seconds=10)
"""Shortest time between two fetches, whatever key ids tokens name."""

STALE_PAUSE = timedelta(seconds=60)
"""The same for a JWKS that is only older than `LIFE`, because a hanging endpoint delays one request at each fetch."""

_MOST_BYTES = 1024 * 1024
_LEAST_RSA_BITS = 2048


_log = logging.getLogger(__name__)


class KeysUnavailable(Exception):
    """The JWKS could not be fetched yet, or not for a day: no token can be verified."""


class KeySource(Protocol):
    """A source of keys that verify tokens."""

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The only accepted ``alg`` values."""
        ...

    def find(self, alg: str, kid: str | None, at: datetime) -> Key | None:
        """Return the key that the header of a token calls for; None if there is no such key.

        Raises:
            KeysUnavailable: no keys are available.
        """
        ...


def embedded_key(secret: bytes) -> OctKey:
    """Return the HS256 key of a data directory's secret.

    It is derived with a separate label, so that nothing else made from the secret is accepted as a JWT.
    """
    return OctKey.import_key(hmac.digest(secret, b"kheops-jwt", "sha256"))


class SecretKeys:
    """The one key derived from the secret of the data directory."""

    algorithms: tuple[str, ...] = ("HS256",)

    def __init__(self, secret: bytes) -> None:
        self._key = embedded_key(secret)

    def find(self, alg: str, kid: str | None, at: datetime) -> Key | None:
        """Return the key, whatever the ``kid``."""
        return self._key


@frozen
class _PublicKey:
    kid: str | None
    alg: str
    key: Key


@frozen
class _KeySet:
    keys: tuple[_PublicKey, ...]
    fetched_at: datetime

    def find(self, alg: str, kid: str | None) -> Key | None:
        """Return the key named ``kid``; without a kid, the only key for the algorithm."""
        fitting = [
            each.key for each in self.keys if each.alg == alg and (kid is None or each.kid == kid)
        ]
        return fitting[0] if len(fitting) == 1 else None


class JwksKeys:
    """The keys that an identity provider publishes as a JWKS (RFC 7517), cached.

    They are fetched again when they are `LIFE` old, and when a token names an unknown one. A failure never drops the
    cached keys before they are `STALE`.
    """

    algorithms: tuple[str, ...] = ("RS256", "ES256")

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = Lock()
        self._tried_at: datetime | None = None
        self._set: _KeySet | None = None

    def find(self, alg: str, kid: str | None, at: datetime) -> Key | None:
        """Return the key that the header of a token names; the JWKS is fetched if it may contain a new one.

        Raises:
            KeysUnavailable: the JWKS could not be fetched yet, or not for 24 hours.
        """
        known = self._known(at, STALE)
        if known is None:
            known = self._refreshed(at, PAUSE)
        elif self._known(at, LIFE) is None:
            known = self._refreshed(at, STALE_PAUSE)
        if known is None:
            raise KeysUnavailable("the keys of the identity provider are not available")
        key = known.find(alg, kid)
        if key is None and (newer := self._refreshed(at, PAUSE)):
            key = newer.find(alg, kid)
        return key

    def _known(self, at: datetime, age: timedelta) -> _KeySet | None:
        """Return the cached keys, if they are younger than ``age``."""
        known = self._set
        # abs(): after a clock is set back, cached keys must not count as new for long.
        return known if known and abs(at - known.fetched_at) < age else None

    def _refreshed(self, at: datetime, pause: timedelta) -> _KeySet | None:
        """Fetch the keys, unless that was tried within ``pause``; return the newest usable ones."""
        # With cached keys, no thread waits for the one that fetches; without any, every thread must.
        if self._lock.acquire(blocking=self._known(at, STALE) is None):
            try:
                if self._tried_at is None or abs(at - self._tried_at) >= pause:
                    self._tried_at = at
                    self._set = _KeySet(_fetch(self._url)[0], at)
            except PROVIDER_FAILURES as error:
                reason = str(error) or type(error).__name__
                log(_log, logging.WARNING, "jwks_fetch_failed", reason=reason)
            finally:
                self._lock.release()
        return self._known(at, STALE)


@frozen
class PublishedKeys:
    """What an identity provider answers.

    Attributes:
        number: How many of its keys are usable here.
        date: The `Date` of the answer; None if it has none, or one that cannot be read.
    """

    number: int
    date: datetime | None


def published_keys(url: str) -> PublishedKeys:
    """Ask an identity provider for its keys, once.

    Raises:
        KeysUnavailable: it does not answer, or with no usable key.
    """
    try:
        keys, headers = _fetch(url)
    except PROVIDER_FAILURES as error:
        raise KeysUnavailable(str(error) or type(error).__name__) from error
    try:
        date = parsedate_to_datetime(headers.get("Date", ""))
    except ValueError:
        return PublishedKeys(len(keys), None)
    return PublishedKeys(len(keys), date.replace(tzinfo=date.tzinfo or UTC))


def _fetch(url: str) -> tuple[tuple[_PublicKey, ...], httpx.Headers]:
    """Return the usable keys at ``url``, and the headers; raises `ValueError` if there are none."""
    answer = ask_provider("GET", url, _MOST_BYTES)
    if answer.status != httpx.codes.OK:
        raise ValueError(f"status {answer.status}")
    keys = _keys_in(orjson.loads(answer.body))
    if not keys:
        raise ValueError("the answer holds no usable key")
    return keys, answer.headers


def key_in(document: Any, alg: str, kid: str, at: datetime) -> Key | None:
    """Return the key of a JWKS, read from its JSON, that the header of a token calls for (RFC 7517)."""
    return _KeySet(_keys_in(document), at).find(alg, kid)


def _keys_in(document: Any) -> tuple[_PublicKey, ...]:
    entries = document.get("keys") if isinstance(document, dict) else None
    return tuple(filter(None, map(_public_key, entries if isinstance(entries, list) else ())))


_FAMILIES: Mapping[str, tuple[str, type[RSAKey] | type[ECKey], tuple[str, ...]]] = {
    "RSA": ("RS256", RSAKey, ("kty", "n", "e")),
    "EC": ("ES256", ECKey, ("kty", "crv", "x", "y")),
}


def _public_key(entry: Any) -> _PublicKey | None:
    """Return an entry of a JWKS as a key; None for one that is not usable here (RFC 7517 section 5)."""
    try:
        alg, kind, members = _FAMILIES[entry["kty"]]
        wanted = {"alg": alg, "use": "sig", "crv": "P-256"}
        if any(entry.get(member, value) != value for member, value in wanted.items()):
            return None
        if "verify" not in entry.get("key_ops", ("verify",)):
            return None
        if alg == "RS256" and _bits(entry["n"]) < _LEAST_RSA_BITS:
            return None
        # Only the public members: a private part that a provider publishes by mistake is not stored.
        key = kind.import_key({member: entry[member] for member in members})
    except (JoseError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return _PublicKey(entry.get("kid"), alg, key)


def _bits(number: str) -> int:
    """Return the length in bits of a number written as base64 without padding (RFC 7518)."""
    return int.from_bytes(urlsafe_b64decode(number + "===")).bit_length()
