"""Every setting of the service: one declaration each, in `Settings`.

`python -m albumcore_adapters.base.settings_page` prints the reference page, which is generated from the declarations.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

import attrs
from attrs import frozen

from albumcore_adapters.base.setting_declarations import (
    SettingDeclaration,
    setting,
)
from albumcore_adapters.base.setting_declarations import (
    SettingsError as SettingsError,
)
from albumcore_adapters.base.setting_types import (
    BIND_ADDRESS,
    BLOBS_URL,
    BOOLEAN,
    DATABASE_URL,
    DIRECTORY_PATH,
    FILE_PATH,
    HTTP_URL,
    NETWORKS,
    ORIGIN_URL,
    PREFIX_PATH,
    PRINTABLE_TEXT,
    RETENTION,
    ROOT_URL,
    byte_size,
    choice,
    whole_number,
)

Compat = Literal["documented", "upstream"]
UserSearch = Literal["shared", "all", "off"]
LogLevel = Literal["debug", "info", "warning", "error"]


@frozen(kw_only=True)
class Settings:
    """Every setting of the service. Values are parsed and checked however an instance is made.

    Raises:
        SettingsError: a value is not accepted, or one is set without others that it needs.
    """

    data: Path = setting(
        "ALBUMCORE_DATA",
        DIRECTORY_PATH,
        Path("./albumcore-data"),
        "The data directory: the database, the image bytes and the generated secret.",
    )
    compat: Compat = setting(
        "ALBUMCORE_COMPAT",
        choice("documented", "upstream"),
        "documented",
        "Follow the documented APIs, or the deployed servers where the two differ.",
    )
    max_upload: int = setting(
        "ALBUMCORE_MAX_UPLOAD",
        byte_size(1024),
        32 * 1024 * 1024,
        "Largest body of an image upload; a larger one is answered 413. The other routes have limits "
        "of their own.",
    )
    bind: str = setting(
        "ALBUMCORE_BIND",
        BIND_ADDRESS,
        "127.0.0.1:8000",
        "Where to listen; port 0 takes any free one.",
    )
    workers: int = setting(
        "ALBUMCORE_WORKERS", whole_number(1, 256), 2, "Number of worker processes."
    )
    max_waiting: int = setting(
        "ALBUMCORE_MAX_WAITING",
        whole_number(1, 10_000),
        64,
        "Requests that each worker lets wait for events at a time, each in a thread, and half as many of one user; a "
        "further one is answered 503.",
    )
    jwt_issuer: str | None = setting(
        "ALBUMCORE_JWT_ISSUER",
        PRINTABLE_TEXT,
        None,
        "The `iss` that a JWT must have; `albumcore` when not set and no JWKS address is.",
    )
    jwt_audience: str | None = setting(
        "ALBUMCORE_JWT_AUDIENCE",
        PRINTABLE_TEXT,
        None,
        "The `aud` that a JWT must name; `albumcore` when not set and no JWKS address is.",
    )
    jwks_url: str | None = setting(
        "ALBUMCORE_JWKS_URL",
        HTTP_URL,
        None,
        "The identity provider's keys (RS256, ES256); without it, JWTs are signed with the "
        "generated secret (HS256).",
    )
    jwt_leeway: int = setting(
        "ALBUMCORE_JWT_LEEWAY",
        whole_number(0, 3600),
        60,
        "Seconds by which the clocks of issuer and service may differ.",
    )
    busy_seconds: int = setting(
        "ALBUMCORE_BUSY_SECONDS",
        whole_number(1, 3600),
        30,
        "Seconds that a request waits for the write lock of the database before it is answered 503.",
    )
    snapshot_every: int = setting(
        "ALBUMCORE_SNAPSHOT_EVERY",
        whole_number(1, 1_000_000),
        500,
        "Number of events in a stream between two snapshots.",
    )
    cache_size: int = setting(
        "ALBUMCORE_CACHE",
        whole_number(1, 1_000_000),
        256,
        "Number of albums and image sets that each worker keeps in memory.",
    )
    log_level: LogLevel = setting(
        "ALBUMCORE_LOG_LEVEL",
        choice("debug", "info", "warning", "error"),
        "info",
        "Least severe messages that are logged.",
    )
    allow_private_addresses: bool = setting(
        "ALBUMCORE_ALLOW_PRIVATE_ADDRESSES",
        BOOLEAN,
        False,
        "Allow report providers and webhooks at private and loopback addresses, for tests and "
        "closed networks.",
    )
    kheops_prefix: str | None = setting(
        "ALBUMCORE_KHEOPS_PREFIX",
        PREFIX_PATH,
        None,
        "A prefix under which the routes of the Kheops API are available as well.",
    )
    require_verified_email: bool = setting(
        "ALBUMCORE_REQUIRE_VERIFIED_EMAIL",
        BOOLEAN,
        False,
        "Use the e-mail address of a JWT only where the claim `email_verified` is present and true; otherwise also "
        "where it is missing.",
    )
    user_search: UserSearch = setting(
        "ALBUMCORE_USER_SEARCH",
        choice("shared", "all", "off"),
        "shared",
        "Whom `GET /users?search=` searches where it names no album and no study: the users who share an album or a "
        "study with the caller, all registered users, or none.",
    )
    public_url: str | None = setting(
        "ALBUMCORE_PUBLIC_URL",
        ROOT_URL,
        None,
        "Where clients reach the service: the issuer of the tokens it makes for report providers, "
        "the `host` of webhooks and the base of RetrieveURL; `http://` and ALBUMCORE_BIND when "
        "not set.",
    )
    blobs: str | None = setting(
        "ALBUMCORE_BLOBS",
        BLOBS_URL,
        None,
        "Where the image bytes are stored; in `blobs` of the data directory when not set. S3 is configured by "
        "the usual `AWS_*` variables, and needs the extra `s3`.",
    )
    database: str | None = setting(
        "ALBUMCORE_DATABASE",
        DATABASE_URL,
        None,
        "The PostgreSQL database, which stores everything but the image bytes; an SQLite file in the data directory "
        "when not set. It needs the extra `postgres`, and several machines may share it.",
        is_shown=False,
    )
    secret_file: Path | None = setting(
        "ALBUMCORE_SECRET_FILE",
        FILE_PATH,
        None,
        "A file of 32 random bytes that only its owner can read; tokens are signed and verified with keys derived from "
        "it. Machines that share a database need the same one. It is generated in the data directory when not set.",
    )
    restore_within: int = setting(
        "ALBUMCORE_RESTORE_WITHIN",
        whole_number(0, 36500),
        30,
        "Days for which a removed image or a deleted patient can be restored; 0 for never. The data of a deleted "
        "patient are deleted for good after that time.",
    )
    max_inflated: int = setting(
        "ALBUMCORE_MAX_INFLATED",
        byte_size(1024),
        64 * 1024 * 1024,
        "How much larger than its file a deflated DICOM data set may be to be read.",
    )
    decoders: int = setting(
        "ALBUMCORE_DECODERS",
        whole_number(1, 64),
        1,
        "Number of processes in which each worker reads DICOM headers and decodes frames.",
    )
    decoder_memory: int = setting(
        "ALBUMCORE_DECODER_MEMORY",
        byte_size(256 * 1024),
        1024 * 1024 * 1024,
        "Address space of such a process, of which some 200 MiB are used before the first frame; an instance that "
        "needs more is not decoded.",
    )
    decoder_seconds: int = setting(
        "ALBUMCORE_DECODER_SECONDS",
        whole_number(1, 3600),
        30,
        "Seconds after which such a process is ended, and its instance is not decoded.",
    )
    max_instance: int = setting(
        "ALBUMCORE_MAX_INSTANCE",
        byte_size(64 * 1024),
        2 * 1024 * 1024 * 1024,
        "Largest DICOM instance that is stored; a larger one is refused, and the others of its message are stored. "
        "A message as a whole may have any length.",
    )
    pacs_url: str | None = setting(
        "ALBUMCORE_PACS_URL",
        ROOT_URL,
        None,
        "The root of the DICOMweb services of an existing archive, which stores the DICOM instances then; it may be at "
        "a private address. When not set, they are stored as the image bytes are.",
    )
    pacs_auth_file: Path | None = setting(
        "ALBUMCORE_PACS_AUTH_FILE",
        FILE_PATH,
        None,
        "A file that only its owner can read, with one line: `USER:PASSWORD`, or the value of `Authorization`, such as "
        "`Bearer TOKEN`. It is sent to the archive.",
    )
    pacs_seconds: int = setting(
        "ALBUMCORE_PACS_SECONDS",
        whole_number(1, 3600),
        30,
        "Seconds in which the archive must answer a request, and one more for each 64 KiB of it; otherwise the client "
        "gets 504.",
    )
    trusted_proxies: str | None = setting(
        "ALBUMCORE_TRUSTED_PROXIES",
        NETWORKS,
        None,
        "The proxies whose `X-Forwarded-For` is trusted where failed logins are counted and logged; when not set, all "
        "clients of a proxy share its address.",
    )
    enforce_download: bool | None = setting(
        "ALBUMCORE_ENFORCE_DOWNLOAD",
        BOOLEAN,
        None,
        "Whether DICOM files and zip archives are given only to those who may download; others view rendered images, "
        "frames and metadata. When not set: true, and false with `ALBUMCORE_COMPAT=upstream`.",
    )
    keep_at_least: str | None = setting(
        "ALBUMCORE_KEEP_AT_LEAST",
        RETENTION,
        None,
        "How many years (`y`) or days (`d`) images of patients, comments on studies, albums, and DICOM images must be "
        "stored before `albumcore erase` erases them; `--basis` names a legal basis for doing it earlier.",
    )

    ohif: Path | None = setting(
        "ALBUMCORE_OHIF",
        DIRECTORY_PATH,
        None,
        "A directory with the published files of the viewer OHIF 3, which are served at `/ohif/`; without it, the "
        "pages do not offer it.",
    )
    ohif_url: str | None = setting(
        *("ALBUMCORE_OHIF_URL", ORIGIN_URL, None),
        "An origin of its own for OHIF, which is served there and not beside the pages: what is wrong in the viewer "
        "cannot act as its reader then. It has another host name than ALBUMCORE_PUBLIC_URL, and leads to the same "
        "service.",
    )
    oidc_client_id: str | None = setting(
        *("ALBUMCORE_OIDC_CLIENT_ID", PRINTABLE_TEXT, None),
        "The id of this service as a client of the identity provider: users sign in to the pages with OpenID Connect. "
        "Its redirect URI is `/ui/sign-in/answer` below the public address.",
    )
    oidc_client_secret_file: Path | None = setting(
        *("ALBUMCORE_OIDC_CLIENT_SECRET_FILE", FILE_PATH, None),
        "A file that only its owner can read, with one line: its secret. Without it the client is a public one.",
    )

    def __attrs_post_init__(self) -> None:
        if self.jwks_url is not None and None in (self.jwt_issuer, self.jwt_audience):
            raise SettingsError(
                "ALBUMCORE_JWKS_URL",
                "ALBUMCORE_JWT_ISSUER and ALBUMCORE_JWT_AUDIENCE beside it: without them, "
                "a token that the provider made for another service would be accepted",
            )
        is_address = (self.jwt_issuer or "").startswith(("https://", "http://"))
        if self.oidc_client_id is not None and (self.jwks_url is None or not is_address):
            raise SettingsError(
                "ALBUMCORE_OIDC_CLIENT_ID",
                "ALBUMCORE_JWKS_URL beside it, and as ALBUMCORE_JWT_ISSUER the address of the provider",
            )
        if self.ohif_url is not None:
            own, main = urlsplit(self.ohif_url), urlsplit(self.root.lower())
            # Cookies are of a host name, whatever the port, and those of https are not sent over http.
            is_apart = own.hostname != main.hostname and own.scheme == main.scheme
            if self.ohif is None or not is_apart:
                raise SettingsError(
                    "ALBUMCORE_OHIF_URL",
                    "ALBUMCORE_OHIF beside it, and another host name than that of ALBUMCORE_PUBLIC_URL, with the "
                    "same scheme",
                )

    def restorable_since(self, now: datetime) -> datetime:
        """The time since which what was removed or deleted can be restored now."""
        return now - timedelta(days=self.restore_within)

    @property
    def enforces_download(self) -> bool:
        """Whether DICOM files and zip archives are given only to those who may download."""
        if self.enforce_download is None:
            return self.compat == "documented"
        return self.enforce_download

    @property
    def root(self) -> str:
        """The address at which clients reach the service, without a trailing slash."""
        return self.public_url or f"http://{self.bind}"

    @property
    def api_url(self) -> str:
        """The address of the Kheops API, without a trailing slash: the root, and the prefix if there is one."""
        return self.root + (self.kheops_prefix or "")

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], **overrides: object) -> Self:
        """Read the settings from environment variables; overrides, such as command line options, take precedence.

        A variable that is empty or blank counts as not set, and so does an override that is None.

        Args:
            environ: The environment variables.
            overrides: Values by the name of the attribute.

        Raises:
            SettingsError: as for the class.
        """
        given = {name: value for name, value in overrides.items() if value is not None}
        read: dict[str, Any] = {
            name: environ[declaration.variable]
            for name, declaration in declarations().items()
            if environ.get(declaration.variable, "").strip()
        }
        return cls(**(read | given))


def declarations() -> dict[str, SettingDeclaration]:
    """The declaration of each setting, by the name of its attribute, in their order."""
    return {field.name: field.metadata[SettingDeclaration] for field in attrs.fields(Settings)}
