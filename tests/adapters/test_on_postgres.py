"""The service on PostgreSQL: what the settings name is opened, the commands work on it, and no password is told."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from adapters import cli
from adapters.deployment import NoStore, open_deployment
from adapters.http.auth import issue_token
from adapters.secret import SECRET_BYTES
from adapters.settings import Settings, SettingsError
from adapters.store import database_of
from albumcore import Album, Source, album_stream, utc_now
from albumcore.ids import AlbumId, UserId
from support.postgres import empty_database

ALBUM = AlbumId("Q7bZ2mP0xT")
PASSWORD = "hunter2"


@pytest.fixture
def url() -> Iterator[str]:
    """The address of an empty database; the password in it is not asked for."""
    with empty_database() as made:
        yield made.replace("albumcore@", f"albumcore:{PASSWORD}@")


def test_machines_share_a_database_and_a_secret(url: str, tmp_path: Path) -> None:
    """What one does the others see, and a token of one is good at the others; nothing is kept in a file but that."""
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(range(SECRET_BYTES)))
    secret.chmod(0o600)
    machines = [
        Settings(data=tmp_path / name, database=url, secret_file=secret) for name in ("one", "two")
    ]
    with closing(open_deployment(machines[0])) as one, closing(open_deployment(machines[1])) as two:
        one.people.register("alice", "alice@clinic.example", "Alice")
        one.albums.handle(album_stream(ALBUM), Album.create, Source(UserId("alice")), "Knees")
        assert two.people.person("alice") == one.people.person("alice")
        assert two.albums.load(album_stream(ALBUM)).name == "Knees"
        token = issue_token(one.secret, "alice", None, None, 60, utc_now())
        assert two.verifier.verify(token).sub == "alice"
        assert PASSWORD not in repr(one)
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["blobs"]


def test_commands_work_on_it(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A database without a store is no empty store; what differs is named, and a rebuild mends it."""
    monkeypatch.setenv("ALBUMCORE_DATABASE", url)
    monkeypatch.setenv("ALBUMCORE_DATA", str(tmp_path))

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["albumcore", *arguments])
        try:
            cli.main()
        except SystemExit as ended:
            return int(ended.code or 0), "".join(capsys.readouterr())
        return 0, "".join(capsys.readouterr())

    assert run("verify")[0] == 2
    token = ("token", "--sub", "alice", "--email", "alice@clinic.example", "--name", "Alice")
    status, told = run(*token)
    assert (status, "to make one, add --create" in told) == (2, True)
    assert run(*token, "--create")[0] == 0
    with closing(open_deployment(Settings(data=tmp_path, database=url))) as deployment:
        deployment.albums.handle(
            album_stream(ALBUM), Album.create, Source(UserId("alice")), "Knees"
        )
        with database_of(deployment.albums).transaction(commit=True) as cursor:
            cursor.execute("UPDATE member_row SET is_admin = 0")
    status, told = run("verify")
    assert (status, "2 things differ" in told) == (1, True)
    assert run("rebuild") == (0, "index rows made again from 1 events\n")
    assert run("verify")[0] == 0
    monkeypatch.setenv("ALBUMCORE_DATABASE", url.replace("/test_", "/nowhere_"))
    status, told = run("verify")
    assert (status, "the database cannot be used" in told, PASSWORD in told) == (1, True, False)


@pytest.mark.parametrize("must_exist", [True, False])
def test_an_address_that_libpq_does_not_understand(tmp_path: Path, must_exist: bool) -> None:
    """It is not repeated."""
    settings = Settings(data=tmp_path, database=f"postgresql://u:{PASSWORD}@h/d?nonsense=1")
    with pytest.raises(SettingsError, match="ALBUMCORE_DATABASE") as refused:
        open_deployment(settings, must_exist=must_exist)
    assert PASSWORD not in str(refused.value)


def test_without_the_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra that brings it is named."""
    for name in ("postgres", "postgres_pool", "postgres_cursor"):
        monkeypatch.delitem(sys.modules, f"adapters.store.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(SettingsError, match=r"albumcore\[postgres\]"):
        open_deployment(Settings(data=tmp_path, database="postgresql:///albums"))


def test_a_database_without_a_store(url: str, tmp_path: Path) -> None:
    """Nothing is made where one was to be there."""
    with pytest.raises(NoStore, match="there is no store in the database"):
        open_deployment(Settings(data=tmp_path / "new", database=url), must_exist=True)
    assert not (tmp_path / "new").exists()
