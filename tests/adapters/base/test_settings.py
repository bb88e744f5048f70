"""The settings: read from an environment, checked, and documented."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest

from albumcore_adapters.base.setting_declarations import SettingsError
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.base.settings_page import settings_page, settings_table

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "settings.md"

PROVIDER = {
    "ALBUMCORE_JWKS_URL": "https://login.example/jwks?realm=a",
    "ALBUMCORE_JWT_ISSUER": "https://login.example",
    "ALBUMCORE_JWT_AUDIENCE": "albums",
}


def test_settings_from_an_empty_environment() -> None:
    """Without any variable, every setting has its documented default."""
    assert Settings.from_environment({}) == Settings()
    assert attrs.asdict(Settings()) == {
        "data": Path("albumcore-data"),
        "blobs": None,
        "compat": "documented",
        "max_upload": 33_554_432,
        "max_instance": 2_147_483_648,
        "bind": "127.0.0.1:8000",
        "workers": 2,
        "max_waiting": 64,
        "jwt_issuer": None,
        "jwt_audience": None,
        "jwks_url": None,
        "jwt_leeway": 60,
        "busy_seconds": 30,
        "restore_within": 30,
        "snapshot_every": 500,
        "cache_size": 256,
        "log_level": "info",
        "allow_private_addresses": False,
        "kheops_prefix": None,
        "require_verified_email": False,
        "user_search": "shared",
        "public_url": None,
        "database": None,
        "secret_file": None,
        "max_inflated": 67_108_864,
        "enforce_download": None,
        "decoders": 1,
        "decoder_memory": 1024**3,
        "decoder_seconds": 30,
        "trusted_proxies": None,
        "pacs_url": None,
        "pacs_auth_file": None,
        "pacs_seconds": 30,
        "keep_at_least": None,
        "ohif": None,
        "ohif_url": None,
        "oidc_client_id": None,
        "oidc_client_secret_file": None,
    }


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("ALBUMCORE_DATA", "/srv/albums", "data", Path("/srv/albums")),
        ("ALBUMCORE_BLOBS", "s3://images", "blobs", "s3://images"),
        ("ALBUMCORE_BLOBS", "s3://a.b-c/of/My_albums", "blobs", "s3://a.b-c/of/My_albums"),
        ("ALBUMCORE_BLOBS", "file:///srv/images", "blobs", "file:///srv/images"),
        ("ALBUMCORE_DATABASE", "postgresql:///albums", "database", "postgresql:///albums"),
        ("ALBUMCORE_DATABASE", "postgres://u:p@h:5/d?a=b", "database", "postgres://u:p@h:5/d?a=b"),
        ("ALBUMCORE_DATABASE", "postgres://u@h/d?a=b@c", "database", "postgres://u@h/d?a=b@c"),
        ("ALBUMCORE_SECRET_FILE", "/run/secret", "secret_file", Path("/run/secret")),
        ("ALBUMCORE_COMPAT", "Upstream", "compat", "upstream"),
        ("ALBUMCORE_MAX_UPLOAD", "4096", "max_upload", 4096),
        ("ALBUMCORE_MAX_UPLOAD", "64KiB", "max_upload", 65_536),
        ("ALBUMCORE_MAX_UPLOAD", "5 MiB", "max_upload", 5_242_880),
        ("ALBUMCORE_MAX_UPLOAD", "1024MiB", "max_upload", 1_073_741_824),
        ("ALBUMCORE_BIND", "[::1]:0", "bind", "[::1]:0"),
        ("ALBUMCORE_BIND", "album_server:65535", "bind", "album_server:65535"),
        ("ALBUMCORE_WORKERS", " 8 ", "workers", 8),
        ("ALBUMCORE_MAX_WAITING", "10000", "max_waiting", 10_000),
        ("ALBUMCORE_JWT_ISSUER", "https://login.example", "jwt_issuer", "https://login.example"),
        ("ALBUMCORE_JWT_AUDIENCE", "albums", "jwt_audience", "albums"),
        ("ALBUMCORE_JWT_LEEWAY", "0", "jwt_leeway", 0),
        ("ALBUMCORE_BUSY_SECONDS", "1", "busy_seconds", 1),
        ("ALBUMCORE_SNAPSHOT_EVERY", "1", "snapshot_every", 1),
        ("ALBUMCORE_CACHE", "1000000", "cache_size", 1_000_000),
        ("ALBUMCORE_LOG_LEVEL", "DEBUG", "log_level", "debug"),
        ("ALBUMCORE_ALLOW_PRIVATE_ADDRESSES", "True", "allow_private_addresses", True),
        ("ALBUMCORE_ALLOW_PRIVATE_ADDRESSES", "false", "allow_private_addresses", False),
        ("ALBUMCORE_KHEOPS_PREFIX", "/api", "kheops_prefix", "/api"),
        ("ALBUMCORE_KHEOPS_PREFIX", "/a-b_c~/..v1.x", "kheops_prefix", "/a-b_c~/..v1.x"),
        ("ALBUMCORE_KHEOPS_PREFIX", "/tscharts2/healthz", "kheops_prefix", "/tscharts2/healthz"),
        ("ALBUMCORE_REQUIRE_VERIFIED_EMAIL", "True", "require_verified_email", True),
        ("ALBUMCORE_USER_SEARCH", "ALL", "user_search", "all"),
        ("ALBUMCORE_PUBLIC_URL", "https://pacs.example", "public_url", "https://pacs.example"),
        ("ALBUMCORE_PUBLIC_URL", "http://[::1]:8/a/b", "public_url", "http://[::1]:8/a/b"),
        ("ALBUMCORE_MAX_INFLATED", "1MiB", "max_inflated", 1_048_576),
        ("ALBUMCORE_TRUSTED_PROXIES", "::1", "trusted_proxies", "::1"),
        ("ALBUMCORE_KEEP_AT_LEAST", "albums=1d", "keep_at_least", "albums=1d"),
        (
            "ALBUMCORE_TRUSTED_PROXIES",
            "127.0.0.1, 10.0.0.0/24",
            "trusted_proxies",
            "127.0.0.1/32,10.0.0.0/24",
        ),
    ],
)
def test_settings_from_a_variable(variable: str, text: str, name: str, value: Any) -> None:
    """Each variable sets its own setting, and no other one."""
    assert Settings.from_environment({variable: text}) == Settings(**{name: value})


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("ALBUMCORE_BLOBS", "/srv/images"),
        ("ALBUMCORE_BLOBS", "s3://"),
        ("ALBUMCORE_BLOBS", "s3://Images"),
        ("ALBUMCORE_BLOBS", "s3://images/"),
        ("ALBUMCORE_BLOBS", "s3://images/a/../b"),
        ("ALBUMCORE_BLOBS", "s3://images/a?versionId=1"),
        ("ALBUMCORE_BLOBS", "s3://images/a*b"),
        ("ALBUMCORE_BLOBS", "s3://key:secret@images/a"),
        ("ALBUMCORE_BLOBS", "file://server/images"),
        ("ALBUMCORE_BLOBS", "file:///"),
        ("ALBUMCORE_BLOBS", "file:///srv/images?a"),
        ("ALBUMCORE_BLOBS", "file:///srv/x%00y"),
        ("ALBUMCORE_COMPAT", "kheops"),
        ("ALBUMCORE_MAX_UPLOAD", "0"),
        ("ALBUMCORE_MAX_UPLOAD", "1025MiB"),
        ("ALBUMCORE_MAX_UPLOAD", "32MB"),
        ("ALBUMCORE_MAX_UPLOAD", "1.5MiB"),
        ("ALBUMCORE_TRUSTED_PROXIES", "proxy.example"),
        ("ALBUMCORE_TRUSTED_PROXIES", "127.0.0.1,"),
        ("ALBUMCORE_TRUSTED_PROXIES", "10.0.0.1/24"),
        ("ALBUMCORE_BIND", "8000"),
        ("ALBUMCORE_BIND", "unix:1234"),
        ("ALBUMCORE_BIND", ":8000"),
        ("ALBUMCORE_BIND", "::1:8000"),
        ("ALBUMCORE_BIND", "127.0.0.1:65536"),
        ("ALBUMCORE_WORKERS", "0"),
        ("ALBUMCORE_MAX_WAITING", "0"),
        ("ALBUMCORE_WORKERS", "257"),
        ("ALBUMCORE_WORKERS", "-1"),
        ("ALBUMCORE_WORKERS", "two"),
        ("ALBUMCORE_WORKERS", "٢"),
        ("ALBUMCORE_WORKERS", "1" + "0" * 5000),
        ("ALBUMCORE_JWT_ISSUER", "a\udcffb"),
        ("ALBUMCORE_JWT_LEEWAY", "3601"),
        ("ALBUMCORE_SNAPSHOT_EVERY", "0"),
        ("ALBUMCORE_CACHE", "0"),
        ("ALBUMCORE_LOG_LEVEL", "loud"),
        ("ALBUMCORE_ALLOW_PRIVATE_ADDRESSES", "1"),
        ("ALBUMCORE_ALLOW_PRIVATE_ADDRESSES", "yes"),
        ("ALBUMCORE_KHEOPS_PREFIX", "api"),
        ("ALBUMCORE_KHEOPS_PREFIX", "/"),
        ("ALBUMCORE_KHEOPS_PREFIX", "/api/"),
        ("ALBUMCORE_KHEOPS_PREFIX", "/a//b"),
        ("ALBUMCORE_KHEOPS_PREFIX", "/{album}"),
        ("ALBUMCORE_KHEOPS_PREFIX", "/a/../b"),
        ("ALBUMCORE_KHEOPS_PREFIX", "/."),
        ("ALBUMCORE_KHEOPS_PREFIX", "/tscharts"),
        ("ALBUMCORE_KHEOPS_PREFIX", "/healthz/a"),
        ("ALBUMCORE_KHEOPS_PREFIX", "/openapi.json"),
        ("ALBUMCORE_PUBLIC_URL", "pacs.example"),
        ("ALBUMCORE_PUBLIC_URL", "ftp://pacs.example"),
        ("ALBUMCORE_PUBLIC_URL", "https://pacs.example/"),
        ("ALBUMCORE_PUBLIC_URL", "https://pacs.example/a/"),
        ("ALBUMCORE_PUBLIC_URL", "https://pacs.example?"),
        ("ALBUMCORE_PUBLIC_URL", "https://pacs.example/a#b"),
        ("ALBUMCORE_PUBLIC_URL", "https://user@pacs.example"),
        ("ALBUMCORE_PUBLIC_URL", "https:///a"),
        ("ALBUMCORE_OHIF_URL", "viewer.example"),
        ("ALBUMCORE_OHIF_URL", "https://viewer.example/"),
        ("ALBUMCORE_OHIF_URL", "https://viewer.example/ohif"),
        ("ALBUMCORE_OHIF_URL", "https://viewer.example?a"),
        ("ALBUMCORE_OHIF_URL", "https://user@viewer.example"),
    ],
)
def test_settings_from_a_bad_variable(variable: str, text: str) -> None:
    """The error names the variable and what the reference page says it accepts."""
    with pytest.raises(SettingsError, match=f"^{variable}: expected ") as refused:
        Settings.from_environment({variable: text})
    assert refused.value.variable == variable
    assert f"{refused.value.expected} " in settings_table()


@pytest.mark.parametrize(
    ("main", "own", "is_accepted"),
    [
        ("https://albums.example", "https://Viewer.Example", True),
        ("https://albums.example/a", "https://viewer.example:8443", True),
        (None, "http://localhost:8000", True),
        ("https://albums.example", "https://albums.example", False),
        ("https://albums.example", "https://ALBUMS.example", False),
        ("https://albums.example", "https://albums.example:8443", False),
        ("https://albums.example", "http://viewer.example", False),
        (None, "http://127.0.0.1:9000", False),
    ],
)
def test_the_viewer_has_a_host_name_of_its_own(
    main: str | None, own: str, is_accepted: bool
) -> None:
    """Another port alone does not do: cookies do not tell ports apart. Nor does it without the viewer's files."""
    given: dict[str, Any] = {"public_url": main, "ohif_url": own}
    if is_accepted:
        assert Settings(**given, ohif=Path("dist")).ohif_url == own.lower()
    else:
        with pytest.raises(SettingsError, match=r"^ALBUMCORE_OHIF_URL: expected ALBUMCORE_OHIF "):
            Settings(**given, ohif=Path("dist"))
    with pytest.raises(SettingsError, match=r"^ALBUMCORE_OHIF_URL"):
        Settings(**given)


@pytest.mark.parametrize(
    "url",
    [
        "albums.sqlite",
        "mysql://u:hunter2@h/d",
        "postgres:u:hunter2@h/d",
        "postgres://u:hunter2 @h",
        "postgresql://u:p@hunter2@localhost/d",
    ],
)
def test_settings_from_a_bad_database_address(url: str) -> None:
    """Only PostgreSQL addresses are accepted, and no address is quoted: it may contain a password."""
    with pytest.raises(SettingsError, match=r"^ALBUMCORE_DATABASE: expected an address") as refused:
        Settings.from_environment({"ALBUMCORE_DATABASE": url})
    assert "hunter2" not in str(refused.value)
    assert "hunter2" not in repr(Settings(database="postgresql://u:hunter2@h/d"))


@pytest.mark.parametrize(
    "url",
    [
        "login.example/jwks",
        "ftp://login.example/jwks",
        "https:///jwks",
        "https://user:password@login.example/jwks",
        "https://login.example:none/jwks",
        "https://login.example/a jwks",
        "https://[login",
    ],
)
def test_settings_from_a_bad_jwks_address(url: str) -> None:
    """A JWKS address is http or https without a password, and is never quoted."""
    with pytest.raises(
        SettingsError, match=r"^ALBUMCORE_JWKS_URL: expected an `http` or"
    ) as refused:
        Settings.from_environment(PROVIDER | {"ALBUMCORE_JWKS_URL": url})
    assert "password" not in str(refused.value)


def test_settings_with_an_identity_provider() -> None:
    """Address, issuer and audience together are accepted."""
    settings = Settings.from_environment(PROVIDER)
    assert settings.jwks_url == PROVIDER["ALBUMCORE_JWKS_URL"]
    assert (settings.jwt_issuer, settings.jwt_audience) == ("https://login.example", "albums")


@pytest.mark.parametrize("missing", ["ALBUMCORE_JWT_ISSUER", "ALBUMCORE_JWT_AUDIENCE"])
def test_settings_with_a_provider_that_is_half_configured(missing: str) -> None:
    """A JWKS address without issuer or audience is refused: it would accept tokens for other services."""
    with pytest.raises(SettingsError, match="made for another service") as refused:
        Settings.from_environment({**PROVIDER, missing: ""})
    assert refused.value.variable == "ALBUMCORE_JWKS_URL"


def test_settings_from_blank_variables() -> None:
    """A variable that is empty or blank counts as not set."""
    environ = {"ALBUMCORE_DATA": "", "ALBUMCORE_WORKERS": "  ", "ALBUMCORE_JWT_ISSUER": ""}
    assert Settings.from_environment(environ) == Settings()


def test_settings_with_overrides() -> None:
    """An override wins over the environment unless it is None, and may be text or a value."""
    environ = {"ALBUMCORE_WORKERS": "4", "ALBUMCORE_BIND": "0.0.0.0:80"}
    settings = Settings.from_environment(environ, workers=6, bind=None, max_upload="1KiB")
    assert settings == Settings(workers=6, bind="0.0.0.0:80", max_upload=1024)


@pytest.mark.parametrize("override", [{"workers": 0}, {"workers": True}, {"workers": 2.0}])
def test_settings_with_a_bad_override(override: dict[str, Any]) -> None:
    """An override is checked like a variable."""
    with pytest.raises(SettingsError, match=r"^ALBUMCORE_WORKERS: expected"):
        Settings.from_environment({}, **override)


def test_settings_root() -> None:
    """The root address is the public address, or else the address the service listens at."""
    assert Settings(bind="[::1]:80").root == "http://[::1]:80"
    assert Settings(public_url="https://pacs.example/kheops").root == "https://pacs.example/kheops"


@pytest.mark.parametrize(("name", "bad"), [("data", None), ("data", ""), ("log_level", None)])
def test_settings_that_lack_a_value(name: str, bad: Any) -> None:
    """Only the settings that are optional can be None, and no path is empty."""
    with pytest.raises(SettingsError):
        Settings(**{name: bad})


def test_settings_with_an_unknown_override() -> None:
    """An unknown name is a TypeError."""
    with pytest.raises(TypeError):
        Settings.from_environment({}, wrokers=3)


def test_settings_table_has_a_row_for_each_setting() -> None:
    """The table names each variable once, in the order of the class, with its default."""
    rows = settings_table().splitlines()[2:]
    assert len(rows) == len(attrs.fields(Settings))
    assert rows[0].startswith("| `ALBUMCORE_DATA` | the path of a directory | `./albumcore-data` |")
    assert rows[2].split(" | ")[2] == "`33554432`"
    assert rows[6].split(" | ")[2] == "not set"
    assert rows[14].split(" | ")[2] == "`false`"


def test_settings_page_is_up_to_date() -> None:
    """The reference page is what `python -m albumcore_adapters.base.settings_page` prints; if not, run that again."""
    assert PAGE.read_text(encoding="utf-8") == settings_page()


def test_settings_module_run_as_a_program_prints_the_page() -> None:
    """The command that the page names makes the page."""
    printed = subprocess.run(
        [sys.executable, "-m", "albumcore_adapters.base.settings_page"],
        capture_output=True,
        check=True,
        text=True,
    )
    assert printed.stdout == settings_page()
