"""The types of settings: each parses a string, and describes for people which strings it accepts."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Generic, TypeVar
from urllib.parse import urlsplit

from attrs import frozen

from albumcore_adapters.base.retention import KINDS, parse_retention

T = TypeVar("T")


@frozen
class SettingType(Generic[T]):
    """The type of a setting.

    Attributes:
        expected: What it accepts, as error messages and the reference page say it.
        read: Parses a string without surrounding blanks, and raises ValueError for one that is not accepted.
    """

    expected: str
    read: Callable[[str], T]


_SIZES = {"": 1, "KiB": 1024, "MiB": 1024 * 1024}
_SIZE = re.compile(r"([0-9]{1,12}) ?(|KiB|MiB)")
_PREFIX = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)+")
_RESERVED_PREFIXES = frozenset({"tscharts", "healthz", "openapi.json", "ui", "docs", "log", "ohif"})
_BIND = re.compile(r"(?!(?i:unix):)(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})")


def _within(value: int, low: int, high: int) -> int:
    if not low <= value <= high:
        raise ValueError
    return value


def whole_number(low: int, high: int) -> SettingType[int]:
    """Return the type of whole numbers from ``low`` to ``high``, both included."""

    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", text):
            raise ValueError
        return _within(int(text), low, high)

    return SettingType(f"a whole number from {low} to {high}", read)


def byte_size(high_mib: int) -> SettingType[int]:
    """Return the type of sizes in bytes, KiB or MiB, from 1 byte to ``high_mib`` MiB; the value is in bytes."""

    def read(text: str) -> int:
        if not (match := _SIZE.fullmatch(text)):
            raise ValueError
        return _within(int(match[1]) * _SIZES[match[2]], 1, high_mib * _SIZES["MiB"])

    return SettingType(
        f"a number of bytes, or of KiB or MiB as in `32MiB`, up to {high_mib} MiB", read
    )


def choice(*choices: str) -> SettingType[str]:
    """Return the type of some words; case does not matter, and the value is in lower case."""

    def read(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError
        return text.lower()

    return SettingType("one of " + ", ".join(f"`{choice}`" for choice in choices), read)


def _read_bind_address(text: str) -> str:
    if not (match := _BIND.fullmatch(text)):
        raise ValueError
    _within(int(match[1]), 0, 65535)
    return text


def _read_http_url(text: str) -> str:
    url = urlsplit(text)
    url.port  # noqa: B018 - the property raises for a port that is not a number
    plain = re.fullmatch(r"[!-~]+", text)
    if not plain or url.scheme not in ("http", "https") or not url.hostname or "@" in url.netloc:
        raise ValueError
    return text


def _read_root_url(text: str) -> str:
    if text.endswith("/") or "?" in text or "#" in text:
        raise ValueError
    return _read_http_url(text)


def _read_origin(text: str) -> str:
    if urlsplit(text).path:
        raise ValueError
    return _read_root_url(text).lower()


def _read_prefix(text: str) -> str:
    if not _PREFIX.fullmatch(text) or text.split("/")[1] in _RESERVED_PREFIXES:
        raise ValueError
    return text


def _read_boolean(text: str) -> bool:
    if (lower := text.lower()) not in ("true", "false"):
        raise ValueError
    return lower == "true"


def _read_text(text: str) -> str:
    if not text or not text.isprintable():
        raise ValueError
    return text


def _read_path(text: str) -> Path:
    if not text:
        raise ValueError
    return Path(text)


def _read_retention(text: str) -> str:
    parse_retention(text)
    return text


def _read_networks(text: str) -> str:
    return ",".join(str(ip_network(part.strip())) for part in text.split(","))


_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_KEY_PREFIX = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9_.-]+)*")


def _read_blobs_url(text: str) -> str:
    scheme, _, rest = text.partition("://")
    bucket, slash, prefix = rest.partition("/")
    on_s3 = _BUCKET.fullmatch(bucket) and _KEY_PREFIX.fullmatch(slash + prefix)
    if scheme == "file":
        if bucket or not re.fullmatch(r"[!-~]+", prefix) or re.search("[?#]|%00", prefix):
            raise ValueError
    elif scheme != "s3" or not on_s3:
        raise ValueError
    return text


def _read_database_url(text: str) -> str:
    # A second @ means an unquoted one in the password; libpq would take the rest of the password for a host.
    if not re.fullmatch(r"postgres(?:ql)?://(?![^/?]*@[^/?]*@)[!-~]+", text):
        raise ValueError
    return text


DIRECTORY_PATH = SettingType("the path of a directory", _read_path)
FILE_PATH = SettingType("the path of a file", _read_path)
DATABASE_URL = SettingType(
    "an address such as `postgresql://user:password@host/name`", _read_database_url
)
PRINTABLE_TEXT = SettingType("a text of printable characters", _read_text)
BIND_ADDRESS = SettingType("`HOST:PORT`, with an IPv6 host in brackets", _read_bind_address)
BOOLEAN = SettingType("`true` or `false`", _read_boolean)
PREFIX_PATH = SettingType(
    "a path such as `/api`, without a slash at its end, that is not under "
    + ", ".join(f"`/{name}`" for name in sorted(_RESERVED_PREFIXES)),
    _read_prefix,
)
ROOT_URL = SettingType(
    "an `http` or `https` address without a user name, a query, a fragment or a slash at its end",
    _read_root_url,
)
ORIGIN_URL = SettingType(
    "an `http` or `https` address of a host alone, such as `https://viewer.example`", _read_origin
)
HTTP_URL = SettingType("an `http` or `https` address without a user name", _read_http_url)
BLOBS_URL = SettingType(
    "`s3://BUCKET`, or `s3://BUCKET/PREFIX` without a slash at its end, or `file:///PATH`",
    _read_blobs_url,
)
RETENTION = SettingType(
    "periods such as `patient_images=10y,study_comments=3650d`, of "
    + ", ".join(f"`{kind}`" for kind in KINDS),
    _read_retention,
)
NETWORKS = SettingType(
    "IP addresses and networks such as `10.0.0.0/24`, separated by commas", _read_networks
)
