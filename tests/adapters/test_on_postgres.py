"""The service on PostgreSQL: what the settings name is opened, the commands work on it, and no password is told."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from falcon import testing
from psycopg.conninfo import conninfo_to_dict

from albumcore import Source, album_stream, create_album, utc_now
from albumcore.ids import AlbumId, SeriesUID, StudyUID, UserId
from albumcore_adapters import cli
from albumcore_adapters.base.secret import SECRET_BYTES
from albumcore_adapters.base.setting_declarations import SettingsError
from albumcore_adapters.base.settings import Settings
from albumcore_adapters.http.app import create_app
from albumcore_adapters.identity.jwt import issue_token
from albumcore_adapters.service import open_service
from albumcore_adapters.sql import postgres_server as postgres_server_seen
from albumcore_adapters.store import StoreDamaged, StoreFull, database_of
from albumcore_adapters.store.configured import NoStore
from albumcore_adapters.verification import Verified, verify
from support.postgres import PostgresServer, empty_database, postgres_server

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
    with closing(open_service(machines[0])) as one, closing(open_service(machines[1])) as two:
        alice = one.people.register("alice", "alice@clinic.example", "Alice")
        one.albums.handle(album_stream(ALBUM), create_album, Source(alice.id), "Knees")
        assert two.people.with_sub("alice") == alice
        assert two.albums.load(album_stream(ALBUM)).name == "Knees"
        token = issue_token(one.secret, "alice", None, None, 60, utc_now())
        assert two.auth.verifier.verify(token).sub == "alice"
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
    with closing(open_service(Settings(data=tmp_path, database=url))) as service:
        service.albums.handle(album_stream(ALBUM), create_album, Source(UserId("alice")), "Knees")
        with database_of(service.albums).transaction(commit=True) as cursor:
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
        open_service(settings, must_exist=must_exist)
    assert PASSWORD not in str(refused.value)


def test_without_the_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra that brings it is named."""
    for name in ("postgres", "postgres_pool", "postgres_cursor"):
        monkeypatch.delitem(sys.modules, f"albumcore_adapters.store.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(SettingsError, match=r"albumcore\[postgres\]"):
        open_service(Settings(data=tmp_path, database="postgresql:///albums"))


def test_a_database_without_a_store(url: str, tmp_path: Path) -> None:
    """Nothing is made where one was to be there."""
    with pytest.raises(NoStore, match="there is no store in the database"):
        open_service(Settings(data=tmp_path / "new", database=url), must_exist=True)
    assert not (tmp_path / "new").exists()


# The database's own check


def _verified(url: str, tmp_path: Path) -> Verified:
    return verify(Settings(data=tmp_path, database=url))


def _server_of(url: str) -> tuple[PostgresServer, str]:
    """The server of a database, and the name of that."""
    return postgres_server(), str(conninfo_to_dict(url)["dbname"])


def _lose_an_entry(url: str, tmp_path: Path) -> None:
    """Let a lookup of the directory lack the entry of a row."""
    server, name = _server_of(url)
    switch = (
        "UPDATE pg_index SET indisready = {} WHERE indexrelid = 'directory_inbox_study'::regclass"
    )
    with closing(open_service(Settings(data=tmp_path, database=url))) as service:
        alice = service.people.register("alice").id
        service.catalogue.add_placeholder(StudyUID("1.2"), SeriesUID("1.2.3"))
        server.execute(switch.format("false"), name)
        service.inbox.add(alice, StudyUID("1.2"), [SeriesUID("1.2.3")])
        server.execute(switch.format("true"), name)


def test_index_that_lacks_an_entry(url: str, tmp_path: Path) -> None:
    """It is found with amcheck, of which nothing is left where it was not installed."""
    with closing(open_service(Settings(data=tmp_path, database=url))):
        pass
    assert _verified(url, tmp_path) == Verified([], 0)
    _lose_an_entry(url, tmp_path)
    found = _verified(url, tmp_path)
    assert [line.partition(": heap")[0] for line in found.problems] == [
        "database: directory_inbox_study"
    ]
    assert found.left_out == []
    server, name = _server_of(url)
    looked = "SELECT count(*)::int FROM pg_extension WHERE extname = 'amcheck'"
    assert server.execute(looked, name) == [(0,)]


def test_amcheck_in_a_schema_of_its_own(url: str, tmp_path: Path) -> None:
    """It is found where it is installed, although our search path does not lead there."""
    server, name = _server_of(url)
    server.execute('CREATE SCHEMA "Its tools"', name)
    server.execute('CREATE EXTENSION amcheck SCHEMA "Its tools"', name)
    _lose_an_entry(url, tmp_path)
    assert len(_verified(url, tmp_path).problems) == 1


def test_an_index_may_take_long(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is checked by one statement, which takes as long as it takes."""
    with closing(open_service(Settings(data=tmp_path, database=url))):
        pass
    server, name = _server_of(url)
    server.execute("CREATE EXTENSION amcheck", name)
    server.execute(
        "CREATE OR REPLACE FUNCTION bt_index_check(index regclass, heapallindexed boolean) RETURNS void "
        "LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep("
        "CASE WHEN index = 'image_row_pkey'::regclass THEN 1 ELSE 0 END); END $$",
        name,
    )
    monkeypatch.setattr(postgres_server_seen, "STATEMENT_SECONDS", -29.5)
    assert _verified(url, tmp_path) == Verified([], 0)


def test_verify_without_amcheck(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A user who may not have it is told what was not checked; everything else is."""
    server, name = _server_of(url)
    server.execute("CREATE ROLE unprivileged LOGIN")
    try:
        server.execute("GRANT USAGE, CREATE ON SCHEMA public TO unprivileged", name)
        monkeypatch.setenv("ALBUMCORE_DATABASE", server.url(name, "unprivileged"))
        with closing(open_service(Settings.from_environment(os.environ, data=tmp_path))):
            pass
        monkeypatch.setattr(sys, "argv", ["albumcore", "verify", "--data", str(tmp_path)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert not ended.value.code
        told = capsys.readouterr().out
        assert told.startswith("the indexes of PostgreSQL were not checked")
        assert "permission denied" in told
        assert told.endswith("agree with them\n")
    finally:
        server.execute("DROP OWNED BY unprivileged", name)
        server.execute("DROP ROLE unprivileged")


@pytest.mark.parametrize(
    ("sqlstate", "kind", "status"),
    [
        ("53100", StoreFull, 200),
        ("XX001", StoreDamaged, 503),
        ("XX002", StoreDamaged, 503),
    ],
)
def test_faults_by_their_sqlstate(
    url: str, tmp_path: Path, sqlstate: str, kind: type[Exception], status: int
) -> None:
    """A full disk passes; damage does not, and the process says so of its health from then on."""
    with closing(open_service(Settings(data=tmp_path, database=url))) as service:
        raising = f"DO $$ BEGIN RAISE EXCEPTION 'so it is' USING ERRCODE = '{sqlstate}'; END $$"
        with (
            pytest.raises(kind, match="so it is"),
            service.database.transaction(commit=True) as cursor,
        ):
            cursor.execute(raising)
        health = testing.TestClient(create_app(service)).simulate_get("/healthz")
        assert health.status_code == status
