"""Every setting of the service, said once: the rows of `Settings`.

`python -m adapters.settings` prints the reference page that is made of these rows.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, Literal, Self, TypeVar
from urllib.parse import urlsplit

import attrs
from attrs import frozen

T = TypeVar("T")
Compat = Literal["documented", "upstream"]
LogLevel = Literal["debug", "info", "warning", "error"]


class SettingsError(Exception):
    """A setting has a value that the service cannot work with, so it refuses to start.

    The message never holds the value itself: it may be a secret put in the wrong place.

    Attributes:
        variable: The environment variable of the setting.
        expected: What would be accepted.
    """

    def __init__(self, variable: str, expected: str) -> None:
        super().__init__(f"{variable}: expected {expected}")
        self.variable = variable
        self.expected = expected


@frozen
class _Kind(Generic[T]):
    """A kind of value: how to say it to a person, and how to read it (`ValueError` refuses)."""

    expected: str
    read: Callable[[str], T]


@frozen
class _Row:
    """What a setting is, apart from its name and its default."""

    variable: str
    kind: _Kind[Any]
    help: str
    optional: bool

    def convert(self, value: object) -> object:
        """Read ``value`` by the kind; None is the absence of an optional setting."""
        if value is None and self.optional:
            return None
        try:
            return self.kind.read("" if value is None else str(value).strip())
        except ValueError:
            raise SettingsError(self.variable, self.kind.expected) from None


_SIZES = {"": 1, "KiB": 1024, "MiB": 1024 * 1024}
_SIZE = re.compile(r"([0-9]{1,12}) ?(|KiB|MiB)")
_PREFIX = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)+")
_TAKEN = frozenset({"tscharts", "healthz", "openapi.json"})
_BIND = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})")


def _within(value: int, low: int, high: int) -> int:
    if not low <= value <= high:
        raise ValueError
    return value


def _number(low: int, high: int) -> _Kind[int]:
    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", text):
            raise ValueError
        return _within(int(text), low, high)

    return _Kind(f"a whole number from {low} to {high}", read)


def _size(high_mib: int) -> _Kind[int]:
    def read(text: str) -> int:
        if not (match := _SIZE.fullmatch(text)):
            raise ValueError
        return _within(int(match[1]) * _SIZES[match[2]], 1, high_mib * _SIZES["MiB"])

    return _Kind(f"a number of bytes, or of KiB or MiB as in `32MiB`, up to {high_mib} MiB", read)


def _choice(*choices: str) -> _Kind[str]:
    def read(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError
        return text.lower()

    return _Kind("one of " + ", ".join(f"`{choice}`" for choice in choices), read)


def _read_bind(text: str) -> str:
    if not (match := _BIND.fullmatch(text)):
        raise ValueError
    _within(int(match[1]), 0, 65535)
    return text


def _read_url(text: str) -> str:
    url = urlsplit(text)
    url.port  # noqa: B018 - a port that is no number is refused when it is looked at
    plain = re.fullmatch(r"[!-~]+", text)
    if not plain or url.scheme not in ("http", "https") or not url.hostname or "@" in url.netloc:
        raise ValueError
    return text


def _read_root(text: str) -> str:
    if text.endswith("/") or "?" in text or "#" in text:
        raise ValueError
    return _read_url(text)


def _read_prefix(text: str) -> str:
    if not _PREFIX.fullmatch(text) or text.split("/")[1] in _TAKEN:
        raise ValueError
    return text


def _read_switch(text: str) -> bool:
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


_PATH = _Kind("the path of a directory", _read_path)
_TEXT = _Kind("a text of printable characters", _read_text)
_ADDRESS = _Kind("`HOST:PORT`, with an IPv6 host in brackets", _read_bind)
_SWITCH = _Kind("`true` or `false`", _read_switch)
_PREFIX_PATH = _Kind(
    "a path such as `/api`, without a slash at its end, that is not under "
    + ", ".join(f"`/{taken}`" for taken in sorted(_TAKEN)),
    _read_prefix,
)
_ROOT = _Kind(
    "an `http` or `https` address without a user name, a query, a fragment or a slash at its end",
    _read_root,
)
_URL = _Kind("an `http` or `https` address without a user name", _read_url)


def _setting(variable: str, kind: _Kind[T], default: T | None, help: str) -> Any:  # noqa: A002
    """One row of the table below."""
    row = _Row(variable, kind, help, optional=default is None)
    return attrs.field(default=default, converter=row.convert, metadata={_Row: row})


@frozen(kw_only=True)
class Settings:
    """Every setting of the service. Values are checked however an instance is made.

    Raises:
        SettingsError: a value is not what its row accepts, or a JWKS address came without an issuer
            and an audience.
    """

    data: Path = _setting(
        "ALBUMCORE_DATA",
        _PATH,
        Path("./albumcore-data"),
        "Holds the database, the image bytes and the generated secret.",
    )
    compat: Compat = _setting(
        "ALBUMCORE_COMPAT",
        _choice("documented", "upstream"),
        "documented",
        "Answer as the documented APIs say, or as the deployed servers do where the two differ.",
    )
    max_upload: int = _setting(
        "ALBUMCORE_MAX_UPLOAD",
        _size(1024),
        32 * 1024 * 1024,
        "Largest request body; a larger one is answered 413.",
    )
    bind: str = _setting(
        "ALBUMCORE_BIND", _ADDRESS, "127.0.0.1:8000", "Where to listen; port 0 takes any free one."
    )
    workers: int = _setting("ALBUMCORE_WORKERS", _number(1, 256), 2, "Number of worker processes.")
    jwt_issuer: str | None = _setting(
        "ALBUMCORE_JWT_ISSUER",
        _TEXT,
        None,
        "The `iss` that a JWT must have; `albumcore` when not set and no JWKS address is.",
    )
    jwt_audience: str | None = _setting(
        "ALBUMCORE_JWT_AUDIENCE",
        _TEXT,
        None,
        "The `aud` that a JWT must name; `albumcore` when not set and no JWKS address is.",
    )
    jwks_url: str | None = _setting(
        "ALBUMCORE_JWKS_URL",
        _URL,
        None,
        "The identity provider's keys (RS256, ES256); without it, JWTs are signed with the "
        "generated secret (HS256).",
    )
    jwt_leeway: int = _setting(
        "ALBUMCORE_JWT_LEEWAY",
        _number(0, 3600),
        60,
        "Seconds that the clocks of issuer and service may differ.",
    )
    retries: int = _setting(
        "ALBUMCORE_RETRIES",
        _number(0, 1000),
        20,
        "How often a command that meets a newer version is decided again.",
    )
    snapshot_every: int = _setting(
        "ALBUMCORE_SNAPSHOT_EVERY",
        _number(1, 1_000_000),
        500,
        "Number of events of a stream from one snapshot to the next.",
    )
    cache_size: int = _setting(
        "ALBUMCORE_CACHE",
        _number(1, 1_000_000),
        256,
        "Number of albums and image sets that each worker keeps in memory.",
    )
    log_level: LogLevel = _setting(
        "ALBUMCORE_LOG_LEVEL",
        _choice("debug", "info", "warning", "error"),
        "info",
        "Least severe messages that are logged.",
    )
    allow_private_addresses: bool = _setting(
        "ALBUMCORE_ALLOW_PRIVATE_ADDRESSES",
        _SWITCH,
        False,
        "Let report providers and webhooks be at private and loopback addresses, for tests and "
        "closed networks.",
    )
    kheops_prefix: str | None = _setting(
        "ALBUMCORE_KHEOPS_PREFIX",
        _PREFIX_PATH,
        None,
        "A prefix under which the routes of the Kheops API answer too.",
    )
    public_url: str | None = _setting(
        "ALBUMCORE_PUBLIC_URL",
        _ROOT,
        None,
        "Where clients reach the service: the issuer of the tokens it makes for report providers, "
        "the `host` of webhooks and the base of RetrieveURL; `http://` and ALBUMCORE_BIND when "
        "not set.",
    )

    def __attrs_post_init__(self) -> None:
        if self.jwks_url is not None and None in (self.jwt_issuer, self.jwt_audience):
            raise SettingsError(
                "ALBUMCORE_JWKS_URL",
                "ALBUMCORE_JWT_ISSUER and ALBUMCORE_JWT_AUDIENCE beside it: without them, "
                "a token that the provider made for another service would be accepted",
            )

    @property
    def root(self) -> str:
        """Where clients reach the service, without a slash at its end."""
        return self.public_url or f"http://{self.bind}"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], **overrides: object) -> Self:
        """Read the settings from ``environ``; an override, such as a command line option, wins.

        A variable that is empty or blank counts as not set, and so does an override that is None.

        Raises:
            SettingsError: a value is bad; see the class.
        """
        given = {name: value for name, value in overrides.items() if value is not None}
        read: dict[str, Any] = {
            name: environ[row.variable]
            for name, row in _rows().items()
            if environ.get(row.variable, "").strip()
        }
        return cls(**(read | given))


def _rows() -> dict[str, _Row]:
    return {field.name: field.metadata[_Row] for field in attrs.fields(Settings)}


def settings_table() -> str:
    """Return the settings as a Markdown table, one row each, in the order of `Settings`."""
    lines = ["| Variable | Value | Default | Meaning |", "| --- | --- | --- | --- |"]
    for field in attrs.fields(Settings):
        row: _Row = field.metadata[_Row]
        default = "not set" if field.default is None else f"`{_shown(field.default)}`"
        lines.append(f"| `{row.variable}` | {row.kind.expected} | {default} | {row.help} |")
    return "\n".join(lines) + "\n"


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    return f"./{default}" if isinstance(default, Path) else str(default)


def settings_page() -> str:
    """Return the whole reference page of the settings, in Markdown."""
    return _PAGE.format(table=settings_table())


_PAGE = """\
# Settings

Settings are read from the environment when the service or a command starts.
An option of the command line wins over its variable.
A variable that is empty or blank counts as not set.
A bad value stops the start, with a message that names the variable and what it accepts.

{table}
`ALBUMCORE_JWKS_URL` needs `ALBUMCORE_JWT_ISSUER` and `ALBUMCORE_JWT_AUDIENCE` beside it.
Otherwise a token that the identity provider made for another service would be accepted.

This page is generated: `python -m adapters.settings > docs/reference/settings.md`.
"""


if __name__ == "__main__":
    sys.stdout.write(settings_page())
